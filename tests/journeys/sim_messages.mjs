// The simulator's conversations: sends with every check in its order, both window modes, echoes before and after the
// answer, ambiguous sends, lists, media, the phone page, automatic messages, direct replies, comments. Expectations are
// written from the notes about TikTok and use no code of the simulator.
import http from 'node:http';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, match, run, tempDir, test, until } from '../support/runner.mjs';
import { startSim } from '../support/stack.mjs';

const BIZ = '7611111111111111111';
const SECRET = 'sim_journey_secret_3';
const ALL = 'user.info.basic,video.list,message.list.read,message.list.send,message.list.manage,comment.list,comment.list.manage';
const HOUR = 3600;

const received = []; // what the app's webhook got, in order
const hook = http.createServer((rq, rs) => {
  const parts = [];
  rq.on('data', (d) => parts.push(d));
  rq.on('end', () => {
    const body = Buffer.concat(parts).toString();
    const e = JSON.parse(body);
    received.push({ ...e, text: body, content: JSON.parse(e.content), raw: e.content, at: performance.now() });
    rs.end();
  });
});
await new Promise((r) => hook.listen(0, '127.0.0.1', r));
hook.unref();

const dir = tempDir('mz-simmsg');
const file = path.join(dir, 'scenario.json');
const shop = (id, user) => ({ id, client_key: BIZ, user, username: `${id}.name`, display_name: id });
writeFileSync(file, JSON.stringify({
  apps: [{ client_key: BIZ, client_secret: SECRET, name: 'J', portal: 'business', state: 'live', organization: 'o', scopes: ALL,
    webhook_url: `http://127.0.0.1:${hook.address().port}/hook`, redirect_uris: { web: ['https://app.example/cb/'] } }],
  users: [
    { id: 'owner', display_name: 'ร้าน', username: 'one.name', videos: 3 }, { id: 'other', display_name: 'O', username: 'two.name', videos: 2 },
    { id: 'berlin', display_name: 'B', username: 'b.name', region: 'DE', account_type: 'business' },
    { id: 'tokyo', display_name: 'T', username: 't.name', region: 'JP', account_type: 'business' },
  ],
  shops: [shop('one', 'owner'), shop('two', 'other'), shop('berlin', 'berlin'), shop('tokyo', 'tokyo')],
  customers: [
    { id: 'c1', username: 'c.one', display_name: 'สมชาย' }, { id: 'c2', username: 'c.two', display_name: 'C2', follower: true },
    { id: 'blocker', username: 'blocker', blocks: true }, { id: 'far', username: 'far', no_images: true }, { id: 'eu', username: 'eu', eu: true },
    ...Array.from({ length: 5 }, (_, i) => ({ id: `d${i}`, username: `d${i}` })),
  ],
}));
const sim = await startSim({ dir, scenario: file });

let T; // the token of shop one
const tokenOf = async (user, scopes = ALL) => {
  const answer = await sim.control('POST', 'tokens', { client_key: BIZ, user, scopes });
  return answer.data ?? answer;
};
const reset = async (switches = {}) => {
  await sim.control('POST', 'reset');
  await until(async () => (await sim.control('GET', 'webhooks')).deliveries.every((d) => d.state !== 'sending'));
  received.length = 0;
  await sim.switches({ rate_limits: 'off', echo: 'after', echo_delay_ms: 0, ...switches });
  T = await tokenOf('owner');
};
const shift = (s) => sim.control('POST', 'clock', { shift_ms: s * 1000 });
const raw = (method, p, { body, token = T.access_token, headers = {} } = {}) =>
  fetch(`${sim.url}/open_api/v1.3/business/${p}`, {
    method, redirect: 'manual', headers: { ...(typeof body === 'string' || body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }), ...(token ? { 'access-token': token } : {}), ...headers },
    body: body === undefined || typeof body === 'string' || body instanceof FormData || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });
const envelope = async (answer) => {
  const r = await answer;
  equal(r.status, 200, 'HTTP status');
  return r.json();
};
const post = (p, body, token = T) => envelope(raw('POST', p, { body: { business_id: token.open_id, ...body }, token: token.access_token }));
const get = (p, query = {}, token = T) => envelope(raw('GET', `${p}?${new URLSearchParams({ business_id: token.open_id, ...query })}`, { token: token.access_token }));
const good = async (answer) => {
  const j = await answer;
  equal([j.code, j.message], [0, 'OK'], 'answer');
  return j.data;
};
const writes = (o = {}) => sim.control('POST', 'messages', { shop: 'one', customer: 'c1', text: 'สวัสดี', ...o });
const send = (conversation_id, o = {}, token = T) => post('message/send/', { recipient_type: 'CONVERSATION', recipient: conversation_id, message_type: 'TEXT', text: { body: 'ตอบ' }, ...o }, token);
const sent = async (conversation_id, o) => (await good(send(conversation_id, o))).message.message_id;
const talk = async (customer = 'c1', name = 'one') => (await sim.control('GET', `conversations?shop=${name}&customer=${customer}`)).conversations[0];
const event = (f, what) => until(() => received.find(f), 5000, what);
const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(64, 7)]);
const upload = (bytes = png, { media_type = 'IMAGE', field = 'file', business_id = T.open_id } = {}) => {
  const f = new FormData();
  f.set('business_id', business_id);
  f.set('media_type', media_type);
  f.set(field, new Blob([bytes], { type: 'image/png' }), 'a.png');
  return envelope(raw('POST', 'message/media/upload/', { body: f }));
};

test('sim.send.order: method, body, token, scope, business_id, then parameters, then the conversation', async () => {
  await reset();
  const { conversation_id } = await writes();
  equal((await envelope(raw('GET', 'message/send/'))).code, 40117, 'method');
  equal((await raw('POST', 'message/send/', { body: '{', headers: { 'content-type': 'application/json' } })).status, 400, 'body');
  equal((await envelope(raw('POST', 'message/send/', { body: {}, token: '' }))).code, 40104, 'no token');
  equal((await envelope(raw('POST', 'message/send/', { body: {}, token: 'act.x' }))).code, 40105, 'unknown token');
  const reader = await tokenOf('owner', 'user.info.basic,message.list.read');
  equal((await send(conversation_id, {}, reader)).code, 40001, 'scope');
  T = await tokenOf('owner');
  equal((await send(conversation_id, { business_id: 'x', message_type: 'text' })).code, 40001, 'business_id before parameters');
  equal((await send('nowhere', { message_type: 'text' })).code, 40002, 'parameters before the conversation');
  equal((await send('nowhere')).code, 40007, 'conversation');
  await sim.switches({ unknown_conversation: '40002' });
  const r = await send('nowhere');
  equal([r.code, r.message], [40002, 'Param conversation_id is invalid.'], 'by switch');
  const away = await tokenOf('other');
  equal((await send(conversation_id, {}, away)).code, 40002, "another account's conversation");
  equal((await talk()).sent, 0, 'nothing was sent');
});

test('sim.send.parameters: one content, sizes by code points, recipient or direct_reply, quotes', async () => {
  await reset();
  const { conversation_id, message_id } = await writes();
  const card = (o = {}, b = {}) => ({ message_type: 'TEMPLATE', text: undefined, template: { type: 'QA_BUTTON_CARD', title: 'เลือก', buttons: [{ type: 'REPLY', title: 'S', ...b }], ...o } });
  const bad = [
    [{ message_type: undefined }, /message_type/], [{ message_type: 'text' }, /message_type/], [{ message_type: 'VIDEO' }, /message_type/],
    [{ recipient_type: undefined }, /recipient_type/], [{ recipient: undefined }, /recipient/], [{ recipient_type: 'USER' }, /recipient_type/],
    [{ text: undefined }, /text/], [{ text: 'x' }, /text/], [{ text: { body: '' } }, /text\.body/], [{ text: { body: 'ก'.repeat(6001) } }, /text\.body/],
    [{ image: { media_id: 'x' } }, /image/], [{ message_type: 'IMAGE', text: undefined }, /image/], [{ sender_action: 'TYPING' }, /sender_action/],
    [{ message_type: 'SENDER_ACTION', text: undefined, sender_action: 'STOP' }, /sender_action/], [{ message_type: 'SHARE_POST', text: undefined, share_post: {} }, /item_id/],
    [card({ title: 'ก'.repeat(41) }), /template\.title/], [card({ title: '' }), /template\.title/], [card({ type: 'CARD' }), /template\.type/],
    [card({ buttons: [] }), /template\.buttons/], [card({ buttons: Array(4).fill({ type: 'REPLY', title: 'S' }) }), /template\.buttons/],
    [card({}, { type: 'URL' }), /REPLY/], [card({}, { title: 'ก'.repeat(21) }), /buttons\.title/], [card({ type: 'QA_LINK_CARD' }, { title: 'ก'.repeat(41) }), /buttons\.title/],
    [card({}, { id: 'x'.repeat(41) }), /buttons\.id/], [{ ...card(), referenced_message_info: { referenced_message_id: message_id } }, /referenced_message_info/],
    [{ referenced_message_info: {} }, /referenced_message_id/], [{ referenced_message_info: { referenced_message_id: 'nothing' } }, /referenced_message_id/],
    [{ direct_reply: { reply_type: 'COMMENT_REPLY', comment_reply: { comment_id: '1' } } }, /recipient_type/],
    [{ recipient_type: undefined, recipient: undefined, direct_reply: { reply_type: 'X' } }, /reply_type/],
    [{ recipient_type: undefined, recipient: undefined, direct_reply: { reply_type: 'COMMENT_REPLY' } }, /comment_id/],
  ];
  for (const [o, pattern] of bad) {
    const r = await send(conversation_id, o);
    equal(r.code, 40002, JSON.stringify(o).slice(0, 100));
    match(r.message, pattern, 'the text names the field');
  }
  equal((await talk()).sent, 0, 'nothing was sent');
  await sent(conversation_id, { text: { body: '😊'.repeat(6000) } });
  await sent(conversation_id, card({ title: 'ก'.repeat(40) }, { title: '😊'.repeat(20), id: 'x'.repeat(40) }));
  await sent(conversation_id, card({ type: 'QA_LINK_CARD' }, { title: 'ก'.repeat(40) }));
  await sent(conversation_id, { referenced_message_info: { referenced_message_id: message_id } });
  const { message_id: sticker } = await writes({ kind: 'sticker' });
  equal((await send(conversation_id, { referenced_message_info: { referenced_message_id: sticker } })).code, 40002, 'a sticker cannot be quoted');
  equal((await talk()).messages.filter((m) => m.from === 'shop').map((m) => m.type), ['text', 'template', 'template', 'text'], 'what arrived');
});

test('sim.send.kinds: image, own post, card, actions; echo field by field', async () => {
  await reset();
  const { conversation_id, message_id } = await writes();
  const { media_id } = await good(upload());
  const ids = [await sent(conversation_id, { message_type: 'IMAGE', text: undefined, image: { media_id } })];
  const { videos } = await good(get('video/list/', { fields: '["item_id"]' }));
  ids.push(await sent(conversation_id, { message_type: 'SHARE_POST', text: undefined, share_post: { item_id: videos[0].item_id } }));
  ids.push(await sent(conversation_id, { message_type: 'TEMPLATE', text: undefined,
    template: { type: 'QA_BUTTON_CARD', title: 'ไซซ์', buttons: [{ type: 'REPLY', title: 'S', id: 'size_s' }, { type: 'REPLY', title: 'M' }] } }));
  ids.push(await sent(conversation_id, { referenced_message_info: { referenced_message_id: message_id } }));
  for (const sender_action of ['TYPING', 'MARK_READ'])
    equal((await good(send(conversation_id, { message_type: 'SENDER_ACTION', text: undefined, sender_action }))).message, { message_id: '' }, sender_action);
  const echoes = await until(() => received.filter((e) => e.event === 'im_send_msg').length === 4 && received.filter((e) => e.event === 'im_send_msg'), 5000, 'four echoes');
  equal(echoes.map((e) => e.content.message_id).sort(), [...ids].sort(), 'the ids of the answers');
  const of = (type) => echoes.find((e) => e.content.type === type);
  const c = of('template').content;
  equal(c.template, { type: 'qa_button_card', elements: [{ title: 'ไซซ์', buttons: [{ text: 'S', type: 'REPLY', id: 'size_s' }, { text: 'M', type: 'REPLY' }] }] }, 'template');
  equal([c.from_user.role, c.to_user.role, c.from, c.to, c.conversation_id, c.message_tag.source, c.scene_type], ['business_account', 'personal_account', 'one.name', 'c.one', conversation_id, 'API', 0], 'base');
  equal([c.from_user.id, of('template').user_openid], [T.open_id, T.open_id], 'who');
  check(c.timestamp > 1e12 && of('template').create_time < 1e10, 'milliseconds inside, seconds outside');
  equal([of('image').content.image, of('share_post').content.share_post.video_id, of('text').content.text.body], [{ media_id }, videos[0].item_id, 'ตอบ'], 'payloads');
  equal(of('text').content.referenced_message_info, { referenced_message_id: message_id }, 'quote');
  const t = await talk();
  equal([t.sent, t.typing, t.mark_read], [4, 1, 1], 'actions are no messages');
  const no = async (o, code) => equal((await send(conversation_id, { text: undefined, ...o })).code, code, JSON.stringify(o));
  await no({ message_type: 'IMAGE', image: { media_id: 'unknown' } }, 40910);
  await no({ message_type: 'SHARE_POST', share_post: { item_id: '7500000000000000000' } }, 40002);
  const far = await writes({ customer: 'far' });
  equal((await send(far.conversation_id, { text: undefined, message_type: 'IMAGE', image: { media_id } })).code, 40064, 'no images there');
  await sim.switches({ capability_error: '40002' });
  equal((await send(far.conversation_id, { text: undefined, message_type: 'IMAGE', image: { media_id } })).code, 40002, 'by switch');
  await shift(30 * 24 * HOUR + 1);
  T = await tokenOf('owner');
  await writes();
  await no({ message_type: 'IMAGE', image: { media_id } }, 40910);
});

test('sim.window.documented: 10 first, unlimited after each reply, 3 in silence', async () => {
  await reset();
  const { conversation_id } = await writes();
  await writes({ text: 'อยู่ไหมคะ' });
  for (let i = 0; i < 10; i++) await sent(conversation_id);
  equal((await talk()).window.left, 0, 'none left');
  equal((await send(conversation_id)).code, 40064, 'the eleventh');
  equal((await send(conversation_id, { message_type: 'SENDER_ACTION', text: undefined, sender_action: 'TYPING' })).code, 0, 'actions do not count');
  await writes();
  for (let i = 0; i < 15; i++) await sent(conversation_id);
  equal((await talk()).window.left, -1, 'without limit');
  await shift(48 * HOUR + 1);
  T = await tokenOf('owner');
  for (let i = 0; i < 3; i++) await sent(conversation_id);
  equal((await send(conversation_id)).code, 40064, 'the fourth in silence');
  await shift(1000 * HOUR);
  T = await tokenOf('owner');
  equal((await send(conversation_id)).code, 40064, 'silence lasts');
  await writes();
  await sent(conversation_id);
  const t = await talk();
  equal([t.sent, t.refused, t.messages.filter((m) => m.from === 'shop').length], [29, 3, 29], 'counted');
});

test('sim.window.strict: 10 per 48 hours after each message; app messages count, automatic ones do not', async () => {
  await reset({ window: 'strict' });
  const { conversation_id } = await writes();
  await writes({ from: 'app' });
  await writes({ from: 'auto' });
  for (let i = 0; i < 9; i++) await sent(conversation_id);
  equal((await send(conversation_id)).code, 40064, 'the eleventh');
  await writes();
  for (let i = 0; i < 10; i++) await sent(conversation_id);
  equal((await send(conversation_id)).code, 40064, 'again');
  await writes();
  await shift(48 * HOUR + 1);
  T = await tokenOf('owner');
  equal((await send(conversation_id)).code, 40064, 'nothing in silence');
  equal((await send((await writes({ customer: 'blocker' })).conversation_id)).code, 40064, 'blocked by the customer');
  await sim.switches({ window: 'off', links: 'refuse' });
  await sent(conversation_id);
  equal((await send(conversation_id, { text: { body: 'ดู https://x.example' } })).code, 40064, 'links by switch');
});

test('sim.window.daily: conversations per day', async () => {
  await reset({ daily_conversations: 3 });
  const all = [];
  for (let i = 0; i < 5; i++) all.push((await writes({ customer: `d${i}` })).conversation_id);
  for (let i = 0; i < 3; i++) await sent(all[i]);
  await sent(all[0]);
  const r = await send(all[3]);
  equal([r.code, r.message], [40064, 'You are sending messages too fast. Take a rest.'], 'the fourth conversation');
  await shift(24 * HOUR);
  T = await tokenOf('owner');
  await sent(all[3]);
});

test('sim.echo: before the answer, after it, held, never; spread over -50 to 2000 ms', async () => {
  await reset({ echo: 'before' });
  const { conversation_id } = await writes();
  for (let i = 0; i < 5; i++) {
    const id = await sent(conversation_id, { text: { body: `before ${i}` } });
    const back = performance.now();
    const e = received.find((x) => x.content.message_id === id);
    check(e && e.at < back, 'the echo was there first');
  }
  await sim.switches({ echo: 'held' });
  const id = await sent(conversation_id);
  equal((await talk()).messages.at(-1).delivery_state, 'held');
  await sim.control('POST', 'webhooks/release', { order: 'forward' });
  await event((e) => e.content.message_id === id, 'the released echo');
  await sim.switches({ echo: 'off' });
  await sent(conversation_id);
  equal((await talk()).messages.at(-1).delivery, 0, 'no echo');
  await sim.switches({ echo: 'spread', window: 'off' });
  for (let i = 0; i < 30; i++) await sent(conversation_id);
  const due = (await sim.control('GET', 'webhooks')).deliveries.slice(-30);
  const late = due.map((d) => d.due_ms - JSON.parse(JSON.parse(d.body).content).timestamp);
  check(Math.min(...late) < 200 && Math.max(...late) > 1500 && Math.max(...late) < 2100, `spread ${late}`);
  await sim.switches({ echo: 'after', echo_delay_ms: 0, event_fields: 'few' });
  const bare = await sent(conversation_id);
  const { content } = await event((e) => e.content.message_id === bare, 'a bare echo');
  equal([content.message_tag, content.scene_type, content.is_follower], [undefined, undefined, undefined], 'optional fields');
});

test('sim.send.ambiguous: phase before did not send, phase after did; the list of conversations proves it', async () => {
  await reset();
  const { conversation_id } = await writes();
  const path_ = '/open_api/v1.3/business/message/send/';
  const failed = (o) => send(conversation_id, o).then(() => 'answered', () => 'no answer');
  await sim.control('POST', 'faults', { path: path_, kind: 'drop', phase: 'before' });
  equal(await failed({ text: { body: 'lost' } }), 'no answer');
  equal((await talk()).sent, 0, 'before: not sent');
  await sim.control('POST', 'faults', { path: path_, kind: 'drop', phase: 'after' });
  equal(await failed({ text: { body: 'sent' } }), 'no answer');
  await sim.control('POST', 'faults', { path: path_, kind: 'status', status: 502, body: '<html>', phase: 'after' });
  equal((await raw('POST', 'message/send/', { body: { business_id: T.open_id, recipient_type: 'CONVERSATION', recipient: conversation_id, message_type: 'TEXT', text: { body: 'sent too' } } })).status, 502);
  const t = await talk();
  equal(t.messages.filter((m) => m.from === 'shop').map((m) => m.text), ['sent', 'sent too'], 'after: sent');
  match(t.messages.at(-1).log_id, /^\d{14}[0-9A-F]{20}$/, 'which call it was');
  await event((e) => e.content.text?.body === 'sent too', 'its echo');
  await sent(conversation_id, { text: { body: 'sent' } });
  equal((await talk()).messages.filter((m) => m.text === 'sent').length, 2, 'a repeated send is seen twice');
  for (const code of [40050, 50000, 51065, 60001, 40100, 40016, 40133, 40202]) {
    await sim.control('POST', 'faults', { path: path_, kind: 'error_body', error: String(code) });
    equal((await send(conversation_id)).code, code, 'any code by fault');
  }
  equal((await talk()).sent, 3, 'none of these was sent');
});

await run();
