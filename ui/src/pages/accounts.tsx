// Connections: every TikTok grant of the workspace, grouped by the person or shop that gave it. What needs somebody comes
// first; what has ended comes last.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, type Account, type Revocable } from '../api';
import { onLive } from '../live';
import { Disconnect, kindIcon, nameOf, NextDeadline, VerdictBadge } from '../parts/connection';
import { ended, groupsOf, ill, kinds, type Group } from '../parts/groups';
import { Icon } from '../parts/icons';
import { Avatar, Dialog, Empty, inThai, Link, ListView, PageHead, Select, useList } from '../parts/parts';
import { go, hrefOf, may, place, say } from '../state';
import { t, tn, word } from '../text/text';

function Row({ a, group, picked, pick }: { a: Account; group: string; picked: boolean; pick: ((on: boolean) => void) | null }): JSX.Element {
  const step = inThai() ? a.health.next_step_th : a.health.next_step_en;
  return (
    <li class={`connection${ended(a) ? ' over' : ''}`} data-account={a.id} data-state={a.state} data-kind={a.kind} data-verdict={a.health.verdict}>
      <span class="connection-pick">
        {pick && <input type="checkbox" aria-label={t('accounts.select.of', { name: `${nameOf(a)}, ${word('accounts.kind', a.kind)}` })} checked={picked} onChange={(e) => pick(e.currentTarget.checked)} />}
      </span>
      <span class="connection-icon">
        <Icon name={kindIcon(a.kind)} />
      </span>
      <div class="connection-what">
        <Link href={hrefOf('account', { id: a.id })} class="connection-name">
          {word('accounts.kind', a.kind)}
          <span class="unseen">: {nameOf(a)}</span>
        </Link>
        {a.advertisers.length === 0 && group !== nameOf(a) && <span class="sub">{nameOf(a)}</span>}
        {a.advertisers.length > 0 && <span class="sub">{a.advertisers.map((v) => v.name || v.id).slice(0, 3).join(', ')}</span>}
      </div>
      <div class="connection-health">
        <VerdictBadge a={a} />
        <p class="connection-words">{inThai() ? a.health.th : a.health.en}</p>
        {ill(a) && step && <p class="connection-step">{step}</p>}
      </div>
      <NextDeadline a={a} />
      <span class="connection-go" aria-hidden="true">
        <Icon name="go" />
      </span>
    </li>
  );
}

function Card({ g, picked, pick }: { g: Group; picked: ReadonlySet<string>; pick: ((id: string, on: boolean) => void) | null }): JSX.Element {
  const first = g.items[0];
  if (!first) return <></>;
  const name = first.person_name || nameOf(g.items.find((a) => a.kind === 'business') ?? first);
  const username = g.items.find((a) => a.username)?.username;
  return (
    <li class="card person-card" data-person={g.person}>
      <div class="account-head">
        <Avatar name={name} />
        <div class="account-who">
          <h2>{name}</h2>
          {username && username !== name && <p class="sub">@{username}</p>}
        </div>
        <span class="sub">{tn('accounts.n', g.items.length)}</span>
      </div>
      <ul class="connections">
        {g.items.map((a) => (
          <Row key={a.id} a={a} group={name} picked={picked.has(a.id)} pick={pick && !ended(a) ? (on) => pick(a.id, on) : null} />
        ))}
      </ul>
    </li>
  );
}

function Many({ close, next }: { close: () => void; next: (what: Revocable) => void }): JSX.Element {
  const [kind, setKind] = useState('business');
  return (
    <Dialog title={t('accounts.many.title')} close={close}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          next({ all: { kind } });
        }}
      >
        <p>{t('accounts.many.text')}</p>
        <Select label={t('accounts.many.which')} value={kind} options={[...kinds.map((k) => [k, t(`accounts.kind.${k}`)] as const), ['any', t('accounts.many.all')]]} change={setKind} />
        <div class="dialog-acts">
          <button type="button" class="button" onClick={close}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="button strong">
            {t('accounts.many.next')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function Accounts(): JSX.Element {
  const kind = place.value.query.get('kind') ?? '';
  const list = useList((cursor) => api.accounts(cursor, kind), `accounts ${kind}`);
  const [onlyIll, setOnlyIll] = useState(false);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [many, setMany] = useState(false);
  const [leaving, setLeaving] = useState<Revocable | null>(null);
  const manage = may('accounts.manage');
  useEffect(() => onLive((topics) => (topics.has('account') || topics.has('*') ? void list.reload() : undefined)), []);
  // The end of a grant at TikTok is a job's work; it is looked at again until it is done.
  const ending = list.data?.items.some((a) => a.state === 'revoking' || a.state === 'unsure') ?? false;
  useEffect(() => {
    const timer = setInterval(() => void list.reload(), ending ? 2000 : 30000);
    return () => clearInterval(timer);
  }, [ending]);
  const arrived = place.value.query.get('connected');
  useEffect(() => {
    if (!arrived) return;
    say(t('accounts.connected.done'));
    go(hrefOf('accounts'), true);
  }, [arrived]);
  const pick = (id: string, on: boolean) => {
    const next = new Set(picked);
    if (on) next.add(id);
    else next.delete(id);
    setPicked(next);
  };
  return (
    <>
      <PageHead title={t('accounts.title')} lead={t('accounts.lead')}>
        {manage && (
          <>
            <button type="button" class="button" onClick={() => setMany(true)}>
              {t('accounts.many')}
            </button>
            <Link class="button strong" href={hrefOf('connect')} data-ui="connect">
              {t('accounts.connect')}
            </Link>
          </>
        )}
      </PageHead>
      <div class="filters">
        <Select
          bare
          label={t('accounts.filter')}
          value={kind}
          options={[['', t('accounts.filter.all')], ...kinds.map((k) => [k, t(`accounts.kind.${k}`)] as const)]}
          change={(k) => go(hrefOf('accounts', k ? { kind: k } : {}), true)}
        />
        <label class="check">
          <input type="checkbox" checked={onlyIll} onChange={(e) => setOnlyIll(e.currentTarget.checked)} />
          {t('accounts.attention')}
        </label>
      </div>
      <ListView
        list={list}
        empty={
          kind ? (
            <Empty icon="accounts" title={t('accounts.empty.filtered')} text={t('accounts.empty.filtered.text')} />
          ) : (
            <Empty icon="accounts" title={t('accounts.empty')} text={t('accounts.empty.text')}>
              {manage && (
                <Link class="button strong" href={hrefOf('connect')}>
                  {t('accounts.connect')}
                </Link>
              )}
            </Empty>
          )
        }
      >
        {(items) => {
          const groups = groupsOf(onlyIll ? items.filter(ill) : items);
          if (groups.length === 0) return <Empty icon="check" title={t('accounts.empty.filtered')} text={t('accounts.empty.filtered.text')} />;
          return (
            <ul class="people">
              {groups.map((g) => (
                <Card key={g.person} g={g} picked={picked} pick={manage ? pick : null} />
              ))}
            </ul>
          );
        }}
      </ListView>
      {picked.size > 0 && (
        <div class="picked" role="region" aria-label={t('account.acts')}>
          <span>{tn('accounts.selected', picked.size)}</span>
          <button type="button" class="button small" onClick={() => setPicked(new Set())}>
            {t('accounts.select.none')}
          </button>
          <button type="button" class="button danger" onClick={() => setLeaving({ accounts: [...picked] })}>
            {t('stop.button')}
          </button>
        </div>
      )}
      {many && (
        <Many
          close={() => setMany(false)}
          next={(what) => {
            setMany(false);
            setLeaving(what);
          }}
        />
      )}
      {leaving && (
        <Disconnect
          what={leaving}
          close={() => setLeaving(null)}
          done={async () => {
            setPicked(new Set());
            await list.reload();
          }}
        />
      )}
    </>
  );
}
