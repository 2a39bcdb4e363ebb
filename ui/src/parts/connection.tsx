// What the pages about connections share: words and signs of kinds and verdicts, deadlines, the dialogs that disconnect
// (always after a preview of what stops) and that hand out a link for the owner.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api, type Account, type Revocable, type StopPreview, type Verdict } from '../api';
import { say } from '../state';
import { dateTime, daysLeft, number, t, tn, word, type PlainKey } from '../text/text';
import { ended, stuck } from './groups';
import { Icon, type IconName } from './icons';
import { Badge, Deadline, Dialog, inThai, Loading, ProblemBox, Secret, useAct, useLoad, type Tone } from './parts';

const kindIcons: Record<string, IconName> = { business: 'shop', advertiser: 'megaphone', login: 'me' };
export const kindIcon = (kind: string): IconName => kindIcons[kind] ?? 'plug';

export const nameOf = (a: { display_name: string | null; username: string | null }): string => a.display_name || a.username || t('accounts.unnamed');
const tones: Record<Verdict, Tone> = { good: 'good', warning: 'warn', bad: 'bad' };
export function VerdictBadge({ a }: { a: Account }): JSX.Element {
  if (ended(a) || a.state === 'unsure') return <Badge tone="quiet">{word('accounts.state', a.state)}</Badge>;
  if (stuck(a)) return <Badge tone="bad">{t('accounts.verdict.bad')}</Badge>;
  return <Badge tone={tones[a.health.verdict]}>{t(`accounts.verdict.${a.health.verdict}`)}</Badge>;
}

// What comes next: the end that only the owner can move when it is near, else the next thing that happens by itself.
export function nextOf(a: Account): { label: PlainKey; at: string | null; near: boolean } | null {
  if (ended(a) || stuck(a)) return null;
  const near = a.refresh_expires_at !== null && daysLeft(a.refresh_expires_at) < 30;
  if (near) return { label: 'accounts.next.signin', at: a.refresh_expires_at, near };
  const label = a.access_expires_at === null ? 'accounts.next.probe' : 'accounts.next.refresh';
  return a.next_refresh_at ? { label, at: a.next_refresh_at, near: false } : null;
}
export function NextDeadline({ a }: { a: Account }): JSX.Element {
  const next = nextOf(a);
  if (!next) return <></>;
  return (
    <p class={`next${next.near ? ' near' : ''}`}>
      <Icon name="clock" />
      <span>
        {t(next.label)} <Deadline at={next.at} />
      </span>
    </p>
  );
}

// --- disconnect ----------------------------------------------------------------------------------------------------

const AT_ONCE = 100; // as many as the service takes in one request

function Stops({ preview }: { preview: StopPreview }): JSX.Element {
  return (
    <ul class="stops">
      {preview.items.map((i) => (
        <li key={i.id} data-stop={i.id}>
          <p class="strong-text">
            <Icon name={kindIcon(i.kind)} />
            {nameOf(i)} <span class="sub-inline">{word('accounts.kind', i.kind)}</span>
          </p>
          {i.stops.length === 0 ? (
            <p class="hint">{t('stop.nothing')}</p>
          ) : (
            <ul>
              {i.stops.map((s) => (
                <li key={s.name}>
                  {inThai() ? s.th : s.en}
                  {s.count !== null && s.count > 0 && <strong> ({number(s.count)})</strong>}
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}

export function Disconnect({ what, close, done }: { what: Revocable; close: () => void; done: () => Promise<void> }): JSX.Element {
  const preview = useLoad(() => api.previewStops(what), JSON.stringify(what));
  const { busy, problem, act } = useAct();
  const [read, setRead] = useState(false);
  const n = preview.data?.items.length ?? 0;
  return (
    <Dialog title={n === 0 ? t('stop.button') : tn('stop.title', n)} close={close} locked={busy}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void act(async () => {
            // What was shown is what ends, even when more has been connected meanwhile.
            const ids = preview.data?.items.map((i) => i.id) ?? [];
            for (let i = 0; i < ids.length; i += AT_ONCE) await api.revoke({ accounts: ids.slice(i, i + AT_ONCE) });
            say(tn('stop.done', n));
            close();
            await done();
          });
        }}
      >
        <p>{t('stop.text')}</p>
        {preview.problem && <ProblemBox problem={preview.problem} again={() => void preview.reload()} />}
        {!preview.data && !preview.problem && <Loading rows={2} />}
        {preview.data && n === 0 && <p>{t('stop.none')}</p>}
        {preview.data && n > 0 && (
          <>
            <div>
              <h3>{t('stop.stops')}</h3>
              <Stops preview={preview.data} />
            </div>
            <label class="check">
              <input type="checkbox" name="read" checked={read} onChange={(e) => setRead(e.currentTarget.checked)} />
              {t('stop.read')}
            </label>
          </>
        )}
        {problem && <ProblemBox problem={problem} />}
        <div class="dialog-acts">
          <button type="button" class="button" disabled={busy} onClick={close}>
            {t('app.cancel')}
          </button>
          <button type="submit" class="button danger" disabled={busy || n === 0 || !read}>
            {t('stop.button')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

// --- a link for the owner ------------------------------------------------------------------------------------------

export function LinkShown({ link }: { link: { url: string; expires_at: string } }): JSX.Element {
  return (
    <div class="link-shown" data-ui="connect-link">
      <Secret label={t('account.reconnect.label')} value={link.url} />
      <p class="hint">{t('account.reconnect.until', { when: dateTime(link.expires_at) })}</p>
      <a class="button" href={link.url} data-ui="open-link">
        <Icon name="away" />
        {t('account.reconnect.here')}
      </a>
    </div>
  );
}

export function OwnerLink({ what, close }: { what: Record<string, unknown>; close: () => void }): JSX.Element {
  const [link, setLink] = useState<{ url: string; expires_at: string } | null>(null);
  const { problem, act } = useAct();
  useEffect(() => void act(async () => setLink(await api.connect(what))), []);
  return (
    <Dialog title={t('account.reconnect.title')} close={close}>
      <p>{t('account.reconnect.text')}</p>
      {problem && <ProblemBox problem={problem} />}
      {!link && !problem && <Loading rows={1} />}
      {link && <LinkShown link={link} />}
      <div class="dialog-acts">
        <button type="button" class="button strong" onClick={close}>
          {t('account.reconnect.close')}
        </button>
      </div>
    </Dialog>
  );
}
