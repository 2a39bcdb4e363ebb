// The frame around every page: navigation by permission, language, appearance, announcements.
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { liveState } from '../live';
import { appearance, appearances, chooseAppearance, chooseLanguage, hrefOf, may, notes, place, session, signOut, spoken, unsay, type Appearance } from '../state';
import { language, languageNames, languages, t, word, type Language, type PlainKey } from '../text/text';
import { Icon, Logo, type IconName } from './icons';
import { Avatar, Link, Select } from './parts';

interface Item {
  page: string;
  words: PlainKey;
  icon: IconName;
  need: string | null;
}
const groups: readonly { words: PlainKey; items: readonly Item[] }[] = [
  { words: 'nav.group.work', items: [{ page: 'home', words: 'nav.home', icon: 'home', need: null }] },
  {
    words: 'nav.group.connections',
    items: [
      { page: 'accounts', words: 'nav.accounts', icon: 'accounts', need: 'accounts.read' },
      { page: 'webhooks', words: 'nav.webhooks', icon: 'hook', need: 'accounts.read' },
      { page: 'events', words: 'nav.events', icon: 'events', need: 'events.read' },
    ],
  },
  {
    words: 'nav.group.operate',
    items: [
      { page: 'budgets', words: 'nav.budgets', icon: 'gauge', need: 'alerts.read' },
      { page: 'dead-letters', words: 'nav.dead', icon: 'dead', need: 'jobs.read' },
      { page: 'explain', words: 'nav.explain', icon: 'explain', need: 'explain' },
      { page: 'audit', words: 'nav.audit', icon: 'audit', need: 'audit.read' },
    ],
  },
  {
    words: 'nav.group.manage',
    items: [
      { page: 'members', words: 'nav.members', icon: 'members', need: 'members.read' },
      { page: 'keys', words: 'nav.keys', icon: 'keys', need: 'keys.manage' },
      { page: 'apps', words: 'nav.apps', icon: 'plug', need: 'accounts.read' },
      { page: 'flags', words: 'nav.flags', icon: 'flags', need: 'flags.read' },
    ],
  },
];

// Pages behind an item, with what they need; the item is marked while they are shown.
const behind: Record<string, { under: string; need: string }> = {
  account: { under: 'accounts', need: 'accounts.read' },
  connect: { under: 'accounts', need: 'accounts.manage' },
};

// What a page needs; pages without a row are for everybody who is signed in.
export function needOf(page: string): string | null {
  const row = behind[page];
  if (row) return row.need;
  for (const g of groups) for (const i of g.items) if (i.page === page) return i.need;
  return null;
}

export function LanguageSelect({ bare }: { bare?: boolean }): JSX.Element {
  return (
    <Select
      bare={bare}
      label={t('app.language')}
      value={language.value}
      options={languages.map((l) => [l, languageNames[l]] as const)}
      change={(l) => void chooseLanguage(l as Language)}
      data-ui="language"
    />
  );
}

export function AppearanceSelect({ bare }: { bare?: boolean }): JSX.Element {
  return (
    <Select
      bare={bare}
      label={t('app.appearance')}
      value={appearance.value}
      options={appearances.map((a) => [a, t(`app.appearance.${a}`)] as const)}
      change={(a) => chooseAppearance(a as Appearance)}
      data-ui="appearance"
    />
  );
}

function Nav({ done }: { done: () => void }): JSX.Element {
  return (
    <nav aria-label={t('app.nav')}>
      {groups.map((g) => {
        const items = g.items.filter((i) => i.need === null || may(i.need));
        if (items.length === 0) return null;
        return (
          <div class="nav-group" key={g.words}>
            {g.items.length > 1 && <p class="nav-title">{t(g.words)}</p>}
            <ul>
              {items.map((i) => (
                <li key={i.page} onClick={done}>
                  <Link href={hrefOf(i.page)} class="nav-link" aria-current={place.value.page === i.page ? 'page' : behind[place.value.page]?.under === i.page ? 'true' : undefined}>
                    <Icon name={i.icon} />
                    {t(i.words)}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

export function LiveMark(): JSX.Element {
  const state = liveState.value;
  return (
    <span class={`live ${state}`} data-live={state} role="status">
      <span class="live-dot" aria-hidden="true" />
      {t(state === 'on' ? 'live.on' : state === 'off' ? 'live.off' : 'live.connecting')}
    </span>
  );
}

export function Notes(): JSX.Element {
  return (
    <>
      <div class="notes" role="status">
        {notes.value.map((n) => (
          <div class={`note ${n.kind}`} key={n.id}>
            <Icon name={n.kind === 'good' ? 'check' : 'warn'} />
            <span>{n.text}</span>
            <button type="button" class="icon-button" aria-label={t('app.close')} onClick={() => unsay(n.id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
      <div class="unseen" aria-live="polite" data-ui="spoken">
        {spoken.value}
      </div>
    </>
  );
}

export function Shell({ children }: { children: ComponentChildren }): JSX.Element {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const s = session.value;
  useLayoutEffect(() => {
    if (!open) return;
    const key = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, [open]);
  if (!s) return <></>;
  return (
    <div class={`shell${open ? ' menu-open' : ''}`}>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); document.getElementById('content')?.focus(); }}>
        {t('app.skip')}
      </a>
      <header class="topbar">
        <Link href={hrefOf('home')} class="brand">
          <Logo />
          <span class="brand-words">
            <span class="brand-name">{t('app.name')}</span>
            <span class="brand-workspace">{s.workspace.name}</span>
          </span>
        </Link>
        <button ref={button} type="button" class="button menu-button" aria-expanded={open} aria-controls="side" onClick={() => setOpen(!open)}>
          <Icon name={open ? 'close' : 'menu'} />
          {t('app.menu')}
        </button>
      </header>
      <div class="side" id="side">
        <Nav done={() => setOpen(false)} />
        <section class="side-foot" aria-label={t('nav.me')}>
          <div class="side-selects">
            <LanguageSelect bare />
            <AppearanceSelect bare />
          </div>
          <div class="side-me">
            <Link href={hrefOf('me')} class="me-link" aria-current={place.value.page === 'me' ? 'page' : undefined} onClick={() => setOpen(false)} title={t('nav.me')}>
              <Avatar name={s.member.name || s.member.email} />
              <span class="me-words">
                <span class="me-name">{s.member.name || s.member.email}</span>
                <span class="me-role">{word('role', s.member.role)}</span>
              </span>
            </Link>
            <button type="button" class="icon-button" aria-label={t('app.sign_out')} title={t('app.sign_out')} data-ui="sign-out" onClick={() => void signOut()}>
              <Icon name="out" />
            </button>
          </div>
        </section>
      </div>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
