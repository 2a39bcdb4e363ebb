// Connect an account, for somebody who never heard of OAuth: what, where, what to prepare, then one link.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api, type Checklist } from '../api';
import { LinkShown, nameOf } from '../parts/connection';
import { ended, groupsOf } from '../parts/groups';
import { Icon, type IconName } from '../parts/icons';
import { Badge, inThai, Link, Loading, PageHead, ProblemBox, Select, useAct, useLoad } from '../parts/parts';
import { go, hrefOf, place } from '../state';
import { t } from '../text/text';

const kinds: readonly { id: 'business' | 'advertiser'; icon: IconName }[] = [
  { id: 'business', icon: 'shop' },
  { id: 'advertiser', icon: 'megaphone' },
];
const markets = ['th', 'eea', 'us', 'rest'] as const;
type Market = (typeof markets)[number];
const words = (x: { en: string; th: string }): string => (inThai() ? x.th : x.en);
const details = (x: { detail_en: string; detail_th: string }): string => (inThai() ? x.detail_th : x.detail_en);

function Stage({ n, title, text, open, children }: { n: number; title: string; text?: string; open: boolean; children: ComponentChildren }): JSX.Element {
  return (
    <li class={`stage${open ? '' : ' waits'}`} data-stage={n}>
      <span class="stage-n" aria-hidden="true">
        {n}
      </span>
      <section class="card" aria-labelledby={`stage-${n}`}>
        <h2 id={`stage-${n}`}>{title}</h2>
        {text && <p class="muted">{text}</p>}
        {children}
      </section>
    </li>
  );
}

function Choice({ name, value, chosen, choose, title, text, icon, badge }: {
  name: string;
  value: string;
  chosen: boolean;
  choose: () => void;
  title: string;
  text?: string;
  icon?: IconName;
  badge?: JSX.Element;
}): JSX.Element {
  return (
    <label class="choice">
      <input type="radio" name={name} value={value} checked={chosen} onChange={choose} />
      {icon && (
        <span class="tile-icon">
          <Icon name={icon} />
        </span>
      )}
      <span class="choice-words">
        <span class="strong-text">{title}</span>
        {text && <span class="sub">{text}</span>}
        {badge}
      </span>
    </label>
  );
}

function StepList({ list }: { list: Checklist }): JSX.Element {
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  return (
    <>
      <ul class="steps-todo">
        {list.steps.map((s) => (
          <li key={s.id} data-step={s.id} class={s.applies ? undefined : 'not'}>
            {s.applies && s.done === null ? (
              <input
                type="checkbox"
                aria-label={t('connect.list.tick', { name: words(s) })}
                checked={ticked.has(s.id)}
                onChange={(e) => {
                  const next = new Set(ticked);
                  if (e.currentTarget.checked) next.add(s.id);
                  else next.delete(s.id);
                  setTicked(next);
                }}
              />
            ) : (
              <span class={`todo-mark ${s.applies && s.done ? 'good' : ''}`} aria-hidden="true">
                {s.applies && s.done && <Icon name="check" />}
              </span>
            )}
            <div>
              <p>
                <span class="strong-text">{words(s)}</span>{' '}
                {!s.applies && <Badge tone="quiet">{t('connect.list.not')}</Badge>}
                {s.applies && s.done !== null && <Badge tone={s.done ? 'good' : 'warn'}>{t(s.done ? 'connect.list.done' : 'connect.list.open')}</Badge>}
              </p>
              <p class="hint">{details(s)}</p>
              {s.conflict && (
                <p class="conflict">
                  <Icon name="warn" />
                  <span>
                    <strong>{t('connect.list.conflict')}.</strong> {words(s.conflict)}
                  </span>
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
      {list.guides.length > 0 && (
        <>
          <h3 class="under">{t('connect.guides')}</h3>
          <ul class="guides">
            {list.guides.map((g) => (
              <li key={g.url_path}>
                <a href={g.url_path} target="_blank" rel="noopener">
                  {words(g)}
                  <Icon name="away" />
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function TheLink({ kind, market, beside }: { kind: string; market: string; beside: string }): JSX.Element {
  const [link, setLink] = useState<{ url: string; expires_at: string } | null>(null);
  const { busy, problem, act } = useAct();
  const make = () => act(async () => setLink(await api.connect({ kind, market, ...(beside ? { beside } : {}), return: hrefOf('accounts') })));
  return (
    <>
      <p class="muted">{t('connect.link.text')}</p>
      {problem && <ProblemBox problem={problem} />}
      {link && <LinkShown link={link} />}
      <div class="card-acts">
        <button type="button" class={`button ${link ? '' : 'strong'}`} data-ui="make-link" disabled={busy} onClick={() => void make()}>
          {t(link ? 'connect.link.again' : 'connect.link.make')}
        </button>
      </div>
    </>
  );
}

export function Connect(): JSX.Element {
  const q = place.value.query;
  const kind = kinds.find((k) => k.id === q.get('kind'))?.id ?? null;
  const market: Market | null = markets.find((m) => m === q.get('market')) ?? null;
  const list = useLoad(() => api.checklist(market ?? ''), `checklist ${market ?? ''}`);
  const choose = (next: { kind?: string; market?: string }) => {
    const now = { ...(kind ? { kind } : {}), ...(market ? { market } : {}), ...next };
    go(hrefOf('connect', now), true);
  };
  const accounts = useLoad(() => api.accounts(), 'connect accounts');
  const [beside, setBeside] = useState('');
  // Whoever is connected already, one account for each person or shop.
  const others = groupsOf((accounts.data?.items ?? []).filter((a) => !ended(a) && a.kind !== 'login')).map((g) => g.items[0]).filter((a) => a !== undefined);
  const told = list.data?.markets.find((m) => m.id === market);
  return (
    <>
      <p class="crumb">
        <Link href={hrefOf('accounts')}>
          <Icon name="back" />
          {t('account.back')}
        </Link>
      </p>
      <PageHead title={t('connect.title')} lead={t('connect.lead')} />
      <ol class="stages">
        <Stage n={1} title={t('connect.kind')} open>
          <div class="choices" role="radiogroup" aria-labelledby="stage-1">
            {kinds.map((k) => (
              <Choice key={k.id} name="kind" value={k.id} icon={k.icon} chosen={kind === k.id} choose={() => choose({ kind: k.id })} title={t(`connect.kind.${k.id}`)} text={t(`connect.kind.${k.id}.text`)} />
            ))}
          </div>
          {others.length > 0 && (
            <div class="beside">
              <Select
                label={t('connect.beside')}
                hint={t('connect.beside.hint')}
                value={beside}
                options={[['', t('connect.beside.own')], ...others.map((a) => [a.id, a.person_name || nameOf(a)] as const)]}
                change={setBeside}
                data-ui="beside"
              />
            </div>
          )}
        </Stage>
        <Stage n={2} title={t('connect.market')} text={t('connect.market.text')} open={kind !== null}>
          <div class="choices small" role="radiogroup" aria-labelledby="stage-2">
            {markets.map((m) => (
              <Choice key={m} name="market" value={m} chosen={market === m} choose={() => choose({ market: m })} title={t(`connect.market.${m}`)} />
            ))}
          </div>
          {told && (
            <p class={`market-means ${told.verdict ?? ''}`} role="status" data-ui="market-means">
              {details(told)}
            </p>
          )}
        </Stage>
        <Stage n={3} title={t('connect.list')} open={market !== null}>
          {!market && <p class="muted">{t('connect.list.wait')}</p>}
          {market && list.problem && <ProblemBox problem={list.problem} again={() => void list.reload()} />}
          {market && !list.data && !list.problem && <Loading rows={3} />}
          {market && list.data && <StepList key={market} list={list.data} />}
        </Stage>
        <Stage n={4} title={t('connect.link')} open={kind !== null && market !== null}>
          {kind && market ? <TheLink key={`${kind} ${market} ${beside}`} kind={kind} market={market} beside={beside} /> : <p class="muted">{t('connect.link.wait')}</p>}
        </Stage>
      </ol>
    </>
  );
}
