// Rival of ./dev bench refresh: what a careful Node.js service does for the same refresh. Keep-alive HTTP to TikTok with
// WIDTH requests under way, the new pair sealed with AES-256-GCM, and one better-sqlite3 transaction (WAL, FULL) per turn
// of the event loop for all answers that came; an answer counts when its transaction is durable. It has no lease, no
// intent and no timeline. Commands by lines on stdin: "seed" reads the first pairs from SIM/control/tokens, "round"
// refreshes every grant once; each answers one line of JSON.
import Database from 'better-sqlite3';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import readline from 'node:readline';

const { SIM, CLIENT_KEY, SECRET_FILE, DB_FILE, PEOPLE, WIDTH = '32' } = process.env;
const secret = readFileSync(SECRET_FILE, 'utf8').trim();
const key = randomBytes(32);
const agent = new http.Agent({ keepAlive: true, maxSockets: Number(WIDTH) });
const { hostname, port } = new URL(SIM);
const db = new Database(DB_FILE);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE grants (id INTEGER PRIMARY KEY, access BLOB NOT NULL, refresh BLOB NOT NULL, expires_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL) STRICT');
const load = db.prepare('SELECT refresh FROM grants WHERE id = ?');
const put = db.prepare('INSERT INTO grants VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET access = excluded.access, refresh = excluded.refresh, expires_ms = excluded.expires_ms, due_ms = excluded.due_ms');
const putAll = db.transaction((rows) => {
  for (const r of rows) put.run(r.id, r.access, r.refresh, r.expires, r.due);
});

function seal(id, text) {
  const iv = randomBytes(12);
  const c = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(`grants:${id}`));
  return Buffer.concat([iv, c.update(text, 'utf8'), c.final(), c.getAuthTag()]);
}

function open(id, sealed) {
  const d = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(`grants:${id}`));
  d.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([d.update(sealed.subarray(12, -16)), d.final()]).toString('utf8');
}

function post(path, type, body) {
  return new Promise((resolve, reject) => {
    const rq = http.request({ hostname, port, path, method: 'POST', agent, headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } }, (rs) => {
      const parts = [];
      rs.on('data', (d) => parts.push(d));
      rs.on('end', () => resolve(JSON.parse(Buffer.concat(parts).toString('utf8'))));
      rs.on('error', reject);
    });
    rq.on('error', reject);
    rq.end(body);
  });
}

let waiting = [];
function commit(row) {
  return new Promise((done) => {
    if (waiting.length === 0) {
      setImmediate(() => {
        const rows = waiting;
        waiting = [];
        putAll.immediate(rows);
        for (const r of rows) r.done();
      });
    }
    waiting.push({ ...row, done });
  });
}

const keep = (id, answer) => commit({
  id, access: seal(id, answer.access_token), refresh: seal(id, answer.refresh_token),
  expires: Date.now() + answer.expires_in * 1000, due: Date.now() + answer.expires_in * 500,
});

async function all(fn) {
  const people = PEOPLE.split(',');
  let next = 0;
  await Promise.all(Array.from({ length: Number(WIDTH) }, async () => {
    for (let id; (id = next++) < people.length; ) await fn(id, people[id]);
  }));
  return people.length;
}

const commands = {
  seed: () => all(async (id, user) => keep(id, await post('/control/tokens', 'application/json', JSON.stringify({ client_key: CLIENT_KEY, user, scopes: 'user.info.basic' })))),
  round: () => all(async (id) => {
    const form = new URLSearchParams({ client_key: CLIENT_KEY, client_secret: secret, grant_type: 'refresh_token', refresh_token: open(id, load.get(id).refresh) });
    const answer = await post('/v2/oauth/token/', 'application/x-www-form-urlencoded', form.toString());
    if (!answer.access_token) throw new Error(JSON.stringify(answer));
    await keep(id, answer);
  }),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const begun = performance.now();
  const count = await commands[line]();
  console.log(JSON.stringify({ count, ms: performance.now() - begun }));
}
process.exit(0);
