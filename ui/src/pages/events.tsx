import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, asProblem, type Endpoint, type EventRow } from '../api';
import { Badge, Confirm, Dialog, Empty, Field, Link, ListView, Loading, Moment, PageHead, ProblemBox, Secret, Select, Table, useAct, useList, useLoad, type Column, type Tone } from '../parts/parts';
import { hrefOf, may, say } from '../state';
import { dateTime, number, t, word } from '../text/text';

const states = ['waiting', 'delivered', 'held', 'withdrawn', 'dead'] as const;
const tones: Record<string, Tone> = { waiting: 'info', delivered: 'good', held: 'warn', withdrawn: 'quiet', dead: 'bad' };

function EndpointForm({ e, done, close }: { e: Endpoint; done: (next: Endpoint) => void; close: () => void }): JSX.Element {
  const [url, setUrl] = useState(e.url ?? '');
  const [on, setOn] = useState(e.url ? e.enabled : true);
  const { busy, problem, act } = useAct();
  return (
    <Dialog title={t('events.endpoint')} close={close} locked={busy}>
      <form
        onSubmit={(ev) => {
          ev.preventDefault();
          void act(async () => done(await api.setEndpoint(url.trim(), on)));
        }}
      >
        <Field label={t('events.endpoint.url')} hint={t('events.endpoint.hint')} type="url" name="url" required maxLength={1024} value={url} onInput={(ev) => setUrl(ev.currentTarget.value)} />
        <label class="check">
          <input type="checkbox" checked={on} onChange={(ev) => setOn(ev.currentTarget.checked)} />
          {t('events.endpoint.on')}
        </label>
        {problem && <ProblemBox problem={problem} />}
        <div class="dialog-acts">
          <button type="button" class="button" disabled={busy} onClick={close}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="button strong" disabled={busy}>
            {t('events.endpoint.save')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function SecretShown({ value, close }: { value: string; close: () => void }): JSX.Element {
  return (
    <Dialog title={t('events.secret.title')} close={close} locked>
      <p>{t('events.secret.text')}</p>
      <Secret label={t('events.secret.label')} value={value} />
      <div class="dialog-acts">
        <button type="button" class="button strong" onClick={close}>
          {t('events.secret.done')}
        </button>
      </div>
    </Dialog>
  );
}

function EndpointCard({ sent }: { sent: () => void }): JSX.Element {
  const endpoint = useLoad(() => api.endpoint(), 'endpoint');
  const [dialog, setDialog] = useState<'edit' | 'rotate' | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const e = endpoint.data;
  const manage = may('events.manage');
  const taken = (next: Endpoint) => {
    endpoint.set(next);
    setDialog(null);
    if (next.secret) setSecret(next.secret);
  };
  const test = async () => {
    try {
      say(t('events.test.done', { id: (await api.testEndpoint()).event_id }));
      sent();
    } catch (err) {
      say(asProblem(err).title, 'bad');
    }
  };
  return (
    <section class="card endpoint" aria-labelledby="endpoint-title">
      <div class="card-head">
        <h2 id="endpoint-title">{t('events.endpoint')}</h2>
        {e?.url && <Badge tone={e.enabled ? 'good' : 'warn'}>{t(e.enabled ? 'events.endpoint.state.on' : 'events.endpoint.state.off')}</Badge>}
      </div>
      {endpoint.problem && <ProblemBox problem={endpoint.problem} again={() => void endpoint.reload()} />}
      {!e && !endpoint.problem && <Loading rows={1} />}
      {e && (
        <>
          {e.url ? (
            <p class="address">
              <code>{e.url}</code>
            </p>
          ) : (
            <p>{t('events.endpoint.none')}</p>
          )}
          {e.url && !e.enabled && (
            <p class="step">
              {e.off_at ? t('events.endpoint.off', { when: dateTime(e.off_at) }) : t('home.events.off_text')}
              {e.off_reason && <> {t('events.endpoint.off.reason', { reason: e.off_reason })}</>}
            </p>
          )}
          {e.secrets.length > 0 && (
            <dl class="facts">
              <div class="whole">
                <dt>{t('events.secrets')}</dt>
                <dd>
                  <ul class="plain">
                    {e.secrets.map((s) => (
                      <li key={s.id}>
                        {t('events.secret.current', { when: dateTime(s.created_at) })}
                        {s.valid_until && <> · {t('events.secret.until', { when: dateTime(s.valid_until) })}</>}
                      </li>
                    ))}
                  </ul>
                </dd>
              </div>
            </dl>
          )}
          {manage && (
            <div class="card-acts">
              <button type="button" class="button" onClick={() => setDialog('edit')}>
                {t('events.endpoint.edit')}
              </button>
              {e.url && e.enabled && (
                <button type="button" class="button" onClick={() => void test()}>
                  {t('events.test')}
                </button>
              )}
              {e.url && (
                <button type="button" class="button" onClick={() => setDialog('rotate')}>
                  {t('events.rotate')}
                </button>
              )}
            </div>
          )}
        </>
      )}
      {dialog === 'edit' && e && (
        <EndpointForm
          e={e}
          close={() => setDialog(null)}
          done={(next) => {
            taken(next);
            say(t('events.endpoint.saved'));
          }}
        />
      )}
      {dialog === 'rotate' && (
        <Confirm title={t('events.rotate.title')} text={t('events.rotate.text')} button={t('events.rotate.button')} close={() => setDialog(null)} act={async () => taken(await api.rotateSecret())} />
      )}
      {secret && <SecretShown value={secret} close={() => setSecret(null)} />}
    </section>
  );
}

export function Events(): JSX.Element {
  const [state, setState] = useState('');
  const list = useList((cursor) => api.events(cursor, state), `events ${state}`);
  const manage = may('events.manage');
  const replay = async (e: EventRow) => {
    try {
      await api.replayEvent(e.id);
      say(t('events.replay.done', { id: e.id }));
    } catch (err) {
      say(asProblem(err).title, 'bad');
    }
    await list.reload();
  };
  const columns: Column<EventRow>[] = [
    {
      head: t('events.col.event'),
      cell: (e) => (
        <>
          <span class="strong-text mono-text">{e.type}</span>
          <span class="sub">{may('explain') ? <Link href={hrefOf('explain', { id: e.id })}>{e.id}</Link> : e.id}</span>
        </>
      ),
    },
    { head: t('events.col.about'), cell: (e) => (e.subject ? <code>{e.subject}</code> : '') },
    {
      head: t('events.col.state'),
      cell: (e) => (
        <>
          <Badge tone={tones[e.state] ?? 'quiet'}>{word('events.state', e.state)}</Badge>
          {e.state !== 'delivered' && (e.last_status || e.last_code) && (
            <span class="sub">{e.last_status ? t('events.http', { status: e.last_status }) : e.last_code}</span>
          )}
        </>
      ),
    },
    { head: t('events.col.attempts'), cell: (e) => number(e.attempts) },
    { head: t('events.col.created'), cell: (e) => <Moment at={e.created_at} /> },
    { head: t('events.col.last'), cell: (e) => <Moment at={e.last_attempt_at} none="–" /> },
  ];
  if (manage)
    columns.push({
      head: t('events.col.acts'),
      end: true,
      cell: (e) => (
        <button type="button" class="button small" aria-label={t('events.replay.of', { id: e.id })} onClick={() => void replay(e)}>
          {t('events.replay')}
        </button>
      ),
    });
  return (
    <>
      <PageHead title={t('events.title')} lead={t('events.lead')} />
      <EndpointCard sent={() => void list.reload()} />
      <div class="section-head">
        <h2>{t('events.deliveries')}</h2>
        <div class="section-acts">
          <Select bare label={t('events.filter')} value={state} options={[['', t('events.filter.all')], ...states.map((s) => [s, t(`events.state.${s}`)] as const)]} change={setState} />
          <button type="button" class="button" onClick={() => void list.reload()}>
            {t('app.refresh')}
          </button>
        </div>
      </div>
      <ListView list={list} empty={<Empty icon="events" title={t('events.empty')} text={t('events.empty.text')} />}>
        {(items) => <Table caption={t('events.deliveries')} columns={columns} rows={items} />}
      </ListView>
    </>
  );
}
