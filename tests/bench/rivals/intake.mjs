// What both rivals share: the Fastify server, the proof that a webhook is TikTok's, and group commit.
//
// They are written as one would write them to be fast and still honest: raw body as a Buffer, HMAC over t + "." + body
// with a constant-time compare, no JSON parse (create_time is found by a bounded scan, as the daemon does it), all rows
// that gathered during the last commit go into the next one, and the reply leaves after the commit.
// One process: on two cores a second one takes from the load generator and the database what it gains.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const WINDOW_S = 3600 * 24 * 3;

// "t=1789000001,s=hex" in any order; null when it is not of that form.
function readSignature(header) {
  if (typeof header !== 'string') return null;
  let t = null;
  let s = null;
  for (const part of header.split(',')) {
    if (part.startsWith('t=')) t = part.slice(2);
    else if (part.startsWith('s=')) s = part.slice(2);
  }
  return t && s && s.length === 64 && /^\d{1,12}$/.test(t) ? { t, s } : null;
}

// create_time of the envelope: digits behind the key within the first KiB.
function createTime(body) {
  const at = body.indexOf('"create_time":');
  if (at < 0 || at > 1024) return 0;
  let value = 0;
  for (let i = at + 14; i < body.length && body[i] >= 48 && body[i] <= 57; i += 1) value = value * 10 + (body[i] - 48);
  return value;
}

// Gathers rows while a commit runs and hands them over together. commit(rows) resolves after durability.
function groups(commit, inFlight, most) {
  let waiting = [];
  let running = 0;
  let planned = false;
  const pump = () => {
    planned = false;
    while (waiting.length > 0 && running < inFlight) {
      const batch = waiting.length > most ? waiting.splice(0, most) : waiting;
      if (batch === waiting) waiting = [];
      running += 1;
      const done = (error) => {
        running -= 1;
        for (const row of batch) error ? row.reject(error) : row.resolve();
        plan();
      };
      commit(batch).then(() => done(null), done);
    }
  };
  const plan = () => {
    if (!planned && waiting.length > 0) {
      planned = true;
      setImmediate(pump);
    }
  };
  return (row) =>
    new Promise((resolve, reject) => {
      waiting.push({ ...row, resolve, reject });
      plan();
    });
}

export async function serve({ commit, inFlight, most, close }) {
  const secret = readFileSync(process.env.SECRET_FILE);
  const put = groups(commit, inFlight, most);
  const app = Fastify({ logger: false, bodyLimit: 1 << 20 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
  app.post('/webhooks/tiktok/:app', async (request, reply) => {
    const given = readSignature(request.headers['tiktok-signature']);
    if (!given) return reply.code(401).send();
    const mine = createHmac('sha256', secret).update(`${given.t}.`).update(request.body).digest();
    const theirs = Buffer.from(given.s, 'hex');
    if (theirs.length !== 32 || !timingSafeEqual(mine, theirs)) return reply.code(401).send();
    if (Math.abs(Date.now() / 1000 - Number(given.t)) > WINDOW_S) return reply.code(401).send();
    await put({
      app: request.params.app,
      time: createTime(request.body),
      hash: createHash('sha256').update(request.body).digest().subarray(0, 16),
      body: request.body,
    });
    return reply.code(200).send();
  });
  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 0) });
  process.once('SIGTERM', async () => {
    await app.close();
    await close();
    process.exit(0);
  });
  console.log(JSON.stringify({ ready: true, port: app.server.address().port }));
}
