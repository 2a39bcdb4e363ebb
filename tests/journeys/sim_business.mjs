// The simulated API for Business: common rules, business accounts, advertisers, profile, conversations, callbacks,
// limits, refreshes in flight. The expectations are written from the notes about TikTok and use no code of the simulator.
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, match, run, tempDir, test, until } from '../support/runner.mjs';
import { startSim } from '../support/stack.mjs';

const BIZ = '7611111111111111111';
const BIZ2 = '7611111111111111112';
const ADS = '7622222222222222222';
const SANDBOX = '7622222222222222223';
const SECRET = 'sim_journey_secret_2';
const CALLBACK = 'https://app.example/auth/tiktok/business/callback/';
const ADS_CALLBACK = 'https://app.example/auth/tiktok/ads/callback';
const ALL = 'user.info.basic,user.info.username,user.info.profile,user.info.stats,user.account.type,user.insights,message.list.read';

const received = [];
const hook = http.createServer((rq, rs) => {
  const parts = [];
  rq.on('data', (d) => parts.push(d));
  rq.on('end', () => {
    received.push({ url: rq.url, body: Buffer.concat(parts).toString() });
    rs.end();
  });
});
await new Promise((r) => hook.listen(0, '127.0.0.1', r));
hook.unref();
const hookUrl = (name) => `http://127.0.0.1:${hook.address().port}/${name}`;

const dir = tempDir('mz-simbiz');
const file = path.join(dir, 'scenario.json');
const app = (client_key, portal, more) => ({
  client_key, client_secret: SECRET, name: 'Journey', portal, state: 'live', organization: 'o', webhook_url: hookUrl('portal'),
  redirect_uris: { web: [portal === 'ads' ? ADS_CALLBACK : CALLBACK] }, ...more,
});
writeFileSync(file, JSON.stringify({
  apps: [
    app(BIZ, 'business', { scopes: ALL }), app(BIZ2, 'business', { scopes: ALL }),
    app(ADS, 'ads', { permissions: '4,7,15' }), app(SANDBOX, 'ads', { permissions: '4', state: 'sandbox', target_users: ['owner'] }),
  ],
  users: [
    { id: 'owner', display_name: 'ร้านหนึ่ง', username: 'shop.one', bio: 'b', followers: 500, following: 3, likes: 7, videos: 2 },
    { id: 'small', display_name: 'Small', username: 'small', followers: 20 },
    { id: 'private', display_name: 'P', username: 'p', account_type: 'personal' },
    { id: 'berlin', display_name: 'B', username: 'b', region: 'DE', account_type: 'business' },
    { id: 'texas', display_name: 'T', username: 't', region: 'US', account_type: 'business' },
  ],
  shops: [{ id: 'one', client_key: BIZ, user: 'owner', username: 'shop.one', display_name: 'One' }],
  customers: [{ id: 'c1', username: 'c1', display_name: 'C1' }, { id: 'c2', username: 'c2', display_name: 'C2' }],
  advertisers: [
    { id: '7300000000000000001', name: 'หนึ่ง', user: 'owner' }, { id: '7300000000000000002', name: 'Two', user: 'owner' },
    { id: '7300000000000000003', name: 'Other', user: 'small' },
  ],
}));
let sim = await startSim({ dir, scenario: file });

const reset = async (switches = {}) => {
  await sim.control('POST', 'reset');
  received.length = 0;
  await sim.switches({ rate_limits: 'off', ...switches });
};
const shift = (s) => sim.control('POST', 'clock', { shift_ms: s * 1000 });
const raw = (method, p, { body, token, headers = {} } = {}) =>
  fetch(`${sim.url}/open_api/v1.3/${p}`, {
    method, redirect: 'manual',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(token ? { 'access-token': token } : {}), ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
const envelope = async (answer) => {
  const r = await answer;
  equal(r.status, 200, 'HTTP status of the envelope');
  const j = await r.json();
  match(j.request_id, /^\d{14}[0-9A-F]{20}$/, 'request_id');
  equal(r.headers.get('x-tt-logid'), j.request_id, 'X-TT-LOGID');
  check(![...r.headers.keys()].some((k) => /ratelimit|retry-after/i.test(k)), 'no header tells of a limit');
  return j;
};
const post = (p, body, o = {}) => envelope(raw('POST', p, { body, ...o }));
const get = (p, query, token) => envelope(raw('GET', `${p}?${new URLSearchParams(query)}`, { token }));
const client = (id = BIZ) => ({ client_id: id, client_secret: SECRET });
const code = async (o = {}) =>
  (await sim.control('POST', 'codes', { client_key: BIZ, user: 'owner', scopes: ALL, redirect_uri: CALLBACK, ...o })).code;
const connect = async (user = 'owner', scopes = ALL, id = BIZ) =>
  (await post('tt_user/oauth2/token/', { ...client(id), grant_type: 'authorization_code', redirect_uri: CALLBACK,
    auth_code: await code({ user, scopes, client_key: id }) })).data;
const refresh = (refresh_token, id = BIZ) => post('tt_user/oauth2/refresh_token/', { ...client(id), grant_type: 'refresh_token', refresh_token });
const probe = (t, o = {}) => get('business/message/conversation/list/', { business_id: t.open_id, conversation_type: 'STRANGER', limit: '1', ...o }, t.access_token);
const profile = (t, o = {}) => get('business/get/', { business_id: t.open_id, ...o }, t.access_token);
const grantOf = async (user = 'owner', id = BIZ) => (await sim.control('GET', `grants?client_key=${id}&user=${user}`)).grants[0];
const user = (o) => sim.control('PUT', 'users', o);

test('sim.v13.order: slash, path, method, body, token, scope, business_id, parameters', async () => {
  await reset();
  const t = await connect();
  for (const p of ['business/get', 'business/nothing/', 'tt_user/oauth2/token']) {
    const r = await raw('GET', p);
    equal([r.status, r.headers.get('content-type').split(';')[0], await r.text()], [404, 'text/plain', '404 page not found'], p);
  }
  equal((await post('business/get/', {})).code, 40117, 'method before token');
  await sim.switches({ method_error: '405' });
  equal((await raw('POST', 'business/get/', { body: {} })).status, 405, 'method by switch');
  for (const body of ['', '[]', '{', 'a=b']) equal((await raw('POST', 'tt_user/oauth2/token/', { body })).status, 400, `body ${body}`);
  equal((await raw('POST', 'tt_user/oauth2/token/', { body: '{}', headers: { 'content-type': 'text/plain' } })).status, 400, 'content type');
  const q = { business_id: t.open_id };
  const none = await get('business/get/', q);
  equal([none.code, none.message], [40104, 'Access token is null, you should set it in http header with key Access-Token.'], 'no token');
  equal((await get('business/get/', q, `Bearer ${t.access_token}`)).code, 40105, 'Bearer prefix');
  equal((await envelope(raw('GET', `business/get/?${new URLSearchParams(q)}`, { headers: { authorization: `Bearer ${t.access_token}` } }))).code, 40104, 'Authorization is not read');
  equal((await get('business/get/', q, 'act.nonsense')).code, 40105, 'unknown');
  equal((await get('business/get/', { business_id: 'other', fields: 'x' }, t.access_token)).code, 40001, 'business_id before parameters');
  equal((await get('business/get/', { ...q, fields: 'x' }, t.access_token)).code, 40002, 'parameters');
  equal((await get('business/get/', {}, t.access_token)).code, 40002, 'business_id is required');
  await shift(86401);
  equal((await get('business/get/', q, t.access_token)).code, 40102, 'expired');
  await sim.switches({ expired_code: '40105' });
  equal((await get('business/get/', q, t.access_token)).code, 40105, 'expired by switch');
});

test('sim.business.token: fields, codes once and for ten minutes, its own endpoint', async () => {
  await reset();
  const ask = { ...client(), grant_type: 'authorization_code', redirect_uri: CALLBACK };
  for (const name of ['client_id', 'client_secret', 'grant_type', 'auth_code', 'redirect_uri']) {
    const body = { ...ask, auth_code: await code() };
    delete body[name];
    const r = await post('tt_user/oauth2/token/', body);
    equal(r.code, 40002, name);
    match(r.message, new RegExp(name), 'the text names the field');
  }
  equal((await post('tt_user/oauth2/token/', { ...ask, auth_code: await code(), grant_type: 'code' })).code, 40108, 'grant type');
  equal((await post('tt_user/oauth2/token/', { ...ask, auth_code: await code(), client_id: BIZ2, client_secret: 'x' })).code, 40101, 'secret');
  equal((await post('tt_user/oauth2/token/', { ...ask, auth_code: await code(), redirect_uri: CALLBACK.slice(0, -1) })).code, 40002, 'redirect, byte for byte');
  equal((await post('tt_user/oauth2/token/', { ...ask, ...client(BIZ2), auth_code: await code() })).code, 40110, "another app's code");
  const adsCode = await code({ client_key: ADS, scopes: '4', redirect_uri: ADS_CALLBACK });
  equal((await post('tt_user/oauth2/token/', { ...ask, auth_code: adsCode })).code, 40115, "the ads portal's code");
  const late = await code();
  await shift(601);
  equal((await post('tt_user/oauth2/token/', { ...ask, auth_code: late })).code, 40110, 'ten minutes');
  const c = await code();
  const t = await post('tt_user/oauth2/token/', { ...ask, auth_code: c });
  equal([t.data.scope, t.data.expires_in, t.data.refresh_token_expires_in, t.data.token_type], [ALL, 86400, 31536000, 'Bearer'].map((v, i) => (i === 0 ? t.data.scope : v)), 'data');
  equal(t.data.scope.split(',').sort(), ALL.split(',').sort(), 'scopes');
  equal((await post('tt_user/oauth2/token/', { ...ask, auth_code: c })).code, 40110, 'once');
  await sim.switches({ business_token_fields: 'few' });
  equal(Object.keys(await connect()).sort(), ['access_token', 'expires_in', 'open_id', 'refresh_token'], 'few fields');
});

test('sim.business.consent page: untick, cancel, no code after an earlier consent', async () => {
  await reset();
  const q = new URLSearchParams({ client_key: BIZ, response_type: 'code', scope: ALL, redirect_uri: CALLBACK, state: 's' });
  const cookie = { cookie: 'sim_person=owner' };
  const page = await (await fetch(`${sim.url}/v2/auth/authorize?${q}`, { headers: cookie })).text();
  match(page, /Simulated TikTok/);
  match(page, /value="message.list.read"/);
  const decide = async (decision, ...scopes) => {
    const body = new URLSearchParams({ q: q.toString(), decision });
    for (const s of scopes) body.append('scope', s);
    const r = await fetch(`${sim.url}/sim/consent`, { method: 'POST', redirect: 'manual', body, headers: cookie });
    return new URL(r.headers.get('location')).searchParams;
  };
  equal((await decide('deny')).get('error'), 'access_denied', 'cancel');
  const back = await decide('allow', 'message.list.read');
  equal([back.get('scopes'), back.get('state')], ['user.info.basic,message.list.read', 's'], 'unticked');
  await sim.switches({ skip_without_code: 'on' });
  q.set('scope', 'user.info.basic');
  const again = await fetch(`${sim.url}/v2/auth/authorize?${q}`, { redirect: 'manual', headers: cookie });
  equal(new URL(again.headers.get('location')).search, '?state=s', 'skipped, and no code');
  q.set('disable_auto_auth', '1');
  equal((await fetch(`${sim.url}/v2/auth/authorize?${q}`, { redirect: 'manual', headers: cookie })).status, 200, 'disable_auto_auth');
});

test('sim.business.refresh: rotation, the hard end, the chain', async () => {
  await reset();
  const t = await connect();
  await shift(43200);
  const r = await refresh(t.refresh_token);
  equal([r.code, r.data.expires_in, r.data.refresh_token_expires_in], [0, 86400, 31536000 - 43200], 'counts down');
  check(r.data.refresh_token !== t.refresh_token && r.data.access_token !== t.access_token, 'a new pair');
  equal((await refresh(t.refresh_token)).code, 40107, 'the old refresh token is dead');
  equal((await profile(t)).code, 0, 'the old access token lives until its end');
  await shift(43201);
  equal([(await profile(t)).code, (await profile(r.data)).code], [40102, 0], 'its end');
  await sim.switches({ refresh_kills_access: 'on' });
  const s = (await refresh(r.data.refresh_token)).data;
  equal([(await profile(r.data)).code, (await profile(s)).code], [40105, 0], 'by switch it ends at once');
  await sim.switches({ reuse_ends_chain: 'on' });
  equal((await refresh(r.data.refresh_token)).code, 40107, 'reuse');
  equal([(await refresh(s.refresh_token)).code, (await profile(s)).code], [40107, 40105], 'reuse ends the chain');
  await sim.switches({ reuse_ends_chain: 'off', rotation: 'same' });
  const u = await connect();
  await shift(10);
  const v = (await refresh(u.refresh_token)).data;
  equal([v.refresh_token, (await refresh(u.refresh_token)).code], [u.refresh_token, 0], 'same');
  await shift(31536000);
  equal((await refresh(u.refresh_token)).code, 40103, 'the year is over, whatever was refreshed');
  equal((await refresh('rft.nonsense')).code, 40107, 'unknown');
});

test('sim.business.refresh with grace: the old token works until the new pair is used', async () => {
  await reset({ rotation: 'rotate_with_grace' });
  const t = await connect();
  const lost = (await refresh(t.refresh_token)).data;
  const second = (await refresh(t.refresh_token)).data;
  check(second.refresh_token !== lost.refresh_token, 'another pair');
  equal([(await refresh(lost.refresh_token)).code, (await profile(lost)).code], [40107, 40105], 'the unused pair is dead: one alive');
  equal((await profile(second)).code, 0, 'use');
  equal((await refresh(t.refresh_token)).code, 40107, 'after the use the old one is dead');
  const third = (await refresh(second.refresh_token)).data;
  const fourth = (await refresh(third.refresh_token)).data;
  equal([(await refresh(second.refresh_token)).code, (await refresh(third.refresh_token)).code, fourth.expires_in], [40107, 0, 86400], 'a refresh is a use');
});

test('sim.refresh.flight: a counter per grant, a log of refreshes, also of lost answers', async () => {
  await reset({ refresh_delay_ms: '150' });
  const t = await connect();
  const both = await Promise.all([refresh(t.refresh_token), refresh(t.refresh_token)]);
  equal(both.map((r) => r.code).sort(), [0, 40107], 'one wins');
  equal([(await grantOf()).in_flight_max, (await grantOf()).refreshed, (await grantOf()).refused], [2, 1, 1], 'seen');
  await until(async () => (await grantOf()).in_flight === 0, 2000, 'the end of the flights');
  const next = both.find((r) => r.code === 0).data;
  await sim.switches({ refresh_delay_ms: '0' });
  await sim.control('POST', 'faults', { path: '/open_api/v1.3/tt_user/oauth2/refresh_token/', kind: 'drop', phase: 'after', user: 'owner' });
  await refresh(next.refresh_token).then(() => { throw new Error('an answer came'); }, () => {});
  equal((await refresh(next.refresh_token)).code, 40107, 'it was rotated');
  await sim.control('POST', 'faults', { path: '/open_api/v1.3/tt_user/oauth2/refresh_token/', kind: 'status', status: 503, phase: 'before', user: 'owner' });
  const other = await connect('small');
  equal((await refresh(other.refresh_token)).code, 0, "another account's refresh is not spoiled");
  const log = (await sim.control('GET', `refreshes?client_key=${BIZ}&user=owner`)).refreshes;
  equal(log.map((f) => [f.serial, f.next_serial, f.alive, f.code, f.fault]),
    [[1, 2, true, 'ok', ''], [1, 0, false, '40107', ''], [2, 3, true, 'ok', 'drop'], [2, 0, false, '40107', '']], 'log');
  check(log[0].took_us >= 150000, 'time on the way');
  equal((await grantOf()).serial, 3, 'the newest pair');
  const login = await sim.control('GET', 'refreshes?limit=1');
  equal(login.refreshes.length, 1, 'limit');
});

test('sim.business.revoke and token_info', async () => {
  await reset();
  const t = await connect();
  const info = (o) => post('tt_user/token_info/get/', { app_id: BIZ, access_token: t.access_token, ...o });
  equal((await info()).data, { app_id: BIZ, creator_id: t.open_id, scope: t.scope }, 'info');
  equal([(await info({ app_id: BIZ2 })).code, (await info({ access_token: 'x' })).code], [40113, 40105], 'refused');
  equal((await envelope(raw('GET', `tt_user/token_info/get/?app_id=${BIZ}`))).code, 40117, 'POST only');
  const revoke = (o) => post('tt_user/oauth2/revoke/', { ...client(), access_token: t.access_token, ...o });
  equal((await revoke({ access_token: t.refresh_token })).code, 40105, 'the refresh token revokes nothing');
  equal((await revoke({ client_secret: 'x' })).code, 40101, 'secret');
  equal((await revoke(client(BIZ2))).code, 40113, 'another app');
  const r = await revoke();
  equal([r.code, r.data], [0, {}], 'revoked');
  equal([(await revoke()).code, (await profile(t)).code, (await refresh(t.refresh_token)).code], [40105, 40105, 40107], 'afterwards');
  const event = await until(() => received.find((h) => JSON.parse(h.body).event === 'authorization.removed'), 3000, 'the event');
  equal([JSON.parse(JSON.parse(event.body).content).reason, JSON.parse(event.body).user_openid], [5, t.open_id], 'reason 5');
  received.length = 0;
  await sim.switches({ business_removed_event: 'off' });
  const u = await connect();
  await sim.control('POST', 'act', { user: 'owner', client_key: BIZ, action: 'disconnect' });
  equal((await profile(u)).code, 40105, 'disconnected');
  equal((await sim.control('GET', 'webhooks')).deliveries.filter((d) => JSON.parse(d.body).content.includes('"reason":1')).length, 0, 'no event by switch');
  await sim.switches({ business_revoke: 'access', scope_blanks: 'on' });
  const half = await connect();
  check(half.scope.includes(', '), 'blanks');
  await revoke({ access_token: half.access_token });
  equal([(await profile(half)).code, (await refresh(half.refresh_token)).code], [40105, 0], 'by switch the refresh token lives');
  const expired = await connect();
  await shift(86401);
  equal((await post('tt_user/oauth2/revoke/', { ...client(), access_token: expired.access_token })).code, 40102, 'an expired token revokes nothing');
});

test('sim.business.get: fields by scope, account type, days, audience', async () => {
  await reset();
  const t = await connect();
  const fields = (list, o = {}) => profile(t, { fields: JSON.stringify(list), ...o });
  const plain = (await profile(t)).data;
  equal([Object.keys(plain), plain.display_name], [['display_name', 'profile_image'], 'ร้านหนึ่ง'], 'default fields');
  equal((await fetch(plain.profile_image)).headers.get('content-type'), 'image/png', 'image');
  equal((await fields(['username', 'followers_count', 'is_business_account', 'bio_description', 'is_verified'])).data,
    { username: 'shop.one', bio_description: 'b', is_verified: false, followers_count: 500, is_business_account: true }, 'fields');
  for (const bad of ['username', '["nonsense"]', '{}', '[1]']) equal((await profile(t, { fields: bad })).code, 40002, bad);
  const basic = await connect('private', 'user.info.basic,user.account.type');
  equal((await profile(basic, { fields: '["is_business_account"]' })).data, { is_business_account: false }, 'personal');
  const denied = await profile(basic, { fields: '["username"]' });
  equal(denied.code, 40001, 'a field without its scope');
  match(denied.message, /user\.info\.username/);
  const today = new Date((await sim.control('GET', 'clock')).now_ms);
  const day = (n) => new Date(today.getTime() - n * 86400000).toISOString().slice(0, 10);
  const days = (await fields(['likes'], { start_date: day(3), end_date: day(2) })).data.metrics;
  equal(days.map((m) => m.date), [day(3), day(2)], 'days');
  equal((await fields(['likes'])).data.metrics.length, 7, 'a week by default');
  for (const o of [{ start_date: day(61) }, { start_date: '2026-1-1' }, { start_date: day(1), end_date: day(2) }]) equal((await fields(['likes'], o)).code, 40002, JSON.stringify(o));
  equal(Object.keys((await fields(['audience_genders'])).data), ['audience_genders'], 'audience');
  const small = await connect('small');
  equal((await profile(small, { fields: '["audience_genders"]' })).data, {}, 'fewer than 100 followers: none');
});

test('sim.business.conversations: the probe by scope, approval, region, type', async () => {
  await reset();
  const t = await connect();
  equal((await probe(t)).data, { conversations: [], has_more: false, cursor: 0 }, 'empty');
  equal((await probe(await connect('owner', 'user.info.basic'))).code, 40001, 'scope');
  for (const o of [{ conversation_type: 'ALL' }, { conversation_type: '' }, { limit: '0' }, { limit: '101' }, { limit: 'x' }, { cursor: '-1' }]) equal((await probe(t, o)).code, 40002, JSON.stringify(o));
  equal((await probe(await connect('private'))).code, 40001, 'personal account');
  equal((await probe(await connect('berlin'))).code, 40118, 'EEA');
  equal((await probe(await connect('texas'))).code, 40118, 'US');
  await sim.control('PUT', 'apps', { client_key: BIZ, us_approved: true });
  equal((await probe(await connect('texas'))).code, 0, 'US, approved');
  await sim.control('PUT', 'apps', { client_key: BIZ, messaging: 'pending' });
  equal((await probe(t)).code, 40125, 'not approved');
  await sim.control('PUT', 'apps', { client_key: BIZ, messaging: 'approved', us_approved: false });
  await user({ id: 'owner', region: 'GB' });
  await sim.switches({ region_error: '40001' });
  equal((await probe(t)).code, 40001, 'region by switch');
  await user({ id: 'owner', region: 'TH' });
  for (const customer of ['c1', 'c2', 'c1']) await sim.control('POST', 'messages', { shop: 'one', customer, text: 'สวัสดี' });
  const first = (await probe(t)).data;
  equal([first.conversations.length, first.has_more, first.cursor], [1, true, 1], 'page');
  const second = (await probe(t, { cursor: '1' })).data;
  equal([second.conversations.length, second.has_more], [1, false], 'last page');
  check(first.conversations[0].conversation_id !== second.conversations[0].conversation_id && first.conversations[0].update_time > 1e12, 'rows');
  equal((await probe(t, { conversation_type: 'SINGLE' })).data.conversations, [], 'nothing answered yet');
  await until(() => received.length === 3, 3000, 'three events');
  await user({ id: 'owner', message_permission: 'requests' });
  const quiet = await sim.control('POST', 'messages', { shop: 'one', customer: 'c2', text: 'x' });
  equal((await sim.control('GET', 'webhooks')).deliveries.length, 3, 'messages wait as requests, and no event tells');
  check(quiet.message_id, 'message');
  await user({ id: 'owner', message_permission: 'everyone' });
  for (const o of [{ region: 'th' }, { account_type: 'shop' }, { message_permission: 'some' }])
    await user({ id: 'owner', ...o }).then(() => { throw new Error('accepted'); }, (e) => match(e.message, /400/));
});

test('sim.business.webhooks: a callback per category, item_list only grows', async () => {
  await reset();
  const id = { app_id: BIZ, secret: SECRET };
  const update = (o) => post('business/webhook/update/', { ...id, event_type: 'DIRECT_MESSAGE', callback_url: hookUrl('dm'), ...o });
  const list = (event_type) => get('business/webhook/list/', { ...id, event_type });
  equal((await list('DIRECT_MESSAGE')).data, { app_id: BIZ, event_type: 'DIRECT_MESSAGE' }, 'unset: no callback_url');
  equal([(await update({ secret: 'x' })).code, (await update({ app_id: '1' })).code, (await update({ app_id: ADS })).code], [40113, 40113, 40113], 'app');
  for (const o of [{ event_type: 'comment.update' }, { callback_url: 'ftp://x' }, { callback_url: 'http://shop.example/x' }, { callback_url: '' }, { item_list: ['1'] }])
    equal((await update(o)).code, 40002, JSON.stringify(o));
  equal((await update()).data, { app_id: BIZ, event_type: 'DIRECT_MESSAGE', callback_url: hookUrl('dm') }, 'echo');
  equal((await list('DIRECT_MESSAGE')).data.callback_url, hookUrl('dm'), 'list');
  await update({ event_type: 'COMMENT', callback_url: hookUrl('comments'), item_list: ['11', '12'] });
  equal((await update({ event_type: 'COMMENT', callback_url: hookUrl('comments') })).data.item_list, ['11', '12'], 'omitting does not widen');
  equal((await update({ event_type: 'COMMENT', callback_url: hookUrl('comments'), item_list: ['12', '13'] })).data.item_list, ['11', '12', '13'], 'cumulative');
  const events = [['im_receive_msg', '/dm'], ['comment.update', '/comments'], ['brand.mention.event', '/portal'], ['authorization.removed', '/portal']];
  for (const [event, where] of events) {
    await sim.control('POST', 'webhooks', { client_key: BIZ, event, user: 'owner' });
    const got = await until(() => received.find((h) => JSON.parse(h.body).event === event), 3000, event);
    equal(got.url, where, event);
  }
  equal((await post('business/webhook/delete/', { ...id, event_type: 'DIRECT_MESSAGE' })).code, 0, 'delete');
  equal((await list('DIRECT_MESSAGE')).data.callback_url, undefined, 'deleted');
  await sim.switches({ webhook_unset: 'silent' });
  const { ids } = await sim.control('POST', 'webhooks', { client_key: BIZ, event: 'im_receive_msg', user: 'owner' });
  equal((await sim.control('GET', `webhooks?after=${ids[0] - 1}`)).deliveries[0].state, 'dropped', 'without a subscription: silence');
  await post('business/webhook/delete/', { ...id, event_type: 'COMMENT' });
});

test('sim.rates: second, minute with five minutes of penalty, account and endpoint', async () => {
  await reset({ rate_limits: 'on' });
  const t = await connect();
  const info = () => post('tt_user/token_info/get/', { app_id: BIZ, access_token: t.access_token });
  // To the next whole virtual second, however slow this machine is.
  const nextSecond = async () => sim.control('POST', 'clock', { shift_ms: 1000 - ((await sim.control('GET', 'clock')).now_ms % 1000) });
  const burst = async (n, call) => (await Promise.all(Array.from({ length: n }, call))).map((r) => r.code);
  await shift(120);
  const codes = await burst(40, info);
  check(codes.filter((c) => c === 0).length <= 20 && codes.includes(40100), `QPS: ${codes}`);
  match((await until(async () => { const all = await Promise.all(Array.from({ length: 30 }, info)); return all.find((r) => r.code === 40100); }, 3000, 'a refusal')).message, /QPS limit 10$/);
  await shift(2);
  equal((await info()).code, 0, 'the next second');
  // 40 a minute for one account and endpoint; the app's second never fills.
  let n = 0;
  for (; n < 60; n += 1) {
    await nextSecond();
    if ((await profile(t)).code !== 0) break;
  }
  check(n === 40, `account and endpoint: ${n} calls`);
  const other = await connect('small');
  equal([(await profile(t)).code, (await probe(t)).code, (await profile(other)).code], [40100, 0, 0], 'only this bucket');
  await shift(290);
  equal((await profile(t)).code, 40100, 'five minutes');
  await shift(12);
  equal((await profile(t)).code, 0, 'open again');
  // 600 a minute for the app, ten a second: 60 virtual seconds of ten calls.
  await shift(400);
  let good = 0;
  for (let second = 0; second < 62; second += 1) {
    await nextSecond();
    good += (await burst(10, info)).filter((c) => c === 0).length;
    if (good >= 600) break;
  }
  check(good >= 590 && good <= 600, `minute: ${good} calls`);
  equal((await info()).message.includes('temporarily restricted'), true, 'the text');
  await shift(310);
  equal((await info()).code, 0, 'five minutes later');
  await sim.switches({ rate_limits: 'off' });
  equal((await info()).code, 0, 'lifted');
});

test('sim.ads.page: person, permissions, ad accounts, cancel, refusals', async () => {
  await reset();
  const url = (o = {}) => `${sim.url}/portal/auth?${new URLSearchParams({ app_id: ADS, redirect_uri: ADS_CALLBACK, state: 'a b', ...o })}`;
  const go = (u, person) => fetch(u, { redirect: 'manual', headers: person ? { cookie: `sim_person=${person}` } : {} });
  match((await go(url())).headers.get('location'), /^\/sim\/people\?next=%2Fportal%2Fauth%3F/, 'who are you');
  for (const o of [{ app_id: BIZ }, { app_id: '1' }, { redirect_uri: `${ADS_CALLBACK}/` }]) {
    const r = await go(url(o), 'owner');
    equal(r.status, 200, JSON.stringify(o));
    match(await r.text(), /data-sim="error"/, 'an error page, no redirect');
  }
  const page = await (await go(url(), 'owner')).text();
  match(page, /Simulated TikTok/);
  for (const v of ['name="permission" value="4"', 'name="permission" value="15"', 'value="7300000000000000001"', 'value="7300000000000000002"']) check(page.includes(v), v);
  check(!page.includes('7300000000000000003') && !page.includes('name="permission" value="5"'), "not somebody else's");
  match(await (await go(`${url()}&lang=th`, 'berlin')).text(), /บุคคลนี้ไม่มีบัญชีโฆษณา/);
  const decide = async (decision, fields = []) => {
    const body = new URLSearchParams({ q: new URL(url()).search.slice(1), decision });
    for (const [k, v] of fields) body.append(k, v);
    return fetch(`${sim.url}/sim/ads-consent`, { method: 'POST', redirect: 'manual', body, headers: { cookie: 'sim_person=owner' } });
  };
  const cancelled = new URL((await decide('deny')).headers.get('location')).searchParams;
  equal([cancelled.get('error'), cancelled.get('state')], ['access_denied', 'a b'], 'cancel');
  await sim.switches({ ads_cancel: 'page' });
  equal((await decide('deny')).status, 200, 'cancel by switch');
  const back = new URL((await decide('allow', [['permission', '15'], ['permission', '5'], ['advertiser', '7300000000000000002'], ['advertiser', '7300000000000000003']])).headers.get('location'));
  equal([back.origin + back.pathname, back.searchParams.get('auth_code'), back.searchParams.get('state')], [ADS_CALLBACK, back.searchParams.get('code'), 'a b'], 'auth_code and code');
  const t = await post('oauth2/access_token/', { app_id: ADS, secret: SECRET, auth_code: back.searchParams.get('auth_code') });
  equal([t.data.scope, t.data.advertiser_ids, Object.keys(t.data).sort()], [[15], ['7300000000000000002'], ['access_token', 'advertiser_ids', 'scope']], 'only what was ticked, and no end');
  await sim.switches({ auto_consent: 'allow', ads_callback: 'code' });
  const auto = new URL((await go(url(), 'owner')).headers.get('location')).searchParams;
  equal([auto.has('auth_code'), auto.has('code')], [false, true], 'code only');
  await sim.switches({ ads_callback: 'auth_code' });
  equal(new URL((await go(url(), 'owner')).headers.get('location')).searchParams.has('code'), false, 'auth_code only');
  equal(new URL((await go(url({ app_id: SANDBOX }), 'small')).headers.get('location')).searchParams.get('error_type'), 'non_sandbox_target', 'sandbox');
});

test('sim.ads.tokens: once, an hour, no end, revoked, cancelled', async () => {
  await reset();
  const id = { app_id: ADS, secret: SECRET };
  const adsCode = (o = {}) => code({ client_key: ADS, scopes: '4,15', redirect_uri: ADS_CALLBACK, ...o });
  const exchange = (auth_code, o = {}) => post('oauth2/access_token/', { ...id, auth_code, ...o });
  equal([(await exchange('x')).code, (await exchange(await adsCode(), { secret: 'x' })).code, (await exchange(undefined)).code], [40110, 40101, 40002], 'refused');
  equal((await exchange(await code())).code, 40115, "the accounts portal's code");
  const c = await adsCode();
  const t = (await exchange(c)).data;
  equal([t.scope, t.advertiser_ids], [[4, 15], ['7300000000000000001', '7300000000000000002']], 'data');
  equal((await exchange(c)).code, 40110, 'once');
  equal((await exchange(await adsCode(), { return_advertiser_ids: false })).data.advertiser_ids, undefined, 'without ids');
  const late = await adsCode();
  await shift(3601);
  equal((await exchange(late)).code, 40110, 'an hour');
  await shift(5 * 365 * 86400);
  const list = await get('oauth2/advertiser/get/', id, t.access_token);
  equal(list.data.list, [{ advertiser_id: '7300000000000000001', advertiser_name: 'หนึ่ง' }, { advertiser_id: '7300000000000000002', advertiser_name: 'Two' }], 'five years later');
  equal([(await get('oauth2/advertiser/get/', id)).code, (await get('oauth2/advertiser/get/', id, `Bearer ${t.access_token}`)).code], [40104, 40105], 'header');
  equal((await get('oauth2/advertiser/get/', { app_id: SANDBOX, secret: SECRET }, t.access_token)).code, 40000, 'not the token of this app');
  const who = (await get('user/info/', {}, t.access_token)).data;
  match(who.core_user_id, /^7\d{18}$/);
  equal(who.display_name, 'ร้านหนึ่ง', 'who');
  const biz = await connect();
  equal([(await get('user/info/', {}, biz.access_token)).code, (await get('business/get/', { business_id: biz.open_id }, t.access_token)).code], [40105, 40105], 'families do not mix');
  const sandbox = await sim.control('POST', 'tokens', { client_key: SANDBOX, user: 'owner', scopes: '4' });
  equal((await get('oauth2/advertiser/get/', { app_id: SANDBOX, secret: SECRET }, sandbox.access_token)).code, 40008, 'not in the sandbox');
  const gone = await post('oauth2/revoke_token/', { ...id, access_token: t.access_token });
  equal(gone.data, { app_id: ADS, advertiser_ids: ['7300000000000000001', '7300000000000000002'] }, 'revoke');
  equal([(await get('user/info/', {}, t.access_token)).code, (await post('oauth2/revoke_token/', { ...id, access_token: t.access_token })).code], [40105, 40105], 'afterwards');
  await sim.switches({ ads_revoke: 'token' });
  const [a, b] = [(await exchange(await adsCode())).data, (await exchange(await adsCode())).data];
  await post('oauth2/revoke_token/', { ...id, access_token: a.access_token });
  equal([(await get('user/info/', {}, a.access_token)).code, (await get('user/info/', {}, b.access_token)).code], [40105, 0], 'only the token, by switch');
  await sim.control('POST', 'act', { user: 'owner', client_key: ADS, action: 'disconnect' });
  equal((await get('user/info/', {}, b.access_token)).code, 40105, 'cancelled by the advertiser');
  equal((await sim.control('GET', 'webhooks')).deliveries.length, 0, 'and no event tells');
});

test('sim.v13.faults: every kind, on the new endpoints', async () => {
  await reset();
  const t = await connect();
  const fault = (o) => sim.control('POST', 'faults', { path: '/open_api/v1.3/business/get/', client_key: BIZ, ...o });
  await fault({ kind: 'error_body', error: '50002', description: 'x' });
  equal((await profile(t)).code, 50002, 'error body');
  await fault({ kind: 'status', status: 429 });
  equal((await raw('GET', `business/get/?business_id=${encodeURIComponent(t.open_id)}`, { token: t.access_token })).status, 429, 'status');
  await fault({ kind: 'html', status: 502 });
  match(await (await raw('GET', `business/get/?business_id=${encodeURIComponent(t.open_id)}`, { token: t.access_token })).text(), /^<!doctype html>/);
  await fault({ kind: 'drop', client_key: BIZ2 });
  equal((await profile(t)).code, 0, "another app's rule");
  await fault({ kind: 'drop', client_key: undefined, user: 'small' });
  equal((await profile(t)).code, 0, "another person's rule");
});

test('sim.bulk: thousands of grants, refreshed fast, kept over a restart', async () => {
  await reset({ snapshot_every_s: '86400' });
  const n = 3000;
  const { grants } = await sim.control('POST', 'grants', { client_key: BIZ, count: n, prefix: 'many', scopes: ALL, access_life_s: 7200, refresh_life_s: 15552000 });
  equal([grants.length, new Set(grants.map((g) => g.open_id)).size, grants[0].user], [n, n, 'many-000001'], 'made');
  equal([grants[7].token.expires_in, grants[7].token.refresh_expires_in], [7200, 15552000], 'lives');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const once = (token) => new Promise((resolve, reject) => {
    const rq = http.request(`${sim.url}/open_api/v1.3/tt_user/oauth2/refresh_token/`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (rs) => {
      let text = '';
      rs.on('data', (d) => (text += d));
      rs.on('end', () => resolve(JSON.parse(text)));
    });
    rq.on('error', reject);
    rq.end(JSON.stringify({ ...client(), grant_type: 'refresh_token', refresh_token: token }));
  });
  const began = Date.now();
  const answers = await Promise.all(grants.map((g) => once(g.token.refresh_token)));
  const perSecond = Math.round((n * 1000) / (Date.now() - began));
  agent.destroy();
  equal(answers.filter((r) => r.code === 0 && r.data.expires_in === 7200).length, n, 'all refreshed, with their own lives');
  check(perSecond >= (process.env.MZ_SLOW ? 50 : 300), `${perSecond} a second`);
  const rows = (await sim.control('GET', 'grants?limit=5000')).grants;
  equal([rows.length, rows.filter((g) => g.serial === 2 && g.refreshed === 1 && g.in_flight === 0).length], [n, n], 'counters');
  const codes = await sim.control('POST', 'grants', { client_key: BIZ, count: 2, from: 10, prefix: 'code', scopes: ALL, give: 'codes', redirect_uri: CALLBACK });
  equal((await post('tt_user/oauth2/token/', { ...client(), grant_type: 'authorization_code', redirect_uri: CALLBACK, auth_code: codes.grants[1].code })).data.open_id, codes.grants[1].open_id, 'codes');
  await sim.control('PUT', 'apps', { client_key: BIZ, webhooks: { VIDEO: { url: hookUrl('video') } } });
  await sim.program.stop();
  sim = await startSim({ dir });
  equal((await refresh(answers[2999].data.refresh_token)).data.expires_in, 7200, 'after a restart');
  equal((await refresh(grants[0].token.refresh_token)).code, 40107, 'an old one stays dead');
  equal((await get('business/webhook/list/', { app_id: BIZ, secret: SECRET, event_type: 'VIDEO' })).data.callback_url, hookUrl('video'), 'callbacks stay');
}, { deadline_ms: 60000 });

await run();
