// The building blocks of the pages: links, problems, empty and loading states, dialogs, fields, badges.
import type { ComponentChildren, JSX } from 'preact';
import { useCallback, useEffect, useId, useRef, useState } from 'preact/hooks';
import { asProblem, type Page, type Problem } from '../api';
import { go } from '../state';
import { ago, ahead, dateTime, initials, language, t } from '../text/text';
import { Icon, type IconName } from './icons';

// --- links -------------------------------------------------------------------------------------------------------

export function Link({ href, children, ...rest }: JSX.IntrinsicElements['a'] & { href: string }): JSX.Element {
  return (
    <a
      {...rest}
      href={href}
      onClick={(e) => {
        if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
        e.preventDefault();
        go(href);
      }}
    >
      {children}
    </a>
  );
}

// --- page --------------------------------------------------------------------------------------------------------

export function PageHead({ title, lead, children }: { title: string; lead?: string; children?: ComponentChildren }): JSX.Element {
  return (
    <header class="page-head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      {children && <div class="page-acts">{children}</div>}
    </header>
  );
}

// --- states ------------------------------------------------------------------------------------------------------

export function ProblemBox({ problem, again }: { problem: Problem; again?: () => void }): JSX.Element {
  return (
    <div class="problem" role="alert" data-problem={problem.code}>
      <Icon name="warn" />
      <div>
        <p class="problem-title">{problem.title}</p>
        {problem.means && <p>{problem.means}</p>}
        {problem.next && <p class="problem-next">{problem.next}</p>}
        <p class="problem-quote">
          {t('problem.code')}: <code>{problem.code}</code>
          {problem.requestId && (
            <>
              {' · '}
              {t('problem.request')}: <code>{problem.requestId}</code>
            </>
          )}
        </p>
        {again && (
          <button type="button" class="button" onClick={again}>
            {t('problem.again')}
          </button>
        )}
      </div>
    </div>
  );
}

export function Empty({ icon, title, text, children }: { icon: IconName; title: string; text?: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} />
      </span>
      <p class="empty-title">{title}</p>
      {text && <p class="empty-text">{text}</p>}
      {children}
    </div>
  );
}

export function Loading({ rows = 4 }: { rows?: number }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="unseen">{t('app.loading')}</span>
      {Array.from({ length: rows }, (_, i) => (
        <div class="loading-row" key={i} aria-hidden="true">
          <span class="loading-dot" />
          <span class="loading-line" />
        </div>
      ))}
    </div>
  );
}

// --- loading of data ---------------------------------------------------------------------------------------------

export interface Loaded<T> {
  data: T | null;
  problem: Problem | null;
  reload: () => Promise<void>;
  set: (data: T) => void;
}
// Loads when `key` changes. Old data stays in view while it is loaded again; a late answer of an older call is dropped.
export function useLoad<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Loaded<T> {
  const [state, setState] = useState<{ key: string; data: T | null; problem: Problem | null }>({ key, data: null, problem: null });
  const latest = useRef({ load, key, abort: null as AbortController | null });
  latest.current.load = load;
  const reload = useCallback(async () => {
    latest.current.abort?.abort();
    const abort = new AbortController();
    latest.current.abort = abort;
    try {
      const data = await latest.current.load(abort.signal);
      if (!abort.signal.aborted) setState({ key: latest.current.key, data, problem: null });
    } catch (e) {
      if (!abort.signal.aborted) setState((s) => ({ key: latest.current.key, data: s.key === latest.current.key ? s.data : null, problem: asProblem(e) }));
    }
  }, []);
  useEffect(() => {
    latest.current.key = key;
    setState((s) => (s.key === key ? s : { key, data: null, problem: null }));
    void reload();
    return () => latest.current.abort?.abort();
  }, [key]);
  const set = useCallback((data: T) => setState({ key: latest.current.key, data, problem: null }), []);
  const current = state.key === key;
  return { data: current ? state.data : null, problem: current ? state.problem : null, reload, set };
}

export interface LoadedList<T> extends Loaded<Page<T>> {
  more: () => Promise<void>;
  moreBusy: boolean;
}
export function useList<T>(load: (cursor: string | null) => Promise<Page<T>>, key: string): LoadedList<T> {
  const first = useLoad(() => load(null), key);
  const [moreBusy, setBusy] = useState(false);
  const [moreProblem, setMoreProblem] = useState<Problem | null>(null);
  const more = async () => {
    if (!first.data?.next_cursor || moreBusy) return;
    setBusy(true);
    setMoreProblem(null);
    try {
      const next = await load(first.data.next_cursor);
      first.set({ items: [...first.data.items, ...next.items], next_cursor: next.next_cursor });
    } catch (e) {
      setMoreProblem(asProblem(e));
    }
    setBusy(false);
  };
  return { ...first, problem: first.problem ?? moreProblem, more, moreBusy };
}

// One act at a time: busy while it runs, its problem when it was refused.
export function useAct(): { busy: boolean; problem: Problem | null; act: (fn: () => Promise<void>) => Promise<void>; clear: () => void } {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const act = async (fn: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      await fn();
    } catch (e) {
      setProblem(asProblem(e));
    }
    setBusy(false);
  };
  return { busy, problem, act, clear: () => setProblem(null) };
}

// A list page: problem, loading, empty or content, and "show more".
export function ListView<T>({ list, empty, children }: { list: LoadedList<T>; empty: JSX.Element; children: (items: T[]) => JSX.Element }): JSX.Element {
  return (
    <>
      {list.problem && <ProblemBox problem={list.problem} again={() => void list.reload()} />}
      {!list.data && !list.problem && <Loading />}
      {list.data && list.data.items.length === 0 && empty}
      {list.data && list.data.items.length > 0 && children(list.data.items)}
      {list.data?.next_cursor && (
        <p class="more">
          <button type="button" class="button" disabled={list.moreBusy} onClick={() => void list.more()}>
            {t('app.more')}
          </button>
        </p>
      )}
    </>
  );
}

// --- table -------------------------------------------------------------------------------------------------------

// A table that turns into cards on narrow screens; each cell then shows its column's name. Roles are said aloud, because
// the changed display would take them away.
export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  end?: boolean;
}
export function Table<T extends { id?: string; n?: number }>({ caption, columns, rows }: { caption: string; columns: Column<T>[]; rows: T[] }): JSX.Element {
  return (
    <div class="table-box">
      <table role="table">
        <caption class="unseen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((c) => (
              <th key={c.head} scope="col" role="columnheader" class={c.end ? 'end' : undefined}>
                {c.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={row.id ?? row.n} role="row" data-id={row.id}>
              {columns.map((c, i) => (
                <td key={c.head} role="cell" class={`${i === 0 ? 'first' : ''}${c.end ? ' end' : ''}`}>
                  <span class="cell-head" aria-hidden="true">
                    {c.head}
                  </span>
                  <div class="cell">{c.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// --- dialog ------------------------------------------------------------------------------------------------------

export function Dialog({ title, children, close, locked }: { title: string; children: ComponentChildren; close: () => void; locked?: boolean }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      // The element is gone when this runs, so the browser cannot give the focus back by itself.
      requestAnimationFrame(() => {
        if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus();
      });
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={heading}
      onCancel={(e) => {
        e.preventDefault();
        if (!locked) close();
      }}
    >
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  );
}

export function Confirm(o: { title: string; text: string; button: string; danger?: boolean; act: () => Promise<void>; close: () => void; children?: ComponentChildren }): JSX.Element {
  const { busy, problem, act } = useAct();
  return (
    <Dialog title={o.title} close={o.close} locked={busy}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void act(o.act);
        }}
      >
        <p>{o.text}</p>
        {o.children}
        {problem && <ProblemBox problem={problem} />}
        <div class="dialog-acts">
          <button type="button" class="button" disabled={busy} onClick={o.close}>
            {t('app.cancel')}
          </button>
          <button type="submit" class={`button ${o.danger ? 'danger' : 'strong'}`} disabled={busy}>
            {o.button}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

// A text that is shown once.
export function Secret({ label, value }: { label: string; value: string }): JSX.Element {
  const id = useId();
  const [copied, setCopied] = useState(false);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="secret">
        <input id={id} class="mono" readOnly value={value} spellcheck={false} onFocus={(e) => e.currentTarget.select()} />
        <button
          type="button"
          class="button"
          onClick={() => {
            void navigator.clipboard?.writeText(value).then(
              () => setCopied(true),
              () => document.getElementById(id)?.focus(),
            );
          }}
        >
          {copied ? t('app.copied') : t('app.copy')}
        </button>
      </div>
      <span class="unseen" role="status">
        {copied ? t('app.copied') : ''}
      </span>
    </div>
  );
}

// --- fields ------------------------------------------------------------------------------------------------------

type InputProps = Omit<JSX.IntrinsicElements['input'], 'type' | 'role'> & { type?: 'text' | 'password' | 'email' | 'url' };
export function Field({ label, hint, error, ...input }: { label: string; hint?: string; error?: string } & InputProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input {...(input as object)} id={id} aria-invalid={error ? true : undefined} aria-describedby={hint || error ? `${id}-hint` : undefined} />
      {(error || hint) && (
        <p id={`${id}-hint`} class={error ? 'field-error' : 'hint'}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

type SelectProps = { 'data-ui'?: string };
export function Select({ label, value, options, change, hint, bare, ...rest }: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  change: (value: string) => void;
  hint?: string;
  bare?: boolean;
} & SelectProps): JSX.Element {
  const id = useId();
  const select = (
    <select {...(rest as object)} id={id} value={value} aria-label={bare ? label : undefined} aria-describedby={hint ? `${id}-hint` : undefined} onChange={(e) => change(e.currentTarget.value)}>
      {options.map(([v, text]) => (
        <option key={v} value={v} selected={v === value}>
          {text}
        </option>
      ))}
    </select>
  );
  if (bare) return select;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {select}
      {hint && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

// --- small things ------------------------------------------------------------------------------------------------

export type Tone = 'good' | 'warn' | 'bad' | 'quiet' | 'info';
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}

// A moment: relative in the text, exact on hover and for machines. Counts on by itself.
export function Moment({ at, none, exact }: { at: string | null; none?: string; exact?: boolean }): JSX.Element {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 30000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span class="muted">{none ?? t('app.never')}</span>;
  return (
    <time dateTime={at} title={dateTime(at)}>
      {exact ? dateTime(at) : ago(at)}
    </time>
  );
}

// A moment to come: "in 29 days" in the text, exact on hover. Counts down by itself.
export function Deadline({ at, none }: { at: string | null; none?: string }): JSX.Element {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 20000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span class="muted">{none ?? t('app.none')}</span>;
  return (
    <time dateTime={at} title={dateTime(at)}>
      {ahead(at)}
    </time>
  );
}

// A short code with a button that copies it; `what` names it for those who do not see it.
export function Copy({ value, what }: { value: string; what: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <span class="copy">
      <code>{value}</code>
      <button type="button" class="copy-button" aria-label={`${t('app.copy')}: ${what}`} title={t('app.copy')} onClick={() => void navigator.clipboard?.writeText(value).then(() => setCopied(true), () => {})}>
        <Icon name={copied ? 'check' : 'copy'} />
      </button>
      <span class="unseen" role="status">
        {copied ? t('app.copied') : ''}
      </span>
    </span>
  );
}

function hue(text: string): number {
  let h = 0;
  for (const c of text) h = (h * 31 + (c.codePointAt(0) ?? 0)) % 997;
  return h % 6;
}
// Initials on a quiet colour. TikTok's picture addresses are not loaded here: they would tell TikTok who looks at what.
export function Avatar({ name }: { name: string }): JSX.Element {
  return (
    <span class={`avatar hue${hue(name)}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export const inThai = (): boolean => language.value === 'th';
