// Canary values: after a run through every way that a secret or a personal value takes, they are looked for where they must
// not be, in raw, hex, base64, base64url and percent form. Secrets (tokens, codes, states, keys, passwords) may stand nowhere
// outside their own files; what people are called and write may stand in the database only. And nobody of the same account
// can read the process.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { check, equal, run, tempDir, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, Program, daemonConfig, databases, startStack, writeConfig } from '../support/stack.mjs';
import { Browser, connectAccount, signIn, toTikTok } from '../support/signin.mjs';
import { call, invited, keyWith, passing, staff, workspaceCreate } from '../support/actors.mjs';
import { childEnv, daemonBinary, freePort } from '../../tools/stack.mjs';

// ---- forms of a value, and a search for many of them at once ----

// Base64 of the value inside a longer text: three positions; the characters that neighbours share are left out.
function base64Forms(bytes) {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64').replace(/=+$/, '');
    const from = before === 0 ? 0 : before + 1;
    const to = (before + bytes.length) % 3 === 0 ? text.length : text.length - 1;
    return text.slice(from, to);
  });
}

function formsOf(value) {
  const bytes = Buffer.from(value);
  const base64 = base64Forms(bytes);
  const percent = [...bytes].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('');
  const forms = {
    raw: value, hex: bytes.toString('hex'), HEX: bytes.toString('hex').toUpperCase(), uri: encodeURIComponent(value), percent, PERCENT: percent.toUpperCase(),
    json: JSON.stringify(value).slice(1, -1), escaped: [...value].map((c) => (c > '~' ? [...Array(c.length)].map((_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join('') : c)).join(''),
    ...Object.fromEntries(base64.map((b, i) => [`base64.${i}`, b])),
    ...Object.fromEntries(base64.map((b, i) => [`base64url.${i}`, b.replaceAll('+', '-').replaceAll('/', '_')])),
  };
  if (/^[0-9a-f]{64}$/.test(value)) forms.bytes = Buffer.from(value, 'hex'); // a key in its own bytes
  return forms;
}

class Search {
  constructor(values) {
    this.bloom = new Uint8Array(1 << 21);
    this.heads = new Map();
    this.n = 0;
    for (const [name, value] of values) {
      check(typeof value === 'string' && Buffer.byteLength(value) >= 8, `the canary ${name} is too short: ${value}`);
      const seen = new Set();
      for (const [form, text] of Object.entries(formsOf(value))) {
        const bytes = Buffer.from(text);
        if (seen.has(bytes.toString('latin1'))) continue;
        seen.add(bytes.toString('latin1'));
        const head = bytes.readUInt32BE(0);
        this.bloom[Math.imul(head, 2654435761) >>> 11] = 1;
        if (!this.heads.has(head)) this.heads.set(head, []);
        this.heads.get(head).push({ name, form, bytes });
        this.n += 1;
      }
    }
  }

  in(buffer) {
    const found = [];
    let v = 0;
    for (let i = 0; i < buffer.length; i += 1) {
      v = ((v << 8) | buffer[i]) >>> 0;
      if (i < 3 || this.bloom[Math.imul(v, 2654435761) >>> 11] === 0) continue;
      for (const one of this.heads.get(v) ?? []) {
        if (buffer.subarray(i - 3, i - 3 + one.bytes.length).equals(one.bytes)) found.push(`${one.name} (${one.form})`);
      }
    }
    return [...new Set(found)];
  }
}

test('canary.search_finds_every_form', () => {
  const values = [['token', 'act.Zx9-canary_value!42'], ['thai', 'แมวสามสี คานารี'], ['key', 'ab'.repeat(32)]];
  const search = new Search(values);
  for (const [name, value] of values) {
    for (const [form, text] of Object.entries(formsOf(value))) {
      const got = search.in(Buffer.concat([Buffer.from('some text before {"x":"'), Buffer.from(text), Buffer.from('", and after')]));
      check(got.some((g) => g.startsWith(name)), `${name} as ${form} was not found`);
    }
    for (const before of ['a', 'bb', 'ccc']) {
      const inside = Buffer.from(`${before}${value}zz`).toString('base64');
      check(search.in(Buffer.from(inside)).length > 0, `${name} in the base64 of a longer text was not found`);
    }
  }
  equal(search.in(Buffer.from('nothing of this kind')), []);
});

// ---- the run ----

const settings = {
  'http.reads_per_second': 0, 'http.writes_per_second': 0, 'http.exchanges_per_second': 0, 'http.intake_per_second': 0,
  'tiktok.login.scopes': 'user.info.basic,user.info.profile,user.info.stats',
  'tiktok.login.mobile_redirect_uris': 'https://app.example/tiktok',
};
const rare = (what) => `${what}${crypto.randomUUID().replace(/-/g, '')}`;

class Canaries {
  secret = new Map();
  person = new Map();
  add(map, name, value) {
    if (typeof value === 'string' && value) map.set(`${name} ${map.size}`, value);
    return value;
  }
  hide(name, value) {
    return this.add(this.secret, name, value);
  }
  own(name, value) {
    return this.add(this.person, name, value);
  }
}

const tokenOf = (actor) => /=(.*)$/.exec(actor.headers.cookie)[1];
const inQuery = (url, name) => new URL(url).searchParams.get(name);

async function access(stack, c, owner) {
  const member = await invited(stack, owner, 'House', 'agent');
  for (const [name, value] of [['invitation', member.invitation], ['password', member.password], ['session', member.token]]) c.hide(name, value);
  c.own('e-mail', member.email);
  for (const password of [member.password, c.hide('wrong password', rare('Wr0ng'))]) {
    const r = await call(stack.daemon.url, 'POST', '/v1/session', { json: { email: member.email, password } });
    if (r.status === 200) c.hide('session', /=([^;]*)/.exec(r.cookies[0])[1]);
  }
  await call(stack.daemon.url, 'POST', '/v1/session', { json: { email: c.own('e-mail', `${rare('stranger')}@canary.invalid`), password: rare('nobody') } });
  const pass = await passing(stack, owner, 'analyst');
  c.hide('link', inQuery(pass.link, 'token'));
  c.hide('session', tokenOf(pass));
  await pass.must(200, 'DELETE', '/v1/session');
  for (const scopes of [['accounts.read'], ['events.read', 'explain']]) {
    const key = await keyWith(stack, owner, scopes);
    c.hide('key', key.key);
    await key.ask('GET', '/v1/accounts');
    await owner.must(200, 'DELETE', `/v1/keys/${key.id}`);
    await key.ask('GET', '/v1/accounts');
  }
  await owner.must(201, 'POST', '/v1/invitations', { email: c.own('e-mail', `${rare('guest')}@canary.invalid`), name: c.own('name', rare('แขกผู้มีเกียรติ')), role: 'agent' });
  await owner.must(200, 'PUT', '/v1/events/endpoint', { url: `http://127.0.0.1:${stack.demoPort}/events` });
  c.hide('signing secret', (await owner.must(200, 'POST', '/v1/events/endpoint/rotate-secret')).secret ?? (await owner.must(202, 'POST', '/v1/events/endpoint/rotate-secret')).secret);
}

async function login(stack, c, owner) {
  const back = (await owner.must(201, 'POST', '/v1/login/return-urls', { url: `http://127.0.0.1:${stack.demoPort}/back` })).id;
  const one = async (more, person, spoil) => {
    const made = await owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: back, ...more });
    if (spoil) await stack.sim.control('POST', 'faults', { times: 1, ...spoil });
    const page = await signIn(stack, made.start_url, { person });
    if (spoil) await stack.sim.control('DELETE', 'faults');
    const code = page.location && inQuery(page.location, 'code');
    if (!code) return null;
    c.hide('our code', code);
    const { purpose: _, ...proof } = more; // what the attempt was made with proves it
    const body = { code, attempt_id: made.attempt_id, ...proof };
    const r = await owner.ask('POST', '/v1/login/exchange', body);
    for (const name of ['display_name', 'username', 'avatar_url']) c.own(name, r.json?.profile?.[name]);
    return r.json;
  };
  const first = await one({ client_state: c.own('client state', rare('returned-')) }, 'somying');
  await one({ purpose: 'link', mozflow_user_id: 'u-1' }, 'emma');
  await one({}, 'somying', { path: '/v2/oauth/token/', kind: 'html' });
  await one({}, 'somying', { path: '/v2/oauth/token/', kind: 'error_body', error: 'invalid_grant', description: rare('upstream says ') });
  await one({}, 'somying', { path: '/v2/user/info/', kind: 'status', status: 500 });
  // A callback that is replayed, with a code that never was.
  const made = await owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: back });
  const browser = new Browser();
  const state = c.hide('state', inQuery(await toTikTok(browser, made.start_url), 'state'));
  for (let i = 0; i < 2; i += 1) await browser.get(`${stack.daemon.url}/auth/tiktok/callback?code=${c.hide('bad code', rare('badcode'))}&state=${state}`);
  // An app with TikTok's SDK.
  const post = (at, json) => call(stack.daemon.url, 'POST', at, { json });
  const app = (await owner.must(201, 'POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: back })).attempt_id;
  const start = (await post('/auth/tiktok/mobile/start', { attempt: app, platform: 'android' })).json;
  c.hide('mobile state', start.state);
  const json = { platform: 'android', code: c.hide('mobile code', rare('mobilecode')), code_verifier: c.hide('verifier', rare('verifier')), redirect_uri: start.redirect_uri, state: start.state };
  await post('/auth/tiktok/mobile', json);
  check(first?.identity?.id, 'the first sign-in did not end well');
  await owner.must(202, 'POST', `/v1/accounts/${first.identity.id}/revoke`);
  await until(async () => (await owner.must(200, 'GET', `/v1/accounts/${first.identity.id}`)).state === 'revoked', 10000, 'the revocation');
}

// Connected accounts of all kinds, their tokens refreshed, one revoked; and a secret that is being rotated.
async function connections(stack, c, owner) {
  await stack.sim.switches({ rate_limits: 'off' });
  for (const kind of ['business', 'advertiser']) {
    const { url } = await owner.must(201, 'POST', '/v1/connections', { kind, market: 'th' });
    const way = await connectAccount(stack, url, 'shopowner');
    c.hide('state', inQuery(way.authorize, 'state'));
    for (const name of ['code', 'auth_code']) c.hide(name, inQuery(way.callback, name));
  }
  const list = async () => (await owner.must(200, 'GET', '/v1/accounts?limit=100')).items;
  const business = (await list()).find((a) => a.kind === 'business' && a.state === 'connected' && a.next_refresh_at);
  check(business, `a business account: ${JSON.stringify(await list()).slice(0, 400)}`);
  c.own('name', business.display_name);
  for (let i = 0; i < 2; i += 1) {
    const before = (await list()).find((a) => a.id === business.id).last_good_at;
    const r = await owner.ask('POST', `/v1/accounts/${business.id}/refresh`);
    check(r.status < 300, `refresh: ${r.status} ${r.text.slice(0, 200)}`);
    await until(async () => (await list()).find((a) => a.id === business.id).last_good_at !== before, 10000, 'the refresh');
  }
  // An answer that is lost after TikTok has rotated.
  await stack.sim.control('POST', 'faults', { times: 1, path: '/open_api/v1.3/tt_user/oauth2/refresh_token/', kind: 'half_body' });
  await owner.ask('POST', `/v1/accounts/${business.id}/refresh`);
  await stack.sim.control('DELETE', 'faults');
}

async function webhooks(stack, c, owner) {
  const shop = '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';
  const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
  const send = (content, key = secret, event = 'im_receive_msg', text = JSON.stringify(content)) => {
    const s = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({ client_key: BUSINESS_KEY, event, create_time: s, user_openid: shop, content: text });
    const headers = { 'content-type': 'application/json', 'tiktok-signature': `t=${s},s=${createHmac('sha256', key).update(`${s}.${body}`).digest('hex')}` };
    return call(stack.daemon.url, 'POST', '/webhooks/tiktok/accounts', { body, headers });
  };
  const line = (i, text) => ({
    timestamp: Date.now() + i, unique_identifier: '+P', from_user: { id: '+P', role: 'personal_account' }, to_user: { id: shop, role: 'business_account' },
    from: c.own('customer', rare('ลูกค้า')), to: 'mozflow.shop', conversation_id: 'cnConv==', message_id: `cnMsg${i}==`, type: 'text', text: { body: text },
  });
  const texts = ['ข้อความของลูกค้า ', 'line one\nline two ', '{"level":"error"}\n{"event":"', 'phone 0812345678 '].map((t) => c.own('text', rare(t)));
  for (const [i, text] of texts.entries()) equal((await send(line(i, text))).status, 200, text);
  equal((await send(line(0, texts[0]))).status, 200, 'again');
  equal((await send(line(9, c.own('text', rare('wrongly signed '))), 'another secret')).status, 401, 'wrongly signed');
  equal((await send(line(10, c.own('text', rare('unknown kind '))), secret, 'im_no_such_event')).status, 200, 'unknown');
  equal((await send(null, secret, 'im_receive_msg', c.own('text', rare('unparsable {{{ ')))).status, 200, 'unparsable');
  const talk = (await until(async () => (await owner.must(200, 'GET', '/v1/conversations')).items[0], 8000, 'a conversation')).id;
  const all = await until(async () => {
    const { items } = await owner.must(200, 'GET', `/v1/conversations/${talk}/messages`);
    return items.length === texts.length && items;
  }, 8000, 'the messages');
  equal(all.map((m) => m.text).sort(), [...texts].sort(), 'what was written');
}

// Secrets where a client may put them by mistake.
async function mistakes(stack, c) {
  const t = () => c.hide('misplaced', `mzt_live_${'0'.repeat(26)}_${rare('misplaced')}${rare('x').slice(0, 17)}`);
  const asks = [
    ['GET', `/console/enter?token=${c.hide('link', rare('a').padEnd(43, 'b').slice(0, 43))}`, {}], ['GET', `/v1/members?key=${t()}`, {}], ['GET', `/v1/${t()}`, {}],
    ['GET', '/v1/members', { authorization: `Bearer ${t()}` }], ['GET', '/v1/members', { authorization: `Basic ${c.hide('basic', Buffer.from(rare('u:')).toString('base64'))}` }],
    ['GET', '/v1/members', { cookie: `__Host-mz_session=${c.hide('cookie', rare('c'))}` }], ['GET', '/livez', { referer: `https://x.invalid/?code=${t()}`, 'user-agent': t() }],
    ['POST', '/v1/keys', { 'idempotency-key': t(), authorization: `Bearer ${stack.seed.api_key}`, 'content-type': 'application/json' }, `{"name":"${t()}"`],
    ['GET', '/v1/members', { 'x-request-id': t(), 'x-api-key': t() }],
  ];
  for (const [method, target, headers, body] of asks) await call(stack.daemon.url, method, target, { headers, body });
}

// What TikTok and we told each other, as the simulator saw it.
async function upstream(stack, c) {
  const entries = await stack.sim.log(0);
  const names = ['auth_code', 'access_token', 'refresh_token', 'code', 'code_verifier', 'client_secret', 'state', 'token'];
  let n = 0;
  const walk = (value) => {
    if (value && typeof value === 'object') {
      for (const [name, inner] of Object.entries(value)) {
        if (names.includes(name) && typeof inner === 'string' && inner.length >= 16 && !/^\w+ \w+/.test(inner)) {
          c.hide(name, inner);
          n += 1;
        } else walk(inner);
      }
    } else if (typeof value === 'string') {
      if (/^\s*[{[]/.test(value)) {
        try {
          walk(JSON.parse(value));
        } catch {
          // half a body
        }
      } else if (value.includes('=')) {
        for (const [name, inner] of new URLSearchParams(value.replace(/^[^?]*\?/, ''))) if (names.includes(name)) walk({ [name]: inner });
      }
    }
  };
  walk(entries);
  check(n >= 8, `only ${n} values of TikTok's were seen`);
}

// ---- where to look ----

function filesBelow(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((e) => {
    const at = path.join(dir, e.name);
    return e.isDirectory() ? filesBelow(at) : e.isFile() ? [at] : [];
  });
}

function outputs(stack, metrics) {
  const { logFile, outFile, pid } = stack.daemon.program;
  const log = readFileSync(logFile);
  return { log, out: readFileSync(outFile), metrics: Buffer.from(metrics), environ: readFileSync(`/proc/${pid}/environ`), cmdline: readFileSync(`/proc/${pid}/cmdline`) };
}

// What the console's pages give everybody: the page, and every file it names, as the daemon serves them; and the program.
async function served(stack) {
  const found = { program: readFileSync(daemonBinary) };
  const seen = ['/console/', '/static/pages.css', '/embed/login-qr.js', `/embed/login-button.js?workspace=${stack.seed.workspace_public_key}`, '/openapi.json'];
  for (let i = 0; i < seen.length; i += 1) {
    const r = await fetch(stack.daemon.url + seen[i]);
    equal(r.status, 200, seen[i]);
    const bytes = Buffer.from(await r.arrayBuffer());
    found[`served ${seen[i]}`] = bytes;
    for (const [, name] of bytes.toString('latin1').matchAll(/["'(/]((?:\/console\/|\.\/)?assets\/[\w.-]+\.(?:js|css|svg|woff2?|map))/g)) {
      const at = `/console/assets/${name.replace(/^.*assets\//, '')}`;
      if (!seen.includes(at)) seen.push(at);
    }
  }
  check(seen.filter((at) => at.startsWith('/console/assets/')).length >= 2, `hardly a file of the console: ${seen}`);
  check(!seen.some((at) => at.endsWith('.map')), 'a source map is served');
  return found;
}

// Backups as an operator makes them, beside the running daemon.
function backups(stack) {
  const dir = tempDir('mz-backup');
  const found = {};
  if (stack.dbUrl) {
    for (const name of ['mozflow', 'mozflow_people']) {
      for (const form of ['plain', 'custom']) {
        // The custom form compresses, which would hide what is looked for.
        found[`pg_dump ${form} ${name}`] = execFileSync('pg_dump', [`--format=${form}`, '--compress=0', stack.dbUrl.replace(/[^/]*$/, name)], { maxBuffer: 1 << 28 });
      }
    }
    return found;
  }
  for (const name of ['mozflow.db', 'mozflow.people.db']) {
    const file = path.join(stack.daemon.state, name), copy = path.join(dir, name), into = `${copy}.vacuumed`;
    execFileSync('sqlite3', ['-readonly', file, `.backup ${copy}`]);
    execFileSync('sqlite3', ['-readonly', file, `VACUUM INTO '${into}'`]);
    found[`backup ${name}`] = readFileSync(copy);
    found[`vacuum into ${name}`] = readFileSync(into);
    found[`dump ${name}`] = execFileSync('sqlite3', ['-readonly', file, '.dump'], { maxBuffer: 1 << 28 });
    check(found[`backup ${name}`].length > 8192 && found[`dump ${name}`].includes('CREATE TABLE'), `${name}: an empty backup`);
  }
  return found;
}

function stored(stack) {
  const found = {};
  for (const file of filesBelow(stack.daemon.state)) {
    // The demo keeps what is shown only once for its own second start.
    if (path.basename(file) === 'demo.json') equal(statSync(file).mode & 0o777, 0o600, 'mode of demo.json');
    else found[`state/${path.relative(stack.daemon.state, file)}`] = readFileSync(file);
  }
  if (!stack.dbUrl) return found;
  for (const name of ['mozflow', 'mozflow_people']) {
    found[`pg_dump ${name}`] = execFileSync('pg_dump', ['--inserts', stack.dbUrl.replace(/[^/]*$/, name)], { maxBuffer: 1 << 28 });
  }
  const home = readFileSync(path.join(stack.dir, 'pg', 'where'), 'utf8').trim();
  for (const file of filesBelow(home)) found[`pg/${path.relative(home, file)}`] = readFileSync(file);
  return found;
}

for (const db of databases) {
  test(`canary.${db}.nothing_leaks`, async () => {
    // The net of room observe hides a token that an event writes as text. To see that this test would notice a leak, the
    // planted one opens the net as well.
    const planted = process.env.MZ_PLANT === 'login.log_token' ? { MZ_PLANT: 'login.log_token,observe.no_net' } : {};
    const stack = await startStack({ db, settings, env: planted });
    const c = new Canaries();
    for (const name of ['kek', 'login', 'business']) c.hide(name, readFileSync(path.join(stack.dir, `${name}.secret`), 'utf8').trim());
    for (const seed of [stack.seed, workspaceCreate(stack, rare('Shop'), c.own('e-mail', `${rare('owner')}@canary.invalid`))]) {
      c.hide('api key', seed.api_key);
      c.hide('webhook secret', seed.webhook_secret);
      c.hide('console link', inQuery(seed.console_url, 'token'));
    }
    const { owner } = await staff(stack, 'House', stack.seed.console_url, ['owner']);
    c.hide('session', tokenOf(owner));
    await access(stack, c, owner);
    await login(stack, c, owner);
    await webhooks(stack, c, owner);
    await connections(stack, c, owner);
    await mistakes(stack, c);
    await upstream(stack, c);
    check(c.secret.size >= 40 && c.person.size >= 12, `only ${c.secret.size} secrets and ${c.person.size} personal values`);
    const metrics = await (await fetch(`${stack.privateUrl}/metrics`)).text();
    check(metrics.includes('mz_login_total'), 'no metrics');
    const secrets = new Search(c.secret);
    const everything = new Search([...c.secret, ...c.person]);
    const live = outputs(stack, metrics);
    for (const [where, bytes] of Object.entries(live)) equal(everything.in(bytes), [], `canaries in ${where}`);
    for (const line of live.log.toString('utf8').split('\n').filter(Boolean)) {
      check(JSON.parse(line).event, `a log line without an event: ${line.slice(0, 200)}`);
    }
    check(live.log.length > 5000, 'hardly anything was logged');
    const found = stored(stack);
    const names = Object.keys(found);
    if (!stack.dbUrl) for (const name of ['mozflow.db', 'mozflow.db-wal', 'mozflow.people.db']) check(names.includes(`state/${name}`), `${name} was not looked at: ${names}`);
    else check(names.some((n) => n.startsWith('pg/') && n.includes('pg_wal')), `no WAL of PostgreSQL: ${names.slice(0, 5)}`);
    const text = new Search([['workspace', owner.workspace]]);
    check(Object.values(found).some((bytes) => text.in(bytes).length > 0), 'the search does not even find the workspace');
    for (const [where, bytes] of Object.entries(found)) equal(secrets.in(bytes), [], `secrets in ${where}`);
    for (const [where, bytes] of Object.entries(backups(stack))) equal(secrets.in(bytes), [], `secrets in ${where}`);
    for (const [where, bytes] of Object.entries(await served(stack))) equal(everything.in(bytes), [], `canaries in ${where}`);
    await stack.daemon.stop();
    for (const [where, bytes] of Object.entries(stored(stack))) equal(secrets.in(bytes), [], `secrets in ${where} after the end`);
    equal(everything.in(readFileSync(stack.daemon.program.logFile)), [], 'canaries in the log after the end');
  }, { deadline_ms: 120000 });
}

// ---- the process ----

test('canary.process_is_closed', async (t) => {
  // As an account without rights: the superuser may read everything anyway.
  const dir = tempDir('mz-closed');
  const ids = process.getuid() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'] : [];
  const as = (command) => execFileSync([...ids, ...command][0], [...ids, ...command].slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: childEnv() });
  const binary = path.join(dir, 'mozflow-tiktok');
  copyFileSync(daemonBinary, binary);
  const port = await freePort();
  const config = path.join(dir, 'mozflow-tiktok.conf');
  writeConfig(config, daemonConfig({ dir, port, privatePort: await freePort(), simUrl: 'http://127.0.0.1:9', settings: { 'store.url': `sqlite:${path.join(dir, 'state', 'mozflow.db')}` } }));
  chmodSync(binary, 0o755);
  if (ids.length) execFileSync('chown', ['-R', '65534:65534', dir]);
  const line = [...ids, binary, 'serve', '--state', path.join(dir, 'state'), '--config', config];
  const daemon = new Program('closed', line[0], line.slice(1), { dir });
  t.cleanup(() => daemon.stop());
  await daemon.ready(() => fetch(`http://127.0.0.1:${port}/livez`).then((r) => r.ok, () => false));
  const refused = (what, command) => {
    try {
      as(command);
    } catch (e) {
      check(/denied|not permitted|Operation|ptrace/i.test(`${e.stderr}${e.message}`), `${what}: ${e.message}`);
      return;
    }
    throw new Error(`${what} was allowed to the account of the process itself`);
  };
  for (const file of ['mem', 'environ', 'maps', 'auxv']) refused(file, ['head', '-c1', `/proc/${daemon.pid}/${file}`]);
  refused('fd', ['ls', `/proc/${daemon.pid}/fd`]);
  if (existsSync('/usr/bin/gcore')) {
    let dump = '';
    try {
      dump = as(['gcore', '-o', path.join(dir, 'core'), String(daemon.pid)]);
    } catch (e) {
      dump = `${e.stdout}${e.stderr}`;
    }
    equal(readdirSync(dir).filter((n) => n.startsWith('core.')), [], `core files after gcore: ${dump.slice(-300)}`);
  }
  const limits = readFileSync(`/proc/${daemon.pid}/limits`, 'utf8');
  check(/^Max core file size +0 +0 /m.test(limits), 'the core limit is not 0');
  const environ = readFileSync(`/proc/${daemon.pid}/environ`, 'utf8');
  check(!/SECRET|PASSWORD|KEK/i.test(environ.replace(/[^\0=]+=[^\0]*_FILE/gi, '')), `names of secrets in the environment: ${environ.replaceAll('\0', ' ')}`);
  for (const file of filesBelow(path.join(dir, 'state'))) equal(statSync(file).mode & 0o077, 0, `rights of others on ${file}`);
  // A crash leaves no core either.
  daemon.signal('SIGSEGV');
  const how = await daemon.exit;
  equal(how.signal, 'SIGSEGV');
  equal(filesBelow(dir).filter((f) => /core/.test(path.basename(f))), [], 'core files after a crash');
});

await run();
