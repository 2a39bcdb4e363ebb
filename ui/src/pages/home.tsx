// Home: is everything connected, and who has written. Both follow the live feed.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { api, type Account, type Alert, type Endpoint, type WebhookApp } from '../api';
import { ended, ill } from '../parts/groups';
import { Icon, type IconName } from '../parts/icons';
import { Link, Moment, PageHead, ProblemBox, useLoad, inThai, type Tone } from '../parts/parts';
import { LiveMark } from '../parts/shell';
import { onLive } from '../live';
import { hrefOf, may, session } from '../state';
import { ago, t, tn } from '../text/text';
import { Inbox } from './inbox';

interface State {
  accounts: Account[] | null;
  webhooks: WebhookApp[] | null;
  endpoint: Endpoint | null;
  alerts: Alert[] | null;
}

async function loadState(): Promise<State> {
  const [accounts, webhooks, endpoint, alerts] = await Promise.all([
    may('accounts.read') ? api.accounts() : null,
    may('accounts.read') ? api.webhooks() : null,
    may('events.read') ? api.endpoint() : null,
    may('alerts.read') ? api.alerts() : null,
  ]);
  return { accounts: accounts?.items ?? null, webhooks: webhooks?.items ?? null, endpoint, alerts: alerts?.items ?? null };
}

function Tile({ icon, tone, label, value, text, href }: { icon: IconName; tone: Tone; label: string; value: string; text: string; href?: string }): JSX.Element {
  const inner = (
    <>
      <span class={`tile-icon ${tone}`}>
        <Icon name={icon} />
      </span>
      <span class="tile-words">
        <span class="tile-label">{label}</span>
        <span class="tile-value">{value}</span>
        <span class="tile-text">{text}</span>
      </span>
    </>
  );
  return <li class="tile">{href ? <Link href={href}>{inner}</Link> : <div class="tile-plain">{inner}</div>}</li>;
}

function AccountsTile({ accounts }: { accounts: Account[] }): JSX.Element {
  const live = accounts.filter((a) => !ended(a));
  const sick = live.filter(ill);
  const none = live.length === 0;
  return (
    <Tile
      icon="accounts"
      tone={none ? 'quiet' : sick.some((a) => a.health.verdict === 'bad') ? 'bad' : sick.length ? 'warn' : 'good'}
      label={t('home.accounts')}
      value={none ? t('home.accounts.none') : tn('home.accounts.ok', live.length)}
      text={none ? t('home.accounts.connect') : sick.length ? tn('home.accounts.attention', sick.length) : t('home.accounts.all_well')}
      href={hrefOf('accounts')}
    />
  );
}

function WebhooksTile({ apps }: { apps: WebhookApp[] }): JSX.Element {
  const last = apps.map((a) => a.last_verified_at).filter((v): v is string => v !== null).sort().pop();
  const refused = apps.reduce((n, a) => n + a.refused_signatures_since_start, 0);
  return (
    <Tile
      icon="hook"
      tone={refused ? 'warn' : last ? 'good' : 'quiet'}
      label={t('home.webhooks')}
      value={last ? t('home.webhooks.ok') : t('home.webhooks.none')}
      text={refused ? tn('home.webhooks.refused', refused) : last ? t('home.webhooks.last', { when: ago(last) }) : t('home.webhooks.waiting')}
      href={hrefOf('webhooks')}
    />
  );
}

function EventsTile({ endpoint }: { endpoint: Endpoint }): JSX.Element {
  const host = endpoint.url ? new URL(endpoint.url).host : '';
  return (
    <Tile
      icon="events"
      tone={!endpoint.url ? 'quiet' : endpoint.enabled ? 'good' : 'warn'}
      label={t('home.events')}
      value={!endpoint.url ? t('home.events.no_endpoint') : endpoint.enabled ? t('home.events.on') : t('home.events.off')}
      text={!endpoint.url ? t('home.events.set') : endpoint.enabled ? t('home.events.to', { host }) : t('home.events.off_text')}
      href={hrefOf('events')}
    />
  );
}

function AlertsTile({ alerts }: { alerts: Alert[] }): JSX.Element {
  return (
    <Tile
      icon="bell"
      tone={alerts.length === 0 ? 'good' : alerts.some((a) => a.severity === 'page') ? 'bad' : 'warn'}
      label={t('home.alerts')}
      value={alerts.length === 0 ? t('home.alerts.none') : tn('home.alerts.n', alerts.length)}
      text={alerts.length === 0 ? t('home.alerts.quiet') : (alerts[0]?.name ?? '')}
    />
  );
}

function AlertList({ alerts }: { alerts: Alert[] }): JSX.Element {
  return (
    <section class="alerts" aria-label={t('home.alerts.list')}>
      <ul>
        {alerts.slice(0, 3).map((a) => (
          <li key={a.id} class={a.severity === 'page' ? 'bad' : 'warn'}>
            <Icon name="warn" />
            <div>
              <p>{(inThai() ? a.text_th : a.text_en) ?? a.name}</p>
              <p class="hint">
                <code>{a.name}</code> · {tn('home.alerts.times', a.count)} · <Moment at={a.at} />
              </p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Home(): JSX.Element {
  const state = useLoad(loadState, 'home');
  useEffect(
    () =>
      onLive((topics) => {
        if (['*', 'account', 'alert', 'message', 'flag'].some((topic) => topics.has(topic))) void state.reload();
      }),
    [],
  );
  // Times on the tiles grow old, and a webhook that carried no message tells the feed nothing.
  useEffect(() => {
    const timer = setInterval(() => void state.reload(), 60000);
    return () => clearInterval(timer);
  }, []);
  const d = state.data;
  return (
    <div class="home">
      <PageHead title={t('home.title')} lead={session.value?.workspace.name}>
        {may('conversations.read') && <LiveMark />}
      </PageHead>
      {state.problem && <ProblemBox problem={state.problem} again={() => void state.reload()} />}
      <section aria-label={t('home.status')}>
        <ul class="tiles" aria-busy={!d && !state.problem}>
          {!d && !state.problem && [0, 1, 2, 3].map((i) => <li class="tile ghost" key={i} aria-hidden="true" />)}
          {d?.accounts && <AccountsTile accounts={d.accounts} />}
          {d?.webhooks && <WebhooksTile apps={d.webhooks} />}
          {d?.endpoint && <EventsTile endpoint={d.endpoint} />}
          {d?.alerts && <AlertsTile alerts={d.alerts} />}
        </ul>
      </section>
      {d?.alerts && d.alerts.length > 0 && <AlertList alerts={d.alerts} />}
      {may('conversations.read') && <Inbox />}
    </div>
  );
}
