// Webhook set-up: what TikTok sends where, per app and category; register, repair, remove, and a test event.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, asProblem, type Subscription } from '../api';
import { Badge, Confirm, Copy, Empty, inThai, Loading, Moment, PageHead, ProblemBox, Table, useLoad, type Column, type Tone } from '../parts/parts';
import { may, say } from '../state';
import { t, word } from '../text/text';

const tones: Record<string, Tone> = { right: 'good', missing: 'warn', foreign: 'bad', unknown: 'quiet' };
const nameOf = (s: Subscription): string => word('hooks.category', s.category);

export function Webhooks(): JSX.Element {
  const list = useLoad(() => api.subscriptions(), 'subscriptions');
  const apps = useLoad(() => api.apps(), 'apps');
  // An app of the installation serves other workspaces too; none of them may silence it (the service refuses).
  const ours = (app: string): boolean => apps.data?.items.find((a) => a.id === app)?.owner === 'workspace';
  const titleOf = (app: string): string => {
    const kind = apps.data?.items.find((a) => a.id === app)?.kind;
    return kind ? word('apps.kind', kind) : t('hooks.app', { app });
  };
  const [busy, setBusy] = useState('');
  const [asking, setAsking] = useState<{ s: Subscription; to: 'repair' | 'remove' } | null>(null);
  const manage = may('accounts.manage');
  const act = async (name: string, fn: () => Promise<unknown>, done: string) => {
    setBusy(name);
    try {
      await fn();
      say(done);
    } catch (e) {
      const p = asProblem(e);
      say(p.next ? `${p.title}. ${p.next}` : p.title, 'bad');
    }
    setBusy('');
    await list.reload();
  };
  const register = (s: Subscription) => act(`${s.app} ${s.category}`, () => api.subscribe(s.app, s.category), t('hooks.done.registered', { name: nameOf(s) }));
  const columns: Column<Subscription & { id: string }>[] = [
    {
      head: t('hooks.col.category'),
      cell: (s) => (
        <>
          <span class="strong-text">{nameOf(s)}</span>
          <span class="sub">{inThai() ? s.th : s.en}</span>
        </>
      ),
    },
    {
      head: t('hooks.col.state'),
      cell: (s) => (
        <>
          <Badge tone={s.state === 'missing' && !s.needed ? 'quiet' : (tones[s.state] ?? 'quiet')}>{word('hooks.state', s.state)}</Badge>
          {s.state === 'foreign' && s.registered_url && <span class="sub">{t('hooks.foreign', { url: s.registered_url })}</span>}
          {s.state === 'unknown' && s.code && (
            <span class="sub">
              <code>{s.code}</code>
            </span>
          )}
        </>
      ),
    },
    { head: t('hooks.col.last'), cell: (s) => <Moment at={s.last_event_at} /> },
    { head: t('hooks.col.checked'), cell: (s) => <Moment at={s.checked_at} /> },
  ];
  if (manage)
    columns.push({
      head: t('hooks.col.acts'),
      end: true,
      cell: (s) => (
        <span class="cell-acts">
          {(s.state === 'missing' || s.state === 'unknown') && (
            <button type="button" class="button small" disabled={busy !== ''} aria-label={t('hooks.register.of', { name: nameOf(s) })} onClick={() => void register(s)}>
              {t('hooks.register')}
            </button>
          )}
          {s.state === 'foreign' && (
            <button type="button" class="button small" disabled={busy !== ''} aria-label={t('hooks.repair.of', { name: nameOf(s) })} onClick={() => setAsking({ s, to: 'repair' })}>
              {t('hooks.repair')}
            </button>
          )}
          {s.state === 'right' && ours(s.app) && (
            <button type="button" class="button small" disabled={busy !== ''} aria-label={t('hooks.remove.of', { name: nameOf(s) })} onClick={() => setAsking({ s, to: 'remove' })}>
              {t('hooks.remove')}
            </button>
          )}
        </span>
      ),
    });
  const items = list.data?.items ?? [];
  const names = [...new Set(items.map((s) => s.app))];
  return (
    <>
      <PageHead title={t('hooks.title')} lead={t('hooks.lead')}>
        <button type="button" class="button" onClick={() => void list.reload()}>
          {t('app.refresh')}
        </button>
      </PageHead>
      {list.problem && <ProblemBox problem={list.problem} again={() => void list.reload()} />}
      {!list.data && !list.problem && <Loading />}
      {list.data && names.length === 0 && <Empty icon="hook" title={t('hooks.empty')} text={t('hooks.empty.text')} />}
      {names.map((app) => {
        const rows = items.filter((s) => s.app === app).map((s) => ({ ...s, id: `${s.app} ${s.category}` }));
        const wanted = rows[0]?.wanted_url;
        return (
          <section class="hooks-app" key={app} aria-labelledby={`app-${app}`} data-app={app}>
            <div class="section-head">
              <div>
                <h2 id={`app-${app}`}>{titleOf(app)}</h2>
                {wanted && (
                  <p class="sub">
                    {t('hooks.wanted')}: <Copy value={wanted} what={t('hooks.wanted')} />
                  </p>
                )}
              </div>
              {manage && (
                <button
                  type="button"
                  class="button"
                  data-ui="test-webhook"
                  disabled={busy !== ''}
                  aria-label={t('hooks.test.of', { app })}
                  onClick={() => void act(app, () => api.testWebhook(app), t('hooks.test.done'))}
                >
                  {t('hooks.test')}
                </button>
              )}
            </div>
            <Table caption={titleOf(app)} columns={columns} rows={rows} />
          </section>
        );
      })}
      {asking && (
        <Confirm
          danger
          title={t(asking.to === 'repair' ? 'hooks.repair.title' : 'hooks.remove.title', { name: nameOf(asking.s) })}
          text={t(asking.to === 'repair' ? 'hooks.repair.text' : 'hooks.remove.text')}
          button={t(asking.to === 'repair' ? 'hooks.repair' : 'hooks.remove')}
          close={() => setAsking(null)}
          act={async () => {
            const { s, to } = asking;
            if (to === 'repair') await api.subscribe(s.app, s.category);
            else await api.unsubscribe(s.app, s.category);
            say(t(to === 'repair' ? 'hooks.done.registered' : 'hooks.done.removed', { name: nameOf(s) }));
            setAsking(null);
            await list.reload();
          }}
        />
      )}
    </>
  );
}
