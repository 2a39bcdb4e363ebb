// Webhooks in, first message, events out: the real daemon on both databases, without the simulator's sender.
// All vectors of tests/vectors/webhooks are delivered as signed bytes; what each must become stands in WANT.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, databases, root, startStack } from '../support/stack.mjs';

const vectors = path.join(root, 'tests', 'vectors', 'webhooks');
const SHOP = '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';

function table(file) {
  const [head, ...rows] = readFileSync(path.join(vectors, file), 'utf8').trimEnd().split('\n');
  const names = head.split('\t');
  return rows.map((row) => Object.fromEntries(row.split('\t').map((v, i) => [names[i], v])));
}

export function sign(secret, body, t) {
  return `t=${t},s=${createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex')}`;
}

// A receiver that plays Mozflow: checks every signature by the Standard Webhooks rule and keeps the events.
async function receiver(stack) {
  const events = [];
  const key = Buffer.from(stack.seed.webhook_secret.replace(/^whsec_/, ''), 'base64');
  const server = createServer((rq, rs) => {
    const parts = [];
    rq.on('data', (d) => parts.push(d));
    rq.on('end', () => {
      const body = Buffer.concat(parts);
      const { 'webhook-id': id, 'webhook-timestamp': ts, 'webhook-signature': given } = rq.headers;
      const want = createHmac('sha256', key).update(`${id}.${ts}.`).update(body).digest('base64');
      const good = String(given).split(' ').includes(`v1,${want}`);
      events.push({ id, good, body: JSON.parse(body) });
      rs.writeHead(good ? 204 : 401).end();
    });
  });
  await new Promise((listening) => server.listen(stack.demoPort, '127.0.0.1', listening));
  return { events, close: () => server.close() };
}

async function start(db) {
  const stack = await startStack({ db });
  const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
  const post = (body, header, app = 'accounts') =>
    fetch(`${stack.daemon.url}/webhooks/tiktok/${app}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(header === undefined ? {} : { 'tiktok-signature': header }) },
    });
  const now = () => Math.floor(Date.now() / 1000);
  const send = (body, t = now()) => post(body, sign(secret, body, t));
  const api = async (p, method = 'GET') => {
    const r = await fetch(`${stack.daemon.url}${p}`, { method, headers: { authorization: `Bearer ${stack.seed.api_key}` } });
    return { status: r.status, body: await r.json().catch(() => null) };
  };
  return { stack, secret, post, send, api, now };
}

let serial = 0;
function message({ text, id, conversation = 'u5Conv==', at = Date.now(), person = '+Person', from = 'somchai', type = 'text' }) {
  serial += 1;
  const content = {
    timestamp: at, unique_identifier: person, from_user: { id: person, role: 'personal_account' },
    to_user: { id: SHOP, role: 'business_account' }, from, to: 'mozflow.shop', conversation_id: conversation,
    message_id: id ?? `u5Msg${serial}==`, type, ...(type === 'text' ? { text: { body: text } } : { [type]: { media_id: '1' } }),
  };
  return JSON.stringify({
    client_key: BUSINESS_KEY, event: 'im_receive_msg', create_time: Math.floor(at / 1000), user_openid: SHOP, content: JSON.stringify(content),
  });
}

for (const db of databases) {
  test(`webhooks.${db}.vectors`, async (t) => {
    const { send, api, stack } = await start(db);
    for (const v of table('signatures.tsv')) {
      const body = readFileSync(path.join(vectors, `${v.name}.json`));
      for (let k = 0; k < 2; k += 1) equal((await send(body)).status, 200, `${v.name} delivered ${k + 1} times`);
    }
    const list = await until(async () => {
      const r = await api('/v1/conversations');
      return r.body.items.length > 0 && r.body.items;
    }, 10000, 'a conversation');
    equal(list.length, 1, 'conversations');
    const wantLines = ['v01', 'v02', 'v03', 'v04', 'v05', 'v06', 'v07', 'v10'];
    const messages = await until(async () => {
      const r = await api(`/v1/conversations/${list[0].id}/messages?limit=100`);
      return r.body.items.length >= wantLines.length && r.body.items;
    }, 10000, 'all lines');
    const ids = messages.map((m) => m.external_id);
    equal(new Set(ids).size, ids.length, 'each message once');
    const first = messages.find((m) => m.external_id === 'u5MzMsg0001QwErTyUiOpAs==');
    equal(first.text, 'สวัสดีค่ะ ราคาเท่าไหร่คะ? 😊');
    equal(first.shown, true);
    equal(messages.filter((m) => m.type === 'image' && m.direction === 'in').map((m) => m.shown), [false]);
    check(messages.every((m, i) => i === 0 || m.sent_at <= messages[i - 1].sent_at), 'newest first');
    equal(list[0].contact.username, 'somchai.test');
    t.cleanup(() => stack.stop());
  }, { deadline_ms: 60000 });

  test(`webhooks.${db}.signature-cases`, async (t) => {
    const { secret, post, send, stack, now } = await start(db);
    const body = message({ text: 'x' });
    const t0 = now();
    const hex = createHmac('sha256', secret).update(`${t0}.${body}`).digest('hex');
    const other = createHmac('sha256', 'mz_other_secret').update(`${t0}.${body}`).digest('hex');
    const rows = [
      [`s=${hex},t=${t0}`, 200], [`t=${t0}, s=${hex}`, 200], [`t=${t0},s=${hex},v=2`, 200],
      [`t=${t0},s=${hex.toUpperCase()}`, 200], [`t=${t0},s=${other}`, 401], [`t=${t0 + 1},s=${hex}`, 401],
      [`t=${t0}`, 401], [`t=${t0},t=${t0 + 9},s=${hex}`, 401], [`t=17e8,s=${hex}`, 401], ['', 401], [undefined, 401],
    ];
    for (const [header, want] of rows) equal((await post(body, header)).status, want, String(header));
    equal((await post(`${body}\n`, `t=${t0},s=${hex}`)).status, 401, 'a changed body');
    equal((await send(message({ text: 'old' }), t0 - 301)).status, 200, 'stale is accepted');
    equal((await send(message({ text: 'older' }), t0 - 73 * 3600 - 5)).status, 200, 'quarantine answers 200');
    equal((await post(body, `t=${t0},s=${hex}`, 'nobody')).status, 404, 'unknown app');
    equal((await post('x'.repeat((1 << 20) + 1), `t=${t0},s=${hex}`)).status, 413, 'over the cap');
    t.cleanup(() => stack.stop());
  }, { deadline_ms: 60000 });

  test(`webhooks.${db}.first-message`, async (t) => {
    const { send, api, stack } = await start(db);
    const mozflow = await receiver(stack);
    t.cleanup(() => mozflow.close());
    t.cleanup(() => stack.stop());
    const at = Date.now() - 60000;
    const bodies = Array.from({ length: 30 }, (_, i) =>
      message({ text: `ข้อความที่ ${i}`, id: `m${String(i).padStart(3, '0')}`, conversation: `c${i % 3}`, person: `p${i % 3}`, at: at + i * 1000 }));
    const shuffled = bodies.flatMap((b, i) => Array(1 + (i % 4)).fill(b)).sort(() => Math.random() - 0.5);
    const lanes = Array.from({ length: 8 }, (_, k) => shuffled.filter((_b, i) => i % 8 === k));
    await Promise.all(lanes.map(async (lane) => { for (const b of lane) equal((await send(b)).status, 200); }));
    await until(() => mozflow.events.filter((e) => e.body.type.endsWith('message.received')).length >= 30, 20000, 'events at Mozflow');
    const list = (await api('/v1/conversations')).body.items;
    equal(list.length, 3, 'conversations');
    for (const c of list) {
      const items = (await api(`/v1/conversations/${c.id}/messages?limit=100`)).body.items;
      equal(items.length, 10, 'messages of one conversation');
      equal(c.unread_count, 10, 'unread');
      equal(c.last_message.id, items[0].id, 'the newest is the last message');
      equal(c.status, 'waiting_us');
      const sorted = [...items].sort((a, b) => (a.sent_at < b.sent_at ? 1 : -1));
      equal(items.map((m) => m.id), sorted.map((m) => m.id), 'order by TikTok time');
    }
    const received = mozflow.events.filter((e) => e.body.type.endsWith('message.received'));
    check(received.every((e) => e.good), 'every signature is right');
    equal(new Set(received.map((e) => e.body.data.message.external_id)).size, 30, 'each message told');
    equal(new Set(received.map((e) => e.id)).size, received.length, 'no event told twice');
    equal((await api('/v1/contacts')).body.items.length, 3, 'contacts');
  }, { deadline_ms: 60000 });

  test(`webhooks.${db}.explain`, async (t) => {
    const { send, api, stack } = await start(db);
    t.cleanup(() => stack.stop());
    equal((await send(message({ text: 'why' }))).status, 200);
    const list = await until(async () => { const i = (await api('/v1/conversations')).body.items; return i.length === 1 && i; }, 10000);
    const story = (await api(`/v1/explain/${list[0].last_message.id}`)).body;
    check(story.steps.some((s) => s.text.includes('signature was right')), 'the webhook is part of the story');
    check(story.steps.some((s) => s.text.includes('stored in conversation')), 'the effect is part of the story');
    equal(story.language, 'en');
    const thai = (await api(`/v1/explain/${list[0].last_message.id}?lang=th`)).body;
    equal([thai.language, thai.steps.length >= story.steps.length], ['th', true]);
    for (const s of thai.steps) check(/[\u0e00-\u0e7f]/.test(s.text), `a step without a Thai word: ${s.text}`);
    const about = (await api(`/v1/explain/${list[0].id}`)).body;
    check(about.steps.some((s) => /first stored/.test(s.text)) && about.steps.some((s) => s.text.includes('signature was right')), `a conversation leads to its newest message: ${JSON.stringify(about)}`);
    equal((await api('/v1/explain/msg_00000000000000000000000000')).status, 404);
    equal((await api('/v1/explain/job_00000000000000000000000000')).status, 404);
  }, { deadline_ms: 60000 });

  test(`webhooks.${db}.challenge-and-test-event`, async (t) => {
    const { send, api, stack } = await start(db);
    t.cleanup(() => stack.stop());
    const url = `${stack.daemon.url}/webhooks/tiktok/accounts`;
    const echo = await fetch(`${url}?challenge=abc-DEF_123`);
    equal([echo.status, await echo.text()], [200, 'abc-DEF_123']);
    check(echo.headers.get('content-type').startsWith('text/plain'), 'plain text');
    equal((await fetch(`${url}?challenge=${encodeURIComponent('<script>')}`)).status, 400);
    equal((await fetch(`${url}?challenge=${'a'.repeat(257)}`)).status, 400);
    const ping = JSON.stringify({ client_key: BUSINESS_KEY, event: 'tiktok.ping', create_time: 1789000000, content: '{}' });
    equal((await send(ping)).status, 200);
    await until(async () => (await api('/v1/webhooks')).body.items.find((a) => a.app === 'accounts').last_test_at, 10000, 'test received');
  }, { deadline_ms: 60000 });
}

test('webhooks.dead-receiver-is-retried', async (t) => {
  const { send, api, stack } = await start('sqlite');
  t.cleanup(() => stack.stop());
  equal((await send(message({ text: 'nobody listens yet' }))).status, 200);
  const first = async () => (await api('/v1/events')).body.items.find((e) => e.type === 'message.received');
  await until(async () => (await first())?.attempts >= 1, 10000, 'a failed attempt');
  const mozflow = await receiver(stack);
  t.cleanup(() => mozflow.close());
  await until(() => mozflow.events.some((e) => e.body.type.endsWith('message.received')), 45000, 'the retry');
}, { deadline_ms: 90000 });

await run();
