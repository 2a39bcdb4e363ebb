// What a browser and a careless or hostile client meet on every route: security headers and cookies, cross-site requests,
// methods, forged proxy headers, Idempotency-Key, unknown fields, oversized bodies, switched-off features, problem documents.
// The routes are those that the server describes, so that a new one is crawled by itself.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, match, run, tempDir, test, until } from '../support/runner.mjs';
import { daemonCommand, startStack } from '../support/stack.mjs';
import { signIn } from '../support/signin.mjs';
import {
  byCookie, call, changed, digest, fill, invited, keyWith, passing, press, quote, routesOf, sampleBody, sessionIn, sql, staff,
} from '../support/actors.mjs';

const settings = {
  'http.reads_per_second': 0, 'http.writes_per_second': 0, 'http.exchanges_per_second': 0, 'http.intake_per_second': 0,
  'http.max_per_address': 1000, 'access.sign_in_per_address': 10000,
};
// Written by requests that are refused or only read: last use of sessions and keys, counters of attempts, timed work.
// Tables that a running service writes by itself: mozflow_outbox when availability is probed.
const TOUCHED = ['sessions', 'api_keys', 'jobs', 'job_lanes', 'job_schedules', 'sign_in_counts', 'mozflow_outbox'];

let making;
const world = () => (making ??= make());
async function make() {
  const stack = await startStack({ db: 'sqlite', settings });
  const { owner, agent } = await staff(stack, 'House', stack.seed.console_url, ['owner', 'agent']);
  const x = { stack, owner, agent, routes: await routesOf(stack) };
  x.returnUrl = (await owner.must(201, 'POST', '/v1/login/return-urls', { url: `http://127.0.0.1:${stack.demoPort}/back` })).id;
  x.identity = (await exchange(x)).json.identity.id;
  await owner.must(200, 'PUT', '/v1/events/endpoint', { url: `http://127.0.0.1:${stack.demoPort}/events` });
  x.event = (await until(async () => (await owner.must(200, 'GET', '/v1/events')).items[0], 8000, 'an event')).id;
  await until(async () => (await owner.must(200, 'GET', '/v1/contacts')).items[0], 8000, 'a contact');
  x.unknown = (accept, method = 'GET') => call(stack.daemon.url, method, '/v1/no-such-thing', { headers: { accept } });
  return x;
}

async function exchange(x, headers = {}) {
  const made = await x.owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: x.returnUrl });
  const back = await signIn(x.stack, made.start_url);
  equal(back.status, 303, back.text.slice(0, 200));
  const body = { code: new URL(back.location).searchParams.get('code'), attempt_id: made.attempt_id };
  return Object.assign(await x.owner.ask('POST', '/v1/login/exchange', body, headers), { body });
}

function plain(r) {
  const headers = { ...r.headers };
  for (const name of ['date', 'x-request-id', 'connection', 'keep-alive']) delete headers[name];
  return JSON.stringify([r.status, headers, r.text.replace(/req_[0-9a-z]+/g, 'req')]);
}

const unsafe = (r) => r.method !== 'GET';
const isWebhook = (r) => r.path.startsWith('/webhooks/');
function content(route, body = sampleBody(route)) {
  if (body === undefined) return {};
  if (route.bodyType === 'application/x-www-form-urlencoded') {
    return { body: new URLSearchParams(body).toString(), headers: { 'content-type': route.bodyType } };
  }
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

async function send(x, route, { who = {}, headers = {}, body, values } = {}) {
  const c = content(route, body);
  const once = route.once ? { 'idempotency-key': crypto.randomUUID() } : {};
  return call(x.stack.daemon.url, route.method, fill(route, values), { ...c, headers: { ...once, ...c.headers, ...who.headers, ...headers } });
}

// ---- headers and cookies ----

function policy(text) {
  return Object.fromEntries(text.split(';').map((d) => d.trim().split(/\s+/)).map(([name, ...v]) => [name, v]));
}

const mayBeKept = /^\/(console|static\/|embed\/|favicon\.ico|openapi\.json|\.well-known\/)/;

function judge(r, https = false) {
  const where = `${r.method} ${r.target} (${r.status})`;
  const h = r.headers;
  const csp = policy(h['content-security-policy'] ?? '');
  check(h['content-security-policy'], `${where}: no Content-Security-Policy`);
  check(!/unsafe-(inline|eval|hashes)|\*|data:/.test(h['content-security-policy']), `${where}: ${h['content-security-policy']}`);
  equal(csp['default-src'], ["'none'"], `${where}: default-src`);
  equal(csp['frame-ancestors'], ["'none'"], `${where}: frame-ancestors`);
  equal(csp['base-uri'], ["'none'"], `${where}: base-uri`);
  check(csp['form-action'], `${where}: no form-action`);
  const html = /^text\/html/.test(h['content-type'] ?? '');
  if (html) equal([csp['script-src'], csp['object-src']], [["'self'"], ["'none'"]], `${where}: scripts of a page`);
  if (html) check(!/<[^>]+\son[a-z]+=|<script>|javascript:|<style|\sstyle=/i.test(r.text), `${where}: script or style in the page's text`);
  const want = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cross-origin-opener-policy': 'same-origin' };
  for (const [name, value] of Object.entries(want)) equal(h[name], value, `${where}: ${name}`);
  const embedded = /^\/embed\//.test(r.target) && r.status === 200;
  equal(h['cross-origin-resource-policy'], embedded ? 'cross-origin' : 'same-origin', `${where}: Cross-Origin-Resource-Policy`);
  check(/camera=\(\)/.test(h['permissions-policy'] ?? ''), `${where}: Permissions-Policy`);
  check(h['x-request-id'], `${where}: no X-Request-Id`);
  check(!h.server && !h['x-powered-by'], `${where}: says what it is made of`);
  check(!h['access-control-allow-credentials'], `${where}: lets foreign pages read with cookies`);
  if (!mayBeKept.test(r.target) || r.status >= 400) equal(h['cache-control'], 'no-store', `${where}: Cache-Control`);
  if (r.text && h['content-type'] === undefined && r.status !== 304) check(false, `${where}: no Content-Type`);
  if (https) match(h['strict-transport-security'] ?? '', /^max-age=(\d{8,}); includeSubDomains/, `${where}: HSTS`);
  for (const line of r.cookies) {
    match(line, /^__Host-[a-z_]+=[^;]*;/, `${where}: cookie`);
    for (const part of ['Path=/', 'Secure', 'HttpOnly']) check(line.split('; ').includes(part), `${where}: cookie without ${part}: ${line}`);
    match(line, /; SameSite=(Lax|Strict)/, `${where}: cookie`);
    check(!/domain=/i.test(line), `${where}: cookie with a domain`);
  }
  return r;
}

test('http.headers_on_every_route', async () => {
  const x = await world();
  let n = 0;
  const see = (r) => (judge(r), (n += 1));
  for (const route of x.routes) {
    see(await send(x, route));
    see(await send(x, route, { headers: { 'accept-language': 'th', accept: 'text/html' } }));
    see(await call(x.stack.daemon.url, 'HEAD', fill(route)));
    see(await call(x.stack.daemon.url, 'PATCH', fill(route)));
    if (!unsafe(route)) see(await send(x, route, { who: x.owner, values: { code: 'not_found', id: x.identity } }));
    else see(await send(x, route, { who: x.agent, headers: { 'sec-fetch-site': 'cross-site' } }));
  }
  for (const target of ['/none', '/v1/none', '/auth/none', '/../etc/passwd', '/%00', '/errors/not_found?lang=th', `/${'a'.repeat(7000)}`]) {
    see(await call(x.stack.daemon.url, 'GET', target));
  }
  for (const target of ['/metrics', '/readyz', '/none']) see(await call(x.stack.privateUrl, 'GET', target));
  check(n > 300, `only ${n} answers were looked at`);
}, { deadline_ms: 60000 });

test('http.cookies', async () => {
  const x = await world();
  const { stack, owner } = x;
  const base = stack.daemon.url;
  const member = await invited(stack, owner, 'House', 'agent');
  const signed = judge(await call(base, 'POST', '/v1/session', { json: { email: member.email, password: member.password } }));
  equal(signed.status, 200, signed.text);
  const token = sessionIn(signed);
  check(token !== member.token, 'the session is new at each sign-in');
  match(signed.cookies[0], /; Max-Age=\d+/);
  // A planted session token is never taken over, and the one before ends with the sign-in.
  const planted = 'A'.repeat(43);
  const headers = { cookie: `__Host-mz_session=${planted}`, 'sec-fetch-site': 'same-origin' };
  const fixed = await call(base, 'POST', '/v1/session', { json: { email: member.email, password: member.password }, headers });
  check(sessionIn(fixed) !== planted, 'a planted token became a session');
  const out = judge(await byCookie(stack, 'm', token).ask('DELETE', '/v1/session'));
  match(out.cookies[0], /^__Host-mz_session=; .*Max-Age=0/);
  equal((await byCookie(stack, 'm', token).ask('GET', '/v1/session')).status, 401, 'after signing out');
  const pass = await passing(stack, owner, 'agent');
  const again = judge(await press(stack, pass.link));
  equal([again.status, again.cookies], [404, []], 'a link works once');
  const made = await owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: x.returnUrl });
  const attempt = new URL(made.start_url).searchParams.get('attempt');
  const go = x.routes.find((r) => r.id === 'POST /auth/tiktok/continue');
  const went = judge(await send(x, go, { body: { attempt }, headers: { 'sec-fetch-site': 'same-origin' } }));
  equal([went.status, went.cookies.length > 0], [303, true], went.text.slice(0, 300));
});

test('http.strict_transport_with_https', async () => {
  const stack = await startStack({ seed: false, settings: { ...settings, 'public.base_url': 'https://tiktok.mozflow.invalid' } });
  for (const target of ['/livez', '/none', '/v1/members', '/console/', '/errors', '/']) judge(await call(stack.daemon.url, 'GET', target), true);
});

// ---- cross-site requests ----

test('http.cross_site_is_refused', async () => {
  const x = await world();
  const before = digest(x.stack, TOUCHED);
  const cases = {
    'cross-site': { 'sec-fetch-site': 'cross-site', origin: 'https://evil.invalid' },
    'same-site': { 'sec-fetch-site': 'same-site', origin: x.stack.daemon.url },
    'foreign origin': { origin: 'https://evil.invalid' },
    'null origin': { origin: 'null' },
    'origin with our name before': { origin: `${x.stack.daemon.url}.evil.invalid` },
    'another port': { origin: x.stack.daemon.url.replace(/\d+$/, '1') },
    'nothing said': {},
  };
  let n = 0;
  for (const route of x.routes.filter((r) => unsafe(r) && !isWebhook(r))) {
    for (const [kind, headers] of Object.entries(cases)) {
      const r = await send(x, route, { headers: { cookie: x.owner.headers.cookie, ...headers } });
      equal(r.status, 403, `${route.id}, ${kind}: ${r.text.slice(0, 200)}`);
      if (r.json) equal(r.json.code, 'http.cross_site', `${route.id}, ${kind}`);
      n += 1;
    }
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', '']) {
      const r = await call(x.stack.daemon.url, route.method, fill(route), {
        body: '{}', headers: { cookie: x.owner.headers.cookie, origin: 'https://evil.invalid', ...(type ? { 'content-type': type } : {}) },
      });
      equal(r.status, 403, `${route.id} as ${type}`);
    }
  }
  check(n > 150, `only ${n} cross-site requests`);
  equal(changed(before, digest(x.stack, TOUCHED)), [], 'tables changed by cross-site requests');
}, { deadline_ms: 60000 });

test('http.a_stream_ends_with_its_session', async (t) => {
  const { stack, owner } = await world();
  const member = await invited(stack, owner, 'House', 'agent');
  const sign = async () => byCookie(stack, 'm', sessionIn(await call(stack.daemon.url, 'POST', '/v1/session', { json: { email: member.email, password: member.password } })));
  const streams = [];
  for (const who of [await sign(), await sign()]) {
    const r = await fetch(`${stack.daemon.url}/v1/feed`, { headers: who.headers, signal: t.signal });
    equal(r.status, 200);
    const s = { who, ended: false };
    void (async () => { try { for await (const _ of r.body); } catch { /* cut */ } s.ended = true; })();
    streams.push(s);
  }
  await streams[0].who.must(200, 'DELETE', '/v1/session');
  await until(() => streams[0].ended, 10000, 'the end of the signed-out stream');
  equal([streams[1].ended, (await streams[1].who.ask('GET', '/v1/session')).status], [false, 200], 'the other session goes on');
});

test('http.get_changes_nothing', async () => {
  const x = await world();
  const { stack } = x;
  const { public_key: key } = (await x.owner.must(200, 'GET', '/v1/session')).workspace;
  const pass = await x.owner.must(201, 'POST', '/v1/console/sessions', { email: 'a@b.invalid', name: 'N', role: 'agent' });
  const made = await x.owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: x.returnUrl });
  const before = digest(stack, TOUCHED);
  const values = { id: x.identity, code: 'not_found', app: 'login', name: 'login.tiktok', page: 'inbox', token: 'x'.repeat(43), challenge: 'abc', attempt: 'lat_0' };
  for (const route of x.routes.filter((r) => !unsafe(r))) {
    for (const who of [{}, x.owner]) {
      for (const more of [{}, { 'x-http-method-override': 'DELETE', 'x-http-method': 'DELETE', 'x-method-override': 'POST' }]) {
        const headers = { ...who.headers, ...more };
        const r = await call(stack.daemon.url, 'GET', fill(route, values), { headers });
        check(r.status < 500, `${route.id}: ${r.status} ${r.text.slice(0, 200)}`);
        await call(stack.daemon.url, 'HEAD', fill(route, values), { headers });
      }
    }
  }
  const start = new URL(made.start_url);
  const starts = [start.pathname + start.search, `/auth/tiktok?workspace=${key}&client_state=${'s'.repeat(20)}`, '/auth/tiktok?console=1'];
  for (const at of [...starts, ...starts.map((s) => s.replace('/auth/tiktok?', '/auth/tiktok/qr?'))]) await call(stack.daemon.url, 'GET', at);
  await call(stack.daemon.url, 'GET', '/auth/tiktok/callback?code=c&state=s');
  const link = new URL(pass.url);
  for (const method of ['HEAD', 'GET', 'GET']) {
    const r = await call(stack.daemon.url, method, link.pathname + link.search);
    equal([r.status, r.cookies], [200, []], `${method} of a one-time link`);
  }
  equal(changed(before, digest(stack, TOUCHED)), [], 'tables changed by GET and HEAD');
  // Login CSRF: a page of somebody else posts a link of his own from the victim's browser.
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.invalid' }]) {
    const r = await press(stack, pass.url, headers);
    equal([r.status, r.cookies], [403, []], `a press from elsewhere: ${JSON.stringify(headers)}`);
  }
  equal((await press(stack, pass.url, { 'sec-fetch-site': 'same-origin' })).status, 303, 'looking left the one-time link alone');
});

// ---- methods ----

test('http.methods', async () => {
  const x = await world();
  const all = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
  for (const at of new Set(x.routes.map((r) => r.path))) {
    const rows = x.routes.filter((r) => r.path === at);
    const known = rows.map((r) => r.method);
    const target = fill(rows[0]);
    for (const method of all.filter((m) => !known.includes(m))) {
      const r = await call(x.stack.daemon.url, method, target, { headers: x.owner.headers });
      equal(r.status, 405, `${method} ${target}: ${r.text.slice(0, 200)}`);
      const allow = r.headers.allow.split(', ').filter((m) => m !== 'HEAD').sort();
      equal(allow, [...known].sort(), `Allow of ${at}`);
      equal(r.headers.allow.includes('HEAD'), known.includes('GET'), `HEAD in Allow of ${at}`);
    }
    for (const method of ['TRACE', 'OPTIONS', 'PROPFIND', 'LINK']) {
      const r = await call(x.stack.daemon.url, method, target, { headers: x.owner.headers });
      check([405, 501].includes(r.status), `${method} ${target}: ${r.status}`);
      check(!r.headers['access-control-allow-origin'], `${method} ${target} answers a preflight`);
    }
  }
});

// ---- forged headers of proxies ----

test('http.forwarded_headers_are_not_believed', async () => {
  const x = await world();
  const evil = {
    host: 'evil.invalid', 'x-forwarded-host': 'evil.invalid', 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7',
    'x-forwarded-port': '444', 'x-real-ip': '203.0.113.7', forwarded: 'for=203.0.113.7;host=evil.invalid;proto=https', 'x-original-url': '/v1/keys',
    'x-rewrite-url': '/v1/keys', 'client-ip': '203.0.113.7',
  };
  for (const route of x.routes) {
    const who = unsafe(route) ? {} : x.owner;
    const r = await send(x, route, { who, headers: evil, values: { code: 'not_found', id: x.identity } });
    const all = JSON.stringify(r.headers) + r.text;
    check(!all.includes('evil.invalid') && !all.includes('203.0.113.7') && !all.includes(':444'), `${route.id} repeats a forged header: ${all.slice(0, 300)}`);
  }
  const made = await x.owner.ask('POST', '/v1/invitations', { email: 'f@f.invalid', role: 'agent' }, evil);
  check(made.json.link.startsWith(`${x.stack.daemon.url}/console/invitation#`), made.json.link);
  const { items } = await x.owner.must(200, 'GET', '/v1/audit?limit=1');
  equal(items[0].address, '127.0.0.1', 'the address in the audit');
});

// ---- Idempotency-Key ----

function dead(x) {
  const id = `job_${crypto.randomUUID().replace(/-/g, '').slice(0, 26)}`;
  const ws = quote(x.owner.workspace);
  sql(x.stack, `INSERT INTO jobs (workspace_id, id, kind, cls, lane, state, sort_ms, seq, due_ms, attempts, crashes, args, code, detail, put_ms, died_ms)
    VALUES (${ws}, ${quote(id)}, 'access.tidy', 1, ${quote(id)}, 1, 1, 1, 1, 9, 0, '{}', 'test.dead', 'made by a test', 1, 1)`);
  return { id };
}

// For every POST with a permission: a request that is done, another body for the same key, and what is shown only once.
const POSTS = {
  'POST /v1/login/attempts': { make: (x) => ({ body: { purpose: 'sign_in', return_url_id: x.returnUrl } }), other: (b) => ({ ...b, language: 'th' }) },
  'POST /v1/login/exchange': { make: async (x) => ({ body: (await fresh(x)).body }), other: (b) => ({ ...b, client_state: 'another one, long enough' }) },
  'POST /v1/login/links': { make: (x) => ({ body: { identity_id: x.identity, mozflow_user_id: 'u-1' } }), other: (b) => ({ ...b, mozflow_user_id: 'u-2' }) },
  'POST /v1/login/return-urls': { make: () => ({ body: { url: `https://m.invalid/${crypto.randomUUID()}` } }), other: () => ({ url: 'https://m.invalid/o' }) },
  'POST /v1/login/console-link': {},
  'POST /v1/invitations': { make: () => ({ body: { email: `${crypto.randomUUID()}@i.invalid`, role: 'agent' } }), other: (b) => ({ ...b, role: 'admin' }), shown: 'link' },
  'POST /v1/keys': { make: () => ({ body: { name: 'n', scopes: ['accounts.read'] } }), other: (b) => ({ ...b, scopes: ['audit.read'] }), shown: 'key' },
  'POST /v1/console/sessions': { make: () => ({ body: { email: 'o@o.invalid', name: 'N', role: 'agent' } }), other: (b) => ({ ...b, role: 'admin' }), shown: 'url' },
  'POST /v1/events/endpoint/rotate-secret': { shown: 'secret' },
  'POST /v1/events/endpoint/test': {},
  'POST /v1/events/{id}/replay': { make: (x) => ({ id: x.event }) },
  'POST /v1/jobs/dead/{id}/replay': { make: dead },
  'POST /v1/connections': { make: () => ({ body: { kind: 'business', market: 'th' } }), other: (b) => ({ ...b, market: 'us' }) },
  'POST /v1/webhook-subscriptions/{app}/check': { make: () => ({ app: 'accounts' }) },
  'POST /v1/webhook-subscriptions/{app}/test': { make: () => ({ app: 'accounts' }) },
  'POST /v1/accounts/{id}/availability': { make: async (x) => ({ id: (await x.owner.must(200, 'GET', '/v1/accounts?kind=business')).items[0].id }) },
  'POST /v1/accounts/{id}/refresh': { make: (x) => ({ id: x.identity }) },
  'POST /v1/accounts/revocations/preview': { make: (x) => ({ body: { accounts: [x.identity] } }), other: (b) => ({ ...b, accounts: [...b.accounts, ...b.accounts] }) },
  'POST /v1/accounts/revocations': { make: (x) => ({ body: { accounts: [x.identity] } }), other: (b) => ({ ...b, accounts: [...b.accounts, ...b.accounts] }) },
  'POST /v1/accounts/{id}/revoke': { make: (x) => ({ id: x.identity }) },
};

async function fresh(x) {
  const made = await x.owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: x.returnUrl });
  const back = await signIn(x.stack, made.start_url);
  return { body: { code: new URL(back.location).searchParams.get('code'), attempt_id: made.attempt_id } };
}

test('http.idempotency_key', async () => {
  const x = await world();
  const posts = x.routes.filter((r) => r.method === 'POST' && r.permission);
  equal(posts.map((r) => r.id).sort(), Object.keys(POSTS).sort(), 'POST routes with a permission; each needs a row in POSTS');
  for (const r of posts) check(r.once, `${r.id} takes no Idempotency-Key`);
  for (const [id, row] of Object.entries(POSTS)) {
    const route = posts.find((r) => r.id === id);
    const { id: object, app, body } = (await row.make?.(x)) ?? {};
    const ask = (key, json = body, who = x.owner) =>
      call(x.stack.daemon.url, 'POST', fill(route, { id: object, app }), { json, headers: { ...who.headers, ...(key === null ? {} : { 'idempotency-key': key }) } });
    const none = await ask(null);
    equal([none.status, none.json?.code], [400, 'idempotency.missing'], `${id} without a key`);
    for (const bad of ['', 'x'.repeat(129), 'a b']) {
      const r = await ask(bad);
      check(r.status === 400 && /^idempotency\./.test(r.json.code), `${id} with the key ${JSON.stringify(bad.slice(0, 5))}: ${r.status} ${r.text.slice(0, 150)}`);
    }
    const key = crypto.randomUUID();
    const crowd = await Promise.all([1, 2, 3, 4].map(() => ask(key)));
    const done = crowd.filter((r) => r.status < 300 && !r.headers['idempotency-replayed']);
    equal(done.length, 1, `${id}: done ${crowd.map((r) => `${r.status} ${r.json?.code ?? ''}`)}; once`);
    for (const r of crowd) check(r.status < 300 || [409, 'idempotency.in_flight'].every((v, i) => [r.status, r.json.code][i] === v), `${id} at once: ${r.status} ${r.text.slice(0, 150)}`);
    const again = await ask(key);
    equal([again.status, again.headers['idempotency-replayed']], [done[0].status, 'true'], `${id} repeated: ${again.text.slice(0, 150)}`);
    const first = { ...done[0].json };
    if (row.shown) {
      check(typeof first[row.shown] === 'string' && first[row.shown].length > 20, `${id}: ${row.shown} was not shown: ${done[0].text}`);
      first[row.shown] = null;
    }
    equal(again.json, first, `${id} repeated`);
    const other = await ask(key, row.other?.(body) ?? {});
    equal([other.status, other.json?.code], [422, 'idempotency.other_body'], `${id} with another body: ${other.text.slice(0, 150)}`);
    const elsewhere = await x.owner.ask('POST', '/v1/invitations', { email: 'e@e.invalid', role: 'agent' }, { 'idempotency-key': key });
    equal(elsewhere.status, 422, `the key of ${id} on another route`);
  }
  // A neighbour's key is another key: the answer kept for one principal is never given to another.
  const one = await keyWith(x.stack, x.owner, ['login.start']);
  const two = await keyWith(x.stack, x.owner, ['login.start']);
  const headers = { 'idempotency-key': 'shared' };
  const body = { purpose: 'sign_in', return_url_id: x.returnUrl };
  const a = await one.ask('POST', '/v1/login/attempts', body, headers);
  const b = await two.ask('POST', '/v1/login/attempts', body, headers);
  check(a.status === 201 && b.status === 201 && a.json.attempt_id !== b.json.attempt_id, 'two principals, one key');
}, { deadline_ms: 60000 });

// ---- input ----

test('http.unknown_fields_are_named', async () => {
  const x = await world();
  const before = digest(x.stack, [...TOUCHED, 'idempotency_keys']);
  let n = 0;
  for (const route of x.routes.filter((r) => r.body?.properties)) {
    const who = route.permission ? x.owner : { headers: { 'sec-fetch-site': 'same-origin' } };
    const values = { id: route.path.startsWith('/v1/accounts/') ? x.identity : x.agent.id };
    const said = (body) => send(x, route, { who, values, body });
    const r = await said({ ...sampleBody(route), zz_extra: 'x', __proto__x: 'y' });
    equal(r.status, 400, `${route.id}: ${r.text.slice(0, 200)}`);
    n += 1;
    if (route.bodyType !== 'application/json') continue;
    const named = r.json.errors.filter((e) => e.in === 'body').map((e) => e.field);
    check(named.includes('zz_extra') && named.includes('__proto__x'), `${route.id} names ${named}`);
    for (const e of r.json.errors) check(e.problem.length > 5, `${route.id}: an error without words`);
    for (const required of route.body.required) {
      const lack = await said({ ...sampleBody(route), [required]: undefined });
      check(lack.status === 400 && lack.json.errors.some((e) => e.field === required), `${route.id} without ${required}: ${lack.text.slice(0, 200)}`);
      const wrong = await said({ ...sampleBody(route), [required]: { a: [] } });
      check(wrong.status === 400 && wrong.json.errors.some((e) => e.field === required), `${route.id} with an object as ${required}: ${wrong.text.slice(0, 200)}`);
    }
    const raw = (body, type = 'application/json', more = {}) =>
      call(x.stack.daemon.url, route.method, fill(route, values), { body, headers: { ...who.headers, 'content-type': type, 'idempotency-key': crypto.randomUUID(), ...more } });
    for (const bad of ['[]', '"x"', '{', '{"a":1,"a":2}', '{"a":1e999}', '\ufeff{}', '{"a":"\u0001"}', `${'['.repeat(500)}${']'.repeat(500)}`]) {
      equal((await raw(bad)).status, 400, `${route.id} with the body ${bad.slice(0, 20)}`);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      const t = await raw('{}', type);
      equal([t.status, t.json?.code], [415, 'http.content_type'], `${route.id} as ${type}`);
    }
    equal((await raw('{}', 'application/json', { 'content-encoding': 'gzip' })).status, 415, `${route.id} said to be gzip`);
  }
  check(n >= 19, `only ${n} routes with a body`);
  equal(changed(before, digest(x.stack, [...TOUCHED, 'idempotency_keys'])), [], 'tables changed by bad input');
}, { deadline_ms: 60000 });

test('http.oversized_bodies', async () => {
  const x = await world();
  for (const route of x.routes.filter(unsafe)) {
    const cap = isWebhook(route) ? 8 << 20 : 64 << 10;
    const headers = { ...x.owner.headers, 'content-type': route.bodyType ?? 'application/json', 'idempotency-key': crypto.randomUUID() };
    const target = fill(route, { app: 'accounts' });
    // The refusal comes before the body: what is announced is enough.
    const r = await call(x.stack.daemon.url, route.method, target, { headers: { ...headers, expect: '100-continue', 'content-length': cap + 1 } }).catch((e) => e);
    check(r.status === 413 || r.status === 417, `${route.id}: ${r.status ?? r.message}`);
    // In chunks it shows on the way; the connection may end while the rest is still being written.
    const chunked = { ...headers, 'transfer-encoding': 'chunked' };
    const c = await call(x.stack.daemon.url, route.method, target, { body: Buffer.alloc(cap + 1, 0x20), headers: chunked }).catch((e) => e);
    check(c.status === 413 || ['EPIPE', 'ECONNRESET'].includes(c.code), `${route.id} in chunks: ${c.status ?? c.message}`);
  }
  equal((await call(x.stack.daemon.url, 'GET', '/livez')).status, 200, 'after all that');
}, { deadline_ms: 60000 });

// ---- features that are off ----

test('http.off_looks_like_never_was', async () => {
  const x = await world();
  const set = (state) => daemonCommand(['flag', 'login.tiktok', state, '--reason', 'a test', '--state', x.stack.daemon.state]);
  const flagged = x.routes.filter((r) => r.flag === 'login.tiktok');
  check(flagged.length >= 6, `${flagged.length} routes with the flag`);
  set('off');
  try {
    for (const route of flagged) {
      for (const accept of ['application/json', 'text/html']) {
        for (const who of [{}, x.owner]) {
          const off = await send(x, route, { who, headers: { accept } });
          const unknown = await call(x.stack.daemon.url, route.method, '/v1/no-such-thing', { ...content(route), headers: { ...content(route).headers, ...who.headers, accept } });
          equal(plain(off), plain(unknown), `${route.id} (${accept})`);
          equal(off.status, 404, route.id);
        }
        const wrong = await call(x.stack.daemon.url, 'PATCH', fill(route), { headers: { accept } });
        equal(plain(wrong), plain(await x.unknown(accept, 'PATCH')), `PATCH on ${route.path}`);
      }
    }
    equal((await x.owner.ask('GET', '/v1/accounts')).status, 200, 'the rest goes on');
  } finally {
    set('unset');
  }
  equal((await call(x.stack.daemon.url, 'GET', '/embed/login-button.js')).status, 200, 'on again');
});

// ---- problems ----

test('http.problems_and_their_pages', async () => {
  const x = await world();
  const dir = tempDir('mz-docs');
  daemonCommand(['docs', '--out', dir]);
  const rows = readFileSync(path.join(dir, 'problems.md'), 'utf8').split('\n').filter((l) => l.startsWith('| `'));
  const cells = rows.map((l) => l.split(' | ').map((c) => c.trim()));
  check(cells.length > 100, `only ${cells.length} codes`);
  const codes = cells.map(([first]) => first);
  equal(codes.filter((c, i) => codes.indexOf(c) !== i), [], 'codes explained twice');
  const thai = /[\u0e00-\u0e7f]/;
  const index = { en: (await call(x.stack.daemon.url, 'GET', '/errors')).text, th: (await call(x.stack.daemon.url, 'GET', '/errors?lang=th')).text };
  const escape = (s) => s.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  for (const [first, , en, means, todo, th] of cells) {
    const code = /`([^`]+)`/.exec(first)[1];
    check(en && means && todo && thai.test(th), `${code} lacks words`);
    for (const [language, title] of [['en', en], ['th', th.replace(/ \|$/, '')]]) {
      const page = judge(await call(x.stack.daemon.url, 'GET', `/errors/${code}?lang=${language}`));
      equal(page.status, 200, `/errors/${code} in ${language}`);
      match(page.text, new RegExp(`<html lang="${language}"`), code);
      const words = page.text.replaceAll('&#39;', "'").replaceAll('&#x27;', "'");
      check(words.includes(escape(title)), `/errors/${code} in ${language} lacks its title ${title}`);
      if (language === 'th') check((page.text.match(/[\u0e00-\u0e7f]/g) ?? []).length > 40, `/errors/${code} is hardly Thai`);
      check(index[language].includes(`/errors/${code}`), `/errors in ${language} does not list ${code}`);
    }
  }
  equal((await call(x.stack.daemon.url, 'GET', '/errors/never.was')).status, 404, 'an unknown code');
  // A code that is a script is not repeated; an encoded slash is no path at all.
  for (const [end, status] of [['%3Cscript%3Ealert(1)', 404], ['%3Cscript%3Ealert(1)%3C%2Fscript%3E', 400]]) {
    const r = judge(await call(x.stack.daemon.url, 'GET', `/errors/${end}`, { headers: { accept: 'text/html' } }));
    equal([r.status, r.text.includes('<script>alert')], [status, false], `/errors/${end}`);
  }

  const wanted = ['type', 'title', 'status', 'detail', 'code', 'request_id', 'means', 'next'];
  const asks = [
    ['GET', '/v1/none', {}, 404], ['GET', '/v1/members', {}, 401], ['GET', '/v1/members', x.agent.headers, 403], ['PATCH', '/v1/members', x.owner.headers, 405],
    ['POST', '/v1/keys', x.owner.headers, 400], ['GET', '/v1/accounts/acc_0', x.owner.headers, 404],
  ];
  for (const [method, target, headers, status] of asks) {
    for (const language of ['en', 'th']) {
      const r = judge(await call(x.stack.daemon.url, method, target, { headers: { ...headers, 'accept-language': `${language};q=0.9` } }));
      equal([r.status, r.headers['content-type']], [status, 'application/problem+json'], `${method} ${target}`);
      for (const name of wanted) check(r.json[name] !== undefined && r.json[name] !== '', `${method} ${target} lacks ${name}: ${r.text}`);
      equal([r.json.status, r.json.request_id], [status, r.headers['x-request-id']], `${method} ${target}`);
      equal(r.json.type, `${x.stack.daemon.url}/errors/${r.json.code}`, 'type');
      equal(thai.test(r.json.title + r.json.detail), language === 'th', `${method} ${target} in ${language}: ${r.json.title}`);
      equal((await call(x.stack.daemon.url, 'GET', new URL(r.json.type).pathname)).status, 200, r.json.type);
      if (status === 401) equal(r.headers['www-authenticate'], 'Bearer');
    }
  }
});

await run();
