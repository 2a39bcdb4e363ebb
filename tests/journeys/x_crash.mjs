// kill -9 at random moments under signed load: every webhook that was answered 200 is in the inbox, each once, its effect
// once, and the database is whole. 300 cycles on SQLite and 20 on PostgreSQL; 10,000 with --long. Planted defect:
// webhook.answer_first (the answer leaves before the commit) must fail within 100 cycles.
import { createHash, createHmac } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { check, equal, long, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, startDaemon, startStack } from '../support/stack.mjs';

const SHOP = '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';
const SENDERS = 8;
const CYCLES = Number(process.env.MZ_CYCLES ?? 0); // fewer, for the planted defect
let serial = 0;

function body() {
  serial += 1;
  const content = {
    timestamp: Date.now(), unique_identifier: `+Person${serial % 5}`, conversation_id: `c${serial % 5}`, message_id: `m${serial}`,
    type: 'text', text: { body: `บรรทัดที่ ${serial}` },
  };
  return Buffer.from(JSON.stringify({
    client_key: BUSINESS_KEY, event: 'im_receive_msg', create_time: Math.floor(Date.now() / 1000), user_openid: SHOP, content: JSON.stringify(content),
  }));
}

function post(agent, port, secret, bytes) {
  const t = Math.floor(Date.now() / 1000);
  const s = createHmac('sha256', secret).update(`${t}.`).update(bytes).digest('hex');
  return new Promise((resolve) => {
    const rq = http.request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/webhooks/tiktok/accounts',
      headers: { 'content-length': bytes.length, 'tiktok-signature': `t=${t},s=${s}` } }, (rs) => {
      rs.resume();
      rs.once('end', () => resolve(rs.statusCode));
      rs.once('error', () => resolve(0));
    });
    rq.once('error', () => resolve(0));
    rq.end(bytes);
  });
}

// One sender: unique bodies, one after the other, until told to stop or the daemon is gone.
async function sender(port, secret, stop, acked) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  while (!stop.now) {
    const bytes = body();
    const status = await post(agent, port, secret, bytes);
    if (status === 200) acked.push(createHash('sha256').update(bytes).digest('hex').slice(0, 32));
    if (status === 0) break;
  }
  agent.destroy();
}

const sqlite = (file, sql) => execFileSync('sqlite3', ['-readonly', file, sql], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim();
const psql = (url, sql) => execFileSync('psql', ['-XAtc', sql, url], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim();

async function crash(db, cycles, t) {
  const stack = await startStack({ db });
  t.cleanup(() => stack.stop());
  const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
  const file = path.join(stack.dir, 'daemon', 'mozflow.db');
  const ask = (lite, pg) => (db === 'sqlite' ? sqlite(file, lite) : psql(stack.dbUrl, pg));
  const acked = [];
  const known = new Set();
  const verify = () => {
    for (const line of ask('SELECT lower(hex(hash)) FROM webhook_inbox', "SELECT encode(hash, 'hex') FROM webhook_inbox").split('\n')) known.add(line);
    const missing = acked.filter((h) => !known.has(h));
    equal(missing.length, 0, `acknowledged webhooks that are gone (of ${acked.length})`);
  };
  let daemon = stack.daemon;
  for (let i = 1; i <= cycles; i += 1) {
    const stop = { now: false };
    const work = Promise.all(Array.from({ length: SENDERS }, () => sender(stack.port, secret, stop, acked)));
    await new Promise((wake) => setTimeout(wake, 5 + Math.random() * 195));
    await daemon.kill();
    stop.now = true;
    await work;
    if (i % 20 === 0 || i === cycles) verify();
    if (db === 'sqlite' && i % 100 === 0) equal(sqlite(file, 'PRAGMA integrity_check'), 'ok', 'integrity');
    daemon = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config });
  }
  check(acked.length > cycles, `the load was real (${acked.length} acknowledged)`);
  const drained = 'SELECT count(*) FROM webhook_inbox WHERE state = 0';
  await until(() => ask(drained, drained) === '0', 60000, 'the router');
  const twice = 'SELECT count(*) - count(DISTINCT external_id) FROM messages';
  const effects = 'SELECT count(*) FROM messages';
  const stored = 'SELECT count(*) FROM webhook_inbox';
  await until(() => ask(effects, effects) === ask(stored, stored), 120000, 'one message for each webhook');
  equal(ask(twice, twice), '0', 'doubled messages');
  console.log(`# ${db}: ${cycles} kills, ${acked.length} acknowledged, 0 missing, 0 doubled`);
}

test('crash.sqlite', (t) => crash('sqlite', CYCLES || (long ? 10000 : 300), t), { deadline_ms: long ? 5400000 : 420000 });
test('crash.postgres', (t) => crash('postgres', CYCLES || (long ? 500 : 12), t), { deadline_ms: long ? 1200000 : 180000 });
await run();
