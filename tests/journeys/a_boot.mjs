// The daemon's life on the real binary: what it refuses to start with, one daemon per state folder, restarts with the socket
// handed over, draining, health and metrics, the operator's commands, a database that goes away and a disk that is full.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { Browser, attempt, client, consent, endOf, fields, signIn, toTikTok } from '../support/signin.mjs';
import { check, equal, freePort, match, run, tempDir, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, Program, daemonConfig, root, secretFile, startStack, writeConfig } from '../support/stack.mjs';
import { childEnv, daemonBinary } from '../../tools/stack.mjs';

const SHOP = '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';
const pgScript = path.join(root, 'tests', 'support', 'pg.sh');
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

// A command of the program to its end: { code, out, err, all }.
function command(args, { env = {}, timeout = 30000 } = {}) {
  const r = spawnSync(daemonBinary, args, { encoding: 'utf8', timeout, env: childEnv(env), cwd: root });
  return { code: r.status, out: r.stdout, err: r.stderr, all: r.stdout + r.stderr };
}

// A configuration that is good; `settings` change it, null takes a setting away.
async function prepared(settings = {}) {
  const dir = tempDir('mz-boot');
  mkdirSync(path.join(dir, 'daemon'), { mode: 0o700 });
  const port = await freePort();
  const all = daemonConfig({ dir, port, privatePort: await freePort(), simUrl: 'http://127.0.0.1:9' });
  const rows = Object.entries({ ...all, ...settings }).filter(([, v]) => v !== null);
  const config = path.join(dir, 'mozflow-tiktok.conf');
  writeConfig(config, Object.fromEntries(rows));
  const secrets = ['kek.secret', 'login.secret', 'business.secret'].map((f) => readFileSync(path.join(dir, f), 'utf8'));
  return { dir, config, port, secrets, state: path.join(dir, 'daemon') };
}

// Neither the secret nor a recognisable half of it.
function noSecret(text, secrets) {
  for (const s of secrets) {
    check(!text.includes(s) && !text.includes(s.slice(0, 12)) && !text.includes(s.slice(-12)), 'bytes of a secret are printed');
    check(!text.includes(Buffer.from(s).toString('base64').slice(0, 16)), 'bytes of a secret are printed in base64');
  }
}

// serve refuses with exit code 2 and says `why`; `config check` comes to the same end.
function refused(p, why, env = {}) {
  const serve = command(['serve', '--state', p.state, '--config', p.config], { env });
  equal(serve.code, 2, `exit code of serve: ${serve.all}`);
  match(serve.err, why);
  const checked = command(['config', 'check', '--config', p.config], { env });
  equal(checked.code, 2, `exit code of config check: ${checked.all}`);
  match(checked.err, why);
  noSecret(serve.all + checked.all, p.secrets);
}

function file(p, name, text, mode = 0o600) {
  const at = path.join(p.dir, name);
  writeFileSync(at, text, { mode });
  chmodSync(at, mode);
  return at;
}

test('boot.refuses.no_kek', async () => refused(await prepared({ 'keys.kek_file': null }), /keys\.kek/));

for (const [name, app] of [['client', 'login'], ['webhook', 'accounts']]) {
  test(`boot.refuses.${name}_secret_empty_or_absent`, async () => {
    const key = `tiktok.${app}.client_secret`;
    refused(await prepared({ [`${key}_file`]: null }), new RegExp(key.replaceAll('.', '\\.')));
    for (const text of ['', '\n', '  \n']) {
      const p = await prepared();
      writeFileSync(path.join(p.dir, app === 'login' ? 'login.secret' : 'business.secret'), text);
      const r = { ...p, secrets: p.secrets.filter((s) => s.trim().length > 20) };
      refused(r, new RegExp(key.replaceAll('.', '\\.')));
    }
  });
}

test('boot.refuses.plain_secrets', async () => {
  const plain = randomBytes(24).toString('base64url');
  for (const key of ['keys.kek', 'tiktok.login.client_secret', 'tiktok.accounts.client_secret']) {
    const p = await prepared({ [key]: plain });
    p.secrets.push(plain);
    refused(p, /never given plainly/);
    const q = await prepared();
    q.secrets.push(plain);
    refused(q, /never given plainly/, { [`MZ_${key.toUpperCase().replaceAll('.', '_')}`]: plain });
  }
});

test('boot.refuses.secret_files_that_others_read', async () => {
  for (const mode of [0o644, 0o640, 0o604]) {
    const p = await prepared();
    chmodSync(path.join(p.dir, 'login.secret'), mode);
    refused(p, /tiktok\.login\.client_secret/);
  }
  const p = await prepared();
  refused({ ...p, config: file(p, 'missing.conf', `${readFileSync(p.config, 'utf8')}keys.kek_previous_file = ${p.dir}/nothing\n`) }, /keys\.kek_previous/);
});

test('boot.names_every_problem_at_once', async () => {
  const p = await prepared({
    'store.pool': '1', 'http.threads_read': 'many', 'tiktok.timeout_ms': '9000', 'no.such_setting': 'x', 'public.base_url': 'nonsense', 'webhook.challenge': 'perhaps',
  });
  const r = command(['serve', '--state', p.state, '--config', p.config], { env: { MZ_NO_SUCH_THING: '1', MZ_STORE_DISK_RESERVE_MIB: '15' } });
  equal(r.code, 2, r.all);
  for (const want of [/store\.pool.* 2 to 200/, /http\.threads_read.* 1 to 64/, /tiktok\.timeout_ms.* 500 to 8000/, /no\.such_setting/, /public\.base_url/,
    /webhook\.challenge.*true or false/, /MZ_NO_SUCH_THING/, /store\.disk_reserve_mib.* 16 to 1048576/]) match(r.err, want);
  noSecret(r.all, p.secrets);
});

test('boot.config_check_and_print', async () => {
  const p = await prepared();
  const good = command(['config', 'check', '--config', p.config]);
  equal([good.code, good.err], [0, ''], good.all);
  const printed = command(['config', 'print', '--config', p.config], { env: { MZ_STORE_POOL: '7' } });
  equal(printed.code, 0, printed.all);
  for (const want of [/store\.pool = 7.*environment/, /keys\.kek.*set/, /tiktok\.login\.client_key = awsimlogin/, /keys\.kek_previous.*not set/]) match(printed.out, want);
  noSecret(good.all + printed.all, p.secrets);
  for (const line of [[], ['nonsense'], ['config'], ['serve', '--nonsense', 'x'], ['flag', 'login.tiktok']]) equal(command(line).code, 2, `exit code of ${line}`);
  equal(command(['explain', 'msg_x', '--state', p.state]).code, 1, 'a command without a daemon');
  match(command(['version']).out, /^mozflow-tiktok \d+\.\d+\.\d+\n$/);
});

// --- one running daemon for the next ones ---

const generous = { 'http.reads_per_second': '0', 'http.writes_per_second': '0', 'http.intake_per_second': '0', 'http.max_per_address': '1000' };
let shared;
const stackOf = async () => (shared ??= await startStack({ settings: generous }));
const secretOf = (stack) => readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();

let serial = 0;
function body(text = 'สวัสดี') {
  serial += 1;
  const content = { timestamp: Date.now(), unique_identifier: `+P${serial % 3}`, conversation_id: `c${serial % 3}`, message_id: `m${serial}-${process.pid}`, type: 'text', text: { body: text } };
  return Buffer.from(JSON.stringify({ client_key: BUSINESS_KEY, event: 'im_receive_msg', create_time: Math.floor(Date.now() / 1000), user_openid: SHOP, content: JSON.stringify(content) }));
}

function signature(secret, bytes) {
  const t = Math.floor(Date.now() / 1000);
  return `t=${t},s=${createHmac('sha256', secret).update(`${t}.`).update(bytes).digest('hex')}`;
}

const inboxKey = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 32);

// One signed webhook on a connection of its own: { status, retryAfter, ms, error }.
function deliver(port, secret, bytes, agent = false) {
  const begun = Date.now();
  return new Promise((resolve) => {
    const done = (more) => resolve({ status: 0, ms: Date.now() - begun, ...more });
    const rq = http.request({ agent, host: '127.0.0.1', port, method: 'POST', path: '/webhooks/tiktok/accounts', timeout: 20000,
      headers: { 'content-length': bytes.length, 'tiktok-signature': signature(secret, bytes) } }, (rs) => {
      rs.resume();
      rs.once('end', () => done({ status: rs.statusCode, retryAfter: rs.headers['retry-after'] }));
      rs.once('error', (e) => done({ error: e.message }));
    });
    rq.once('timeout', () => rq.destroy(new Error('no answer in 20 s')));
    rq.once('error', (e) => done({ error: e.message }));
    rq.end(bytes);
  });
}

const sqliteKeys = (file_) => execFileSync('sqlite3', ['-readonly', file_, 'SELECT lower(hex(hash)) FROM webhook_inbox'], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim().split('\n');

test('boot.health_and_metrics', async () => {
  const stack = await stackOf();
  equal((await fetch(`${stack.daemon.url}/livez`)).status, 200);
  for (const p of ['/readyz', '/metrics']) equal((await fetch(stack.daemon.url + p)).status, 404, `${p} on the public listener`);
  const ready = await fetch(`${stack.privateUrl}/readyz`);
  equal([ready.status, await ready.json()], [200, { ready: true, reasons: [] }]);
  for (const p of ['/v1/conversations', '/admin/explain?id=x', '/console/']) equal((await fetch(stack.privateUrl + p)).status, 404, `${p} on the private listener`);
  equal((await deliver(stack.port, secretOf(stack), body())).status, 200);
  const text = await (await fetch(`${stack.privateUrl}/metrics`)).text();
  match(text, /webhook/);
  const r = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
  check(!r.error, `promtool: ${r.error?.message}`);
  equal([r.status, r.stderr.trim()], [0, ''], `promtool check metrics: ${r.stdout}${r.stderr}`);
});

test('boot.second_daemon_is_refused', async () => {
  const stack = await stackOf();
  const begun = Date.now();
  const second = new Program('second', daemonBinary, ['serve', '--state', stack.daemon.state, '--config', stack.config], { dir: stack.dir });
  let alive = true;
  void second.exit.then(() => (alive = false));
  while (alive) {
    equal((await fetch(`${stack.daemon.url}/livez`)).status, 200, 'the first daemon meanwhile');
    await Promise.race([second.exit, pause(500)]);
  }
  equal((await second.exit).code, 3, second.tail());
  check(Date.now() - begun <= 25000, 'it waited too long');
  match(readFileSync(second.logFile, 'utf8'), /another daemon holds/);
  equal((await fetch(`${stack.privateUrl}/readyz`)).status, 200);
}, { deadline_ms: 40000 });

test('boot.explain_from_the_command_line', async () => {
  const stack = await stackOf();
  const api = client(stack);
  equal((await deliver(stack.port, secretOf(stack), body('why'))).status, 200);
  const message = await until(async () => (await api('GET', '/v1/conversations')).json.items[0]?.last_message?.id, 10000, 'the message');
  const told = (id) => command(['explain', id, '--state', stack.daemon.state]);
  const story = await until(() => { const r = told(message); return /attempt\(s\)/.test(r.out) && r; }, 10000, 'the delivery in the story');
  equal(story.code, 0, story.all);
  for (const step of [/signature was right/, /TikTok's time of the message/, /stored in conversation/, /written for Mozflow/, /attempt\(s\) the event is/]) match(story.out, step);
  for (const line of story.out.trim().split('\n')) match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}\S/, 'a step with its time');
  const made = await attempt(stack);
  const back = await signIn(stack, made.start_url);
  const code = new URL(back.location).searchParams.get('code');
  equal((await api('POST', '/v1/login/exchange', { code, attempt_id: made.attempt_id })).status, 200);
  const login = await until(() => { const r = told(made.attempt_id); return /Attempt \d+ ended|Mozflow took it/.test(r.out) && r; }, 10000, `the delivery in the login's story: ${told(made.attempt_id).all}`);
  for (const step of [/attempt was made, purpose sign_in/, /went to TikTok/, /TikTok confirmed the person/, /Granted: /, /was written for Mozflow/, /code was presented to be exchanged/]) match(login.out, step);
  equal(told('msg_00000000000000000000000000').code, 1, 'an unknown id');
  // In Thai, on both ways; and a conversation, whose newest message follows.
  const thai = (id) => command(['explain', id, '--lang', 'th', '--state', stack.daemon.state]);
  for (const step of [/ลายเซ็นถูกต้อง/, /ถูกจัดเก็บในการสนทนา/, /หลังจากส่ง \d+ ครั้ง/]) match(thai(message).out, step);
  for (const step of [/สร้างคำขอลงชื่อเข้าใช้แล้ว วัตถุประสงค์: sign_in/, /TikTok ยืนยันตัวบุคคล/, /รหัสใช้ครั้งเดียว/]) match(thai(made.attempt_id).out, step);
  equal(thai('msg_00000000000000000000000000').code, 1);
  const account = (await api('GET', '/v1/accounts')).json.items[0].id;
  match(told(account).out, /Account acc_\w+ was connected through app/);
  match(thai(account).out, /เชื่อมต่อบัญชี acc_\w+ ผ่านแอป/);
  equal(command(['explain', message, '--lang', 'de', '--state', stack.daemon.state]).code, 2, 'a language that is not there');
  const conversation = (await api('GET', '/v1/conversations')).json.items[0].id;
  match(told(conversation).out, /was first stored[^]*1 unread message[^]*|signature was right/);
  match(told(conversation).out, /stored in conversation/);
}, { deadline_ms: 45000 });

test('boot.flag_from_the_command_line', async () => {
  const stack = await stackOf();
  const made = await attempt(stack);
  const flag = (...more) => command(['flag', 'login.tiktok', ...more, '--state', stack.daemon.state]);
  check(flag('off').code !== 0, 'a change without a reason');
  check(command(['flag', 'no.flag', 'off', '--reason', 'a test', '--state', stack.daemon.state]).code !== 0, 'an unknown flag');
  const status = async (p) => (await new Browser().get(stack.daemon.url + p)).status;
  equal(await status('/embed/login-button.js'), 200);
  equal(flag('off', '--reason', 'a boot journey').code, 0);
  const off = Date.now();
  await until(async () => (await status('/embed/login-button.js')) === 404, 1000, 'the flag');
  check(Date.now() - off <= 1000, 'slower than a second');
  equal((await new Browser().get(made.start_url)).status, 404);
  equal((await client(stack)('POST', '/v1/login/attempts', { purpose: 'sign_in', return_url_id: stack.seed.return_url_id })).status, 404);
  equal(flag('on', '--reason', 'a boot journey').code, 0);
  await until(async () => (await new Browser().get(made.start_url)).status === 200, 1000, 'the flag');
  const audit = (await client(stack)('GET', '/v1/audit?limit=100'));
  check(audit.status === 200 || audit.status === 403, `audit: ${audit.status}`);
});

test('boot.console_link_works_once', async () => {
  const stack = await stackOf();
  const made = command(['console-link', stack.seed.workspace_id, '--state', stack.daemon.state]);
  equal(made.code, 0, made.all);
  const link = made.out.trim();
  const first = new Browser();
  const page = await first.get(link);
  equal([page.status, (await first.request(`${stack.daemon.url}/v1/session`)).status], [200, 401], 'opening the link signs nobody in');
  equal((await first.post(`${stack.daemon.url}/console/enter`, fields(page.text))).status, 303, 'the button');
  equal((await first.request(`${stack.daemon.url}/v1/session`)).status, 200);
  const second = new Browser();
  const again = await second.get(link);
  check(again.status >= 400 && again.status < 500, `a second use: ${again.status}`);
  equal((await second.post(`${stack.daemon.url}/console/enter`, fields(page.text))).status, 404, 'a second press');
  equal((await second.request(`${stack.daemon.url}/v1/session`)).status, 401);
  check(command(['console-link', 'ws_none', '--state', stack.daemon.state]).code !== 0, 'an unknown workspace');
});

test('boot.readyz_says_why', async (t) => {
  const stack = await startStack({ settings: { 'store.disk_reserve_mib': '1048576' }, seed: false });
  t.cleanup(() => stack.stop());
  const r = await fetch(`${stack.privateUrl}/readyz`);
  const answer = await r.json();
  equal([r.status, answer.ready], [503, false]);
  match(answer.reasons.join('\n'), /store: \d+ MiB free, reserve 1048576 MiB/);
  equal((await fetch(`${stack.daemon.url}/livez`)).status, 200, 'alive all the same');
});

// --- ending ---

test('boot.sigterm_drains', async (t) => {
  const stack = await startStack({ settings: generous });
  t.cleanup(() => stack.stop());
  const browser = new Browser();
  const made = await attempt(stack);
  const callback = await consent(stack.sim, await toTikTok(browser, made.start_url));
  await stack.sim.control('POST', 'faults', { path: '/v2/oauth/token/', kind: 'delay', delay_ms: 2500, times: 1 });
  const before = (await stack.sim.log()).length;
  const slow = browser.get(callback);
  // A webhook of which one half has come.
  const bytes = body('half');
  const half = net.connect(stack.port, '127.0.0.1');
  let answer = '';
  half.on('data', (d) => (answer += d)).on('error', (e) => (answer += `error: ${e.message}`));
  half.write(`POST /webhooks/tiktok/accounts HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\nTikTok-Signature: ${signature(secretOf(stack), bytes)}\r\n\r\n`);
  half.write(bytes.subarray(0, 100));
  await pause(150); // both are inside now; nothing to poll on: the simulator logs a call when it is answered
  const begun = Date.now();
  stack.daemon.program.signal('SIGTERM');
  await until(async () => (await (await fetch(`${stack.privateUrl}/readyz`)).json()).reasons.some((r) => r.startsWith('draining')), 4000, 'draining');
  half.write(bytes.subarray(100));
  const back = await slow;
  equal([back.status, endOf(back)], [303, undefined], `the slow sign-in: ${back.text.slice(0, 200)}`);
  const how = await stack.daemon.program.exit;
  equal(how, { code: 0, signal: null }, 'the end');
  check(Date.now() - begun <= 10000, `took ${Date.now() - begun} ms`);
  match(answer, /^HTTP\/1\.1 200/, 'the webhook that was half there');
  check((await stack.sim.log()).length > before, 'the token call was made');
  check(sqliteKeys(path.join(stack.daemon.state, 'mozflow.db')).includes(inboxKey(bytes)), 'the webhook is in the table');
}, { deadline_ms: 40000 });

test('boot.restart_with_the_socket_handed_over', async (t) => {
  const stack = await startStack({ settings: generous });
  t.cleanup(() => stack.stop());
  const secret = secretOf(stack);
  const api = client(stack);
  equal((await deliver(stack.port, secret, body('before'))).status, 200);
  const before = await until(async () => (await api('GET', '/v1/conversations')).json.items[0], 10000, 'the conversation');
  equal((await stack.daemon.stop()).code, 0);
  const holder = new Program('handover', 'perl', [path.join(root, 'tests', 'support', 'handover.pl'), String(stack.port), 'http.listen', daemonBinary,
    'serve', '--state', stack.daemon.state, '--config', stack.config], { dir: stack.dir });
  t.cleanup(() => holder.stop());
  await holder.ready(() => fetch(`${stack.daemon.url}/livez`, { signal: AbortSignal.timeout(5000) }).then((r) => r.ok, () => false));
  const results = [];
  const acked = [];
  let stop = false;
  const lanes = Array.from({ length: 6 }, async () => {
    while (!stop) {
      const bytes = body('during');
      const r = await deliver(stack.port, secret, bytes);
      results.push(r);
      if (r.status === 200) acked.push(inboxKey(bytes));
    }
  });
  const lines = () => readFileSync(holder.outFile, 'utf8').trim().split('\n');
  for (let i = 1; i <= 3; i += 1) {
    holder.signal('SIGUSR1');
    await until(() => lines().filter((l) => l.startsWith('end ')).length === i, 15000, `end ${i}`);
    const served = results.filter((r) => r.status === 200).length;
    await until(() => results.filter((r) => r.status === 200).length > served + 20, 10000, 'answers of the new one');
  }
  stop = true;
  await Promise.all(lanes);
  equal(lines().filter((l) => l.startsWith('end ')).map((l) => l.split(' ')[2]), ['0', '0', '0'], 'how they ended');
  const bad = results.filter((r) => r.status !== 200);
  equal(bad.slice(0, 3), [], `${bad.length} of ${results.length} requests were not answered 200`);
  check(Math.max(...results.map((r) => r.ms)) < 8000, 'a request waited too long');
  const kept = new Set(sqliteKeys(path.join(stack.daemon.state, 'mozflow.db')));
  equal(acked.filter((k) => !kept.has(k)).length, 0, 'acknowledged and not in the table');
  const after = (await api('GET', `/v1/conversations/${before.id}/messages?limit=100`)).json.items;
  check(after.some((m) => m.text === 'before'), 'what was there before is there still');
}, { deadline_ms: 90000 });

// --- the database goes away ---

test('boot.postgres_away_and_back', async (t) => {
  const stack = await startStack({ db: 'postgres', settings: generous });
  t.cleanup(() => stack.stop());
  const secret = secretOf(stack);
  const acked = [];
  const send = async () => {
    const bytes = body('pg');
    const r = await deliver(stack.port, secret, bytes);
    if (r.status === 200) acked.push(inboxKey(bytes));
    return r;
  };
  for (let i = 0; i < 20; i += 1) equal((await send()).status, 200);
  let stop = false;
  const results = [];
  const lanes = Array.from({ length: 4 }, async () => {
    while (!stop) {
      results.push({ at: Date.now(), ...(await send()) });
      await pause(10);
    }
  });
  await pause(300);
  execFileSync(pgScript, ['cut', path.join(stack.dir, 'pg')], { timeout: 60000 });
  const cut = Date.now();
  await until(() => results.filter((r) => r.at > cut && r.status === 503).length >= 20, 15000, 'refusals');
  const away = results.filter((r) => r.at > cut);
  const ready = await fetch(`${stack.privateUrl}/readyz`);
  equal(ready.status, 503, `readyz: ${await ready.text()}`);
  equal((await fetch(`${stack.daemon.url}/livez`)).status, 200);
  const read = await client(stack)('GET', '/v1/conversations');
  equal(read.status, 503, `reading: ${read.text}`);
  check(read.headers.get('retry-after'), 'Retry-After on a read');
  execFileSync(pgScript, ['again', path.join(stack.dir, 'pg')], { timeout: 60000 });
  const back = Date.now();
  await until(() => results.some((r) => r.at > back && r.status === 200), 10000, 'recovery of the intake');
  await until(async () => (await client(stack)('GET', '/v1/conversations')).status === 200, Math.max(1, 10000 - (Date.now() - back)), 'recovery of reading');
  await until(async () => (await fetch(`${stack.privateUrl}/readyz`)).status === 200, Math.max(1, 10000 - (Date.now() - back)), 'readiness');
  stop = true;
  await Promise.all(lanes);
  const slowest = Math.max(...away.filter((r) => r.at < back).map((r) => r.ms));
  check(slowest <= 1000, `the slowest refusal took ${slowest} ms`);
  equal([...new Set(away.filter((r) => r.at < back).map((r) => r.status))], [503], 'answers while it was away');
  check(away.filter((r) => r.status === 503).every((r) => Number(r.retryAfter) >= 1), 'Retry-After');
  const kept = new Set(execFileSync('psql', ['-XAtc', "SELECT encode(hash, 'hex') FROM webhook_inbox", stack.dbUrl], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim().split('\n'));
  equal(acked.filter((k) => !kept.has(k)).length, 0, `acknowledged and lost, of ${acked.length}`);
}, { deadline_ms: 90000 });

test('boot.disk_full', async (t) => {
  if (process.getuid() !== 0) t.skip('needs root');
  const dir = tempDir('mz-full');
  const disk = path.join(dir, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=0700', 'tmpfs', disk], { encoding: 'utf8' });
  if (mounted.status !== 0) t.skip(`needs root that may mount: ${mounted.stderr.trim().replace(/\s+/g, ' ')}`);
  t.cleanup(() => execFileSync('umount', ['-l', disk]));
  const db = path.join(disk, 'mozflow.db');
  const stack = await startStack({ settings: { ...generous, 'store.url': `sqlite:${db}`, 'store.disk_reserve_mib': '16' } });
  t.cleanup(() => stack.stop());
  const secret = secretOf(stack);
  const acked = [];
  const send = async () => {
    const bytes = body('x'.repeat(4000));
    const r = await deliver(stack.port, secret, bytes);
    if (r.status === 200) acked.push(inboxKey(bytes));
    return r;
  };
  for (let i = 0; i < 20; i += 1) equal((await send()).status, 200);
  equal((await fetch(`${stack.privateUrl}/readyz`)).status, 200);
  const ballast = path.join(disk, 'ballast');
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=64k'], { encoding: 'utf8' });
  const answers = [];
  await until(async () => { const r = await send(); answers.push(r); return r.status === 503; }, 20000, 'a refusal');
  for (let i = 0; i < 10; i += 1) answers.push(await send());
  equal(answers.slice(-10).map((r) => r.status), Array(10).fill(503), 'answers on a full disk');
  check(answers.filter((r) => r.status === 503).every((r) => Number(r.retryAfter) >= 1 && r.ms <= 5000), 'Retry-After, in time');
  equal((await client(stack)('GET', '/v1/conversations')).status, 200, 'reading');
  equal((await fetch(`${stack.daemon.url}/livez`)).status, 200);
  const ready = await fetch(`${stack.privateUrl}/readyz`);
  equal(ready.status, 503);
  match((await ready.json()).reasons.join(' '), /store/);
  rmSync(ballast);
  await until(async () => (await send()).status === 200, 10000, 'the recovery');
  await until(async () => (await fetch(`${stack.privateUrl}/readyz`)).status === 200, 10000, 'readiness');
  const kept = new Set(sqliteKeys(db));
  equal(acked.filter((k) => !kept.has(k)).length, 0, `acknowledged and lost, of ${acked.length}`);
  equal(execFileSync('sqlite3', ['-readonly', db, 'PRAGMA integrity_check'], { encoding: 'utf8' }).trim(), 'ok');
}, { deadline_ms: 60000 });

await run();
