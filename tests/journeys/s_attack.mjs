// The attacker of a sign-in: every way to use another person's browser, code, state or session, and every open
// redirect we could think of. Each must be refused, and a refusal must leave nothing to try again with.
import { readFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { check, equal, long, match, run, test } from '../support/runner.mjs';
import { LOGIN_KEY, startStack } from '../support/stack.mjs';
import { Browser, attempt, client, consent, endOf, fields, signIn, toTikTok } from '../support/signin.mjs';

let made;
const settings = {
  'http.max_per_address': '1000', 'http.exchanges_per_second': '100000', 'http.writes_per_second': '100000',
  'http.reads_per_second': '100000', 'budget.per_minute': '100000',
};
const stackOf = async () => (made ??= await startStack({ settings }));
const query = (url) => Object.fromEntries(new URL(url).searchParams);
const callbackUrl = (stack, q) => `${stack.daemon.url}/auth/tiktok/callback?${new URLSearchParams(q)}`;
// A victim who stands at TikTok's answer: browser, attempt, the callback that is about to be opened.
const victim = async (stack, body) => {
  const browser = new Browser();
  const a = await attempt(stack, body);
  const callback = await consent(stack.sim, await toTikTok(browser, a.start_url));
  return { browser, attempt: a, callback, ...query(callback) };
};
const refused = (page, end, what) => {
  equal([endOf(page), page.location], [end, null], `${what}: ${page.status} ${page.text.slice(0, 200)}`);
  check(page.status >= 400, what);
};

test('attack.state', async () => {
  const stack = await stackOf();
  const v = await victim(stack);
  const other = await victim(stack);
  refused(await v.browser.get(callbackUrl(stack, { code: v.code })), 'login.state_unknown', 'no state');
  refused(await v.browser.get(callbackUrl(stack, { code: v.code, state: 'x'.repeat(43) })), 'login.state_unknown', 'made up');
  refused(await new Browser().get(v.callback), 'login.state_unknown', 'another browser without a cookie');
  refused(await other.browser.get(v.callback), 'login.state_unknown', 'another browser with its own cookie');
  refused(await v.browser.get(`${v.callback}&state=${v.state}`), 'login.bad_callback', 'state twice');
  refused(await v.browser.get(callbackUrl(stack, { code: v.code, state: v.state.toUpperCase() })), 'login.state_unknown', 'changed');
  refused(await v.browser.get(callbackUrl(stack, { code: 'y'.repeat(3000), state: v.state })), 'login.bad_callback', 'too long');
  equal((await v.browser.get(v.callback)).status, 303, 'none of that took the state');
  refused(await v.browser.get(v.callback), 'login.state_unknown', 'again: the cookie is gone');
});

test('attack.reuse_with_the_cookie', async () => {
  const stack = await stackOf();
  const v = await victim(stack);
  const cookie = [...v.browser.jar(stack.daemon.url)].map(([k, c]) => `${k}=${c}`).join('; ');
  equal((await v.browser.get(v.callback)).status, 303);
  const again = await fetch(v.callback, { redirect: 'manual', headers: { cookie } });
  equal([again.status, endOf({ text: await again.text() })], [409, 'login.double_callback']);
});

test('attack.foreign_provider', async () => {
  const stack = await stackOf();
  // A state issued for an app (no cookie) or for a QR code does not pass the browser's door, and the other way round.
  const mobile = await (await fetch(`${stack.daemon.url}/auth/tiktok/callback?code=a&state=b`)).text();
  check(mobile.includes('login.state_unknown'));
  const v = await victim(stack);
  const app = await fetch(`${stack.daemon.url}/auth/tiktok/mobile`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: v.code, state: v.state, code_verifier: 'v'.repeat(43), redirect_uri: `${stack.daemon.url}/auth/tiktok/callback` }) });
  equal([(await app.json()).code], ['login.state_unknown'], 'a browser state at the door of apps');
  const browser = new Browser();
  const a = await attempt(stack);
  const page = await browser.get(a.start_url.replace('/auth/tiktok?', '/auth/tiktok/qr?'));
  const qr = await browser.post(`${stack.daemon.url}/auth/tiktok/qr`, fields(page.text));
  const url = new URL(/data-url="([^"]+)"/.exec(qr.text)[1].replaceAll('&amp;', '&'));
  const state = url.searchParams.get('state');
  if (state) refused(await browser.get(callbackUrl(stack, { code: 'c', state })), 'login.state_unknown', 'a QR state at the callback');
});

test('attack.link_attempt_sent_to_a_victim', async () => {
  const stack = await stackOf();
  const api = client(stack);
  // The attacker (u-evil) sends the start link of his own link attempt; the victim (u-good) goes through it.
  const evil = await attempt(stack, { purpose: 'link', mozflow_user_id: 'u-evil' });
  const back = await signIn(stack, evil.start_url, { person: 'somying' });
  const { code, attempt: id } = query(back.location);
  // Mozflow's page runs in the victim's session.
  const r = await api('POST', '/v1/login/exchange', { code, attempt_id: id, mozflow_user_id: 'u-good' });
  equal([r.status, r.json.code], [409, 'login.code_mismatch']);
  for (const mozflow_user_id of ['u-evil', undefined, '']) {
    const later = await api('POST', '/v1/login/exchange', { code, attempt_id: id, mozflow_user_id });
    equal(later.status >= 400, true, 'burnt');
  }
});

test('attack.code_planted_in_a_victims_browser', async () => {
  const stack = await stackOf();
  const api = client(stack);
  const mine = await attempt(stack); // the attacker's own sign-in, stopped before Mozflow saw the code
  const planted = query((await signIn(stack, mine.start_url)).location).code;
  const theirs = await attempt(stack); // what Mozflow keeps in the victim's session
  const r = await api('POST', '/v1/login/exchange', { code: planted, attempt_id: theirs.attempt_id });
  equal([r.status, r.json.code], [409, 'login.code_mismatch']);
  const own = await api('POST', '/v1/login/exchange', { code: planted, attempt_id: mine.attempt_id });
  equal([own.status, own.json.code], [409, 'login.code_used']);
  const kept = await api('GET', '/v1/audit?limit=20');
  check(kept.json.items.filter((e) => e.action === 'login.exchange_refused').length >= 2, 'refusals are audited');
});

test('attack.tiktok_code_injection', async () => {
  const stack = await stackOf();
  const v = await victim(stack);
  const stolen = await stack.sim.control('POST', 'codes', { client_key: LOGIN_KEY, user: 'somying', scopes: 'user.info.basic',
    redirect_uri: `${stack.daemon.url}/auth/tiktok/callback`,
    code_challenge: createHash('sha256').update('another-verifier-of-43-characters-0123456789').digest('hex') });
  const page = await v.browser.get(callbackUrl(stack, { code: stolen.code, state: v.state }));
  refused(page, 'login.verifier', 'a code of another flow');
});

test('attack.pkce_drop', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const a = await attempt(stack);
  const authorize = new URL(await toTikTok(browser, a.start_url));
  authorize.searchParams.delete('code_challenge');
  authorize.searchParams.delete('code_challenge_method');
  const r = await fetch(authorize, { redirect: 'manual', headers: { cookie: 'sim_person=somying' } });
  check(!(r.headers.get('location') ?? '').includes('code='), 'TikTok gives no code without the challenge');
});

test('attack.exchange_replay_expiry_and_strangers', async () => {
  const stack = await stackOf();
  const a = await attempt(stack);
  const { code } = query((await signIn(stack, a.start_url)).location);
  const body = { code, attempt_id: a.attempt_id };
  const nobody = await fetch(`${stack.daemon.url}/v1/login/exchange`, { method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() } });
  equal(nobody.status, 401);
  equal((await client(stack, 'mzt_live_wrong')('POST', '/v1/login/exchange', body)).status, 401);
  equal((await client(stack)('POST', '/v1/login/exchange', body)).status, 200);
  const replay = await client(stack)('POST', '/v1/login/exchange', body);
  equal([replay.status, replay.json.code], [409, 'login.code_used']);
  const unknown = await client(stack)('POST', '/v1/login/exchange', { ...body, code: 'z'.repeat(43) });
  equal([unknown.status, unknown.json.code], [404, 'login.code_unknown']);
});

test('attack.equal_callbacks_race', async () => {
  const stack = await stackOf();
  const races = long ? 1000 : 60; // 1,000 of them race in the unit test of the taking, on both databases
  for (let i = 0; i < races; i++) {
    const v = await victim(stack);
    const cookie = [...v.browser.jar(stack.daemon.url)].map(([k, c]) => `${k}=${c}`).join('; ');
    const got = await Promise.all([0, 1].map(() => fetch(v.callback, { redirect: 'manual', headers: { cookie } })));
    const status = got.map((r) => r.status).sort().join();
    equal(status, '303,409', `race ${i}`);
    await Promise.all(got.map((r) => r.arrayBuffer()));
  }
}, { deadline_ms: long ? 600000 : 60000 });

test('attack.session_fixation', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const fixed = randomBytes(32).toString('base64url');
  browser.jar(stack.daemon.url).set('__Host-mz_oauth', fixed);
  browser.jar(stack.daemon.url).set('__Host-mz_session', fixed);
  const a = await attempt(stack);
  const callback = await consent(stack.sim, await toTikTok(browser, a.start_url));
  check(browser.cookie(stack.daemon.url, 'mz_oauth') !== fixed, 'the cookie is made at the click');
  const evil = new Browser();
  evil.jar(stack.daemon.url).set('__Host-mz_oauth', fixed);
  refused(await evil.get(callback), 'login.state_unknown', 'the planted cookie opens nothing');
});

test('attack.forged_click', async () => {
  const stack = await stackOf();
  const a = await attempt(stack);
  const forged = await fetch(`${stack.daemon.url}/auth/tiktok/continue`, { method: 'POST', redirect: 'manual',
    headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, body: new URLSearchParams({ attempt: a.attempt_id, lang: 'en' }) });
  equal([forged.status, forged.headers.get('location')], [403, null]);
});

test('attack.host_header', async () => {
  const stack = await stackOf();
  const browser = new Browser();
  const a = await attempt(stack);
  const page = await browser.request(a.start_url, { headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' } });
  check(!page.text.includes('evil.example'));
  equal(query(await toTikTok(browser, a.start_url)).redirect_uri, `${stack.daemon.url}/auth/tiktok/callback`);
});

// Hostile return addresses: shapes by schemes by hosts.
const shapes = [
  (h) => `//${h}/`, (h) => `///${h}/`, (h) => `/\\${h}/`, (h) => `\\\\${h}\\`, (h) => `http://${h}/`, (h) => `HTTP://${h}/`,
  (h) => `javascript://${h}/%0aalert(1)`, (h) => `data:text/html,${h}`, (h) => `vbscript:${h}`, (h) => `ftp://${h}/`,
  (h) => `https:/${h}`, (h) => `https:${h}`, (h) => `https:///${h}`, (h) => `https://user@${h}/`, (h) => `https://a:b@${h}/`,
  (h) => `https://127.0.0.1\\@${h}/`, (h) => `https://${h}/#code`, (h) => `https://${h}/\r\nSet-Cookie: a=b`,
  (h) => `https://${h}/\u0000`, (h) => `https://${h} /`, (h) => `\thttps://${h}/`, (h) => ` https://${h}/`,
  (h) => `http://127.0.0.1.${h}/`, (h) => `http://localhost.${h}/`, (h) => `http://127.0.0.1@${h}/`, (h) => `http://localhost:80@${h}/`,
  (h) => `http://127.0.0.1#@${h}/`, (h) => `http://127.1/${h}`, (h) => `http://[::1]/${h}`, (h) => `http://2130706433/${h}`,
  (h) => `intent://${h}/#Intent;end`, (h) => `mailto:x@${h}`, (h) => `file:///${h}`, (h) => `https://`, () => '', () => '/',
  () => '.', () => '%2F%2Fevil.example', (h) => `https%3A%2F%2F${h}`, (h) => `https://${h}/${'x'.repeat(600)}`,
];
test('attack.redirects', async () => {
  const stack = await stackOf();
  const vectors = shapes.flatMap((shape) => ['evil.example', 'xn--evil-0ra.example', 'evil.example:443', 'EVIL.example', 'evil%2eexample'].map(shape));
  check(vectors.length >= 200, `${vectors.length} vectors`);
  const base = `${stack.daemon.url}/auth/tiktok?workspace=${stack.seed.workspace_public_key}&client_state=${'c'.repeat(32)}`;
  for (const v of vectors) {
    const added = await client(stack)('POST', '/v1/login/return-urls', { url: v });
    check(added.status === 422 || added.status === 400, `${JSON.stringify(v)} was added: ${added.status}`);
    const start = await new Browser().get(`${base}&return_url=${encodeURIComponent(v)}`);
    check(start.location === null && (start.status >= 400 || v === ''), `${JSON.stringify(v)}: ${start.status}`);
    const made = await client(stack)('POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: v });
    check(made.status >= 400, `${JSON.stringify(v)} as an id: ${made.status}`);
  }
}, { deadline_ms: 60000 });

test('attack.nothing_secret_in_the_log', async () => {
  const stack = await stackOf();
  const v = await victim(stack);
  const back = await v.browser.get(v.callback);
  const { code } = query(back.location);
  await client(stack)('POST', '/v1/login/exchange', { code, attempt_id: v.attempt.attempt_id });
  const log = readFileSync(stack.daemon.program.logFile, 'utf8') + readFileSync(stack.daemon.program.outFile, 'utf8');
  for (const [what, value] of Object.entries({ state: v.state, 'TikTok code': v.code, 'our code': code }))
    check(!log.includes(value) && !log.includes(encodeURIComponent(value)), `${what} stands in the log`);
  match(back.headers.get('cache-control'), /no-store/);
  equal(back.headers.get('referrer-policy'), 'no-referrer');
});

await run();
