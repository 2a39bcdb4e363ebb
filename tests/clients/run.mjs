// Five npm clients, unmodified at locked versions, sign in against the simulator; the simulator's own log must show
// authorize, token and user info for each. Then the recorded requests of such clients are sent again with live codes.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, equal, match, run, tempDir, test } from '../support/runner.mjs';
import { startSim } from '../support/stack.mjs';
import { writeFileSync } from 'node:fs';

const here = path.dirname(fileURLToPath(import.meta.url));
const lock = JSON.parse(readFileSync(path.join(here, 'package-lock.json'), 'utf8'));
const SITE = 'https://shop.example';
const SCOPES = 'user.info.basic,user.info.profile,user.info.stats,video.list';
const SECRET = 'secret-of-the-client-tests';

const apps = {
  'arctic': 'ck_arctic', '@auth/core': 'ck_authcore', 'better-auth': 'ck_betterauth', 'passport-tiktok-auth': 'ck_passport', 'simple-oauth2': 'ck_simple',
};

function scenario() {
  const app = (client_key, client_secret, redirect_uris) => ({
    client_key, client_secret, name: client_key, portal: 'login', state: 'live', organization: 'clients', scopes: SCOPES, redirect_uris,
    target_users: [], webhook_url: '',
  });
  const web = { web: [`${SITE}/cb`, `${SITE}/auth/callback/tiktok`, `${SITE}/api/auth/callback/tiktok`], desktop: [], mobile: [] };
  const recorded = ['cb', 'auth/callback/tiktok', 'api/auth/callback/tiktok'].map((p) => `http://127.0.0.1:9802/${p}`);
  return {
    apps: [...Object.values(apps).map((k) => app(k, SECRET, web)), app('ck_test', 'cs_test', { web: [], desktop: recorded, mobile: [] })],
    users: [{ id: 'somying', display_name: 'สมหญิง ใจดี', username: 'somying.jaidee', followers: 120, following: 80, likes: 900, videos: 23 }],
  };
}

const dir = tempDir('mz-clients');
const file = path.join(dir, 'scenario.json');
writeFileSync(file, JSON.stringify(scenario()));
const sim = await startSim({ scenario: file });

function client(name) {
  const out = execFileSync(process.execPath, ['--import', path.join(here, 'hook.mjs'), path.join(here, 'clients.mjs'), name], {
    encoding: 'utf8', timeout: 30000, cwd: here,
    env: { ...process.env, MZ_SIM_PORT: String(sim.port), MZ_CLIENT_KEY: apps[name], MZ_CLIENT_SECRET: SECRET, NO_COLOR: '1' },
  });
  return JSON.parse(out.trim().split('\n').pop());
}

// What the simulator itself saw of an app: { authorize, token, profile } with their last answers.
async function seen(name, after) {
  const entries = (await sim.log(after)).filter((e) => e.client_key === apps[name]);
  const last = (prefix, more = () => true) => entries.filter((e) => e.path.startsWith(prefix) && more(e)).at(-1);
  return {
    authorize: last('/v2/auth/authorize'),
    token: last('/v2/oauth/token/', (e) => e.body.includes('grant_type=authorization_code')),
    profile: last('/v2/user/info/'),
    revoke: last('/v2/oauth/revoke/'),
  };
}

async function lastNumber() {
  return (await sim.control('GET', 'log?limit=1')).last;
}

function parsed(entry) {
  return typeof entry.answer === 'string' ? JSON.parse(entry.answer) : entry.answer;
}

async function signsIn(name) {
  const after = await lastNumber();
  await sim.switches({ web_pkce: 'off', lenient_user_info: 'off' });
  const result = client(name);
  check(!result.error, `${name} after ${result.steps.join(', ') || 'no step'}: ${result.error}`);
  equal(result.profile.name, 'สมหญิง ใจดี', 'the display name that the client ended up with');
  const log = await seen(name, after);
  for (const step of ['authorize', 'token', 'profile']) check(log[step], `the simulator's log has no ${step} of ${name}`);
  check(parsed(log.token).access_token?.startsWith('act.'), `token answer: ${JSON.stringify(log.token.answer).slice(0, 200)}`);
  equal(parsed(log.profile).error.code, 'ok', 'error code of the profile answer');
  equal(log.profile.status, 200, 'status of the profile answer');
}

for (const name of Object.keys(apps)) {
  const version = lock.packages[`node_modules/${name}`].version;
  if (name !== 'passport-tiktok-auth') test(`clients.${name}@${version}`, () => signsIn(name), { deadline_ms: 40000 });
}

test('clients.arctic.revokes', async () => {
  const after = await lastNumber();
  const result = client('arctic');
  equal(result.steps, ['authorize', 'token', 'profile', 'refresh', 'revoke'], 'steps');
  equal((await seen('arctic', after)).revoke.status, 200, 'status of the revocation');
});

test('clients.arctic.base64url-challenge-refused-when-web_pkce=hex', async () => {
  const after = await lastNumber();
  await sim.switches({ web_pkce: 'hex' });
  try {
    const result = client('arctic');
    equal(result.steps, ['authorize'], 'steps before the refusal');
    match(result.error, /access_token/i, 'error of the client');
    const log = await seen('arctic', after);
    check(log.authorize && log.token, 'the log shows authorize and token');
    equal(parsed(log.token).error, 'invalid_request', 'error of the token answer');
    match(parsed(log.token).error_description, /challenge|verifier/i, 'its description');
    check(!log.profile, 'no profile call follows');
  } finally {
    await sim.switches({ web_pkce: 'off' });
  }
}, { deadline_ms: 40000 });

test(`clients.passport-tiktok-auth@${lock.packages['node_modules/passport-tiktok-auth'].version}.fails-at-the-profile`, async () => {
  const after = await lastNumber();
  const result = client('passport-tiktok-auth');
  equal(result.steps, ['authorize'], 'steps that the client reports');
  match(result.error, /failed to fetch user profile/i, 'error of the client');
  const log = await seen('passport-tiktok-auth', after);
  check(parsed(log.token).access_token, 'the token step passed');
  check(log.profile.status >= 400, `profile answer ${log.profile.status}`);
  match(parsed(log.profile).error.code, /invalid_params|scope_not_authorized/, 'error code of the profile answer');
}, { deadline_ms: 40000 });

test('clients.passport-tiktok-auth.signs-in-when-lenient_user_info=on', async () => {
  await sim.switches({ lenient_user_info: 'on' });
  const after = await lastNumber();
  try {
    const result = client('passport-tiktok-auth');
    check(!result.error, `after ${result.steps}: ${result.error}`);
    equal(result.profile.name, 'สมหญิง ใจดี', 'display name');
    const log = await seen('passport-tiktok-auth', after);
    check(log.authorize && log.token && log.profile, 'the log shows all three steps');
    equal(log.profile.status, 200, 'status of the profile answer');
  } finally {
    await sim.switches({ lenient_user_info: 'off' });
  }
}, { deadline_ms: 40000 });

// --- recorded requests -----------------------------------------------------------------------------------------

const recorded = readFileSync(path.join(here, '..', 'vectors', 'wire', 'wire-oauth.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l));
const live = { key: 'ck_test' };

function send(record, url, body) {
  const headers = Object.fromEntries(Object.entries(record.headers).filter(([k]) => !/^(host|content-length|connection|accept-encoding)$/i.test(k)));
  if (body) headers['content-length'] = Buffer.byteLength(body);
  else if (Object.keys(record.headers).some((k) => /^content-length$/i.test(k))) headers['Content-length'] = '0';
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: sim.port, method: record.method, path: url, headers, agent: false }, (r) => {
      let text = '';
      r.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => resolve({ status: r.statusCode, headers: r.headers, text, json: JSON.parse(text) }));
    });
    request.on('error', reject).setTimeout(10000, () => request.destroy(new Error('no answer')));
    request.end(body);
  });
}

async function freshToken(scopes) {
  return sim.control('POST', 'tokens', { client_key: live.key, user: 'somying', scopes });
}

// The recorded request with what was alive then replaced by what is alive now.
async function replay(record) {
  const form = new URLSearchParams(record.body);
  const headers = { ...record.headers };
  if (form.has('code')) {
    const { code } = await sim.control('POST', 'codes', {
      client_key: live.key, user: 'somying', scopes: 'user.info.basic', redirect_uri: form.get('redirect_uri'),
    });
    form.set('code', code);
  }
  if (form.has('refresh_token')) form.set('refresh_token', (await freshToken('user.info.basic')).refresh_token);
  if (form.has('token')) form.set('token', (await freshToken('user.info.basic')).access_token);
  const bearer = Object.keys(headers).find((k) => /^authorization$/i.test(k));
  if (bearer) headers[bearer] = `Bearer ${(await freshToken(record.n === 7 ? 'user.info.basic,user.info.profile' : 'user.info.basic')).access_token}`;
  return send({ ...record, headers }, record.url, record.body ? form.toString() : '');
}

function judgeToken(answer) {
  equal(answer.status, 200, 'status');
  for (const k of ['access_token', 'refresh_token', 'open_id', 'scope', 'token_type']) check(typeof answer.json[k] === 'string' && answer.json[k], `${k}: ${answer.text.slice(0, 200)}`);
  for (const k of ['expires_in', 'refresh_expires_in']) check(Number.isInteger(answer.json[k]) && answer.json[k] > 0, `${k} is a number of seconds`);
  match(answer.json.access_token, /^act\./, 'access_token');
  match(answer.json.refresh_token, /^rft\./, 'refresh_token');
  equal(answer.json.token_type, 'Bearer', 'token_type');
  check(answer.headers['x-tt-logid'], 'x-tt-logid is there');
}

function judgeProfile(record, answer) {
  const fields = new URL(record.url, 'http://x').searchParams.get('fields').split(',');
  if (fields.includes('avatar_url_200')) {
    check(answer.status === 400 || answer.status === 401, `strict profile call: status ${answer.status}`);
    match(answer.json.error.code, /invalid_params|scope_not_authorized/, 'error code');
    return;
  }
  equal(answer.status, 200, `status, ${answer.text.slice(0, 200)}`);
  equal(answer.json.error.code, 'ok', 'error code');
  equal(Object.keys(answer.json.data.user).sort(), [...fields].sort(), 'fields of the profile');
}

check(recorded.length === 12, 'the recording holds 12 requests');
for (const record of recorded) {
  test(`clients.recorded.${record.n}-${record.method}${record.url.split('?')[0]}`, async () => {
    const answer = await replay(record);
    if (record.url.startsWith('/v2/oauth/token/')) judgeToken(answer);
    else if (record.url.startsWith('/v2/oauth/revoke/')) {
      equal(answer.status, 200, 'status');
      equal(answer.json, {}, 'answer');
    } else judgeProfile(record, answer);
  });
}

test('clients.recorded.code-is-burnt-after-one-use', async () => {
  const record = recorded[0];
  const { code } = await sim.control('POST', 'codes', { client_key: live.key, user: 'somying', scopes: 'user.info.basic', redirect_uri: 'http://127.0.0.1:9802/cb' });
  const form = new URLSearchParams(record.body);
  form.set('code', code);
  judgeToken(await send(record, record.url, form.toString()));
  const again = await send(record, record.url, form.toString());
  equal(again.status, 200, 'status of the second use');
  equal(again.json.error, 'invalid_grant', 'its error');
});

await run();
