// The conversation list and one open conversation beside it. On narrow screens one of the two is seen.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, asProblem, type Conversation, type Message, type Page, type Problem } from '../api';
import { onLive } from '../live';
import { Icon } from '../parts/icons';
import { Avatar, Badge, Empty, Link, Loading, ProblemBox, Select, useLoad, type Tone } from '../parts/parts';
import { hrefOf, may, place, spoken } from '../state';
import { dateTime, dayLong, sameDay, short, t, time, tn, word } from '../text/text';

const statuses = ['open', 'waiting_us', 'waiting_customer', 'snoozed', 'closed'] as const;
const tones: Record<string, Tone> = { open: 'info', waiting_us: 'warn', waiting_customer: 'quiet', snoozed: 'quiet', closed: 'quiet' };

export function nameOf(c: Conversation): string {
  return c.contact.name || (c.contact.username ? `@${c.contact.username}` : t('inbox.unknown'));
}

function previewOf(c: Conversation): string {
  const m = c.last_message;
  if (!m) return '';
  const text = m.shown ? (m.text ?? word('inbox.type', m.type)) : t('inbox.unshown');
  return m.direction === 'out' ? t('inbox.you', { text }) : text;
}

// The first page anew, and behind it what was loaded before and has not moved up.
function merged(fresh: Page<Conversation>, old: Page<Conversation> | null): Page<Conversation> {
  if (!old || old.items.length <= fresh.items.length) return fresh;
  const known = new Set(fresh.items.map((c) => c.id));
  const oldest = fresh.items[fresh.items.length - 1]?.last_message_at ?? '';
  const rest = old.items.filter((c) => !known.has(c.id) && c.last_message_at < oldest);
  return rest.length === 0 ? fresh : { items: [...fresh.items, ...rest], next_cursor: old.next_cursor };
}

// What a screen reader hears when a conversation's newest message was not there before.
function speakNew(fresh: Page<Conversation>, old: Page<Conversation>): void {
  const before = new Map(old.items.map((c) => [c.id, c.last_message?.id]));
  const news = fresh.items.find((c) => c.last_message?.direction === 'in' && before.get(c.id) !== c.last_message.id);
  if (!news?.last_message) return;
  spoken.value = news.last_message.shown
    ? t('live.message', { name: nameOf(news), text: news.last_message.text ?? word('inbox.type', news.last_message.type) })
    : t('live.message.unshown', { name: nameOf(news) });
}

function Row({ c, open }: { c: Conversation; open: boolean }): JSX.Element {
  const name = nameOf(c);
  return (
    <li data-conversation={c.id}>
      <Link href={hrefOf('home', { conversation: c.id })} class={`conversation${c.unread_count > 0 ? ' unread' : ''}`} aria-current={open ? 'true' : undefined}>
        <Avatar name={c.contact.name ?? c.contact.username ?? '?'} />
        <span class="conversation-words">
          <span class="conversation-top">
            <span class="conversation-name">{name}</span>
            <time dateTime={c.last_message_at} title={dateTime(c.last_message_at)}>
              {short(c.last_message_at)}
            </time>
          </span>
          <span class="conversation-bottom">
            <span class={`conversation-text${c.last_message && !c.last_message.shown ? ' faint' : ''}`} dir="auto">
              {previewOf(c)}
            </span>
            {c.unread_count > 0 && (
              <span class="count">
                <span aria-hidden="true">{c.unread_count > 99 ? '99+' : c.unread_count}</span>
                <span class="unseen">{tn('inbox.unread', c.unread_count)}</span>
              </span>
            )}
          </span>
        </span>
      </Link>
    </li>
  );
}

// What a message holds. Links lead to TikTok only when they are pressed; nothing of TikTok is loaded here.
function Body({ m }: { m: Message }): JSX.Element {
  if (m.type === 'share_post' && m.text === null)
    return (
      <p class="bubble" data-type="share_post">
        {word('inbox.type', m.type)}{' '}
        {m.content?.video_id && (
          <a href={`https://www.tiktok.com/@/video/${encodeURIComponent(m.content.video_id)}`} target="_blank" rel="noopener noreferrer">
            {t('inbox.open_post')}
          </a>
        )}
      </p>
    );
  if (m.type === 'template' && m.text === null)
    return (
      <div class="bubble" data-type="template" dir="auto">
        <p>{m.content?.title ?? word('inbox.type', m.type)}</p>
        <ul class="bubble-buttons" aria-label={t('inbox.buttons')}>
          {(m.content?.buttons ?? []).map((b, i) => (
            <li key={i}>{b.text}</li>
          ))}
        </ul>
      </div>
    );
  return (
    <p class="bubble" dir="auto">
      {m.text ?? word('inbox.type', m.type)}
    </p>
  );
}

// Behind the time of what the shop sent: who wrote it, and what is known of its fate.
function Sent({ m }: { m: Message }): JSX.Element {
  if (m.direction !== 'out') return <></>;
  return (
    <>
      {m.automatic ? <span>{t('inbox.automatic')}</span> : m.source === 'app' || m.source === 'web' ? <span>{t(`inbox.source.${m.source}`)}</span> : null}
      {(m.state === 'sent' || m.state === 'read') && <span data-state={m.state}>{t(`inbox.state.${m.state}`)}</span>}
    </>
  );
}

// Where the customer came from, and what may still be sent.
function ThreadInfo({ c }: { c: Conversation }): JSX.Element {
  const { referral: from, window: w } = c;
  const came = from ? (from.ad_id ? t('inbox.from_ad', { name: from.ad_name ?? from.ad_id }) : from.ref ? t('inbox.from_link', { ref: from.ref }) : null) : null;
  if (!came && w.state === 'none') return <></>;
  return (
    <p class="thread-info" data-window={w.state}>
      {came && <span>{came}</span>}
      {w.state !== 'none' && (
        <span>
          {w.messages_left === null ? t('inbox.window.free') : tn('inbox.window.left', w.messages_left)}
          {w.ends_at && <> ({t('inbox.window.until', { when: dateTime(w.ends_at) })})</>}
        </span>
      )}
    </p>
  );
}

function Bubble({ m }: { m: Message }): JSX.Element {
  return (
    <li class={`message ${m.direction}`} data-message={m.id} data-shown={m.shown ? 'yes' : 'no'}>
      <span class="unseen">{t(m.direction === 'in' ? 'inbox.customer' : 'inbox.shop')}: </span>
      {m.shown ? (
        <Body m={m} />
      ) : (
        <p class="bubble unshown">
          {t('inbox.unshown')}
          <span class="hint">{t('inbox.unshown.type', { type: m.type })}</span>
        </p>
      )}
      {m.reactions.length > 0 && (
        <ul class="reactions" aria-label={t('inbox.reactions')}>
          {m.reactions.map((r, i) => (
            <li key={i}>{r.kind === 'emoji' ? r.mark : t('inbox.reaction.picture')}</li>
          ))}
        </ul>
      )}
      <span class="message-foot">
        <time dateTime={m.sent_at} title={dateTime(m.sent_at)}>
          {time(m.sent_at)}
        </time>
        <Sent m={m} />
        {may('explain') && (
          <Link class="explain-link" href={hrefOf('explain', { id: m.id })}>
            {t('inbox.explain')}
          </Link>
        )}
      </span>
    </li>
  );
}

// Newest first from the service; shown oldest first, with a heading per day.
function Messages({ items }: { items: Message[] }): JSX.Element {
  const rows: JSX.Element[] = [];
  let day = '';
  for (const m of [...items].reverse()) {
    if (day === '' || !sameDay(day, m.sent_at)) {
      day = m.sent_at;
      rows.push(
        <li class="day" key={`day-${m.id}`}>
          <span>{dayLong(m.sent_at)}</span>
        </li>,
      );
    }
    rows.push(<Bubble key={m.id} m={m} />);
  }
  return <ol class="messages">{rows}</ol>;
}

interface ThreadData {
  conversation: Conversation;
  messages: Page<Message>;
}

async function loadThread(id: string, signal: AbortSignal): Promise<ThreadData> {
  const [conversation, messages] = await Promise.all([api.conversation(id, signal), api.messages(id, null, signal)]);
  return { conversation, messages };
}

function Thread({ id }: { id: string }): JSX.Element {
  const thread = useLoad((signal) => loadThread(id, signal), id);
  const [older, setOlder] = useState<Page<Message> | null>(null);
  const [olderProblem, setOlderProblem] = useState<Problem | null>(null);
  const scroll = useRef<HTMLDivElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const d = thread.data;

  useEffect(() => onLive((topics) => (['*', 'message', 'conversation'].some((x) => topics.has(x)) ? void thread.reload() : undefined)), [id]);
  useEffect(() => heading.current?.focus({ preventScroll: false }), [id, d === null]);

  const fresh = d?.messages.items ?? [];
  const known = new Set(fresh.map((m) => m.id));
  const items = [...fresh, ...(older?.items.filter((m) => !known.has(m.id)) ?? [])];
  const next = older ? older.next_cursor : (d?.messages.next_cursor ?? null);
  const newest = fresh[0]?.id;

  // The newest message comes into view when it arrives, unless the person has scrolled up to read.
  const atEnd = useRef(true);
  useEffect(() => {
    const box = scroll.current;
    if (box && atEnd.current) box.scrollTop = box.scrollHeight;
  }, [newest, id, d === null]);

  // Seen: the conversation is open in a visible window.
  const unread = d?.conversation.unread_count ?? 0;
  useEffect(() => {
    const mark = () => {
      if (unread > 0 && document.visibilityState === 'visible' && may('conversations.write')) void api.markRead(id).catch(() => {});
    };
    mark();
    document.addEventListener('visibilitychange', mark);
    return () => document.removeEventListener('visibilitychange', mark);
  }, [id, unread]);

  const earlier = async () => {
    try {
      const page = await api.messages(id, next);
      setOlder({ items: [...(older?.items ?? []), ...page.items], next_cursor: page.next_cursor });
      setOlderProblem(null);
    } catch (e) {
      setOlderProblem(asProblem(e));
    }
  };

  const name = d ? nameOf(d.conversation) : '';
  return (
    <section class="thread" aria-label={d ? t('inbox.messages', { name }) : t('app.loading')}>
      <header class="thread-head">
        <Link class="icon-button back" href={hrefOf('home')} aria-label={t('inbox.back')}>
          <Icon name="back" />
        </Link>
        {d && (
          <>
            <Avatar name={d.conversation.contact.name ?? d.conversation.contact.username ?? '?'} />
            <div class="thread-who">
              <h2 ref={heading} tabIndex={-1}>
                {name}
              </h2>
              {d.conversation.contact.name && d.conversation.contact.username && <p>@{d.conversation.contact.username}</p>}
            </div>
            <Badge tone={tones[d.conversation.status] ?? 'quiet'}>{word('status', d.conversation.status)}</Badge>
          </>
        )}
      </header>
      {d ? <ThreadInfo c={d.conversation} /> : null}
      <div
        class="thread-body"
        ref={scroll}
        tabIndex={0}
        role="group"
        aria-label={d ? t('inbox.messages', { name }) : t('app.loading')}
        onScroll={(e) => {
          const b = e.currentTarget;
          atEnd.current = b.scrollHeight - b.scrollTop - b.clientHeight < 80;
        }}
      >
        {thread.problem && <ProblemBox problem={thread.problem} again={() => void thread.reload()} />}
        {!d && !thread.problem && <Loading />}
        {next && (
          <p class="more">
            <button type="button" class="button" onClick={() => void earlier()}>
              {t('inbox.earlier')}
            </button>
          </p>
        )}
        {olderProblem && <ProblemBox problem={olderProblem} />}
        {d && items.length === 0 && <p class="hint centre">{t('inbox.no_messages')}</p>}
        {items.length > 0 && <Messages items={items} />}
      </div>
      <p class="thread-foot">{t('inbox.reply_later')}</p>
    </section>
  );
}

export function Inbox(): JSX.Element {
  const [status, setStatus] = useState('');
  const list = useLoad((signal) => api.conversations({ status, signal }), `conversations ${status}`);
  const [shown, setShown] = useState<Page<Conversation> | null>(null);
  const [moreProblem, setMoreProblem] = useState<Problem | null>(null);
  const open = place.value.query.get('conversation');

  useEffect(() => onLive((topics) => (['*', 'message', 'conversation', 'contact'].some((x) => topics.has(x)) ? void list.reload() : undefined)), []);
  useEffect(() => setShown(null), [status]);
  useEffect(() => {
    const fresh = list.data;
    if (!fresh) return;
    setShown((old) => {
      if (old) speakNew(fresh, old);
      return merged(fresh, old);
    });
  }, [list.data]);

  const more = async () => {
    if (!shown?.next_cursor) return;
    try {
      const page = await api.conversations({ status, cursor: shown.next_cursor });
      setShown({ items: [...shown.items, ...page.items], next_cursor: page.next_cursor });
      setMoreProblem(null);
    } catch (e) {
      setMoreProblem(asProblem(e));
    }
  };

  return (
    <section class={`inbox${open ? ' has-open' : ''}`} aria-labelledby="inbox-title">
      <div class="inbox-list">
        <header class="inbox-head">
          <h2 id="inbox-title">{t('inbox.title')}</h2>
          <Select
            bare
            label={t('inbox.filter')}
            value={status}
            options={[['', t('inbox.filter.all')], ...statuses.map((s) => [s, t(`status.${s}`)] as const)]}
            change={setStatus}
          />
        </header>
        <div class="inbox-scroll">
          {list.problem && <ProblemBox problem={list.problem} again={() => void list.reload()} />}
          {!shown && !list.problem && <Loading rows={5} />}
          {shown && shown.items.length === 0 && (
            <Empty
              icon="chat"
              title={t(status ? 'inbox.empty.filtered' : 'inbox.empty')}
              text={t(status ? 'inbox.empty.filtered.text' : 'inbox.empty.text')}
            />
          )}
          {shown && shown.items.length > 0 && (
            <ul class="conversations">
              {shown.items.map((c) => (
                <Row key={c.id} c={c} open={c.id === open} />
              ))}
            </ul>
          )}
          {moreProblem && <ProblemBox problem={moreProblem} />}
          {shown?.next_cursor && (
            <p class="more">
              <button type="button" class="button" onClick={() => void more()}>
                {t('app.more')}
              </button>
            </p>
          )}
        </div>
      </div>
      {open ? (
        <Thread key={open} id={open} />
      ) : (
        <div class="thread nothing">
          <Empty icon="chat" title={t('inbox.pick')} text={t('inbox.pick.text')} />
        </div>
      )}
    </section>
  );
}

