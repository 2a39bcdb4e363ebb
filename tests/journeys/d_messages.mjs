// Every event of a conversation: delivered again and again, shuffled, on eight connections, must end in the state that an
// independent model (tests/models/chat.mjs) reads off the set of events, and in one hand-computed case. Both databases.
// Planted defects: messaging.no_dedupe (a redelivery is a new message), messaging.late_moves (a late event moves the
// status).
import { createHmac } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { check, equal, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, databases, root, startStack } from '../support/stack.mjs';
import { conversation } from '../models/chat.mjs';

const SHOP = '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';
const EVENTS = Number(process.env.MZ_EVENTS ?? 1500);
const vectors = path.join(root, 'tests', 'vectors', 'webhooks');

// A small generator with a seed, so that a failure can be had again (MZ_SEED).
function dice(seed) {
  let s = seed >>> 0;
  return (n) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 4294967296) * n);
  };
}
const seed = Number(process.env.MZ_SEED ?? Date.now() % 1000000);

function shuffle(list, roll) {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i -= 1) {
    const j = roll(i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

async function start(db) {
  const stack = await startStack({ db, settings: { 'http.intake_per_second': '0' } });
  const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
  const send = async (body) => {
    const t = Math.floor(Date.now() / 1000);
    const s = createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex');
    const r = await fetch(`${stack.daemon.url}/webhooks/tiktok/accounts`, {
      method: 'POST', body, headers: { 'content-type': 'application/json', 'tiktok-signature': `t=${t},s=${s}` },
    });
    await r.arrayBuffer();
    return r.status;
  };
  const api = async (p, method = 'GET') => {
    const r = await fetch(`${stack.daemon.url}${p}`, { method, headers: { authorization: `Bearer ${stack.seed.api_key}` } });
    return { status: r.status, body: await r.json().catch(() => null) };
  };
  return { stack, send, api };
}

const all = async (api, p) => {
  const items = [];
  for (let cursor = ''; ;) {
    const { status, body } = await api(`${p}${p.includes('?') ? '&' : '?'}limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    equal(status, 200, p);
    items.push(...body.items);
    if (!body.next_cursor) return items;
    cursor = body.next_cursor;
  }
};

// What the service says of a conversation, in the model's members.
async function told(api, c) {
  const messages = await all(api, `/v1/conversations/${c.id}/messages`);
  const from = c.referral && { source: c.referral.source, ad_id: c.referral.ad_id, ref: c.referral.ref, at: c.referral.at };
  return {
    status: c.status, unread_count: c.unread_count, customer_read_at: c.customer_read_at,
    last_message: messages.find((m) => m.id === c.last_message?.id)?.external_id ?? null, referral: from,
    messages: messages.map(({ external_id, direction, type, shown, text, quoted_external_id, source, automatic, content, state, reactions, sent_at }) =>
      ({ external_id, direction, type, shown, text, quoted_external_id, source, automatic, content, state, reactions, sent_at })),
  };
}

// Sends every body as often as it stands in the list, on eight connections; then waits until nothing is under way.
async function deliver({ send, api }, bodies) {
  const lanes = Array.from({ length: 8 }, (_, k) => bodies.filter((_b, i) => i % 8 === k));
  await Promise.all(lanes.map(async (lane) => { for (const b of lane) equal(await send(b), 200, 'a delivery'); }));
  let before = '';
  let quiet = 0; // the same answer three times, half a second apart: no job is under way
  await until(async () => {
    const list = (await all(api, '/v1/conversations')).map((c) => [c.id, c.last_message_at, c.unread_count, c.status, c.customer_read_at]);
    const dead = (await api('/v1/jobs/dead')).body.items.length;
    const now = JSON.stringify([list, dead]);
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    await new Promise((wake) => setTimeout(wake, 500));
    return quiet >= 3;
  }, 60000, 'quiet');
}

const make = (roll, n) => {
  const t0 = Date.now() - 40 * 3600 * 1000;
  const known = [];
  return Array.from({ length: n }, (_, i) => {
    const k = roll(12);
    const customer = { id: `+Person${k}`, role: 'personal_account' };
    const shop = { id: SHOP, role: 'business_account' };
    const at = t0 + roll(30 * 3600) * 1000 + roll(3); // equal milliseconds happen
    const base = { timestamp: at, conversation_id: `u5Conv${k}+/==`, unique_identifier: customer.id, from_user: customer, to_user: shop, from: `person.${k}`, to: 'mozflow.shop' };
    const message = { ...base, message_id: `u5Msg${i}==` };
    const wrap = (event, content) => ({ client_key: BUSINESS_KEY, event, create_time: Math.floor(at / 1000), user_openid: SHOP, content: JSON.stringify(content) });
    const out = { from_user: shop, to_user: customer, from: 'mozflow.shop', to: `person.${k}`, message_tag: { source: ['API', 'APP', 'WEB', 'OTHERS'][roll(4)] } };
    const pick = roll(100);
    if (pick < 40) known.push([k, message.message_id]);
    if (pick < 30) return wrap('im_receive_msg', { ...message, type: 'text', text: { body: `ข้อความ ${i} 😊` } });
    if (pick < 34) return wrap('im_receive_msg', { ...message, type: 'text', text: { body: 'M' }, reply_source_payload: { reply_source_msg_id: 'u5Card', reply_source_unique_id: 'size_m' } });
    if (pick < 40) return wrap('im_receive_msg', { ...message, type: 'text', text: { body: 'q' }, referenced_message_info: { referenced_message_id: `u5Msg${roll(n)}==` } });
    if (pick < 46) return wrap('im_receive_msg', { ...message, type: 'image', image: { media_id: `m${i}` } });
    if (pick < 49) return wrap('im_receive_msg', { ...message, type: 'sticker', sticker: { url: `https://cdn.example/${i}.webp?x=1` } });
    if (pick < 52) return wrap('im_receive_msg', { ...message, type: 'share_post', share_post: { video_id: '7600000000000007003' } });
    if (pick < 54) return wrap('im_receive_msg', { ...message, type: 'voice', voice: { media_id: 'x' } });
    if (pick < 74) return wrap('im_send_msg', { ...message, ...out, type: 'text', text: { body: `ตอบ ${i}` } });
    if (pick < 77) return wrap('im_send_msg', { ...message, ...out, type: 'text', text: { body: 'สวัสดี' }, auto_message_type: 'WELCOME_MESSAGE' });
    if (pick < 80) return wrap('im_send_msg', { ...message, ...out, type: 'template', template: { type: 'qa_button_card', elements: [{ title: 'Size?', buttons: [{ text: 'M', type: 'REPLY', id: 'm' }] }] } });
    if (pick < 92) {
      const mine = known.filter(([c]) => c === k);
      const of = mine.length > 0 ? mine[roll(mine.length)][1] : `u5Msg${i}==`;
      return wrap('im_receive_msg', { ...message, type: 'reaction', reaction: [{ operation: roll(3) === 0 ? 'REMOVE' : 'ADD', type: 'EMOJI', emoji: ['👍', '❤️'][roll(2)], unique_identifier: customer.id, timestamp: at, original_msg_id: of }] });
    }
    if (pick < 97) return wrap('im_mark_read_msg', { ...base, read: { last_read_timestamp: at - roll(3600) * 1000 } });
    return wrap('im_referral_msg', { ...base, referral: roll(2) === 0 ? { source: 'ad', ad: { ad_id: String(1800 + i) } } : { source: 'short_link', short_link: { ref: `r${i}` } } });
  });
};

for (const db of databases) {
  test(`chat.${db}.model`, async (t) => {
    const roll = dice(seed);
    const world = await start(db);
    t.cleanup(() => world.stack.stop());
    const events = make(roll, EVENTS);
    const bodies = shuffle(events.flatMap((e) => Array(1 + roll(5)).fill(JSON.stringify(e))), roll);
    await deliver(world, bodies);
    equal((await world.api('/v1/jobs/dead')).body.items, [], `dead letters (MZ_SEED=${seed})`);
    const found = await all(world.api, '/v1/conversations');
    const ids = new Set(events.filter((e) => e.event !== 'im_referral_msg' && JSON.parse(e.content).type !== 'reaction').map((e) => JSON.parse(e.content).conversation_id));
    equal(new Set(found.map((c) => c.external_id)), ids, `conversations (MZ_SEED=${seed})`);
    for (const c of found)
      equal(await told(world.api, c), conversation(events.filter((e) => JSON.parse(e.content).conversation_id === c.external_id)), `conversation ${c.external_id} (MZ_SEED=${seed})`);
  }, { deadline_ms: 240000 });

  // The documented vectors v01 to v19, by hand.
  test(`chat.${db}.vectors`, async (t) => {
    const world = await start(db);
    t.cleanup(() => world.stack.stop());
    const names = readdirSync(vectors).filter((f) => /^v(0[1-9]|1[0-9])_.*\.json$/.test(f));
    equal(names.length, 19);
    const bodies = names.map((f) => readFileSync(path.join(vectors, f), 'utf8'));
    await deliver(world, shuffle([...bodies, ...bodies, ...bodies], dice(seed)));
    const list = await all(world.api, '/v1/conversations');
    equal(list.length, 1, 'conversations; the hidden customer of v19 makes none');
    const c = list[0];
    equal([c.status, c.unread_count, c.customer_read_at], ['waiting_customer', 0, '2026-09-10T01:07:25.000Z'].map((v, i) => (i === 2 ? new Date(1789000045000).toISOString() : v)));
    equal(c.referral.source, 'short_link', 'v18 came a second after v17');
    equal(c.window.policy, 'documented');
    const lines = await all(world.api, `/v1/conversations/${c.id}/messages`);
    const by = (n) => lines.find((m) => m.external_id === `u5MzMsg${n}QwErTyUiOpAs==`);
    equal(lines.length, 13, 'lines: v01 to v07, v10 to v15');
    equal(by('0002').quoted_external_id, 'u5MzMsg0001QwErTyUiOpAs==');
    equal(lines.filter((m) => m.direction === 'out').map((m) => m.source).sort(), ['api', 'api', 'app', 'other', 'web']);
    equal(lines.filter((m) => m.direction === 'out').map((m) => m.state), lines.filter((m) => m.direction === 'out').map((m) => (m.sent_at <= c.customer_read_at ? 'read' : 'sent')));
    equal(lines.filter((m) => m.automatic).map((m) => m.automatic), ['WELCOME_MESSAGE']);
    equal(lines.find((m) => m.content?.button_id)?.content.button_id, 'size_m');
    equal(lines.find((m) => m.type === 'template').content.buttons.map((b) => b.id), ['size_s', 'size_m']);
    check(lines.every((m) => m.reactions.length === 0), 'the reactions belong to a message that never came');
    equal((await world.api('/v1/jobs/dead')).body.items.length, 0, 'dead letters');
  }, { deadline_ms: 120000 });

  test(`chat.${db}.seen`, async (t) => {
    const world = await start(db);
    t.cleanup(() => world.stack.stop());
    const one = (id, at, event = 'im_receive_msg') => JSON.stringify({
      client_key: BUSINESS_KEY, event, create_time: Math.floor(at / 1000), user_openid: SHOP,
      content: JSON.stringify({ timestamp: at, conversation_id: 'u5S', message_id: id, unique_identifier: '+S', type: 'text', text: { body: id },
        ...(event === 'im_receive_msg' ? { from_user: { id: '+S' }, from: 's' } : { from_user: { id: SHOP }, to_user: { id: '+S' }, to: 's' }) }),
    });
    const now = Date.now();
    await deliver(world, [one('a', now - 9000), one('b', now - 8000)]);
    const [c] = await all(world.api, '/v1/conversations');
    equal([c.unread_count, c.window.state, c.window.messages_left], [2, 'first', 10]);
    equal((await world.api(`/v1/conversations/${c.id}/read`, 'PUT')).body.unread_count, 0);
    await deliver(world, [one('late', now - 8500)]);
    equal((await all(world.api, '/v1/conversations'))[0].unread_count, 1, 'a late message is new to us');
    await deliver(world, [one('ours', now - 5000, 'im_send_msg')]);
    const after = (await all(world.api, '/v1/conversations'))[0];
    equal([after.unread_count, after.status, after.window.messages_left], [0, 'waiting_customer', 9], 'answered elsewhere');
    await deliver(world, [one('reply', now - 4000)]);
    const active = (await all(world.api, '/v1/conversations'))[0];
    equal([active.unread_count, active.status, active.window.state, active.window.messages_left], [1, 'waiting_us', 'active', null]);
  }, { deadline_ms: 60000 });
}
await run();
