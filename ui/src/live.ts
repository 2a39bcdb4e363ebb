// The live feed: GET /v1/feed as an event stream. A frame says only that a thing changed; whoever shows it reads it again.
// The browser resumes by itself with Last-Event-ID. When it gives up (an answer that is no stream), a new stream begins
// after a pause, and its first frame "hello" makes everybody load again: nothing is missed.
import { signal } from '@preact/signals';

export const liveState = signal<'connecting' | 'on' | 'off'>('connecting');

type Listener = (topics: Set<string>) => void;
const listeners = new Set<Listener>();
let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
let pending: ReturnType<typeof setTimeout> | undefined;
let topics = new Set<string>();
let wait = 1000;
const WAIT_MAX = 30000;
const GATHER_MS = 80;

// Changes within a moment are told together, so that a burst of messages makes one request and not fifty.
function tell(topic: string): void {
  topics.add(topic);
  pending ??= setTimeout(() => {
    const told = topics;
    topics = new Set();
    pending = undefined;
    for (const listener of listeners) listener(told);
  }, GATHER_MS);
}

function open(): void {
  source = new EventSource('/v1/feed');
  const greeted = () => {
    liveState.value = 'on';
    wait = 1000;
  };
  source.addEventListener('open', greeted);
  source.addEventListener('hello', () => {
    greeted();
    tell('*');
  });
  source.addEventListener('reset', () => tell('*'));
  source.addEventListener('message', (m) => {
    try {
      const change = JSON.parse(m.data as string) as { topic?: unknown };
      tell(typeof change.topic === 'string' ? change.topic : '*');
    } catch {
      tell('*');
    }
  });
  source.addEventListener('error', () => {
    liveState.value = 'off';
    if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    retry = setTimeout(open, wait);
    wait = Math.min(wait * 2, WAIT_MAX);
  });
}

export function startLive(): void {
  if (source) return;
  liveState.value = 'connecting';
  open();
}

export function stopLive(): void {
  clearTimeout(retry);
  clearTimeout(pending);
  pending = undefined;
  source?.close();
  source = null;
}

// fn hears the topics that changed; '*' means anything may have changed. Returns how to stop listening.
export function onLive(fn: Listener): () => void {
  listeners.add(fn);
  return () => listeners.delete(fn);
}
