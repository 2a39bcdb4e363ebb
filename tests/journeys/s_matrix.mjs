// The permission matrix: every route that the server describes x every role and every single-scope key x {own, foreign,
// absent, no credential, every kind of ended credential}, with two workspaces of which each attacks the other.
// What is right stands here, written by hand: ROLES says what each role may, DATA which permission each route needs and
// how to ask it about an own object. A route that is not in DATA is still asked without and with ended credentials and
// by everybody who may not; then `matrix.coverage` fails until its row is written.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, databases, startStack } from '../support/stack.mjs';
import { connectAccount, signIn } from '../support/signin.mjs';
import {
  byCookie, byKey, call, changed, digest, fill, invited, keyWith, passing, quote, routesOf, sampleBody, sql, staff, workspaceCreate,
} from '../support/actors.mjs';
import { answerProblems } from '../support/openapi.mjs';

const READS = ['conversations.read', 'contacts.read', 'accounts.read', 'flags.read', 'alerts.read', 'session.self'];
const SCOPES = [
  'login.start', 'login.exchange', 'login.link', 'conversations.read', 'conversations.write', 'contacts.read', 'contacts.write',
  'accounts.read', 'accounts.manage', 'members.read', 'members.manage', 'keys.manage', 'flags.read', 'flags.manage',
  'events.read', 'events.manage', 'jobs.read', 'jobs.manage', 'audit.read', 'explain', 'alerts.read',
];
const ROLES = {
  owner: [...SCOPES, 'session.self'],
  admin: [...SCOPES, 'session.self'],
  analyst: [...READS, 'events.read', 'explain'],
  agent: [...READS, 'conversations.write', 'contacts.write'],
  auditor: ['audit.read', 'members.read', 'accounts.read', 'flags.read', 'events.read', 'jobs.read', 'explain', 'alerts.read', 'session.self'],
};

// Routes without a permission, each for a reason: pages and answers on the way of a sign-in, signed webhooks, what says
// nothing about anybody. A new one must be added here by a person.
const PUBLIC = new Set([
  'GET /', 'GET /livez', 'GET /errors', 'GET /errors/{code}', 'GET /static/pages.css', 'GET /openapi.json', 'GET /console',
  'GET /console/{page}', 'GET /console/assets/{name}', 'GET /console/enter', 'POST /console/enter', 'POST /v1/session', 'POST /v1/invitations/accept',
  'POST /webhooks/tiktok/{app}', 'GET /webhooks/tiktok/{app}', 'GET /auth/tiktok', 'POST /auth/tiktok/continue',
  'GET /auth/tiktok/callback', 'GET /auth/tiktok/partly', 'POST /auth/tiktok/proceed', 'GET /auth/tiktok/qr', 'POST /auth/tiktok/qr',
  'POST /auth/tiktok/qr/poll', 'POST /auth/tiktok/mobile/start', 'POST /auth/tiktok/mobile', 'GET /.well-known/assetlinks.json',
  'GET /auth/tiktok/business', 'POST /auth/tiktok/business/continue', 'GET /auth/tiktok/business/callback', 'GET /auth/tiktok/ads',
  'POST /auth/tiktok/ads/continue', 'GET /auth/tiktok/ads/callback', 'GET /auth/tiktok/connected', 'GET /guides/{name}', 'GET /favicon.ico',
  'GET /static/tiktok-mark', 'GET /.well-known/apple-app-site-association', 'GET /embed/login-button.js', 'GET /embed/login-qr.js',
]);

const anEmail = () => `${crypto.randomUUID().slice(0, 12)}@new.invalid`;
const inAWeek = () => new Date(Date.now() + 7 * 86400000).toISOString();
const SUBSCRIPTION = { app: 'accounts', category: 'COMMENT' };
const scopeOf = (who) => who.scope ?? 'accounts.read';

// need: the permission. make(w, who): a request about an own object that may be spent ({id, body, query}; `as`: another
// actor to ask with). id(w): an object of the workspace that stays, for foreign and forbidden requests; its absence means
// that the path holds no id. ok: good answers besides 2xx. more(who): why a key with this one scope is refused after all.
const DATA = {
  'GET /v1/webhooks': { need: 'accounts.read' },
  'POST /v1/login/attempts': { need: 'login.start', make: (w) => ({ body: { purpose: 'sign_in', return_url_id: w.ids.return_url } }) },
  'POST /v1/login/exchange': { need: 'login.exchange', make: () => ({ body: { code: 'unknown', attempt_id: 'lat_0' } }), ok: [404] },
  'POST /v1/login/links': { need: 'login.link', make: (w) => ({ body: { identity_id: w.ids.identity, mozflow_user_id: 'u-1' } }) },
  'DELETE /v1/login/links/{id}': {
    need: 'login.link',
    id: (w) => w.ids.identity,
    make: async (w) => {
      await w.people.owner.must(201, 'POST', '/v1/login/links', { identity_id: w.ids.identity, mozflow_user_id: 'u-1' });
      return { id: w.ids.identity };
    },
  },
  'GET /v1/login/config': { need: 'accounts.read' },
  'GET /v1/login/return-urls': { need: 'accounts.read' },
  'POST /v1/login/return-urls': { need: 'accounts.manage', make: () => ({ body: { url: 'https://mozflow.invalid/back' } }) },
  'DELETE /v1/login/return-urls/{id}': {
    need: 'accounts.manage',
    id: (w) => w.ids.return_url,
    make: async (w) => {
      const url = `https://mozflow.invalid/${crypto.randomUUID()}`;
      return { id: (await w.people.owner.must(201, 'POST', '/v1/login/return-urls', { url })).id };
    },
  },
  'POST /v1/login/console-link': { need: 'session.self' },
  'GET /v1/session': { need: 'session.self' },
  'DELETE /v1/session': { need: 'session.self', make: async (w, who) => ({ as: await passing(w.stack, w.people.owner, who.role) }) },
  'PUT /v1/session/language': { need: 'session.self', make: () => ({ body: { language: 'en' } }) },
  'DELETE /v1/session/identities': { need: 'session.self' },
  'GET /v1/members': { need: 'members.read' },
  'PUT /v1/members/{id}/role': {
    need: 'members.manage',
    id: (w) => w.people.agent.id,
    make: async (w) => ({ id: (await passing(w.stack, w.people.owner, 'agent')).id, body: { role: 'analyst' } }),
    refused: 'access.role_too_high', // a key cannot give what it has not
  },
  'DELETE /v1/members/{id}': {
    need: 'members.manage',
    id: (w) => w.people.agent.id,
    make: async (w) => ({ id: (await passing(w.stack, w.people.owner, 'agent')).id }),
  },
  'POST /v1/invitations': {
    need: 'members.manage',
    make: () => ({ body: { email: anEmail(), role: 'agent' } }),
    refused: 'access.role_too_high',
  },
  'GET /v1/keys': { need: 'keys.manage' },
  'POST /v1/keys': { need: 'keys.manage', make: (w, who) => ({ body: { name: 'n', scopes: [scopeOf(who)] } }) },
  'DELETE /v1/keys/{id}': {
    need: 'keys.manage',
    id: (w) => w.keys['accounts.read'].id,
    make: async (w) => ({ id: (await keyWith(w.stack, w.people.owner, ['accounts.read'])).id }),
  },
  'POST /v1/console/sessions': {
    need: 'members.manage',
    make: () => ({ body: { email: anEmail(), name: 'N', role: 'agent' } }),
    refused: 'access.role_too_high',
  },
  'GET /v1/accounts': { need: 'accounts.read' },
  'GET /v1/accounts/{id}': { need: 'accounts.read', id: (w) => w.ids.identity },
  'POST /v1/accounts/{id}/revoke': { need: 'accounts.manage', id: (w) => w.ids.identity, ok: [409] },
  'GET /v1/accounts/{id}/timeline': { need: 'accounts.read', id: (w) => w.ids.identity },
  'GET /v1/accounts/{id}/features': { need: 'accounts.read', id: (w) => w.ids.identity },
  'POST /v1/accounts/{id}/refresh': { need: 'accounts.manage', id: (w) => w.ids.identity, ok: [409] }, // after its end
  'POST /v1/accounts/revocations/preview': { need: 'accounts.manage', make: (w) => ({ body: { accounts: [w.ids.identity] } }) },
  'POST /v1/accounts/revocations': { need: 'accounts.manage', make: (w) => ({ body: { accounts: [w.ids.identity] } }), ok: [409] },
  'GET /v1/accounts/{id}/availability': { need: 'accounts.read', id: (w) => w.ids.business },
  'POST /v1/accounts/{id}/availability': { need: 'accounts.manage', id: (w) => w.ids.business, ok: [409, 429] }, // our own budget
  'PUT /v1/accounts/{id}/availability/task': {
    need: 'accounts.manage',
    id: (w) => w.ids.business,
    make: () => ({ body: { recheck_at: inAWeek() } }),
    ok: [409],
  },
  'POST /v1/connections': { need: 'accounts.manage', make: () => ({ body: { kind: 'business', market: 'th' } }) },
  'GET /v1/connect/checklist': { need: 'accounts.read' },
  'GET /v1/apps': { need: 'accounts.read' },
  'GET /v1/webhook-subscriptions': { need: 'accounts.read' },
  'POST /v1/webhook-subscriptions/{app}/check': { need: 'accounts.manage', at: SUBSCRIPTION, ok: [429] },
  'PUT /v1/webhook-subscriptions/{app}/{category}': { need: 'accounts.manage', at: SUBSCRIPTION, ok: [429] },
  'DELETE /v1/webhook-subscriptions/{app}/{category}': { need: 'accounts.manage', at: SUBSCRIPTION, ok: [403] }, // shared by all workspaces
  'POST /v1/webhook-subscriptions/{app}/test': { need: 'accounts.manage', at: SUBSCRIPTION, ok: [429] },
  'GET /v1/budgets': { need: 'alerts.read' },
  'GET /v1/contacts': { need: 'contacts.read' },
  'GET /v1/contacts/{id}': { need: 'contacts.read', id: (w) => w.ids.contact },
  'GET /v1/conversations': { need: 'conversations.read' },
  'GET /v1/conversations/{id}': { need: 'conversations.read', id: (w) => w.ids.conversation },
  'PUT /v1/conversations/{id}/read': { need: 'conversations.write', id: (w) => w.ids.conversation },
  'GET /v1/conversations/{id}/messages': { need: 'conversations.read', id: (w) => w.ids.conversation },
  'GET /v1/feed': { need: 'conversations.read' },
  'GET /v1/events': { need: 'events.read' },
  'GET /v1/events/endpoint': { need: 'events.read' },
  'PUT /v1/events/endpoint': { need: 'events.manage', make: (w) => ({ body: { url: w.endpoint } }) },
  'POST /v1/events/endpoint/rotate-secret': { need: 'events.manage', ok: [409] },
  'POST /v1/events/endpoint/test': { need: 'events.manage' },
  'GET /v1/events/{id}': { need: 'events.read', id: (w) => w.ids.event },
  'POST /v1/events/{id}/replay': { need: 'events.manage', id: (w) => w.ids.event },
  'GET /v1/flags': { need: 'flags.read' },
  'PUT /v1/flags/{name}': { need: 'flags.manage', make: () => ({ values: { name: 'login.tiktok' }, body: { on: true, reason: 'a test' } }) },
  'DELETE /v1/flags/{name}': { need: 'flags.manage', make: () => ({ values: { name: 'login.tiktok', reason: 'a test' } }) },
  'GET /v1/audit': { need: 'audit.read' },
  'GET /v1/audit/verdict': { need: 'audit.read' },
  'GET /v1/alerts': { need: 'alerts.read' },
  'GET /v1/explain/{id}': { need: 'explain', id: (w) => w.ids.story },
  'GET /v1/jobs/dead': { need: 'jobs.read' },
  'POST /v1/jobs/dead/{id}/replay': { need: 'jobs.manage', id: (w) => w.ids.dead, make: (w) => ({ id: deadLetter(w) }) },
};

// ---- two workspaces with all their people, keys and objects ----

function deadLetter(w) {
  const id = `job_${'0123456789abcdefghjkmnpqrstvwxyz'.repeat(1).slice(0, 12)}${crypto.randomUUID().replace(/-/g, '').slice(0, 14)}`;
  const values = [w.workspace, id, 'access.tidy'].map(quote).join(', ');
  sql(w.stack, `INSERT INTO jobs (workspace_id, id, kind, cls, lane, state, sort_ms, seq, due_ms, attempts, crashes, args, code, detail, put_ms, died_ms)
    VALUES (${values}, 1, ${quote(id)}, 1, 1, 1, 1, 9, 0, '{}', 'test.dead', 'made by a test', 1, 1)`);
  return id;
}

// A customer writes to the shop: TikTok's webhook names its open_id, and that alone tells the workspace.
async function firstMessage(stack, shop) {
  const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
  const at = Date.now();
  const content = {
    timestamp: at, unique_identifier: '+P', from_user: { id: '+P', role: 'personal_account' }, to_user: { id: shop, role: 'business_account' },
    from: 'somchai', to: 'mozflow.shop', conversation_id: 'mxConv==', message_id: 'mxMsg==', type: 'text', text: { body: 'hello' },
  };
  const s = Math.floor(at / 1000);
  const body = JSON.stringify({ client_key: BUSINESS_KEY, event: 'im_receive_msg', create_time: s, user_openid: shop, content: JSON.stringify(content) });
  const signature = createHmac('sha256', secret).update(`${s}.${body}`).digest('hex');
  const headers = { 'content-type': 'application/json', 'tiktok-signature': `t=${s},s=${signature}` };
  equal((await call(stack.daemon.url, 'POST', '/webhooks/tiktok/accounts', { body, headers })).status, 200, 'webhook');
}

async function objects(w, person) {
  const { owner } = w.people;
  w.ids.return_url = (await owner.must(201, 'POST', '/v1/login/return-urls', { url: `${w.endpoint}/return` })).id;
  const made = await owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: w.ids.return_url });
  const back = await signIn(w.stack, made.start_url, { person });
  equal(back.status, 303, `${w.label}: sign-in ${back.text.slice(0, 200)}`);
  const code = new URL(back.location).searchParams.get('code');
  const who = await owner.must(200, 'POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id });
  w.ids.identity = who.identity.id;
  w.ids.attempt = made.attempt_id;
  w.ids.story = made.attempt_id;
  const list = async (at) => (await owner.must(200, 'GET', at)).items;
  w.ids.event = (await until(async () => (await list('/v1/events'))[0], 8000, `an event of ${w.label}`)).id;
  w.ids.contact = (await until(async () => (await list('/v1/contacts'))[0], 8000, `a contact of ${w.label}`)).id;
  // Both have a shop and a conversation, under the same ids of TikTok's: each tries the other's.
  if (!w.seed.business_account_id) {
    const { url } = await owner.must(201, 'POST', '/v1/connections', { kind: 'business', market: 'th' });
    await connectAccount(w.stack, url, 'bakery');
  }
  const shop = (await list('/v1/accounts')).find((a) => a.kind === 'business');
  w.ids.business = shop.id;
  await firstMessage(w.stack, shop.open_id);
  w.ids.conversation = (await until(async () => (await list('/v1/conversations'))[0], 8000, `a conversation of ${w.label}`)).id;
  w.ids.message = (await list(`/v1/conversations/${w.ids.conversation}/messages`))[0].id;
  w.ids.story = w.ids.message;
  w.ids.dead = deadLetter(w);
}

async function workspaceOf(stack, label, seed, person) {
  const w = { stack, label, seed, workspace: seed.workspace_id, ids: {}, keys: {}, endpoint: `http://127.0.0.1:${stack.demoPort}` };
  w.people = await staff(stack, label, seed.console_url, Object.keys(ROLES));
  for (const [role, who] of Object.entries(w.people)) who.role = role;
  for (const scope of SCOPES) w.keys[scope] = Object.assign(await keyWith(stack, w.people.owner, [scope]), { scope });
  await w.people.owner.must(200, 'PUT', '/v1/events/endpoint', { url: w.endpoint });
  await objects(w, person);
  return w;
}

const worlds = {}; // promises: a world that could not be made is not tried again by every test
function world(db) {
  return (worlds[db] ??= makeWorld(db));
}

async function makeWorld(db) {
  const settings = {
    'http.reads_per_second': 0, 'http.writes_per_second': 0, 'http.exchanges_per_second': 0, 'http.intake_per_second': 0,
    'http.max_per_address': 1000, 'access.sign_in_per_address': 10000, 'budget.business_qps': 100000,
  };
  const stack = await startStack({ db, settings });
  const alpha = await workspaceOf(stack, 'Alpha', stack.seed, 'somying');
  const beta = await workspaceOf(stack, 'Beta', workspaceCreate(stack, 'Beta', 'owner@beta.invalid'), 'anan');
  return { stack, alpha, beta, routes: await routesOf(stack), heard: [] };
}

const guarded = (x) => x.routes.filter((r) => r.permission);
const principals = (w) => [
  ...Object.entries(ROLES).map(([role, may]) => ({ who: w.people[role], may })),
  ...SCOPES.map((scope) => ({ who: w.keys[scope], may: [scope] })),
];
const needOf = (r) => DATA[r.id]?.need ?? r.permission;

// Asks and remembers what came, for the search for foreign ids at the end.
async function ask(x, w, who, route, { id, values, body, query = '', headers } = {}) {
  const target = fill(route, { ...DATA[route.id]?.at, ...(id === undefined ? {} : { id }), ...values });
  const json = body ?? (route.body ? sampleBody(route) : undefined);
  const r = await who.ask(route.method, target + (query && (target.includes('?') ? `&${query}` : `?${query}`)), json, headers);
  x.heard.push({ of: w, r, by: who.name, route: route.id });
  return r;
}

const tell = (who, route, r) => `${who.name}: ${route.id} answered ${r.status} ${r.text.slice(0, 160)}`;

// What may not depend on whether a thing exists elsewhere: everything but the request's id and the time.
function plain(r) {
  const headers = { ...r.headers };
  for (const name of ['date', 'x-request-id', 'connection', 'keep-alive']) delete headers[name];
  return JSON.stringify([r.status, headers, r.text.replace(/req_[0-9a-z]+/g, 'req')]);
}

const absentLike = (id) => id.slice(0, -3) + (id.endsWith('777') ? '888' : '777');

for (const db of databases) {
  const long = { deadline_ms: 120000 };

  test(`matrix.${db}.public_routes`, async () => {
    const x = await world(db);
    const open = x.routes.filter((r) => !r.permission).map((r) => r.id).sort();
    equal(open, [...PUBLIC].sort(), 'routes without a permission');
    for (const r of guarded(x)) {
      if (DATA[r.id]) equal(r.permission, DATA[r.id].need, `permission of ${r.id}`);
      check(!(r.method !== 'GET' && /\.read$/.test(r.permission)), `${r.id} writes and needs only ${r.permission}`);
      check([...SCOPES, 'session.self'].includes(r.permission), `${r.id}: the permission ${r.permission} is unknown here`);
    }
  }, long);

  test(`matrix.${db}.no_or_ended_credential`, async () => {
    const x = await world(db);
    const { stack, alpha: w } = x;
    const { owner } = w.people;
    const dead = {};
    dead.none = byKey(stack, 'nobody', 'x');
    dead.none.headers = {};
    const signedOut = await passing(stack, owner, 'admin');
    await signedOut.must(200, 'DELETE', '/v1/session');
    dead.signed_out = signedOut;
    const hash = async (who) => {
      const { createHash } = await import('node:crypto');
      return quote(createHash('sha256').update(/=(.*)$/.exec(who.headers.cookie)[1]).digest('hex'));
    };
    const idle = await passing(stack, owner, 'admin');
    sql(stack, `UPDATE sessions SET seen_ms = seen_ms - 1801000 WHERE id_hash = ${await hash(idle)}`);
    dead.idle_too_long = idle;
    const old = await passing(stack, owner, 'admin');
    sql(stack, `UPDATE sessions SET expires_ms = 1 WHERE id_hash = ${await hash(old)}`);
    dead.older_than_allowed = old;
    const removed = await passing(stack, owner, 'admin');
    await owner.must(200, 'DELETE', `/v1/members/${removed.id}`);
    dead.removed_member = removed;
    const demoted = await passing(stack, owner, 'admin');
    await owner.must(200, 'PUT', `/v1/members/${demoted.id}/role`, { role: 'agent' });
    dead.changed_role = demoted;
    const revoked = await keyWith(stack, owner, SCOPES);
    await owner.must(200, 'DELETE', `/v1/keys/${revoked.id}`);
    dead.revoked_key = revoked;
    const late = await keyWith(stack, owner, SCOPES, { expires_in_days: 1 });
    sql(stack, `UPDATE api_keys SET expires_ms = 1 WHERE id = ${quote(late.id)}`);
    dead.expired_key = late;
    const live = await keyWith(stack, owner, SCOPES);
    const other = await keyWith(stack, owner, SCOPES);
    dead.mistyped_key = byKey(stack, 'mistyped', live.key.slice(0, -1) + (live.key.endsWith('0') ? '1' : '0'));
    dead.key_of_another_id = byKey(stack, 'mixed', live.key.slice(0, 36) + other.key.slice(36));
    dead.key_as_cookie = byCookie(stack, 'key as cookie', live.key);
    const session = /=(.*)$/.exec((await passing(stack, owner, 'admin')).headers.cookie)[1];
    dead.session_as_key = byKey(stack, 'session as key', session);
    dead.basic = byKey(stack, 'basic', '');
    dead.basic.headers = { authorization: `Basic ${Buffer.from(`x:${live.key}`).toString('base64')}` };
    dead.cookie_without_prefix = byCookie(stack, 'no prefix', '');
    dead.cookie_without_prefix.headers = { cookie: `mz_session=${session}`, 'sec-fetch-site': 'same-origin' };
    for (const route of guarded(x)) {
      for (const [kind, who] of Object.entries(dead)) {
        const r = await ask(x, w, who, route, { id: DATA[route.id]?.id?.(w) });
        equal(r.status, 401, `${kind}: ${tell(who, route, r)}`);
      }
    }
    equal((await live.ask('GET', '/v1/accounts')).status, 200, 'the untouched key still works');
  }, long);

  test(`matrix.${db}.forbidden`, async () => {
    const x = await world(db);
    // What goes on by itself: sessions seen, jobs, deliveries, the daily look at messaging and its budget.
    const passingBy = ['account_availability', 'account_health', 'budget_buckets', 'budget_shares', 'sessions', 'api_keys', 'jobs', 'job_lanes', 'job_schedules', 'idempotency_keys', 'mozflow_outbox', 'feed', 'store_counters', 'webhook_subscriptions'];
    const before = digest(x.stack, passingBy);
    let n = 0;
    for (const w of [x.alpha, x.beta]) {
      for (const { who, may } of principals(w)) {
        for (const route of guarded(x).filter((r) => !may.includes(needOf(r)))) {
          const r = await ask(x, w, who, route, { id: DATA[route.id]?.id?.(w) });
          equal([r.status, r.json?.code], [403, 'auth.forbidden'], tell(who, route, r));
          n += 1;
        }
      }
    }
    check(n > 1500, `only ${n} refusals were tried`);
    equal(changed(before, digest(x.stack, passingBy)), [], 'tables that changed by refused requests');
  }, long);

  test(`matrix.${db}.foreign_and_absent_are_the_same`, async () => {
    const x = await world(db);
    const untouched = (w) => w.people.owner.must(200, 'GET', '/v1/audit/verdict').then((v) => JSON.stringify(v.head));
    let n = 0;
    for (const [w, victim] of [[x.alpha, x.beta], [x.beta, x.alpha]]) {
      const before = await untouched(victim);
      for (const route of guarded(x)) {
        const row = DATA[route.id];
        const foreign = row?.id?.(victim);
        if (!foreign) continue;
        const body = route.body ? { ...sampleBody(route), ...(row.make && route.body ? (await row.make(w, {})).body : {}) } : undefined;
        for (const { who } of principals(w).filter((p) => p.may.includes(needOf(route)))) {
          const absent = await ask(x, w, who, route, { id: absentLike(foreign), body });
          const got = await ask(x, w, who, route, { id: foreign, body });
          equal(got.status, 404, tell(who, route, got));
          equal(plain(got), plain(absent), `${who.name}: ${route.id}: foreign against absent`);
          n += 1;
        }
      }
      equal(await untouched(victim), before, `audit of ${victim.label}`);
    }
    check(n > 60, `only ${n} pairs were compared`);
  }, long);

  test(`matrix.${db}.forged_ids`, async () => {
    const x = await world(db);
    for (const [w, victim] of [[x.alpha, x.beta], [x.beta, x.alpha]]) {
      const { owner } = w.people;
      // A member that names a workspace is not known anywhere, and the request's own credential decides alone.
      for (const route of guarded(x)) {
        const id = DATA[route.id]?.id?.(w);
        if (route.path.includes('{id}') && !id) continue;
        for (const name of ['workspace_id', 'workspace', 'tenant', 'member_id']) {
          if (route.params.some((p) => p.name === name)) continue;
          const q = await ask(x, w, owner, route, { id, query: `${name}=${victim.workspace}` });
          equal([q.status, q.json?.code], [400, 'input.invalid'], `?${name}: ${tell(owner, route, q)}`);
          check(q.text.includes(`"${name}"`), `the refusal does not name ${name}: ${q.text}`);
          if (!route.body) continue;
          const b = await ask(x, w, owner, route, { id, body: { ...sampleBody(route), [name]: victim.workspace } });
          equal([b.status, b.json?.code], [400, 'input.invalid'], `body ${name}: ${tell(owner, route, b)}`);
        }
      }
      const headers = { 'x-workspace-id': victim.workspace, 'x-tenant-id': victim.workspace, 'x-forwarded-user': victim.people.owner.id };
      for (const route of guarded(x).filter((r) => r.method === 'GET' && !r.path.includes('{') && r.path !== '/v1/feed')) {
        const want = await ask(x, w, owner, route);
        const got = await ask(x, w, owner, route, { headers });
        equal(got.text, want.text, `${route.id} with headers that name the neighbour`);
      }
      // Ids inside bodies.
      const pairs = [
        ['POST /v1/login/attempts', (ids) => ({ purpose: 'sign_in', return_url_id: ids.return_url })],
        ['POST /v1/connections', (ids) => ({ kind: 'business', account: ids.identity })],
        ['POST /v1/connections', (ids) => ({ kind: 'business', return: ids.return_url })],
        ['POST /v1/login/links', (ids) => ({ identity_id: ids.identity, mozflow_user_id: 'u-9' })],
      ];
      for (const [id, body] of pairs) {
        const route = x.routes.find((r) => r.id === id);
        const absentIds = Object.fromEntries(Object.entries(victim.ids).map(([k, v]) => [k, absentLike(v)]));
        const got = await ask(x, w, owner, route, { body: body(victim.ids) });
        const absent = await ask(x, w, owner, route, { body: body(absentIds) });
        check(got.status >= 400, tell(owner, route, got));
        equal(plain(got), plain(absent), `${id} with a foreign id in the body`);
      }
      // Lists of ids answer about each of them; what they say about a foreign one is what they say about none.
      for (const at of ['/v1/accounts/revocations/preview', '/v1/accounts/revocations']) {
        const said = async (id) => {
          const r = await owner.ask('POST', at, { accounts: [id] });
          return plain({ ...r, text: r.text.replaceAll(id, 'ID') });
        };
        const before = await victim.people.owner.must(200, 'GET', `/v1/accounts/${victim.ids.identity}`);
        equal(await said(victim.ids.identity), await said(absentLike(victim.ids.identity)), `${at} with a foreign id`);
        equal(await victim.people.owner.must(200, 'GET', `/v1/accounts/${victim.ids.identity}`), before, 'the foreign account');
      }
      // A code of the victim's visitor, exchanged by the neighbour.
      const made = await victim.people.owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: victim.ids.return_url });
      const back = await signIn(x.stack, made.start_url, { person: victim === x.beta ? 'anan' : 'somying' });
      const code = new URL(back.location).searchParams.get('code');
      const stolen = await owner.ask('POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id });
      equal([stolen.status, stolen.json.code], [404, 'login.code_unknown'], stolen.text);
      await victim.people.owner.must(200, 'POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id });
      // Filters and cursors that come from next door.
      for (const at of [`/v1/audit?object=${victim.ids.identity}`, `/v1/events?subject=${victim.ids.identity}`]) {
        equal((await owner.must(200, 'GET', at)).items, [], at);
      }
      for (const list of ['members', 'keys', 'accounts', 'contacts', 'conversations', 'events', 'audit', 'alerts', 'jobs/dead']) {
        const { next_cursor: cursor } = await victim.people.owner.must(200, 'GET', `/v1/${list}?limit=1`);
        if (!cursor) continue;
        const route = x.routes.find((r) => r.id === `GET /v1/${list}`);
        const r = await ask(x, w, owner, route, { query: `limit=100&cursor=${encodeURIComponent(cursor)}` });
        check([200, 400].includes(r.status), tell(owner, route, r));
      }
    }
  }, long);

  test(`matrix.${db}.own`, async () => {
    const x = await world(db);
    let n = 0;
    for (const w of [x.alpha, x.beta]) {
      for (const route of guarded(x)) {
        const row = DATA[route.id];
        if (!row || (row.id && !row.id(w))) continue;
        for (const { who } of principals(w).filter((p) => p.may.includes(row.need))) {
          const { as = who, ...request } = (await row.make?.(w, who)) ?? {};
          const r = await ask(x, w, as, route, { id: row.id?.(w), ...request });
          n += 1;
          if (row.refused && who.scope) {
            equal([r.status, r.json?.code], [403, row.refused], tell(who, route, r));
            continue;
          }
          check((r.status >= 200 && r.status < 300) || row.ok?.includes(r.status), tell(who, route, r));
        }
      }
    }
    check(n > 200, `only ${n} requests were allowed`);
  }, long);

  test(`matrix.${db}.nothing_of_the_neighbour_was_answered`, async () => {
    const x = await world(db);
    check(x.heard.length > 2000, `only ${x.heard.length} answers were kept`);
    for (const w of [x.alpha, x.beta]) {
      const victim = w === x.alpha ? x.beta : x.alpha;
      const marks = [victim.workspace, ...Object.values(victim.ids), ...Object.values(victim.people).map((p) => p.id), ...Object.values(victim.keys).map((k) => k.id), `@${victim.label.toLowerCase()}.invalid`];
      for (const { r, by } of x.heard.filter((h) => h.of === w)) {
        for (const mark of marks) check(!r.text.includes(mark), `${by}: ${r.method} ${r.target} answered ${mark} of ${victim.label}`);
      }
    }
  }, long);

  // Everything that was heard, good or refused, is what the served description publishes for its route.
  test(`matrix.${db}.answers_as_published`, async () => {
    const x = await world(db);
    const doc = (await call(x.stack.daemon.url, 'GET', '/openapi.json')).json;
    const bad = new Set(), good = new Set();
    for (const { r, route } of x.heard) {
      for (const what of answerProblems(doc, route, r)) bad.add(what.replace(/\[\d+\]/g, '[]'));
      if (r.status < 300) good.add(route);
    }
    equal([...bad].slice(0, 20), [], `${bad.size} differences`);
    const silent = guarded(x).filter((g) => DATA[g.id] && !DATA[g.id].ok && !good.has(g.id)).map((g) => g.id);
    equal(silent, [], 'routes without a good answer to look at');
  }, long);

  test(`matrix.${db}.coverage`, async () => {
    const x = await world(db);
    const missing = guarded(x).filter((r) => !DATA[r.id]).map((r) => r.id);
    equal(missing, [], 'routes without a row in DATA');
    equal(Object.keys(DATA).filter((id) => !x.routes.some((r) => r.id === id)), [], 'rows of DATA without a route');
    for (const r of guarded(x).filter((g) => g.path.includes('{id}'))) {
      check(DATA[r.id].id?.(x.alpha) || DATA[r.id].id?.(x.beta), `${r.id} was never asked with a foreign id`);
    }
    // What a key may not hold.
    const self = await x.alpha.people.owner.ask('POST', '/v1/keys', { name: 'n', scopes: ['session.self'] });
    equal([self.status, self.json.code], [422, 'access.scope']);
    const roles = await x.alpha.people.admin.ask('POST', '/v1/invitations', { email: anEmail(), role: 'owner' });
    equal([roles.status, roles.json.code], [403, 'access.role_too_high'], 'an admin makes no owner');
  }, long);
}

await run();
