// What the whole console shares: who is signed in, where we are, what is announced, light or dark.
import { computed, signal } from '@preact/signals';
import { api, asProblem, onSignedOut, type Problem, type Session } from './api';
import { startLive, stopLive } from './live';
import { languages, setLanguage, language, type Language } from './text/text';

// --- session -----------------------------------------------------------------------------------------------------

export type Who = { state: 'asking' } | { state: 'nobody' } | { state: 'member'; session: Session } | { state: 'failed'; problem: Problem };
export const who = signal<Who>({ state: 'asking' });
export const session = computed<Session | null>(() => (who.value.state === 'member' ? who.value.session : null));
export type SignInNote = 'none' | 'ended' | 'out';
export const signInNote = signal<SignInNote>('none');

export function may(permission: string): boolean {
  return session.value?.permissions.includes(permission) ?? false;
}

export function entered(s: Session): void {
  who.value = { state: 'member', session: s };
  signInNote.value = 'none';
  if ((languages as readonly string[]).includes(s.member.language)) setLanguage(s.member.language as Language);
}

export async function askWho(): Promise<void> {
  who.value = { state: 'asking' };
  try {
    entered(await api.session());
  } catch (e) {
    const problem = asProblem(e);
    who.value = problem.status === 401 || problem.status === 403 ? { state: 'nobody' } : { state: 'failed', problem };
  }
}

onSignedOut(() => {
  if (who.value.state !== 'member') return;
  who.value = { state: 'nobody' };
  signInNote.value = 'ended';
});

export async function signOut(): Promise<void> {
  stopLive(); // what it would have loaded is refused from now on
  try {
    await api.signOut();
  } catch (e) {
    const problem = asProblem(e);
    if (problem.status !== 401) {
      say(problem.title, 'bad');
      if (may('conversations.read')) startLive();
      return;
    }
  }
  who.value = { state: 'nobody' };
  signInNote.value = 'out';
  go('/console/sign-in');
}

// The language at once, and at the member's record when somebody is signed in.
export async function chooseLanguage(next: Language): Promise<void> {
  if (next === language.value) return;
  setLanguage(next);
  if (who.value.state !== 'member') return;
  try {
    who.value = { state: 'member', session: await api.setLanguage(next) };
  } catch (e) {
    say(asProblem(e).title, 'bad');
  }
}

// --- place -------------------------------------------------------------------------------------------------------

export interface Place {
  page: string; // 'home' for /console/, else the one segment behind it
  query: URLSearchParams;
}
function here(): Place {
  const page = location.pathname.replace(/^\/console\/?/, '').replace(/\/$/, '');
  return { page: page === '' ? 'home' : decodeURIComponent(page), query: new URLSearchParams(location.search) };
}
export const place = signal<Place>(here());

export function hrefOf(page: string, query: Record<string, string> = {}): string {
  const q = new URLSearchParams(query).toString();
  return `/console/${page === 'home' ? '' : page}${q === '' ? '' : `?${q}`}`;
}

export function go(href: string, replace = false): void {
  if (replace) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  const before = place.value.page;
  place.value = here();
  if (before !== place.value.page) {
    window.scrollTo(0, 0);
    // A new page: its heading takes the focus, so that keyboards and screen readers begin there.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());
  }
}
window.addEventListener('popstate', () => {
  place.value = here();
});

// --- announcements -----------------------------------------------------------------------------------------------

export interface Note {
  id: number;
  text: string;
  kind: 'good' | 'bad';
}
export const notes = signal<Note[]>([]);
let noteId = 0;

export function say(text: string, kind: Note['kind'] = 'good'): void {
  noteId += 1;
  const note = { id: noteId, text, kind };
  notes.value = [...notes.value.slice(-2), note];
  setTimeout(() => unsay(note.id), kind === 'bad' ? 12000 : 7000);
}
export function unsay(id: number): void {
  notes.value = notes.value.filter((n) => n.id !== id);
}
// Spoken by screen readers, not shown: what arrives live.
export const spoken = signal('');

// --- appearance --------------------------------------------------------------------------------------------------

export type Appearance = 'system' | 'light' | 'dark';
export const appearances: readonly Appearance[] = ['system', 'light', 'dark'];
const STORED = 'mozflow.appearance';
function keptAppearance(): Appearance {
  try {
    const kept = localStorage.getItem(STORED);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}
export const appearance = signal<Appearance>(keptAppearance());

export function chooseAppearance(next: Appearance): void {
  appearance.value = next;
  try {
    if (next === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // Then it lasts for this page only.
  }
}
