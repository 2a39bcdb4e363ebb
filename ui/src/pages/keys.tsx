import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, type ApiKey } from '../api';
import { Badge, Confirm, Dialog, Empty, Field, ListView, Moment, PageHead, ProblemBox, Secret, Select, Table, useAct, useList, type Column } from '../parts/parts';
import { may, say, session } from '../state';
import { date, number, t, tn } from '../text/text';

const DAYS = ['0', '30', '90', '365'] as const;

function NewKey({ close }: { close: () => void }): JSX.Element {
  const [name, setName] = useState('');
  const [days, setDays] = useState<string>('365');
  const [scopes, setScopes] = useState<ReadonlySet<string>>(new Set());
  const [tried, setTried] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const { busy, problem, act } = useAct();
  // A key can have what its maker has, except what belongs to a session alone.
  const all = (session.value?.permissions ?? []).filter((p) => p !== 'session.self');
  if (made !== null)
    return (
      <Dialog title={t('keys.shown.title')} close={close} locked>
        <p>{t('keys.shown.text')}</p>
        <Secret label={t('keys.shown.label')} value={made} />
        <div class="dialog-acts">
          <button type="button" class="button strong" onClick={close}>
            {t('keys.shown.done')}
          </button>
        </div>
      </Dialog>
    );
  return (
    <Dialog title={t('keys.new.title')} close={close} locked={busy}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          setTried(true);
          if (scopes.size === 0) return;
          void act(async () => {
            const k = await api.createKey({ name: name.trim(), scopes: [...scopes], ...(days === '0' ? {} : { expires_in_days: Number(days) }) });
            setMade(k.key ?? '');
          });
        }}
      >
        <Field label={t('keys.new.name')} hint={t('keys.new.name.hint')} name="name" required maxLength={120} autocomplete="off" value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <Select label={t('keys.new.days')} value={days} options={DAYS.map((d) => [d, d === '0' ? t('keys.new.days.0') : t('keys.new.days.n', { n: number(Number(d)) })] as const)} change={setDays} />
        <fieldset class="field">
          <legend>{t('keys.new.scopes')}</legend>
          <div class="checks">
            {all.map((p) => (
              <label class="check" key={p}>
                <input
                  type="checkbox"
                  checked={scopes.has(p)}
                  onChange={(e) => {
                    const next = new Set(scopes);
                    if (e.currentTarget.checked) next.add(p);
                    else next.delete(p);
                    setScopes(next);
                  }}
                />
                <code>{p}</code>
              </label>
            ))}
          </div>
          {tried && scopes.size === 0 && (
            <p class="field-error" role="alert">
              {t('keys.new.scopes.none')}
            </p>
          )}
        </fieldset>
        {problem && <ProblemBox problem={problem} />}
        <div class="dialog-acts">
          <button type="button" class="button" disabled={busy} onClick={close}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="button strong" disabled={busy}>
            {t('keys.new.button')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function Keys(): JSX.Element {
  const list = useList((cursor) => api.keys(cursor), 'keys');
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const manage = may('keys.manage');
  const columns: Column<ApiKey>[] = [
    {
      head: t('keys.col.name'),
      cell: (k) => (
        <>
          <span class="strong-text">{k.name}</span>
          <span class="sub mono-text">{k.id}</span>
        </>
      ),
    },
    {
      head: t('keys.col.scopes'),
      cell: (k) => (
        <details class="inline-details">
          <summary>{tn('keys.scopes.n', k.scopes.length)}</summary>
          <ul class="chips">
            {k.scopes.map((s) => (
              <li class="chip quiet" key={s}>
                <code>{s}</code>
              </li>
            ))}
          </ul>
        </details>
      ),
    },
    { head: t('keys.col.created'), cell: (k) => date(k.created_at) },
    { head: t('keys.col.used'), cell: (k) => <Moment at={k.used_at} /> },
    { head: t('keys.col.ends'), cell: (k) => (k.revoked_at ? <Badge tone="quiet">{t('keys.revoked', { when: date(k.revoked_at) })}</Badge> : k.expires_at ? date(k.expires_at) : t('keys.no_end')) },
    {
      head: t('keys.col.acts'),
      end: true,
      cell: (k) =>
        manage && !k.revoked_at ? (
          <button type="button" class="button small" aria-label={t('keys.revoke.of', { name: k.name })} onClick={() => setRevoking(k)}>
            {t('keys.revoke')}
          </button>
        ) : (
          ''
        ),
    },
  ];
  return (
    <>
      <PageHead title={t('keys.title')} lead={t('keys.lead')}>
        {manage && (
          <button type="button" class="button strong" onClick={() => setMaking(true)}>
            {t('keys.new')}
          </button>
        )}
      </PageHead>
      <ListView list={list} empty={<Empty icon="keys" title={t('keys.empty')} text={t('keys.empty.text')} />}>
        {(items) => <Table caption={t('keys.title')} columns={columns} rows={items} />}
      </ListView>
      {making && (
        <NewKey
          close={() => {
            setMaking(false);
            void list.reload();
          }}
        />
      )}
      {revoking && (
        <Confirm
          danger
          title={t('keys.revoke.title', { name: revoking.name })}
          text={t('keys.revoke.text')}
          button={t('keys.revoke')}
          close={() => setRevoking(null)}
          act={async () => {
            await api.revokeKey(revoking.id);
            say(t('keys.revoke.done', { name: revoking.name }));
            setRevoking(null);
            await list.reload();
          }}
        />
      )}
    </>
  );
}
