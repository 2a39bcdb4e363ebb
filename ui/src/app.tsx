// Which page stands where, and who may see it.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { AccountPage } from './pages/account';
import { Accounts } from './pages/accounts';
import { Apps } from './pages/apps';
import { Audit } from './pages/audit';
import { Budgets } from './pages/budgets';
import { Connect } from './pages/connect';
import { DeadLetters } from './pages/dead';
import { Events } from './pages/events';
import { Explain } from './pages/explain';
import { Flags } from './pages/flags';
import { Home } from './pages/home';
import { Invitation } from './pages/invitation';
import { Keys } from './pages/keys';
import { Me } from './pages/me';
import { Members } from './pages/members';
import { SignIn } from './pages/sign-in';
import { Webhooks } from './pages/webhooks';
import { Empty, Link, Loading, PageHead, ProblemBox } from './parts/parts';
import { needOf, Notes, Shell } from './parts/shell';
import { askWho, go, hrefOf, may, place, who } from './state';
import { t, type PlainKey } from './text/text';

const pages: Record<string, { title: PlainKey; show: () => JSX.Element }> = {
  home: { title: 'home.title', show: Home },
  accounts: { title: 'accounts.title', show: Accounts },
  account: { title: 'account.title', show: AccountPage },
  connect: { title: 'connect.title', show: Connect },
  webhooks: { title: 'hooks.title', show: Webhooks },
  events: { title: 'events.title', show: Events },
  'dead-letters': { title: 'dead.title', show: DeadLetters },
  apps: { title: 'apps.title', show: Apps },
  budgets: { title: 'budgets.title', show: Budgets },
  explain: { title: 'explain.title', show: Explain },
  audit: { title: 'audit.title', show: Audit },
  members: { title: 'members.title', show: Members },
  keys: { title: 'keys.title', show: Keys },
  flags: { title: 'flags.title', show: Flags },
  me: { title: 'me.title', show: Me },
};

function Missing({ title, text }: { title: PlainKey; text: PlainKey }): JSX.Element {
  return (
    <>
      <PageHead title={t(title)} />
      <Empty icon="hidden" title={t(text)}>
        <Link class="button" href={hrefOf('home')}>
          {t('app.to_home')}
        </Link>
      </Empty>
    </>
  );
}

function Inside(): JSX.Element {
  const name = place.value.page;
  const page = pages[name];
  if (!page) return <Missing title="app.not_found" text="app.not_found.text" />;
  const need = needOf(name);
  if (need !== null && !may(need)) return <Missing title="app.not_allowed" text="app.not_allowed.text" />;
  const Show = page.show;
  return <Show key={name} />;
}

export function App(): JSX.Element {
  const name = place.value.page;
  const state = who.value.state;
  const open = name === 'sign-in' || name === 'invitation';
  useEffect(() => {
    const title: PlainKey = name === 'sign-in' ? 'signin.title' : name === 'invitation' ? 'invite.title' : (pages[name]?.title ?? 'app.not_found');
    document.title = `${t(title)} · ${t('app.name')}`;
  });
  useEffect(() => {
    if (state === 'nobody' && !open) go(hrefOf('sign-in', name === 'home' ? {} : { next: name }), true);
    else if (state === 'member' && name === 'sign-in') {
      const next = place.value.query.get('next') ?? 'home';
      go(hrefOf(pages[next] ? next : 'home'), true);
    }
  }, [state, name]);

  if (name === 'invitation') return (<><Invitation /><Notes /></>);
  const current = who.value;
  switch (current.state) {
    case 'asking':
      return (
        <div class="alone">
          <Loading rows={3} />
        </div>
      );
    case 'failed':
      return (
        <main class="alone">
          <ProblemBox problem={current.problem} again={() => void askWho()} />
        </main>
      );
    case 'nobody':
      return (<><SignIn /><Notes /></>);
    case 'member':
      return (
        <>
          <Shell>
            <Inside />
          </Shell>
          <Notes />
        </>
      );
  }
}
