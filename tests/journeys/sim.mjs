// The simulated TikTok itself, row by row of the table that it must satisfy: authorize, consent, token, refresh, client
// token, revoke, QR, user info, videos, avatar, webhooks, what people do to their accounts, faults, restart. The
// expectations are written from the notes about TikTok and use no code of the simulator.
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, match, run, tempDir, test, until } from '../support/runner.mjs';
import { startSim } from '../support/stack.mjs';

const WEB = 'https://app.example/auth/tiktok/callback';
const LOOP = 'http://127.0.0.1:4455/cb';
const SECRET = 'sim_journey_secret_1';
const app = (client_key, more = {}) => ({
  client_key, client_secret: SECRET, name: 'Journey', portal: 'login', state: 'live', organization: 'org1',
  scopes: 'user.info.basic,user.info.profile,user.info.stats,video.list',
  redirect_uris: { web: [WEB], desktop: ['http://127.0.0.1:*/cb'], mobile: ['https://app.example/app'] }, ...more,
});

// Receives webhooks: answers what `answers` says in turn, then 200.
const received = [];
const answers = [];
const hook = http.createServer((rq, rs) => {
  const parts = [];
  rq.on('data', (d) => parts.push(d));
  rq.on('end', () => {
    const status = answers.shift() ?? 200;
    received.push({ headers: rq.headers, raw: rq.rawHeaders, body: Buffer.concat(parts), status });
    rs.writeHead(status, status === 301 ? { location: 'http://127.0.0.1:1/' } : {});
    rs.end();
  });
});
await new Promise((r) => hook.listen(0, '127.0.0.1', r));
hook.unref();
const hookUrl = `http://127.0.0.1:${hook.address().port}/webhooks/tiktok/login`;

const dir = tempDir('mz-simtest');
const file = path.join(dir, 'scenario.json');
writeFileSync(file, JSON.stringify({
  apps: [
    app('awjourney000000001', { webhook_url: hookUrl }), app('awjourney000000002'),
    app('awdraft0000000001', { state: 'draft' }), app('awreview000000001', { state: 'in_review' }),
    app('sbjourney00000001', { state: 'sandbox', target_users: ['emma'] }),
    app('awbasic0000000001', { scopes: 'user.info.basic' }),
    app('7611111111111111111', { portal: 'business', webhook_url: hookUrl, scopes: 'user.info.basic,message.list.read' }),
  ],
  users: [
    { id: 'somying', display_name: 'สมหญิง ใจดี 🌸', username: 'somying.j', bio: '', followers: 12, videos: 23 },
    { id: 'emma', display_name: 'Emma', username: 'emma.c', bio: 'Tea', verified: true, videos: 2 },
    { id: 'doomed', display_name: 'Doomed', username: 'doomed' },
  ],
  shops: [{ id: 'shop', client_key: '7611111111111111111', user: 'emma', business_id: '-000BizJourney_aB3dE5fG7hJ9kL1mNoPqR', username: 'shop.j', display_name: 'Shop' }],
  customers: [
    { id: 'somchai', username: 'somchai.t', display_name: 'สมชาย' },
    { id: 'berlin', username: 'berlin.t', display_name: 'B', eu: true },
  ],
}));
let sim = await startSim({ dir, scenario: file });
const KEY = 'awjourney000000001';
const hex = (v) => createHash('sha256').update(v).digest('hex');
const form = (o) => new URLSearchParams(o).toString();
const authorizeUrl = (o = {}) => {
  const q = { client_key: KEY, response_type: 'code', scope: 'user.info.basic', redirect_uri: WEB, state: 'a b/ü', ...o };
  for (const k of Object.keys(q)) if (q[k] === undefined) delete q[k];
  return `${sim.url}/v2/auth/authorize/?${form(q)}`;
};
const get = (url, headers = {}) => fetch(url, { redirect: 'manual', headers });
const authorize = (o, person = 'somying') => get(authorizeUrl(o), person ? { cookie: `sim_person=${person}` } : {});
const post = (p, o, headers = {}) =>
  fetch(`${sim.url}${p}`, { method: 'POST', body: typeof o === 'string' ? o : form(o), redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } });
const json = async (r) => ({ status: r.status, body: await r.json(), headers: r.headers });
const token = async (o) => json(await post('/v2/oauth/token/', o));
const client = (key = KEY) => ({ client_key: key, client_secret: SECRET });
const exchange = (code, o = {}) => token({ ...client(), grant_type: 'authorization_code', code, redirect_uri: WEB, ...o });
const refresh = (refresh_token, o = {}) => token({ ...client(), grant_type: 'refresh_token', refresh_token, ...o });
const code = async (o = {}) =>
  (await sim.control('POST', 'codes', { client_key: KEY, user: 'somying', scopes: 'user.info.basic', redirect_uri: WEB, ...o })).code;
const grant = (o = {}) => sim.control('POST', 'tokens', { client_key: KEY, user: 'somying', scopes: 'user.info.basic', ...o });
const info = async (t, fields = 'open_id') =>
  json(await get(`${sim.url}/v2/user/info/?fields=${fields}`, { authorization: `Bearer ${t}` }));
const back = (r) => new URL(r.headers.get('location'));
const reset = () => sim.control('POST', 'reset');
const shift = (s) => sim.control('POST', 'clock', { shift_ms: s * 1000 });
// A page names the wrong parameter and leads nowhere; a redirect carries it.
const refusedByPage = async (o, type, person) => {
  const r = await authorize(o, person);
  equal([r.status, r.headers.get('location')], [200, null], `page for ${type}`);
  const text = await r.text();
  match(text, new RegExp(`data-error-type="${type}"`), 'error page');
  match(text, /Simulated TikTok/, 'error page');
};
const refusedByRedirect = async (o, error, type, person) => {
  const r = await authorize(o, person);
  equal(r.status, 302, `redirect for ${type}`);
  const q = back(r).searchParams;
  equal([q.get('error'), q.get('error_type'), q.get('state'), q.get('code')], [error, type, 'a b/ü', null], 'redirect');
  check(q.get('error_description'), 'no error_description');
};
const allow = async (o = {}, scopes = [], decision = 'allow', person = 'somying') => {
  const q = new URL(authorizeUrl(o)).search.slice(1);
  const body = new URLSearchParams({ q, decision });
  for (const s of scopes) body.append('scope', s);
  return post('/sim/consent', body.toString(), { cookie: `sim_person=${person}` });
};
const hits = (event) => received.filter((h) => JSON.parse(h.body).event === event);

// ---- authorize: every check, in both ways of telling ----

const cases = [
  ['unknown client_key', { client_key: 'awnobody' }, 'unauthorized_client', 'client_key', 'client_key'],
  ['client_id instead', { client_key: undefined, client_id: KEY }, 'unauthorized_client', 'client_key', 'client_key'],
  ['draft app', { client_key: 'awdraft0000000001' }, 'unauthorized_client', 'client_key', 'client_key'],
  ['app in review', { client_key: 'awreview000000001' }, 'unauthorized_client', 'client_key', 'client_key'],
  ['response_type token', { response_type: 'token' }, 'unsupported_response_type', 'response_type', 'response_type'],
  ['redirect with a slash more', { redirect_uri: `${WEB}/` }, 'unauthorized_client', 'redirect_uri', 'redirect_uri'],
  ['redirect in other case', { redirect_uri: WEB.replace('auth', 'Auth') }, 'unauthorized_client', 'redirect_uri', 'redirect_uri'],
  ['loopback with another path', { redirect_uri: 'http://127.0.0.1:4455/other' }, 'unauthorized_client', 'redirect_uri', 'redirect_uri'],
  ['loopback without port', { redirect_uri: 'http://127.0.0.1/cb' }, 'unauthorized_client', 'redirect_uri', 'redirect_uri'],
  ['scopes with a blank', { scope: 'user.info.basic user.info.profile' }, 'invalid_scope', 'scope', 'scope'],
  ['no scope', { scope: '' }, 'invalid_scope', 'scope', 'scope'],
  ['unapproved scope', { scope: 'user.info.basic,video.publish' }, 'invalid_scope', 'scope', 'scope'],
  ['business.account.info.read', { scope: 'business.account.info.read' }, 'invalid_scope', 'scope', 'scope'],
  ['desktop without challenge', { redirect_uri: LOOP }, 'invalid_request', 'code_challenge', 'code_challenge'],
  ['desktop with base64url', { redirect_uri: LOOP, code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' }, 'invalid_request', 'code_challenge', 'code_challenge'],
  ['desktop with method plain', { redirect_uri: LOOP, code_challenge: hex('v'), code_challenge_method: 'plain' }, 'invalid_request', 'code_challenge', 'code_challenge'],
  ['mobile without challenge', { redirect_uri: 'https://app.example/app' }, 'invalid_request', 'code_challenge', 'code_challenge'],
];
for (const [name, o, error, type, sw] of cases) {
  test(`sim.authorize.${name}`, async () => {
    await reset();
    await sim.switches({ [`error_delivery.${sw}`]: 'page' });
    await refusedByPage(o, type);
    await sim.switches({ [`error_delivery.${sw}`]: 'redirect' });
    await refusedByRedirect(o, error, type);
  });
}

test('sim.authorize.order: the first wrong thing is named', async () => {
  await reset();
  const all = { client_key: 'x', response_type: 'x', redirect_uri: 'https://x.example/', scope: 'x' };
  await refusedByPage(all, 'client_key');
  await sim.switches({ 'error_delivery.response_type': 'page' });
  await refusedByPage({ ...all, client_key: KEY }, 'response_type');
  await refusedByPage({ ...all, client_key: KEY, response_type: 'code' }, 'redirect_uri');
  await refusedByPage({ ...all, client_key: KEY, response_type: 'code', redirect_uri: LOOP }, 'scope');
  await refusedByPage({ redirect_uri: LOOP }, 'code_challenge');
  await sim.switches({ scope_mislabel: 'on', 'error_delivery.scope': 'redirect' });
  await refusedByRedirect({ scope: 'x' }, 'unauthorized_client', 'client_key');
});

test('sim.authorize.sandbox', async () => {
  await reset();
  const o = { client_key: 'sbjourney00000001' };
  await refusedByRedirect(o, 'access_denied', 'non_sandbox_target', 'somying');
  await sim.switches({ 'error_delivery.sandbox': 'page' });
  await refusedByPage(o, 'non_sandbox_target', 'somying');
  match(await (await authorize(o, 'emma')).text(), /data-sim="allow"/, 'the target user sees the consent page');
});

test('sim.authorize.person: chooser, cookie, both paths, extra parameters', async () => {
  await reset();
  const r = await authorize({}, null);
  equal(r.status, 302, 'status');
  const next = new URL(r.headers.get('location'), sim.url);
  equal(next.pathname, '/sim/people', 'chooser');
  const chosen = await post('/sim/people', { user: 'somying', next: next.searchParams.get('next') });
  equal(chosen.status, 303, 'choice');
  match(chosen.headers.get('set-cookie'), /^sim_person=somying; Path=\/; HttpOnly/, 'cookie');
  match(chosen.headers.get('location'), /^\/v2\/auth\/authorize\/\?client_key=/, 'back to authorize');
  const elsewhere = await post('/sim/people', { user: 'somying', next: '//evil.example/' });
  equal(elsewhere.headers.get('location'), '/sim/people', 'no way out');
  const bare = authorizeUrl({ sdk_name: 'tiktok_sdk_auth', app_identity: 'x' }).replace('/authorize/?', '/authorize?');
  const page = await (await get(bare, { cookie: 'sim_person=somying' })).text();
  match(page, /สมหญิง ใจดี 🌸/, 'consent page');
  const thai = await (await get(bare, { cookie: 'sim_person=somying; sim_lang=th' })).text();
  match(thai, /lang="th"[\s\S]*TikTok จำลอง[\s\S]*ดำเนินการต่อ/, 'Thai page');
});

// ---- consent ----

test('sim.consent: subset, cancel, code shape, skip and disable_auto_auth', async () => {
  await reset();
  const o = { scope: 'user.info.basic,user.info.profile,user.info.stats' };
  const page = await (await authorize(o)).text();
  for (const s of o.scope.split(',')) match(page, new RegExp(`name="scope" value="${s.replaceAll('.', '\\.')}"`), 'toggle');
  match(page, /value="user\.info\.basic" checked disabled/, 'basic cannot be unticked');
  const csp = (await authorize(o)).headers.get('content-security-policy');
  match(csp, /form-action 'self' \*/, 'the form may lead back, and on from there');
  check(!/unsafe-inline/.test(csp) && !/ style="|<style|<script>/.test(page), 'inline script or style');
  const r = await allow(o, ['user.info.stats', 'video.list']);
  equal(r.status, 302, 'allowed');
  match(r.headers.get('location'), /[?&]code=[A-Za-z0-9]+%2A1%214608\.va&scopes=user\.info\.basic%2Cuser\.info\.stats&state=a%20b%2F%C3%BC$/, 'location');
  const t = await exchange(back(r).searchParams.get('code'));
  equal(t.body.scope, 'user.info.basic,user.info.stats', 'granted');
  const cancel = back(await allow(o, [], 'deny')).searchParams;
  equal([cancel.get('error'), cancel.get('error_type'), cancel.get('state')], ['access_denied', null, 'a b/ü'], 'cancel');
  equal((await authorize({ scope: 'user.info.basic' })).status, 302, 'earlier consent skips the page');
  equal((await authorize({ scope: 'user.info.basic', disable_auto_auth: '1' })).status, 200, 'asked to show it');
  equal((await authorize({ scope: 'user.info.basic,video.list' })).status, 200, 'a new scope shows it');
  equal((await authorize({ scope: 'user.info.basic' }, 'emma')).status, 200, 'another person sees it');
});

// ---- token: authorization_code ----

test('sim.token.success: flat body, shapes, headers', async () => {
  await reset();
  const { status, body, headers } = await exchange(await code());
  equal(status, 200, 'status');
  equal(Object.keys(body).sort(), ['access_token', 'expires_in', 'open_id', 'refresh_expires_in', 'refresh_token', 'scope', 'token_type'], 'members');
  match(body.access_token, /^act\.[A-Za-z0-9]+!6290\.va$/);
  match(body.refresh_token, /^rft\.[A-Za-z0-9]+!6290\.va$/);
  match(body.open_id, /^-000[A-Za-z0-9_-]{32}$/);
  equal([body.expires_in, body.refresh_expires_in, body.token_type], [7200, 15552000, 'Bearer'], 'nov2026');
  match(headers.get('x-tt-logid'), /^\d{14}[0-9A-F]{20}$/);
  match(headers.get('content-type'), /^application\/json/);
  await sim.switches({ profile: 'legacy' });
  const old = (await exchange(await code())).body;
  equal([old.expires_in, old.refresh_expires_in], [86400, 31536000], 'legacy');
});

const oauthError = (r, error, description, status = 200) => {
  equal([r.status, r.body.error, r.body.access_token], [status, error, undefined], 'error');
  if (description) equal(r.body.error_description, description, 'description');
  match(r.body.log_id, /^\d{14}[0-9A-F]{20}$/);
  equal(Object.keys(r.body).sort(), ['error', 'error_description', 'log_id'], 'flat body');
};
const ONLY_FORM = 'Only `application/x-www-form-urlencoded` is accepted as Content-Type.';
const MALFORMED = 'The request parameters are malformed.';

test('sim.token.content-type: exactly one, exactly bare', async () => {
  await reset();
  const o = form({ ...client(), grant_type: 'client_credentials' });
  for (const type of ['application/json', 'application/x-www-form-urlencoded;charset=UTF-8', 'text/plain'])
    oauthError(await json(await post('/v2/oauth/token/', o, { 'content-type': type })), 'invalid_request', ONLY_FORM);
  const twice = await new Promise((resolve, reject) => {
    const rq = http.request(`${sim.url}/v2/oauth/token/`, { method: 'POST', agent: false }, async (rs) => {
      let text = '';
      for await (const d of rs) text += d;
      resolve({ status: rs.statusCode, body: JSON.parse(text) });
    });
    rq.on('error', reject);
    rq.setHeader('content-type', ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded']);
    rq.end(o);
  });
  oauthError(twice, 'invalid_request', ONLY_FORM);
});

test('sim.token.fields and client', async () => {
  await reset();
  const good = { ...client(), grant_type: 'authorization_code', redirect_uri: WEB };
  const without = async (name) => {
    const o = { ...good, code: await code() };
    delete o[name];
    return token(o);
  };
  oauthError(await without('client_key'), 'invalid_request', MALFORMED);
  oauthError(await without('client_secret'), 'invalid_request', 'Client secret is missed in request.');
  oauthError(await without('grant_type'), 'invalid_request', MALFORMED);
  oauthError(await without('code'), 'invalid_request', MALFORMED);
  oauthError(await without('redirect_uri'), 'invalid_request', MALFORMED);
  oauthError(await exchange(await code(), { client_secret: 'wrong' }), 'invalid_client');
  oauthError(await exchange(await code(), { client_key: 'awnobody' }), 'invalid_client');
  oauthError(await exchange(await code(), { grant_type: 'password' }), 'unsupported_grant_type');
  const body = `${form(good)}&code=${await code()}&client_key=${KEY}`;
  oauthError(await json(await post('/v2/oauth/token/', body)), 'invalid_request', MALFORMED);
  oauthError(await json(await post('/v2/oauth/token/', 'a=%zz')), 'invalid_request', MALFORMED);
  await sim.switches({ oauth_error_status: '400' });
  oauthError(await exchange(await code(), { client_secret: 'wrong' }), 'invalid_client', undefined, 401);
  oauthError(await exchange('unknown'), 'invalid_grant', 'Authorization code is expired.', 400);
});

test('sim.token.code: once, burnt by any attempt, five minutes, one client', async () => {
  await reset();
  const expired = ['invalid_grant', 'Authorization code is expired.'];
  const c = await code();
  equal((await exchange(c)).body.error, undefined, 'first');
  oauthError(await exchange(c), ...expired);
  for (const wrong of [{ redirect_uri: LOOP }, { client_secret: 'wrong' }, { client_key: 'awjourney000000002' }]) {
    const burnt = await code();
    check((await exchange(burnt, wrong)).body.error, 'refused');
    oauthError(await exchange(burnt), ...expired);
  }
  const late = await code();
  await shift(299);
  const inTime = await code();
  await shift(2);
  oauthError(await exchange(late), ...expired);
  equal((await exchange(inTime)).body.error, undefined, 'younger code');
  oauthError(await exchange(await code(), { redirect_uri: `${WEB}/` }), 'invalid_request', 'Redirect_uri is not matched with the uri when requesting code.');
  const races = await code();
  const all = await Promise.all(Array.from({ length: 12 }, () => exchange(races)));
  equal(all.filter((r) => r.body.access_token).length, 1, 'winners of twelve');
});

test('sim.token.pkce: hex on loopback, ignored on web, both by switch', async () => {
  await reset();
  const BAD = 'Code verifier or code challenge is invalid.';
  const verifier = 'v'.repeat(43);
  const base64url = createHash('sha256').update(verifier).digest('base64url');
  await sim.switches({ auto_consent: 'allow', auto_user: 'somying' });
  const login = async (o) => back(await authorize(o)).searchParams.get('code');
  const desktop = (challenge) => login({ redirect_uri: LOOP, code_challenge: challenge, code_challenge_method: 'S256' });
  const at = (c, code_verifier) => exchange(c, { redirect_uri: LOOP, ...(code_verifier ? { code_verifier } : {}) });
  equal((await at(await desktop(hex(verifier)), verifier)).body.error, undefined, 'hex');
  oauthError(await at(await desktop(hex(verifier)), 'w'.repeat(43)), 'invalid_request', BAD);
  oauthError(await at(await desktop(hex(verifier))), 'invalid_request', BAD);
  oauthError(await at(await desktop(hex(verifier).toUpperCase()), verifier), 'invalid_request', BAD);
  equal((await exchange(await login({}), { code_verifier: verifier })).body.error, undefined, 'verifier without challenge');
  const web = () => login({ code_challenge: base64url, code_challenge_method: 'S256' });
  equal((await exchange(await web(), { code_verifier: verifier })).body.error, undefined, 'web ignores it');
  await sim.switches({ web_pkce: 'hex' });
  oauthError(await exchange(await web(), { code_verifier: verifier }), 'invalid_request', BAD);
  equal((await exchange(await login({ code_challenge: hex(verifier) }), { code_verifier: verifier })).body.error, undefined, 'web hex');
  await sim.switches({ challenge_check: 'token' });
  oauthError(await at(await desktop(base64url), verifier), 'invalid_request', BAD);
});

// ---- refresh, client token, revoke ----

test('sim.refresh.nov2026: strict rotation, scopes unchanged, 180 days', async () => {
  await reset();
  const dead = ['invalid_grant', 'Refresh token is invalid or expired.'];
  const first = await grant({ scopes: 'user.info.basic,video.list' });
  const second = (await refresh(first.refresh_token)).body;
  check(second.refresh_token !== first.refresh_token && second.access_token !== first.access_token, 'new pair');
  equal([second.scope, second.expires_in, second.refresh_expires_in], ['user.info.basic,video.list', 7200, 15552000], 'answer');
  oauthError(await refresh(first.refresh_token), ...dead);
  equal((await info(first.access_token)).status, 200, 'the older access token lives on');
  oauthError(await token({ client_id: KEY, client_secret: SECRET, grant_type: 'refresh_token', refresh_token: second.refresh_token }), 'invalid_request', MALFORMED);
  oauthError(await refresh(second.refresh_token, client('awjourney000000002')), ...dead);
  await shift(7201);
  equal((await info(second.access_token)).body.error.code, 'access_token_invalid', 'two hours later');
  await shift(15552000);
  oauthError(await refresh(second.refresh_token), ...dead);
});

test('sim.refresh.legacy and switches', async () => {
  await reset();
  await sim.switches({ profile: 'legacy' });
  const a = await grant();
  const b = (await refresh(a.refresh_token)).body;
  check(b.refresh_token !== a.refresh_token, 'rotates');
  await sim.switches({ refresh_same: 'on' });
  const c = (await refresh(b.refresh_token)).body;
  equal(c.refresh_token, b.refresh_token, 'same token');
  await shift(1000);
  const d = (await refresh(c.refresh_token)).body;
  equal(d.refresh_token, b.refresh_token, 'again');
  check(d.refresh_expires_in <= 31535000 && d.refresh_expires_in > 31534900, 'remaining life');
  await sim.switches({ refresh_same: 'off', refresh_clock: 'countdown', refresh_kills_access: 'on' });
  const e = (await refresh(d.refresh_token)).body;
  check(e.refresh_expires_in <= 31536000 - 1000, 'countdown');
  equal((await info(d.access_token)).status, 401, 'earlier access token died');
});

test('sim.client_credentials', async () => {
  await reset();
  const { body } = await token({ ...client(), grant_type: 'client_credentials' });
  equal(Object.keys(body).sort(), ['access_token', 'expires_in', 'token_type'], 'members');
  match(body.access_token, /^clt\./);
  equal([body.expires_in, (await info(body.access_token)).body.error.code], [7200, 'access_token_invalid'], 'use');
});

test('sim.revoke: kills the grant, tells by webhook, reason 5', async () => {
  await reset();
  received.length = 0;
  const t = await grant();
  const other = (await refresh(t.refresh_token)).body;
  const revoke = (o) => post('/v2/oauth/revoke/', { ...client(), ...o });
  oauthError(await json(await revoke({ token: 'act.unknown' })), 'invalid_grant');
  oauthError(await json(await revoke({ token: t.refresh_token })), 'invalid_grant');
  oauthError(await json(await revoke({ token: t.access_token, client_secret: 'x' })), 'invalid_client');
  await shift(7201);
  oauthError(await json(await revoke({ token: t.access_token })), 'invalid_grant');
  const fresh = (await refresh(other.refresh_token)).body;
  const r = await revoke({ token: fresh.access_token });
  equal([r.status, await r.text()], [200, '{}'], 'answer');
  equal((await info(fresh.access_token)).status, 401, 'access token');
  check((await refresh(fresh.refresh_token)).body.error === 'invalid_grant', 'refresh token');
  const [h] = await until(() => hits('authorization.removed').length && hits('authorization.removed'), 5000, 'webhook');
  equal(JSON.parse(h.body).content, '{"reason":5}', 'content');
  equal(JSON.parse(h.body).user_openid, t.open_id, 'user_openid');
});

test('sim.paths: the final slash belongs to the path', async () => {
  for (const p of ['/v2/oauth/token', '/v2/oauth/revoke', '/v2/nothing/'])
    equal((await post(p, client())).status, 404, p);
  equal((await get(`${sim.url}/v2/user/info?fields=open_id`)).status, 404, 'user info');
  equal((await get(`${sim.url}/v2/oauth/token/`)).status, 404, 'GET');
});

// ---- QR ----

test('sim.qr: new, scanned, confirmed, utilised, both answers', async () => {
  await reset();
  const start = async (state = 's1') => (await json(await post('/v2/oauth/get_qrcode/', { client_key: KEY, scope: 'user.info.basic', state }))).body;
  const poll = async (t) => (await json(await post('/v2/oauth/check_qrcode/', { ...client(), token: t }))).body;
  const q = await start();
  match(q.scan_qrcode_url, /^aweme:\/\/authorize\?.*client_ticket=tobefilled/);
  equal((await poll(q.token)).status, 'new', 'new');
  const url = q.scan_qrcode_url.replace('tobefilled', 'ticket-42');
  const step = (s) => post('/sim/qr', { url, step: s }, { cookie: 'sim_person=somying' });
  match(await (await get(`${sim.url}/sim/qr?${form({ url })}`)).text(), /data-sim="scan"/, 'scanner');
  match(await (await step('scan')).text(), /data-sim="confirm"/, 'scanned page');
  equal([(await poll(q.token)).status, (await poll(q.token)).client_ticket], ['scanned', 'ticket-42'], 'scanned');
  await step('confirm');
  const done = await poll(q.token);
  equal([done.status, done.state, done.client_ticket], ['confirmed', 's1', 'ticket-42'], 'confirmed');
  const inside = new URL(done.redirect_uri).searchParams;
  equal([inside.get('code'), inside.get('state')], [done.code, 's1'], 'redirect_uri form');
  equal([(await poll(q.token)).status, (await poll(q.token)).code], ['utilised', undefined], 'handed out once');
  equal((await exchange(done.code)).body.error, undefined, 'the code works');
  await sim.switches({ qr_answer: 'redirect_uri', qr_ticket: 'wrong' });
  const w = await start();
  await sim.control('POST', 'qr', { token: w.token, client_ticket: 'mine', step: 'confirm', user: 'emma' });
  const wrong = await poll(w.token);
  check(wrong.client_ticket !== 'mine' && wrong.code === undefined && wrong.redirect_uri, 'other variant');
  const late = await start();
  await shift(301);
  equal((await poll(late.token)).status, 'expired', 'expired');
  oauthError(await json(await post('/v2/oauth/get_qrcode/', { client_key: KEY, scope: 'video.publish' })), 'invalid_scope');
  oauthError(await json(await post('/v2/oauth/check_qrcode/', { client_key: KEY, token: q.token })), 'invalid_request', 'Client secret is missed in request.');
});

// ---- user info, videos, avatar ----

test('sim.userinfo: order of checks, fields, scopes, envelope', async () => {
  await reset();
  const t = await grant();
  const e = (r) => [r.status, r.body.error.code];
  equal(e(await json(await get(`${sim.url}/v2/user/info/?fields=open_id`))), [401, 'access_token_invalid'], 'no token');
  equal(e(await info('act.nobody', 'nonsense')), [401, 'access_token_invalid'], 'token first');
  equal(e(await info(t.access_token, '')), [400, 'invalid_params'], 'no fields');
  equal(e(await info(t.access_token, 'open_id,avatar_url_200')), [400, 'invalid_params'], 'unknown field');
  equal(e(await info(t.access_token, 'open_id,username')), [401, 'scope_not_authorized'], 'ungranted');
  await sim.switches({ scope_error: '400' });
  equal(e(await info(t.access_token, 'open_id,username')), [400, 'scope_permission_missed'], 'ungranted, 400');
  await sim.switches({ lenient_user_info: 'on' });
  equal(Object.keys((await info(t.access_token, 'open_id,username,avatar_url_200')).body.data.user), ['open_id'], 'lenient');
  await sim.switches({ lenient_user_info: 'off' });
  const ok = await info(t.access_token, 'display_name%2Copen_id,union_id');
  equal(ok.body.data.user, { display_name: 'สมหญิง ใจดี 🌸', open_id: t.open_id, union_id: ok.body.data.user.union_id }, 'user');
  match(ok.body.data.user.union_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  equal([ok.body.error.code, ok.body.error.message], ['ok', ''], 'error on success');
  equal(ok.headers.get('x-tt-logid'), ok.body.error.log_id, 'log id');
  const all = await grant({ scopes: 'user.info.basic,user.info.profile,user.info.stats' });
  const u = (await info(all.access_token, 'bio_description,is_verified,profile_deep_link,username,follower_count,video_count')).body.data.user;
  equal([u.bio_description, u.is_verified, u.username, u.follower_count, u.video_count], ['', false, 'somying.j', 12, 23], 'profile');
  match(u.profile_deep_link, /^https:\/\/vm\.tiktok\.com\//);
  const second = await grant({ client_key: 'awjourney000000002' });
  const there = (await info(second.access_token, 'open_id,union_id')).body.data.user;
  check(there.open_id !== t.open_id, 'open_id differs by app');
  equal(there.union_id, ok.body.data.user.union_id, 'union_id of one organization');
  await sim.switches({ union_id: 'off' });
  equal(Object.keys((await info(t.access_token, 'open_id,union_id')).body.data.user), ['open_id'], 'no union_id');
});

test('sim.userinfo.rate: a sliding minute', async () => {
  await reset();
  const t = await grant();
  await sim.switches({ rate_per_minute: '5' });
  const statuses = [];
  for (let i = 0; i < 6; i++) statuses.push((await info(t.access_token)).status);
  equal(statuses, [200, 200, 200, 200, 200, 429], 'six calls');
  equal((await info(t.access_token)).body.error.code, 'rate_limit_exceeded', 'code');
  await shift(30);
  equal((await info(t.access_token)).status, 429, 'half a minute later');
  await shift(31);
  equal((await info(t.access_token)).status, 200, 'a minute later');
});

test('sim.videos: pages, ids, scope', async () => {
  await reset();
  const t = await grant({ scopes: 'user.info.basic,video.list' });
  const call = async (p, body, as = t, fields = 'id,create_time,title,cover_image_url') =>
    json(await fetch(`${sim.url}/v2/video/${p}/?fields=${fields}`, { method: 'POST', headers: { authorization: `Bearer ${as.access_token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) }));
  const seen = [];
  let page = { data: { has_more: true } };
  while (page.data.has_more) {
    page = (await call('list', { max_count: 10, ...(page.data.cursor ? { cursor: page.data.cursor } : {}) })).body;
    seen.push(...page.data.videos);
  }
  equal([seen.length, new Set(seen.map((v) => v.id)).size], [23, 23], 'all once');
  check(seen.every((v, i) => i === 0 || v.create_time < seen[i - 1].create_time), 'newest first');
  match(seen[0].id, /^7\d{18}$/);
  equal(page.data.cursor, seen.at(-1).create_time * 1000, 'cursor in ms, create_time in s');
  equal([(await call('list', { max_count: 21 })).body.error.code, (await call('list', {}, t, 'nonsense')).status], ['invalid_params', 400], 'refused');
  const q = await call('query', { filters: { video_ids: [seen[3].id, '7000000000000000001'] } });
  equal(q.body.data.videos.map((v) => v.id), [seen[3].id], 'foreign ids are absent');
  equal((await call('list', {}, await grant({ client_key: 'awjourney000000002' }))).body.error.code, 'scope_not_authorized', 'scope');
  equal((await get(seen[0].cover_image_url)).status, 200, 'cover');
  await shift(6 * 3600 + 61);
  equal((await get(seen[0].cover_image_url)).status, 403, 'cover after six hours');
});

test('sim.avatar: PNG of three sizes, signed, expires', async () => {
  await reset();
  const t = await grant();
  const u = (await info(t.access_token, 'avatar_url,avatar_url_100,avatar_large_url')).body.data.user;
  for (const [name, side] of [['avatar_url', 168], ['avatar_url_100', 100], ['avatar_large_url', 1080]]) {
    const q = new URL(u[name]).searchParams;
    check(q.get('x-expires') && q.get('x-signature') && q.get('refresh_token'), 'parameters');
    const r = await get(u[name]);
    const png = Buffer.from(await r.arrayBuffer());
    equal([r.status, r.headers.get('content-type'), png.readUInt32BE(16), png.readUInt32BE(20)], [200, 'image/png', side, side], name);
  }
  equal((await get(u.avatar_url.replace(/x-expires=\d+/, 'x-expires=99999999999'))).status, 403, 'changed');
  await shift(172800 + 61);
  equal((await get(u.avatar_url)).status, 403, 'expired');
});

// ---- webhooks ----

const signatureGood = (h, secret = SECRET) => {
  const m = /^t=(\d+),s=([0-9a-f]{64})$/.exec(h.headers['tiktok-signature'] ?? '');
  return Boolean(m) && createHmac('sha256', secret).update(`${m[1]}.`).update(h.body).digest('hex') === m[2];
};
const send = (o) => sim.control('POST', 'webhooks', { client_key: KEY, event: 'post.publish.complete', user: 'somying', content: { publish_id: 'p1' }, ...o });
const arrived = (n) => until(() => received.length >= n, 5000, `${n} webhooks (have ${received.length})`);
const fresh = async () => {
  await reset();
  received.length = 0;
  answers.length = 0;
};

test('sim.webhook.envelope and signature over raw bytes', async () => {
  await fresh();
  await send({ content: { text: 'ก/"é', n: 7600000000000007003 } });
  await arrived(1);
  const body = JSON.parse(received[0].body);
  equal(Object.keys(body), ['client_key', 'event', 'create_time', 'user_openid', 'content'], 'members in order');
  equal(typeof body.content, 'string', 'content is text');
  check(signatureGood(received[0]), 'signature');
  equal(received[0].headers['content-type'], 'application/json', 'type');
  check(!received[0].headers['webhook-schema-version'], 'a header of the other portal');
  await send({ plan: { escape: true } });
  await send({ plan: { header: 'Tiktok-Signature', omit: ['user_openid'] } });
  await send({ event: 'post.publish.no_longer_publicaly_available' });
  await send({ event: 'brand.new', body: '{"not":"an envelope"' });
  await sim.control('POST', 'ping', { client_key: KEY });
  await arrived(6);
  check(received.every((h) => signatureGood(h)), 'all signed');
  check(received[2].raw.includes('Tiktok-Signature') && !JSON.parse(received[2].body).user_openid, 'header case, no user');
  equal(received[4].body.toString(), '{"not":"an envelope"', 'exact bytes');
  equal(JSON.parse(received[5].body).event, 'tiktok.ping', 'ping');
});

test('sim.webhook.wrong: signature, missing, bad t, foreign client_key, old secret', async () => {
  await fresh();
  for (const plan of [{ signature: 'wrong' }, { signature: 'missing' }, { signature: 'bad_t' }, { client_key: 'awother' }, { t_offset_s: -900 }]) await send({ plan });
  await arrived(5);
  check(!signatureGood(received[0]) && received[1].headers['tiktok-signature'] === undefined, 'wrong, missing');
  match(received[2].headers['tiktok-signature'], /^t=x\d+,/);
  equal([JSON.parse(received[3].body).client_key, signatureGood(received[3]), signatureGood(received[4])], ['awother', true, true], 'foreign');
  await sim.control('POST', 'secret', { client_key: KEY, client_secret: 'rotated_secret_2' });
  await send({});
  await send({ plan: { secret: 'previous' } });
  await arrived(7);
  check(signatureGood(received[5], 'rotated_secret_2') && signatureGood(received[6], SECRET), 'rotation');
  await sim.control('POST', 'secret', { client_key: KEY, client_secret: SECRET });
});

test('sim.webhook.retry: only 200 counts, doubling to 72 hours of virtual time', async () => {
  await fresh();
  answers.push(204, 500, 301);
  const { ids } = await send({});
  const delivery = async () => (await sim.control('GET', `webhooks?after=${ids[0] - 1}`)).deliveries[0];
  const pauses = [];
  for (let i = 1; i <= 3; i++) {
    await arrived(i);
    const d = await until(async () => { const x = await delivery(); return x.tries === i && x; }, 5000, 'the attempt');
    equal(d.state, 'retrying', 'after a non-200');
    pauses.push(Math.round((d.due_ms - d.attempts.at(-1).at_ms) / 1000));
    await shift(pauses.at(-1) + 1);
  }
  equal(pauses, [10, 20, 40], 'pauses');
  await until(async () => (await delivery()).state === 'delivered', 5000, 'delivery');
  const t = received.map((h) => Number(/t=(\d+)/.exec(h.headers['tiktok-signature'])[1]));
  check(t[3] - t[0] >= 70 && received.every((h) => signatureGood(h)), 're-signed');
  check(received.every((h) => h.body.equals(received[0].body)), 'same bytes');
  await sim.switches({ t_resign: 'off' });
  answers.push(503);
  received.length = 0;
  await send({});
  await arrived(1);
  await shift(11);
  await arrived(2);
  equal(received[1].headers['tiktok-signature'], received[0].headers['tiktok-signature'], 'first signature again');
  await sim.switches({ retry_base_s: '43200' });
  answers.push(...Array(40).fill(500));
  const lost = (await send({})).ids[0];
  const state = async () => (await sim.control('GET', `webhooks?after=${lost - 1}`)).deliveries[0];
  await until(async () => {
    const d = await state();
    if (d.state === 'retrying') await shift(6 * 3600 + 1);
    return d.state === 'dropped';
  }, 20000, 'the end after 72 hours');
  check((await state()).tries <= 13, 'tries');
  answers.length = 0;
});

test('sim.webhook.disorder: duplicates, delay, reorder, lost', async () => {
  await fresh();
  await send({ plan: { duplicates: 2 } });
  await arrived(3);
  equal(new Set(received.map((h) => h.body.toString())).size, 1, 'equal bytes');
  received.length = 0;
  for (const n of [1, 2, 3]) await send({ content: { n }, plan: { hold: true } });
  await send({ content: { n: 4 }, plan: { lost: true } });
  await send({ content: { n: 5 }, plan: { delay_ms: 60000 } });
  await send({ content: { n: 6 } });
  await arrived(1);
  await sim.control('POST', 'webhooks/release', { order: 'reverse' });
  await arrived(4);
  await shift(61);
  await arrived(5);
  equal(received.map((h) => JSON.parse(JSON.parse(h.body).content).n), [6, 3, 2, 1, 5], 'order');
  received.length = 0;
  await sim.switches({ webhook_duplicate_percent: '50', webhook_lost_percent: '20' });
  for (let i = 0; i < 20; i++) await send({ content: { i } });
  const counts = await until(async () => {
    const all = (await sim.control('GET', 'webhooks')).deliveries.slice(-30);
    return all.every((d) => ['delivered', 'lost'].includes(d.state)) && all;
  }, 5000, 'all settled');
  check(counts.some((d) => d.state === 'lost') && counts.length === 30, 'ten twice, some lost');
});

test('sim.webhook.only loopback', async () => {
  const r = await fetch(`${sim.url}/control/apps`, { method: 'PUT', body: JSON.stringify({ client_key: KEY, webhook_url: 'http://192.0.2.1:80/' }) });
  equal(r.status, 400, 'refused');
  const name = await fetch(`${sim.url}/control/apps`, { method: 'PUT', body: JSON.stringify({ client_key: KEY, webhook_url: 'http://127.0.0.1.example:80/' }) });
  equal(name.status, 400, 'a name that only looks local');
});

// ---- the phone ----

test('sim.phone: a typed message becomes im_receive_msg with its exact fields', async () => {
  await fresh();
  const page = await (await get(`${sim.url}/phone?customer=somchai&shop=shop&lang=th`)).text();
  match(page, /โทรศัพท์ของลูกค้า[\s\S]*data-sim="send"/, 'page');
  const r = await post('/phone/send', { customer: 'somchai', shop: 'shop', text: 'สวัสดีค่ะ 😊\r\nราคา?' });
  equal([r.status, r.headers.get('location')], [303, '/phone?customer=somchai&shop=shop'], 'sent');
  await arrived(1);
  const h = received[0];
  check(signatureGood(h), 'signed by the business app');
  equal(h.headers['webhook-schema-version'], '1.0', 'schema version');
  match(h.headers['x-tt-logid'], /^\d{14}[0-9A-F]{20}$/);
  const e = JSON.parse(h.body);
  const c = JSON.parse(e.content);
  equal([e.client_key, e.event, e.user_openid], ['7611111111111111111', 'im_receive_msg', '-000BizJourney_aB3dE5fG7hJ9kL1mNoPqR'], 'envelope');
  equal(Object.keys(c), ['timestamp', 'unique_identifier', 'from_user', 'to_user', 'from', 'to', 'conversation_id', 'message_id', 'scene_type', 'is_follower', 'message_tag', 'type', 'text'], 'members');
  equal([c.from, c.to, c.type, c.text.body, c.message_tag.source, c.scene_type], ['somchai.t', 'shop.j', 'text', 'สวัสดีค่ะ 😊\nราคา?', 'APP', 0], 'content');
  equal([c.from_user, c.to_user], [{ id: c.unique_identifier, role: 'personal_account' }, { id: e.user_openid, role: 'business_account' }], 'parties');
  equal([c.unique_identifier.length, Math.floor(c.timestamp / 1000)], [64, e.create_time], 'ms inside, s outside');
  match(c.message_id, /^[A-Za-z0-9+/]+={0,2}$/);
  const again = await sim.control('POST', 'messages', { shop: 'shop', customer: 'somchai', text: 'x' });
  equal(again.conversation_id, c.conversation_id, 'one conversation');
  check(again.message_id !== c.message_id, 'another message');
  await sim.control('POST', 'messages', { shop: 'shop', customer: 'berlin', text: 'secret' });
  await arrived(3);
  const eu = JSON.parse(received[2].body);
  equal([eu.event, Object.keys(JSON.parse(eu.content))], ['im_receive_msg_eu', ['to', 'to_user', 'timestamp']], 'EU customer');
  await until(async () => {
    const { messages } = await (await get(`${sim.url}/phone/messages?customer=somchai&shop=shop`)).json();
    return messages.length === 2 && messages.every((m) => m.delivery === 'delivered');
  }, 5000, 'delivery on the page');
  equal((await post('/phone/send', { customer: 'somchai', shop: 'shop', text: ' ' })).status, 400, 'empty');
});

// ---- people, business tokens, faults, clock ----

for (const [action, reason] of [['disconnect', 1], ['delete', 2], ['age', 3], ['ban', 4], ['unknown', 0]]) {
  test(`sim.person.${action}`, async () => {
    await fresh();
    const t = await grant({ user: 'doomed' });
    await sim.control('POST', 'act', { user: 'doomed', action, in_ms: 60000 });
    equal((await info(t.access_token)).status, 200, 'still alive');
    await shift(61);
    equal((await info(t.access_token)).status, 401, 'tokens die');
    oauthError(await refresh(t.refresh_token), 'invalid_grant');
    await arrived(1);
    equal(JSON.parse(received[0].body).content, `{"reason":${reason}}`, 'reason');
    const gone = ['delete', 'age', 'ban'].includes(action);
    equal((await authorize({}, 'doomed')).headers.get('location')?.startsWith('/sim/people') ?? false, gone, 'may sign in again');
  });
}

test('sim.person.kill_tokens: no webhook', async () => {
  await fresh();
  const t = await grant();
  await sim.control('POST', 'act', { user: 'somying', action: 'kill_tokens' });
  equal((await info(t.access_token)).status, 401, 'dead');
  equal((await refresh(t.refresh_token)).body.error, undefined, 'refresh works');
  equal(received.length, 0, 'webhooks');
});

test('sim.business.tokens', async () => {
  await reset();
  const id = '7611111111111111111';
  const call = async (p, o, headers = {}) =>
    json(await fetch(`${sim.url}/open_api/v1.3/${p}`, { method: 'POST', body: JSON.stringify(o), headers: { 'content-type': 'application/json', ...headers } }));
  const authCode = async () => (await sim.control('POST', 'codes', { client_key: id, user: 'emma', scopes: 'user.info.basic,message.list.read', redirect_uri: WEB })).code;
  const body = { client_id: id, client_secret: SECRET, grant_type: 'authorization_code', redirect_uri: WEB };
  const c = await authCode();
  match(c, /\*3!4964$/);
  const t = (await call('tt_user/oauth2/token/', { ...body, auth_code: c })).body;
  equal([t.code, t.data.expires_in, t.data.refresh_token_expires_in, t.data.token_type], [0, 86400, 31536000, 'Bearer'], 'token');
  equal((await call('tt_user/oauth2/token/', { ...body, auth_code: c })).body.code, 40110, 'used');
  equal((await call('tt_user/oauth2/token/', { ...body, auth_code: await authCode(), client_secret: 'x' })).body.code, 40101, 'secret');
  equal((await call('tt_user/oauth2/token/', { ...body })).body.code, 40002, 'missing');
  await shift(1000);
  const r = (await call('tt_user/oauth2/refresh_token/', { client_id: id, client_secret: SECRET, grant_type: 'refresh_token', refresh_token: t.data.refresh_token })).body;
  equal([r.code, r.data.refresh_token_expires_in <= 31535000], [0, true], 'the year counts from the first grant');
  equal((await call('tt_user/token_info/get/', { app_id: id, access_token: r.data.access_token })).body.data.creator_id, t.data.open_id, 'info');
  equal((await call('tt_user/token_info/get/', { app_id: '1', access_token: r.data.access_token })).body.code, 40113, 'other app');
  const gone = (await call('tt_user/oauth2/revoke/', { client_id: id, client_secret: SECRET, access_token: r.data.access_token })).body;
  equal([gone.code, gone.data], [0, {}], 'revoke');
  equal((await call('tt_user/token_info/get/', { app_id: id, access_token: r.data.access_token })).body.code, 40105, 'dead');
  equal((await json(await fetch(`${sim.url}/open_api/v1.3/business/get/`))).body.code, 40104, 'no token');
  equal((await fetch(`${sim.url}/open_api/v1.3/business/get`)).status, 404, 'no slash');
});

const fault = (o) => sim.control('POST', 'faults', o);
test('sim.faults: every kind, before and after the work', async () => {
  await reset();
  const t = await grant();
  await fault({ path: '/v2/user/info/', kind: 'status', status: 503, retry_after_s: 7, skip: 1 });
  equal((await info(t.access_token)).status, 200, 'skipped');
  const down = await info(t.access_token);
  equal([down.status, down.body.error.code, down.headers.get('retry-after')], [503, 'internal_error', '7'], 'status');
  equal((await info(t.access_token)).status, 200, 'once');
  await fault({ path: '/v2/oauth/token/', kind: 'error_body', error: 'server_error' });
  oauthError(await exchange('x'), 'server_error');
  await fault({ path: '/v2/oauth/token/', kind: 'html', status: 502 });
  const html = await post('/v2/oauth/token/', client());
  equal([html.status, html.headers.get('content-type').split(';')[0]], [502, 'text/html'], 'html');
  await fault({ path: '/v2/oauth/token/', kind: 'garbage' });
  check(await (await post('/v2/oauth/token/', client())).json().then(() => false, () => true), 'garbage');
  await fault({ path: '/v2/user/info/', kind: 'half_body' });
  check(await info(t.access_token).then(() => false, () => true), 'half a body');
  await fault({ path: '/v2/user/info/', kind: 'slow_bytes', ms_per_byte: 2 });
  const begun = Date.now();
  equal((await info(t.access_token)).status, 200, 'slow bytes');
  check(Date.now() - begun > 100, 'slow');
  await fault({ path: '/v2/user/info/', kind: 'drop' });
  check(await info(t.access_token).then(() => false, () => true), 'drop');
  await fault({ path: '/v2/oauth/token/', kind: 'drop', phase: 'after', grant_type: 'refresh_token' });
  check(await refresh(t.refresh_token).then(() => false, () => true), 'the answer is lost');
  oauthError(await refresh(t.refresh_token), 'invalid_grant');
  const list = (await sim.control('GET', 'faults')).faults;
  equal(list.map((f) => f.fired), [1, 1, 1, 1, 1, 1, 1, 1], 'all fired');
});

test('sim.control: strict, log, clock', async () => {
  await reset();
  const refused = async (method, p, o) => (await fetch(`${sim.url}/control/${p}`, { method, body: JSON.stringify(o) })).status;
  equal(await refused('PUT', 'switches', { profle: 'legacy' }), 400, 'unknown switch');
  equal(await refused('PUT', 'switches', { profile: 'modern' }), 400, 'unknown value');
  equal(await refused('PUT', 'users', { id: 'x', nme: 'y' }), 400, 'unknown member');
  equal(await refused('PUT', 'apps', { client_key: 'n1', client_secret: 's', redirect_uris: { web: ['http://plain.example/cb'] } }), 400, 'http web redirect');
  equal(await refused('PUT', 'apps', { client_key: 'n1', client_secret: 's', redirect_uris: { web: ['https://a.example/cb?x=1'] } }), 400, 'redirect with query');
  equal(await refused('POST', 'webhooks', { client_key: KEY, event: 'e', plan: { signatur: 'x' } }), 400, 'plan');
  const { last } = await sim.control('GET', 'log?limit=1');
  await exchange('no-such-code');
  const entries = await sim.log(last, '/v2/oauth/token/');
  equal([entries.length, entries[0].method, entries[0].client_key], [1, 'POST', KEY], 'log');
  match(entries[0].answer, /invalid_grant/);
  const { now_ms } = await shift(86400);
  check(Math.abs(now_ms - Date.now() - 86400000) < 2000, 'clock');
});

test('sim.restart: people, grants and tokens stay', async () => {
  await reset();
  const t = await grant();
  await sim.control('PUT', 'users', { id: 'newcomer', display_name: 'N', username: 'n' });
  await shift(600);
  await sim.stop();
  sim = await startSim({ dir, scenario: file });
  equal((await info(t.access_token)).body.data.user.open_id, t.open_id, 'token');
  equal((await refresh(t.refresh_token)).body.error, undefined, 'refresh token');
  check((await sim.control('GET', 'users')).users.some((u) => u.id === 'newcomer'), 'users');
  equal(Math.round((await sim.control('GET', 'clock')).offset_ms / 1000), 600, 'clock');
});

await run();
