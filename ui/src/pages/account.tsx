// One connection: does it work, what comes next, what it allows, what happened, and what can be done about it.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, asProblem, type Account, type Feature } from '../api';
import { onLive } from '../live';
import { Disconnect, kindIcon, nameOf, OwnerLink, VerdictBadge } from '../parts/connection';
import { ended, stuck } from '../parts/groups';
import { Icon } from '../parts/icons';
import { Avatar, Badge, Copy, Deadline, Empty, inThai, Link, Loading, Moment, ProblemBox, useLoad, type Tone } from '../parts/parts';
import { go, hrefOf, may, place, say } from '../state';
import { date, daysLeft, t, word } from '../text/text';
import { AvailabilityPanel } from './availability';
import { Timeline } from './timeline';

function Chips({ list, tone = 'quiet' }: { list: readonly string[]; tone?: Tone }): JSX.Element {
  return (
    <ul class="chips">
      {list.map((s) => (
        <li key={s} class={`chip ${tone}`}>
          <code>{s}</code>
        </li>
      ))}
    </ul>
  );
}

function Fact({ name, whole, children }: { name: string; whole?: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <div class={whole ? 'whole' : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

// --- features ------------------------------------------------------------------------------------------------------

const featureTones: Record<string, Tone> = { works: 'good', untried: 'info', missing_scope: 'warn', app_lacks_scope: 'quiet' };
function FeatureRow({ f, ask }: { f: Feature; ask: ((f: Feature) => void) | null }): JSX.Element {
  const name = inThai() ? f.th : f.en;
  const why = inThai() ? f.th_why : f.en_why;
  return (
    <li class="feature" data-feature={f.name} data-state={f.state}>
      <div class="feature-head">
        <span class="strong-text">{name}</span>
        <Badge tone={featureTones[f.state] ?? 'quiet'}>{word('features.state', f.state)}</Badge>
      </div>
      {why && f.state !== 'works' && <p class="hint">{why}</p>}
      {f.missing.length > 0 && <Chips list={f.missing} tone={f.state === 'missing_scope' ? 'warn' : 'quiet'} />}
      {ask && f.step_up && (
        <button type="button" class="button small" data-ui="step-up" aria-label={t('features.step_up.of', { name })} onClick={() => ask(f)}>
          {t('features.step_up')}
        </button>
      )}
    </li>
  );
}

function NoFeatures(): JSX.Element {
  return (
    <section class="card" aria-labelledby="features-title">
      <h2 id="features-title">{t('features.title')}</h2>
      <p class="muted">{t('features.stuck')}</p>
    </section>
  );
}

function Features({ a, ask }: { a: Account; ask: ((what: Record<string, unknown>) => void) | null }): JSX.Element {
  const features = useLoad(() => api.features(a.id), `features ${a.id} ${a.state} ${a.scopes.join()}`);
  return (
    <section class="card" aria-labelledby="features-title">
      <h2 id="features-title">{t('features.title')}</h2>
      {features.problem && <ProblemBox problem={features.problem} again={() => void features.reload()} />}
      {!features.data && !features.problem && <Loading rows={3} />}
      {features.data && features.data.features.length === 0 && <p class="muted">{t('features.none')}</p>}
      {features.data && (
        <ul class="features">
          {features.data.features.map((f) => (
            <FeatureRow key={f.name} f={f} ask={ask && ((g) => g.step_up && ask(g.step_up))} />
          ))}
        </ul>
      )}
    </section>
  );
}

// --- deadlines -----------------------------------------------------------------------------------------------------

function Deadlines({ a }: { a: Account }): JSX.Element {
  const hard = a.refresh_expires_at;
  const near = hard !== null && daysLeft(hard) < 30;
  return (
    <section class="card" aria-labelledby="deadlines-title">
      <h2 id="deadlines-title">{t('account.deadlines')}</h2>
      {ended(a) || stuck(a) ? (
        <p class="muted">{t(ended(a) ? 'account.deadlines.ended' : 'account.deadlines.stuck')}</p>
      ) : (
        <dl class="facts one">
          {a.next_refresh_at && (
            <Fact name={t(a.access_expires_at ? 'accounts.next.refresh' : 'accounts.next.probe')}>
              <Deadline at={a.next_refresh_at} />
            </Fact>
          )}
          {a.access_expires_at ? (
            <Fact name={t('account.deadlines.access')}>
              <Deadline at={a.access_expires_at} />
              <p class="hint">{t('account.deadlines.access.text')}</p>
            </Fact>
          ) : (
            <Fact name={t('account.deadlines.access')}>
              {t('accounts.no_end')}
              <p class="hint">{t('account.deadlines.none')}</p>
            </Fact>
          )}
          {hard && (
            <Fact name={t('account.deadlines.signin')}>
              <span class={near ? 'near-text' : undefined} data-ui="hard-end">
                <Deadline at={hard} />
                {daysLeft(hard) < 92 && <span class="sub-inline"> ({date(hard)})</span>}
              </span>
              <p class="hint">{t('account.deadlines.signin.text')}</p>
            </Fact>
          )}
        </dl>
      )}
    </section>
  );
}

// --- the whole -----------------------------------------------------------------------------------------------------

// Only the owner can mend these.
const forOwner = new Set(['needs_consent', 'ends_soon', 'revoked']);

function Health({ a, reload }: { a: Account; reload: () => Promise<void> }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [linking, setLinking] = useState<Record<string, unknown> | null>(null);
  const [leaving, setLeaving] = useState(false);
  const step = inThai() ? a.health.next_step_th : a.health.next_step_en;
  const manage = may('accounts.manage');
  const expires = a.access_expires_at !== null;
  const renew = async () => {
    setBusy(true);
    try {
      await api.refreshAccount(a.id);
      say(t(expires ? 'account.refresh.done' : 'account.refresh.probe.done'));
    } catch (e) {
      const p = asProblem(e);
      say(p.next ? `${p.title}. ${p.next}` : p.title, 'bad');
    }
    setBusy(false);
    await reload();
  };
  return (
    <section class={`card health ${ended(a) ? 'over' : a.health.verdict}`} aria-labelledby="health-title" data-account={a.id} data-state={a.state} data-verdict={a.health.verdict}>
      <div class="card-head">
        <h2 id="health-title">{t('account.health')}</h2>
        <VerdictBadge a={a} />
      </div>
      <p class="health-words">{inThai() ? a.health.th : a.health.en}</p>
      {a.health.verdict !== 'good' && (
        <p class="health-step">
          <strong>{t('account.next')}:</strong> {step}
        </p>
      )}
      {manage && (
        <div class="card-acts">
          {!ended(a) && !stuck(a) && (
            <button type="button" class="button" data-ui="renew" disabled={busy} onClick={() => void renew()}>
              {t(expires ? 'account.refresh' : 'account.refresh.probe')}
            </button>
          )}
          {a.kind !== 'login' && (
            <button type="button" class={`button ${forOwner.has(a.health.code) ? 'strong' : ''}`} data-ui="owner-link" onClick={() => setLinking({ kind: a.kind, account: a.id, return: hrefOf('account', { id: a.id }) })}>
              {t('account.reconnect')}
            </button>
          )}
          {!ended(a) && (
            <button type="button" class="button" data-ui="disconnect" onClick={() => setLeaving(true)}>
              {t('account.disconnect')}
            </button>
          )}
        </div>
      )}
      {linking && <OwnerLink what={linking} close={() => setLinking(null)} />}
      {leaving && <Disconnect what={{ accounts: [a.id] }} close={() => setLeaving(false)} done={reload} />}
    </section>
  );
}

function Facts({ a }: { a: Account }): JSX.Element {
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">{t('account.facts')}</h2>
      <dl class="facts">
        <Fact name={t('account.state')}>{word('accounts.state', a.state)}</Fact>
        <Fact name={t('account.app')}>
          <code>{a.app}</code>
        </Fact>
        <Fact name={t('account.since')}>
          <Moment at={a.connected_at} />
        </Fact>
        <Fact name={t('account.last_good')}>
          <Moment at={a.last_good_at} />
        </Fact>
        <Fact name={t('account.id')} whole>
          <Copy value={a.id} what={t('account.id')} />
        </Fact>
        <Fact name={t('account.open_id')} whole>
          <Copy value={a.open_id} what={t('account.open_id')} />
        </Fact>
        {a.advertisers.length > 0 && (
          <Fact name={t('account.advertisers')} whole>
            <ul class="plain">
              {a.advertisers.map((v) => (
                <li key={v.id}>
                  {v.name} <code>{v.id}</code>
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {a.scopes.length > 0 && (
          <Fact name={t('account.scopes')} whole>
            <Chips list={a.scopes} />
          </Fact>
        )}
      </dl>
    </section>
  );
}

export function AccountPage(): JSX.Element {
  const id = place.value.query.get('id') ?? '';
  const account = useLoad(() => api.account(id), `account ${id}`);
  const [turn, setTurn] = useState(0);
  const [asking, setAsking] = useState<Record<string, unknown> | null>(null);
  const reload = async () => {
    await account.reload();
    setTurn((n) => n + 1);
  };
  useEffect(() => onLive((topics) => (topics.has('account') || topics.has('*') ? void reload() : undefined)), []);
  const a = account.data;
  const moving = a?.state === 'revoking' || a?.state === 'unsure';
  useEffect(() => {
    const timer = setInterval(() => void reload(), moving ? 2000 : 20000);
    return () => clearInterval(timer);
  }, [moving]);
  const arrived = place.value.query.get('connected');
  useEffect(() => {
    if (!arrived) return;
    say(t('accounts.connected.done'));
    go(hrefOf('account', { id: arrived.startsWith('acc_') ? arrived : id }), true);
  }, [arrived]);
  return (
    <>
      <p class="crumb">
        <Link href={hrefOf('accounts')}>
          <Icon name="back" />
          {t('account.back')}
        </Link>
      </p>
      {/* One heading from the start: it holds the focus while the rest is loaded. */}
      <header class="account-head page-head">
        {a && <Avatar name={nameOf(a)} />}
        <div class="account-who" key="who">
          <h1 tabIndex={-1}>{a ? nameOf(a) : t('account.title')}</h1>
          {a && (
            <p class="lead kind-line">
              <Icon name={kindIcon(a.kind)} />
              {word('accounts.kind', a.kind)}
              {a.username && a.username !== nameOf(a) && <> · @{a.username}</>}
            </p>
          )}
        </div>
      </header>
      {account.problem && <ProblemBox problem={account.problem} again={() => void account.reload()} />}
      {!a && !account.problem && <Loading />}
      {!a && !id && <Empty icon="accounts" title={t('accounts.empty')} />}
      {a && (
        <div class="account-grid">
          <div>
            <Health a={a} reload={reload} />
            {a.kind === 'business' && !ended(a) && <AvailabilityPanel id={a.id} turn={turn} />}
            <Timeline id={a.id} turn={turn} />
          </div>
          <div>
            <Deadlines a={a} />
            {stuck(a) && <NoFeatures />}
            {!ended(a) && !stuck(a) && <Features a={a} ask={may('accounts.manage') ? (what) => setAsking({ ...what, return: hrefOf('account', { id: a.id }) }) : null} />}
            <Facts a={a} />
          </div>
        </div>
      )}
      {asking && <OwnerLink what={asking} close={() => setAsking(null)} />}
    </>
  );
}
