// The REST API of the daemon, as this console uses it. Every refusal is a Problem (RFC 9457) with words to show.
import { language, t } from './text/text';

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
export interface Session {
  member: { id: string; name: string; email: string; role: string; language: string; identities: { client_key: string; linked_at: string }[] };
  workspace: { id: string; name: string; public_key: string };
  permissions: string[];
  flags?: Record<string, boolean>;
}
export interface Message {
  id: string;
  conversation_id: string;
  direction: 'in' | 'out';
  type: string;
  shown: boolean;
  text: string | null;
  source: string; // customer, api, app, web, other
  automatic: string | null;
  content: { video_id?: string; title?: string; buttons?: { text?: string }[] } | null;
  state: string; // received, sent, read
  reactions: { kind: string; mark: string; at: string }[];
  sent_at: string;
  received_at: string | null;
}
export interface Conversation {
  id: string;
  account_id: string;
  contact: { id: string; name: string | null; username: string | null; avatar_url: string | null };
  status: string;
  unread_count: number;
  last_message_at: string;
  referral: { source: string; ad_id: string | null; ad_name: string | null; ref: string | null; at: string } | null;
  window: { state: string; messages_left: number | null; ends_at: string | null };
  last_message: { id: string; type: string; direction: 'in' | 'out'; text: string | null; at: string; shown: boolean } | null;
}
export type Verdict = 'good' | 'warning' | 'bad';
export interface Account {
  id: string;
  kind: string; // login, business, advertiser
  app: string;
  open_id: string;
  display_name: string | null;
  username: string | null;
  avatar_url: string | null;
  state: string; // connected, unsure, needs_reauth, revoking, revoked
  scopes: string[];
  missing_scopes: string[];
  connected_at: string | null;
  last_good_at: string | null;
  last_webhook_at: string | null;
  access_expires_at: string | null;
  refresh_expires_at: string | null;
  next_refresh_at: string | null;
  person: string; // the same for all grants of one person or shop
  person_name: string | null;
  health: { verdict: Verdict; code: string; en: string; th: string; next_step_en: string; next_step_th: string };
  advertisers: { id: string; name: string | null }[];
}
export interface TimelineItem {
  id: string;
  at: string;
  what: string;
  outcome: 'good' | 'bad' | 'info';
  class: string | null;
  tiktok_code: number | null;
  log_id: string | null;
  en: string;
  th: string;
}
export interface Feature {
  name: string;
  en: string;
  th: string;
  state: string; // works, untried, missing_scope, app_lacks_scope
  scopes: string[];
  missing: string[];
  step_up: Record<string, unknown> | null; // posted whole to /v1/connections
  en_why: string | null;
  th_why: string | null;
}
export interface Stop {
  name: string;
  en: string;
  th: string;
  count: number | null;
}
export interface StopPreview {
  items: { id: string; kind: string; display_name: string | null; username: string | null; state: string; stops: Stop[] }[];
}
export type Revocable = { accounts: string[] } | { all: { kind: string; app?: string } };
export interface Checklist {
  markets: { id: string; en: string; th: string; detail_en: string; detail_th: string; verdict?: Verdict }[];
  steps: {
    id: string;
    en: string;
    th: string;
    detail_en: string;
    detail_th: string;
    conflict?: { en: string; th: string } | null;
    applies: boolean;
    done: boolean | null;
  }[];
  guides: { portal: string; en: string; th: string; url_path: string }[];
}
export interface App {
  id: string;
  kind: string;
  client_key: string;
  scopes: string[];
  redirects: { uri: string; kind: string }[];
  sandbox_targets: string[];
  webhook_url: string | null;
  owner: string; // installation, workspace
  secret_previous: boolean;
  secret_previous_until: string | null;
}
export interface Availability {
  verdict: string; // unknown, available, no_scope, not_business, not_approved_or_region, token_dead, webhook_missing
  code: string | null; // of TikTok's refusal
  en: string;
  th: string;
  checks: { name: string; result: string; en: string; th: string; at: string | null; tiktok_code: number | null; log_id: string | null }[];
  checked_at: string | null;
  next_at: string | null;
  fallback: { en: string; th: string; links: { kind: string; url: string | null; en: string; th: string }[] } | null;
  task: { id: string; owner: string | null; recheck_at: string | null; en: string; th: string } | null;
}
export interface Subscription {
  app: string;
  category: string;
  needed: boolean;
  en: string;
  th: string;
  code: string | null; // why the state is not known
  wanted_url: string;
  registered_url: string | null;
  state: string; // right, missing, foreign, unknown
  checked_at: string | null;
  last_event_at: string | null;
}
export interface Bucket {
  family: string;
  client_key: string;
  account: string | null;
  endpoint: string | null;
  name: string;
  limit: number; // 0: no number of ours, only TikTok shuts it
  window: string;
  used: number;
  shut_until: string | null;
}
export interface Member {
  id: string;
  name: string;
  email: string;
  role: string;
  created_at: string;
  signed_in_at: string | null;
}
export interface ApiKey {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  used_at: string | null;
  key?: string | null;
}
export interface EventRow {
  id: string;
  type: string;
  subject: string | null;
  state: string;
  attempts: number;
  created_at: string;
  last_attempt_at: string | null;
  last_status: number | null;
  last_code: string | null;
  delivered_at: string | null;
}
export interface Endpoint {
  url: string | null;
  enabled: boolean;
  off_reason: string | null;
  off_at: string | null;
  updated_at: string | null;
  secret?: string | null;
  secrets: { id: string; created_at: string; valid_until: string | null }[];
}
export interface Flag {
  name: string;
  on: boolean;
  here: 'unset' | 'on' | 'off';
  installation: 'unset' | 'on' | 'off';
  means_en: string;
  means_th: string;
  reason: string | null;
  changed_by: string | null;
  changed_at: string | null;
}
export interface DeadLetter {
  id: string;
  kind: string;
  code: string;
  detail: string;
  attempts: number;
  died_at: string;
}
export interface WebhookApp {
  app: string;
  kind: string;
  path: string;
  last_verified_at: string | null;
  last_test_at: string | null;
  refused_signatures_since_start: number;
}
export interface Alert {
  id: string;
  name: string;
  object: string;
  severity: string;
  count: number;
  at: string;
  text_en: string | null;
  text_th: string | null;
}
export interface AuditRow {
  n: number;
  at: string;
  actor: string;
  action: string;
  object: string | null;
  detail: unknown;
  address: string | null;
  request_id: string | null;
}

export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly means: string;
  readonly next: string;
  readonly code: string;
  readonly requestId: string;

  constructor(p: { status: number; title: string; means: string; next: string; code: string; requestId: string }) {
    super(p.title);
    this.status = p.status;
    this.title = p.title;
    this.means = p.means;
    this.next = p.next;
    this.code = p.code;
    this.requestId = p.requestId;
  }
}

const text = (v: unknown): string => (typeof v === 'string' ? v : '');

function problemOf(status: number, body: unknown, requestId: string): Problem {
  const p = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (text(p.title) === '')
    return new Problem({
      status,
      title: t('problem.strange'),
      means: t('problem.strange.means'),
      next: t('problem.strange.next'),
      code: `http.${status}`,
      requestId,
    });
  return new Problem({
    status,
    title: text(p.title),
    means: text(p.means) || text(p.detail),
    next: text(p.next),
    code: text(p.code),
    requestId: text(p.request_id) || requestId,
  });
}

export function networkProblem(): Problem {
  return new Problem({
    status: 0,
    title: t('problem.network'),
    means: t('problem.network.means'),
    next: t('problem.network.next'),
    code: 'network',
    requestId: '',
  });
}

export function asProblem(e: unknown): Problem {
  return e instanceof Problem ? e : networkProblem();
}

// Called when the service says that nobody is signed in any more; session.ts sets it.
let signedOut: () => void = () => {};
export function onSignedOut(fn: () => void): void {
  signedOut = fn;
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
}

interface Extra {
  signal?: AbortSignal;
  quiet?: boolean; // a 401 is an answer, not the end of a session
}

async function call<T>(method: string, path: string, body?: unknown, extra: Extra = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': language.value };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method === 'POST') headers['idempotency-key'] = newKey();
  let answer: Response;
  let raw: string;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      signal: extra.signal,
    });
    raw = await answer.text();
  } catch (e) {
    if (extra.signal?.aborted) throw e;
    throw networkProblem();
  }
  const requestId = answer.headers.get('x-request-id') ?? '';
  let data: unknown = null;
  try {
    data = raw === '' ? null : JSON.parse(raw);
  } catch {
    throw problemOf(answer.status, null, requestId);
  }
  if (answer.ok) return data as T;
  const problem = problemOf(answer.status, data, requestId);
  if (answer.status === 401 && !extra.quiet) signedOut();
  throw problem;
}

const query = (values: Record<string, string | number | null | undefined>): string => {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(values)) if (v !== null && v !== undefined && v !== '') q.set(k, String(v));
  const s = q.toString();
  return s === '' ? '' : `?${s}`;
};
const id = encodeURIComponent;
type Cursor = string | null | undefined;

export const api = {
  session: () => call<Session>('GET', '/v1/session', undefined, { quiet: true }),
  signIn: (email: string, password: string) => call<Session>('POST', '/v1/session', { email, password }, { quiet: true }),
  signOut: () => call<unknown>('DELETE', '/v1/session', undefined, { quiet: true }),
  setLanguage: (lang: string) => call<Session>('PUT', '/v1/session/language', { language: lang }),
  unlinkTikTok: () => call<Session>('DELETE', '/v1/session/identities'),
  linkTikTok: () => call<{ start_url: string }>('POST', '/v1/login/console-link'),
  acceptInvitation: (body: { token: string; name?: string; password: string; language: string }) =>
    call<{ id: string }>('POST', '/v1/invitations/accept', body, { quiet: true }),

  conversations: (o: { cursor?: Cursor; status?: string; signal?: AbortSignal } = {}) =>
    call<Page<Conversation>>('GET', `/v1/conversations${query({ limit: 50, cursor: o.cursor, status: o.status })}`, undefined, o),
  conversation: (c: string, signal?: AbortSignal) => call<Conversation>('GET', `/v1/conversations/${id(c)}`, undefined, { signal }),
  messages: (c: string, cursor?: Cursor, signal?: AbortSignal) =>
    call<Page<Message>>('GET', `/v1/conversations/${id(c)}/messages${query({ limit: 50, cursor })}`, undefined, { signal }),
  markRead: (c: string) => call<Conversation>('PUT', `/v1/conversations/${id(c)}/read`, {}),

  accounts: (cursor?: Cursor, kind?: string) => call<Page<Account>>('GET', `/v1/accounts${query({ limit: 50, cursor, kind })}`),
  account: (a: string) => call<Account>('GET', `/v1/accounts/${id(a)}`),
  timeline: (a: string, cursor: Cursor) => call<Page<TimelineItem>>('GET', `/v1/accounts/${id(a)}/timeline${query({ limit: 30, cursor })}`),
  features: (a: string) => call<{ features: Feature[] }>('GET', `/v1/accounts/${id(a)}/features`),
  refreshAccount: (a: string) => call<unknown>('POST', `/v1/accounts/${id(a)}/refresh`),
  previewStops: (what: Revocable) => call<StopPreview>('POST', '/v1/accounts/revocations/preview', what),
  revoke: (what: Revocable) => call<unknown>('POST', '/v1/accounts/revocations', what),
  availability: (a: string) => call<Availability>('GET', `/v1/accounts/${id(a)}/availability`),
  probe: (a: string) => call<Availability>('POST', `/v1/accounts/${id(a)}/availability`),
  setTask: (a: string, task: { owner: string; recheck_at: string }) => call<unknown>('PUT', `/v1/accounts/${id(a)}/availability/task`, task),
  connect: (what: Record<string, unknown>) => call<{ url: string; expires_at: string }>('POST', '/v1/connections', what),
  checklist: (market: string) => call<Checklist>('GET', `/v1/connect/checklist${query({ market })}`),
  apps: () => call<{ items: App[] }>('GET', '/v1/apps'),
  subscriptions: () => call<{ items: Subscription[] }>('GET', '/v1/webhook-subscriptions'),
  subscribe: (app: string, category: string) => call<unknown>('PUT', `/v1/webhook-subscriptions/${id(app)}/${id(category)}`, {}),
  unsubscribe: (app: string, category: string) => call<unknown>('DELETE', `/v1/webhook-subscriptions/${id(app)}/${id(category)}`),
  testWebhook: (app: string) => call<unknown>('POST', `/v1/webhook-subscriptions/${id(app)}/test`),
  budgets: () => call<{ buckets: Bucket[] }>('GET', '/v1/budgets'),
  webhooks: () => call<Page<WebhookApp>>('GET', '/v1/webhooks'),
  alerts: () => call<Page<Alert>>('GET', '/v1/alerts?limit=20'),

  events: (cursor: Cursor, state: string) => call<Page<EventRow>>('GET', `/v1/events${query({ limit: 50, cursor, state })}`),
  replayEvent: (e: string) => call<EventRow>('POST', `/v1/events/${id(e)}/replay`),
  endpoint: () => call<Endpoint>('GET', '/v1/events/endpoint'),
  setEndpoint: (url: string, enabled: boolean) => call<Endpoint>('PUT', '/v1/events/endpoint', { url, enabled }),
  rotateSecret: () => call<Endpoint>('POST', '/v1/events/endpoint/rotate-secret'),
  testEndpoint: () => call<{ event_id: string }>('POST', '/v1/events/endpoint/test'),

  members: (cursor?: Cursor) => call<Page<Member>>('GET', `/v1/members${query({ limit: 50, cursor })}`),
  setRole: (m: string, role: string) => call<unknown>('PUT', `/v1/members/${id(m)}/role`, { role }),
  removeMember: (m: string) => call<unknown>('DELETE', `/v1/members/${id(m)}`),
  invite: (body: { email: string; name?: string; role: string; language: string }) =>
    call<{ email: string; link: string | null; expires_at: string }>('POST', '/v1/invitations', body),

  keys: (cursor?: Cursor) => call<Page<ApiKey>>('GET', `/v1/keys${query({ limit: 50, cursor })}`),
  createKey: (body: { name: string; scopes: string[]; expires_in_days?: number }) => call<ApiKey>('POST', '/v1/keys', body),
  revokeKey: (k: string) => call<unknown>('DELETE', `/v1/keys/${id(k)}`),

  flags: () => call<Page<Flag>>('GET', '/v1/flags'),
  setFlag: (name: string, on: boolean, reason: string) => call<Page<Flag>>('PUT', `/v1/flags/${id(name)}`, { on, reason }),
  unsetFlag: (name: string, reason: string) => call<Page<Flag>>('DELETE', `/v1/flags/${id(name)}${query({ reason })}`),

  dead: (cursor?: Cursor) => call<Page<DeadLetter>>('GET', `/v1/jobs/dead${query({ limit: 50, cursor })}`),
  replayDead: (d: string) => call<unknown>('POST', `/v1/jobs/dead/${id(d)}/replay`),
  explain: (what: string) => call<{ id: string; steps: { at: string; text: string }[] }>('GET', `/v1/explain/${id(what)}`),
  audit: (cursor: Cursor, object: string) => call<Page<AuditRow>>('GET', `/v1/audit${query({ limit: 50, cursor, object })}`),
  auditVerdict: () => call<{ whole: boolean; checked: number; bad_n: number }>('GET', '/v1/audit/verdict'),
};

// Is the sign-in button there? Its script is absent where the feature flag login.tiktok is off.
export async function tiktokSignInOn(): Promise<boolean> {
  try {
    return (await fetch('/embed/login-button.js', { method: 'HEAD', credentials: 'same-origin' })).ok;
  } catch {
    return false;
  }
}
