// Sign in with TikTok from the button to Mozflow's server, on the real programs: every way in, every way it can end.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { check, equal, match, run, test, until } from '../support/runner.mjs';
import { databases, LOGIN_KEY, startStack } from '../support/stack.mjs';
import { Browser, attempt, client, consent, endOf, fields, signIn, toTikTok } from '../support/signin.mjs';

const scopes = 'user.info.basic,user.info.profile,user.info.stats';
const settings = {
  'tiktok.login.scopes': scopes,
  'tiktok.login.mobile_redirect_uris': 'https://app.example/tiktok',
  'login.android_package': 'com.mozflow.app',
  'login.android_sha256': 'AA:BB',
  'login.ios_app_ids': 'TEAM.com.mozflow.app',
  'http.max_per_address': '1000',
  'http.exchanges_per_second': '1000',
  'http.writes_per_second': '1000',
  'http.reads_per_second': '1000',
};
const stacks = {};
const stackOf = async (db = 'sqlite') => (stacks[db] ??= await startStack({ db, settings }));
const query = (url) => Object.fromEntries(new URL(url).searchParams);

for (const db of databases) {
  test(`login.sign_in_new_then_known.${db}`, async () => {
    const stack = await stackOf(db);
    const api = client(stack);
    const made = await attempt(stack);
    const back = await signIn(stack, made.start_url);
    equal(back.status, 303, back.text.slice(0, 400));
    const got = query(back.location);
    check(back.location.startsWith(`http://127.0.0.1:${stack.demoPort}/tiktok/return?`), back.location);
    equal(got.attempt, made.attempt_id);
    const key = crypto.randomUUID();
    const answer = await api('POST', '/v1/login/exchange', { code: got.code, attempt_id: made.attempt_id }, { 'idempotency-key': key });
    equal(answer.status, 200, answer.text);
    const { identity, profile, result, scopes: s, consent: c } = answer.json;
    equal([result, answer.json.mozflow_user_id, identity.client_key], ['new', null, LOGIN_KEY]);
    check(profile.display_name && profile.avatar_url && identity.open_id && identity.union_id, answer.text);
    equal([s.granted.join(','), s.missing], [scopes, []]);
    equal([c.given, c.language, c.text_version], [true, 'en', 'tiktok-login/1']);
    const again = await api('POST', '/v1/login/exchange', { code: got.code, attempt_id: made.attempt_id }, { 'idempotency-key': key });
    equal([again.status, again.text], [200, answer.text], 'the same Idempotency-Key gives the same answer');

    equal((await api('POST', '/v1/login/links', { identity_id: identity.id, mozflow_user_id: 'u-1' })).status, 201);
    const taken = await api('POST', '/v1/login/links', { identity_id: identity.id, mozflow_user_id: 'u-2' });
    equal([taken.status, taken.json.code], [409, 'login.link_taken']);
    const second = await attempt(stack);
    const code = query((await signIn(stack, second.start_url)).location).code;
    const known = await api('POST', '/v1/login/exchange', { code, attempt_id: second.attempt_id });
    equal([known.json.result, known.json.mozflow_user_id, known.json.identity.id], ['known', 'u-1', identity.id]);
    equal((await api('DELETE', `/v1/login/links/${identity.id}`)).status, 204);
    equal((await api('DELETE', `/v1/login/links/${identity.id}`)).status, 404);

    const events = (await api('GET', '/v1/events?limit=100')).json.items.map((e) => e.type);
    for (const type of ['login.completed', 'login.linked', 'login.unlinked'])
      check(events.some((e) => e.endsWith(type)), `no event ${type} in ${events}`);
    const accounts = (await api('GET', '/v1/accounts')).json.items;
    equal(accounts.find((a) => a.id === identity.id).state, 'connected');
  });

  test(`login.tokens_are_sealed.${db}`, async () => {
    const stack = await stackOf(db);
    const secrets = (await stack.sim.log(0, '/v2/oauth/token/'))
      .map((e) => JSON.parse(e.answer))
      .flatMap((a) => [a.access_token, a.refresh_token])
      .filter(Boolean);
    check(secrets.length >= 2, 'no token was given');
    const names = readdirSync(stack.daemon.state).filter((n) => n.includes('.db'));
    const files = db === 'sqlite'
      ? names.map((n) => readFileSync(path.join(stack.daemon.state, n), 'latin1')).join('')
      : execFileSync('pg_dump', ['--inserts', stack.dbUrl], { encoding: 'latin1', maxBuffer: 1 << 28 });
    check(files.includes('user.info.basic'), 'the grant is in what was read');
    const logs = readFileSync(stack.daemon.program.logFile, 'utf8') + readFileSync(stack.daemon.program.outFile, 'utf8');
    for (const s of secrets) check(!files.includes(s) && !logs.includes(s), 'a token stands in the clear');
  });
}

test('login.page_before_the_redirect', async () => {
  const stack = await stackOf();
  const { start_url: start } = await attempt(stack, { language: 'th' });
  const page = await new Browser().get(start);
  match(page.text, /<html lang="th">/);
  match(page.text, /data-consent="tiktok-login\/1"/);
  match(page.headers.get('content-security-policy'), /form-action 'self' http:\/\/127\.0\.0\.1:\d+/);
  const other = new URL(/href="(\?[^"]*)"/.exec(page.text)[1].replaceAll('&amp;', '&'), start).href;
  const english = await new Browser().get(other);
  match(english.text, /<html lang="en">/, 'the other language');
  const authorize = query(await toTikTok(new Browser(), start));
  equal([authorize.response_type, authorize.scope, authorize.disable_auto_auth], ['code', scopes, '1']);
  match(authorize.code_challenge, /^[0-9a-f]{64}$/);
  match(authorize.state, /^[A-Za-z0-9_-]{43}$/);
});

test('login.consent_in_the_language_that_was_shown', async () => {
  const stack = await stackOf();
  const made = await attempt(stack, { language: 'en' });
  const back = await signIn(stack, `${made.start_url}&lang=th`);
  const answer = await client(stack)('POST', '/v1/login/exchange', { code: query(back.location).code, attempt_id: made.attempt_id });
  equal(answer.json.consent.language, 'th', answer.text);
});

test('login.start_by_public_key', async () => {
  const stack = await stackOf();
  const base = `${stack.daemon.url}/auth/tiktok?workspace=${stack.seed.workspace_public_key}`;
  const state = randomBytes(16).toString('hex') + ' ';
  equal((await new Browser().get(base)).status, 422, 'without client_state');
  equal((await new Browser().get(`${base}&client_state=short`)).status, 422);
  equal((await new Browser().get(`${base}&client_state=${'x'.repeat(16)}&return_url=ret_none`)).status, 422);
  const kept = state.trim();
  const back = await signIn(stack, `${base}&client_state=${kept}&lang=th`);
  equal(back.status, 303, back.text.slice(0, 300));
  const got = query(back.location);
  equal(got.client_state, kept);
  const wrong = await client(stack)('POST', '/v1/login/exchange', { code: got.code, attempt_id: got.attempt, client_state: 'y'.repeat(32) });
  equal([wrong.status, wrong.json.code], [409, 'login.code_mismatch']);
});

test('login.cancel_in_two_languages', async () => {
  const stack = await stackOf();
  for (const [language, words] of [['en', /You cancelled/], ['th', /ท่านยกเลิก/]]) {
    const made = await attempt(stack, { language });
    const page = await signIn(stack, made.start_url, { decision: 'deny' });
    equal([page.status, endOf(page)], [403, 'login.denied']);
    match(page.text, words);
    match(page.text, /error=access_denied/);
    const next = await signIn(stack, made.start_url); // the page offers another try
    equal(next.status, 303, next.text.slice(0, 300));
  }
});

test('login.partly_granted', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const made = await attempt(stack);
  const first = await signIn(stack, made.start_url, { browser, person: 'somying', scopes: ['user.info.basic'] });
  equal(first.status, 303);
  match(first.location, /\/auth\/tiktok\/partly\?attempt=lat_/);
  equal((await new Browser().get(first.location)).status, 409, 'another browser sees nothing');
  const page = await browser.get(first.location);
  equal([page.status, endOf(page)], [200, 'login.partly_granted']);
  match(page.text, /user\.info\.profile/);
  const go = await browser.post(`${stack.daemon.url}/auth/tiktok/proceed`, fields(page.text));
  equal(go.status, 303, go.text.slice(0, 300));
  const answer = await client(stack)('POST', '/v1/login/exchange', { code: query(go.location).code, attempt_id: made.attempt_id });
  equal(answer.json.scopes.missing, ['user.info.profile', 'user.info.stats'], answer.text);
  const twice = await browser.post(`${stack.daemon.url}/auth/tiktok/proceed`, fields(page.text));
  check(twice.status === 409, 'a second click makes no second code');
});

const redirectErrors = [
  ['error=access_denied&error_type=non_sandbox_target', 403, 'login.non_sandbox_target'],
  ['error=invalid_scope&error_type=scope', 502, 'login.scope_unapproved'],
  ['error=unauthorized_client&error_type=client_key', 502, 'login.wrong_client'],
  ['error=invalid_request&error_type=redirect_uri', 502, 'login.redirect_mismatch'],
  ['error=server_error', 502, 'login.tiktok_down'],
  ['error=something_new&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E', 502, 'login.oauth_error'],
];
test('login.errors_by_redirect', async () => {
  const stack = await stackOf();
  for (const [error, status, end] of redirectErrors) {
    const browser = new Browser();
    const made = await attempt(stack);
    const { state } = query(await toTikTok(browser, made.start_url));
    const page = await browser.get(`${stack.daemon.url}/auth/tiktok/callback?${error}&state=${state}`);
    equal([page.status, endOf(page)], [status, end], error);
    check(!page.text.includes('<script>alert'), 'TikTok text is not shown');
  }
});

const tokenFaults = [
  [{ kind: 'html' }, 502, 'login.not_json'],
  [{ kind: 'garbage' }, 502, 'login.not_json'],
  [{ kind: 'error_body', error: 'invalid_grant', description: 'Authorization code is expired.' }, 409, 'login.tiktok_code'],
  [{ kind: 'error_body', error: 'invalid_request', description: 'Redirect_uri is not matched with the uri when requesting code.' }, 502, 'login.redirect_mismatch'],
  [{ kind: 'error_body', error: 'invalid_client', description: 'x' }, 502, 'login.wrong_client'],
  [{ kind: 'error_body', error: 'what_is_this', description: 'x' }, 502, 'login.oauth_error'],
  [{ kind: 'status', status: 500 }, 502, 'login.tiktok_down'],
  [{ kind: 'drop' }, 502, 'login.tiktok_down'],
  [{ kind: 'half_body' }, 502, null],
  [{ kind: 'delay', delay_ms: 9500 }, 504, 'login.tiktok_slow'],
];
test('login.errors_at_the_token_call', async () => {
  const stack = await stackOf();
  for (const [fault, status, end] of tokenFaults) {
    const made = await attempt(stack);
    await stack.sim.control('POST', 'faults', { path: '/v2/oauth/token/', times: 1, ...fault });
    const began = Date.now();
    const page = await signIn(stack, made.start_url);
    await stack.sim.control('DELETE', 'faults');
    check(end === null || endOf(page) === end, `${fault.kind}: ${endOf(page)}, want ${end}`);
    equal(page.status, status, `${fault.kind} ${endOf(page)}`);
    check(Date.now() - began < 9400, `${fault.kind} took ${Date.now() - began} ms`);
  }
}, { deadline_ms: 60000 });

test('login.goes_on_without_profile', async () => {
  const stack = await stackOf();
  const made = await attempt(stack);
  await stack.sim.control('POST', 'faults', { path: '/v2/user/info/', times: 1, kind: 'status', status: 500 });
  const back = await signIn(stack, made.start_url);
  await stack.sim.control('DELETE', 'faults');
  equal(back.status, 303, back.text.slice(0, 300));
});

test('login.every_end_is_counted', async () => {
  const stack = await stackOf();
  const text = await (await fetch(`${stack.privateUrl}/metrics`)).text();
  for (const end of ['login.completed', 'login.partly_granted', 'login.denied', 'login.not_json', 'login.tiktok_slow'])
    match(text, new RegExp(`mz_login_total\\{[^}]*outcome="${end}"`), end);
});

test('login.link_needs_the_right_user', async () => {
  const stack = await stackOf();
  const api = client(stack);
  const link = async (who, person) => {
    const made = await attempt(stack, { purpose: 'link', mozflow_user_id: who });
    const { code } = query((await signIn(stack, made.start_url, { person })).location);
    return { code, attempt_id: made.attempt_id };
  };
  const one = await link('u-10', 'somying');
  const other = await api('POST', '/v1/login/exchange', { ...one, mozflow_user_id: 'u-11' });
  equal([other.status, other.json.code], [409, 'login.code_mismatch']);
  const burnt = await api('POST', '/v1/login/exchange', { ...one, mozflow_user_id: 'u-10' });
  equal([burnt.status, burnt.json.code], [409, 'login.code_used'], 'the code is burnt');
  const two = await api('POST', '/v1/login/exchange', { ...(await link('u-10', 'somying')), mozflow_user_id: 'u-10' });
  equal([two.status, two.json.mozflow_user_id], [200, 'u-10'], two.text);
  const three = await api('POST', '/v1/login/exchange', { ...(await link('u-12', 'somying')), mozflow_user_id: 'u-12' });
  equal([three.status, three.json.code], [409, 'login.link_taken']);
  equal((await api('POST', '/v1/login/attempts', { purpose: 'link', return_url_id: stack.seed.return_url_id })).status, 422);
  equal((await api('DELETE', `/v1/login/links/${two.json.identity.id}`)).status, 204);
});

test('login.mobile', async () => {
  const stack = await stackOf();
  const json = async (where, body) => {
    const r = await fetch(stack.daemon.url + where, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return { status: r.status, json: await r.json() };
  };
  await stack.sim.control('PUT', 'apps', { client_key: LOGIN_KEY, redirect_uris: {
    desktop: [`http://127.0.0.1:*/auth/tiktok/callback`], mobile: ['https://app.example/tiktok'] } });
  const begin = async () => (await json('/auth/tiktok/mobile/start', { attempt: (await attempt(stack)).attempt_id, platform: 'android' })).json;
  const start = await begin();
  equal([start.client_key, start.redirect_uri, start.scopes], [LOGIN_KEY, 'https://app.example/tiktok', scopes], JSON.stringify(start));
  const code_verifier = randomBytes(16).toString('hex'); // Android's 32 characters
  const codeFor = async () => (await stack.sim.control('POST', 'codes', { client_key: LOGIN_KEY, user: 'somying', scopes,
    redirect_uri: start.redirect_uri, code_challenge: createHash('sha256').update(code_verifier).digest('hex') })).code;
  const whole = async (s) => ({ platform: 'android', code: await codeFor(), code_verifier, redirect_uri: s.redirect_uri, state: s.state });
  const done = await json('/auth/tiktok/mobile', await whole(start));
  equal(done.status, 200, JSON.stringify(done.json));
  check(!JSON.stringify(done.json).match(/act\.|rft\./), 'no TikTok token reaches the app');
  const answer = await client(stack)('POST', '/v1/login/exchange', { code: done.json.code, attempt_id: start.attempt_id });
  equal(answer.status, 200, answer.text);
  equal((await json('/auth/tiktok/mobile', await whole(start))).json.code, 'login.double_callback');
  const again = await begin();
  equal((await json('/auth/tiktok/mobile', { ...(await whole(again)), code_verifier: 'short' })).json.code, 'login.verifier');
  equal((await json('/auth/tiktok/mobile', { ...(await whole(again)), code_verifier: undefined })).json.code, 'login.verifier');
  equal((await json('/auth/tiktok/mobile', { ...(await whole(again)), redirect_uri: 'https://evil.example/' })).json.code, 'login.redirect_unknown');
  const denied = await json('/auth/tiktok/mobile', { error: 'access_denied', error_code: -2, attempt_id: (await begin()).attempt_id });
  equal([denied.status, denied.json.code], [403, 'login.denied'], 'no state on errors');
  const viaBrowser = (await json('/auth/tiktok/mobile/start', { attempt: (await attempt(stack)).attempt_id, mode: 'browser' })).json;
  match((await signIn(stack, viaBrowser.start_url)).location, /[?&]code=/);
});

test('login.app_verifier', async () => {
  const stack = await stackOf();
  const verifier = randomBytes(32).toString('hex');
  const app_challenge = createHash('sha256').update(verifier).digest('hex');
  for (const [app_verifier, status] of [[undefined, 409], ['0'.repeat(64), 409], [verifier, 200]]) {
    const made = await attempt(stack, { app_challenge });
    const { code } = query((await signIn(stack, made.start_url)).location);
    const r = await client(stack)('POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id, app_verifier });
    equal(r.status, status, r.text);
  }
});

test('login.association_files', async () => {
  const stack = await stackOf();
  const links = await (await fetch(`${stack.daemon.url}/.well-known/assetlinks.json`)).json();
  equal(links[0].target.package_name, 'com.mozflow.app');
  const apple = await fetch(`${stack.daemon.url}/.well-known/apple-app-site-association`);
  equal(apple.headers.get('content-type').split(';')[0], 'application/json');
  equal((await apple.json()).applinks.details[0].appIDs, ['TEAM.com.mozflow.app']);
});

test('login.qr', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const made = await attempt(stack);
  const page = await browser.get(made.start_url.replace('/auth/tiktok?', '/auth/tiktok/qr?'));
  const qr = await browser.post(`${stack.daemon.url}/auth/tiktok/qr`, fields(page.text));
  equal(qr.status, 200, qr.text.slice(0, 400));
  match(qr.text, /<svg class="qr"/);
  const url = /data-url="([^"]+)"/.exec(qr.text)[1].replaceAll('&amp;', '&');
  const poll = async (b = browser) => {
    const r = await b.post(`${stack.daemon.url}/auth/tiktok/qr/poll`, { attempt: made.attempt_id });
    return { http: r.status, ...JSON.parse(r.text) };
  };
  equal((await poll()).status, 'new');
  equal((await poll(new Browser())).code, 'login.state_unknown', 'another browser cannot poll');
  await stack.sim.control('POST', 'qr', { url, step: 'scan', user: 'somying' });
  equal((await poll()).status, 'scanned');
  await stack.sim.control('POST', 'qr', { url, step: 'confirm', user: 'somying' });
  const done = await until(async () => { const p = await poll(); return p.location && p; }, 8000, 'confirmation');
  const { code } = query(done.location);
  equal((await client(stack)('POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id })).status, 200);
});

test('login.revoke_and_removed', async () => {
  const stack = await stackOf();
  const api = client(stack);
  const stateOf = async (id) => (await api('GET', `/v1/accounts/${id}`)).json.state;
  const connect = async () => {
    const made = await attempt(stack);
    const { code } = query((await signIn(stack, made.start_url)).location);
    return (await api('POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id })).json.identity;
  };
  const identity = await connect();
  const before = (await stack.sim.log(0, '/v2/oauth/revoke/')).length;
  equal((await api('POST', `/v1/accounts/${identity.id}/revoke`)).status, 202);
  await until(async () => (await stateOf(identity.id)) === 'revoked', 10000, 'the revocation');
  equal((await stack.sim.log(0, '/v2/oauth/revoke/')).length, before + 1);
  await connect();
  equal(await stateOf(identity.id), 'connected');
  await stack.sim.control('POST', 'act', { user: 'somying', action: 'disconnect', client_key: LOGIN_KEY });
  await until(async () => (await stateOf(identity.id)) === 'revoked', 15000, 'authorization.removed');
  await connect();
  const judged = () => readFileSync(stack.daemon.program.logFile, 'utf8').concat(readFileSync(stack.daemon.program.outFile, 'utf8'))
    .split('\n').filter((l) => l.includes('"login.authorization_removed"')).length;
  const seen = judged();
  await stack.sim.control('POST', 'webhooks', { client_key: LOGIN_KEY, event: 'authorization.removed', user: 'somying',
    content: { reason: 1 }, create_time: Math.floor(Date.now() / 1000) - 120 });
  await until(() => judged() > seen, 10000, 'the judgement of the stale notice');
  equal(await stateOf(identity.id), 'connected', 'a stale notice ends nothing');
}, { deadline_ms: 60000 });

test('login.console', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const page = await browser.get(stack.seed.console_url);
  const enter = await browser.post(`${stack.daemon.url}/console/enter`, fields(page.text));
  check(enter.status === 303 || enter.status === 302, `${enter.status} ${enter.text.slice(0, 200)}`);
  const first = browser.cookie(stack.daemon.url, 'mz_session');
  const made = await browser.request(`${stack.daemon.url}/v1/login/console-link`, { method: 'POST', headers: {
    'idempotency-key': crypto.randomUUID(), 'content-type': 'application/json' } });
  equal(made.status, 201, made.text);
  const stranger = await signIn(stack, JSON.parse(made.text).start_url, { person: 'somying' });
  equal(endOf(stranger), 'login.wrong_session', `a link start sent to somebody else: ${stranger.status} ${stranger.location} ${stranger.text.slice(0, 300)}`);
  const more = await browser.request(`${stack.daemon.url}/v1/login/console-link`, { method: 'POST', headers: {
    'idempotency-key': crypto.randomUUID(), 'content-type': 'application/json' } });
  const linked = await signIn(stack, JSON.parse(more.text).start_url, { browser, person: 'somying' });
  equal([linked.status, new URL(linked.location ?? 'http://x/').pathname], [303, '/console/'], linked.text.slice(0, 300));
  const fresh = new Browser();
  const inside = await signIn(stack, `${stack.daemon.url}/auth/tiktok?console=1`, { browser: fresh, person: 'somying' });
  equal(inside.status, 303, inside.text.slice(0, 300));
  const session = fresh.cookie(stack.daemon.url, 'mz_session');
  check(session && session !== first, 'a new session');
  equal((await fresh.request(`${stack.daemon.url}/v1/session`)).status, 200);
});

test('login.switched_off', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const made = await attempt(stack);
  const authorize = await toTikTok(browser, made.start_url);
  const callback = await consent(stack.sim, authorize);
  const set = async (on) => equal((await client(stack)('PUT', '/v1/flags/login.tiktok', { on, reason: 'a journey' })).status, 200);
  equal((await fetch(`${stack.daemon.url}/embed/login-button.js?workspace=${stack.seed.workspace_public_key}`)).status, 200);
  await set(false);
  await until(async () => (await new Browser().get(made.start_url)).status === 404, 5000, 'the flag');
  equal((await fetch(`${stack.daemon.url}/embed/login-button.js?workspace=${stack.seed.workspace_public_key}`)).status, 404);
  equal((await client(stack)('POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: stack.seed.return_url_id })).status, 404);
  const page = await browser.get(callback);
  equal([page.status, endOf(page)], [404, 'login.switched_off']);
  await set(true);
  await until(async () => (await fetch(`${stack.daemon.url}/embed/login-button.js`)).status === 200, 5000, 'the flag');
});

await run();
