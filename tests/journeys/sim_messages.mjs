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

test('sim.lists: 90 days, newest 20, ids decoded strictly, participants, both types', async () => {
  await reset();
  const { conversation_id } = await writes();
  const two = await writes({ customer: 'c2', kind: 'sticker', picture: 'cat' });
  await writes({ customer: 'eu' });
  const list = (conversation_type, o) => get('message/conversation/list/', { conversation_type, ...o });
  equal((await good(list('STRANGER'))).conversations.map((c) => c.conversation_id), [two.conversation_id, conversation_id], 'newest first, no EU');
  await shift(1);
  await sent(conversation_id);
  equal((await good(list('SINGLE'))).conversations.map((c) => [c.conversation_id, c.referral]), [[conversation_id, {}]], 'answered');
  await writes({ customer: 'c2', kind: 'referral', text: 'MZ ad' });
  const page = await good(list('STRANGER', { limit: '1' }));
  equal([page.has_more, page.cursor, page.conversations[0].referral.ad[0].ad_name], [false, 1, 'MZ ad'], 'referral');
  check(page.conversations[0].referral.ad[0].timestamp < 1e10, 'seconds here');
  check((await event((e) => e.event === 'im_referral_msg', 'referral')).content.referral.ad.timestamp > 1e12, 'milliseconds there');
  for (let i = 0; i < 22; i++) await writes({ text: `n${i}` });
  const c = await good(get('message/content/list/', { conversation_id }));
  equal([c.messages.length, c.messages[0].text.body, c.messages[19].text.body], [20, 'n21', 'n2'], 'newest 20, newest first');
  equal([c.messages[0].message_type, c.messages[0].from_user.role, c.messages[0].message_tag.source], ['TEXT', 'PERSONAL_ACCOUNT', 'APP'], 'upper case in REST');
  equal(c.participants.map((x) => [x.role, x.display_name]), [['PERSONAL_ACCOUNT', 'สมชาย'], ['BUSINESS_ACCOUNT', 'one']], 'participants');
  equal((await fetch(c.participants[0].profile_image)).status, 200, 'face');
  const m = received.filter((e) => e.content.text?.body === 'n21')[0];
  equal(m.content.message_id, c.messages[0].message_id, 'the webhook has the same id');
  const ids = (await sim.control('GET', 'conversations')).conversations.map((x) => x.conversation_id);
  const plus = ids.find((id) => id.includes('+')) ?? conversation_id;
  const strict = await envelope(raw('GET', `message/content/list/?business_id=${encodeURIComponent(T.open_id)}&conversation_id=${plus.includes('+') ? plus : `${plus}+`}`));
  equal([strict.code, strict.message], [40002, 'Param conversation_id is invalid.'], 'a raw + is a blank');
  equal((await good(get('message/content/list/', { conversation_id: two.conversation_id }))).messages[0].message_type, 'STICKER');
  for (const o of [{}, { conversation_type: 'X' }, { conversation_type: 'SINGLE', limit: '101' }, { conversation_type: 'SINGLE', limit: '0' }, { conversation_type: 'SINGLE', cursor: '-1' }])
    equal((await get('message/conversation/list/', o)).code, 40002, JSON.stringify(o));
  const b = await tokenOf('berlin');
  equal((await get('message/content/list/', { conversation_id }, b)).code, 40118, 'a region without messaging');
  await shift(91 * 24 * HOUR);
  T = await tokenOf('owner');
  equal((await good(list('STRANGER'))).conversations, [], 'after 90 days');
});

test('sim.capabilities: JSON array, the true type', async () => {
  await reset();
  const { conversation_id } = await writes();
  const cap = (conversation_type, o = {}) => get('message/capabilities/get/', { capability_types: '["IMAGE_SEND"]', conversation_id, conversation_type, ...o });
  equal((await good(cap('STRANGER'))).capability_infos, [{ capability_type: 'IMAGE_SEND', capability_result: true }]);
  equal((await cap('SINGLE')).code, 40002, 'the wrong type');
  await sim.switches({ image_send: 'single' });
  equal((await good(cap('STRANGER'))).capability_infos[0].capability_result, false, 'not for strangers');
  await sent(conversation_id);
  equal((await good(cap('SINGLE'))).capability_infos[0].capability_result, true, 'after the answer');
  for (const o of [{ capability_types: 'IMAGE_SEND' }, { capability_types: '["X"]' }, { capability_types: '[]' }, { conversation_id: 'x' }])
    equal((await cap('SINGLE', o)).code, 40002, JSON.stringify(o));
});

test('sim.media: upload by bytes, download by message, the CDN wants x-user', async () => {
  await reset();
  const jpeg = Buffer.concat([Buffer.from('ffd8ffe0', 'hex'), Buffer.alloc(40)]);
  match((await good(upload(jpeg))).media_id, /./);
  for (const [bytes, o, code] of [[Buffer.alloc(0), {}, 40906], [Buffer.concat([png, Buffer.alloc(3_000_000)]), {}, 40907], [Buffer.from('GIF89a'), {}, 40908],
    [png, { media_type: 'VIDEO' }, 40002], [png, { field: 'image' }, 40002], [png, { business_id: 'x' }, 40001]])
    equal((await upload(bytes, o)).code, code, `${code}`);
  const bare = await raw('POST', 'message/media/upload/', { body: 'x', headers: { 'content-type': 'multipart/form-data' } });
  equal([bare.status, bare.headers.get('content-type').split(';')[0]], [400, 'text/plain'], 'no boundary');
  await writes({ kind: 'image' });
  await writes({ kind: 'video' });
  const image = await event((e) => e.content.type === 'image', 'image');
  const video = await event((e) => e.content.type === 'video', 'video');
  const ask = (e, o = {}) => post('message/media/download/', { conversation_id: e.content.conversation_id, message_id: e.content.message_id,
    media_id: e.content[e.content.type].media_id, media_type: e.content.type.toUpperCase(), ...o });
  const url = (await good(ask(image))).download_url;
  equal((await ask(image, { media_type: 'VIDEO' })).code, 40007, 'type');
  equal((await ask(image, { media_id: video.content.video.media_id })).code, 40007, "another message's");
  equal((await ask(image, { conversation_id: 'x' })).code, 40002, 'conversation');
  const cdn = (u, token = T.access_token, redirect = 'manual') => fetch(u, { redirect, headers: token ? { 'x-user': token } : {} });
  equal((await cdn(url, null)).status, 403, 'no header');
  equal((await cdn(url, (await tokenOf('other')).access_token)).status, 403, "another's token");
  equal((await cdn(url.replace(/signature=./, 'signature=x'))).status, 403, 'signature');
  const r = await cdn(url);
  equal([r.status, r.headers.get('content-type'), Buffer.from(await r.arrayBuffer()).subarray(1, 4).toString()], [200, 'image/png', 'PNG'], 'bytes');
  const v = await cdn((await good(ask(video))).download_url);
  equal([v.headers.get('content-type'), Buffer.from(await v.arrayBuffer()).subarray(4, 8).toString()], ['video/mp4', 'ftyp'], 'video');
  await sim.switches({ media_cdn: 'wrong_type' });
  match((await cdn(url)).headers.get('content-type'), /text\/html/);
  await sim.switches({ media_cdn: 'redirect_away' });
  const away = await cdn(url);
  equal([away.status, new URL(away.headers.get('location')).hostname], [302, 'localhost'], 'redirect');
  await sim.switches({ media_cdn: 'big' });
  check((await (await cdn(url)).arrayBuffer()).byteLength > 3_800_000, 'big');
  const log = (await sim.control('GET', 'log?path=/sim-cdn/media/')).entries;
  check(log.some((x) => x.headers['x-user'] === T.access_token) && log.some((x) => !x.headers['x-user']), 'the log shows who sent x-user');
  await sim.switches({ media_cdn: 'good' });
  await shift(24 * HOUR + 1);
  T = await tokenOf('owner');
  equal((await cdn(url)).status, 403, 'a link lives 24 hours');
  equal((await cdn((await good(ask(image))).download_url)).status, 200, 'a new one');
  const sticker = await writes({ kind: 'sticker' });
  const emoji = await writes({ kind: 'emoji' });
  for (const m of [sticker, emoji]) {
    const e = await event((x) => x.content.message_id === m.message_id, 'picture');
    equal((await fetch(e.content[e.content.type].url)).status, 200, 'a plain link');
  }
});

test('sim.events: reactions, taps, quotes, read marks, EU, messages typed elsewhere', async () => {
  await reset();
  const { conversation_id } = await writes();
  const card = await sent(conversation_id, { message_type: 'TEMPLATE', text: undefined, template: { type: 'QA_BUTTON_CARD', title: 'ไซซ์', buttons: [{ type: 'REPLY', title: 'M', id: 'size_m' }] } });
  const tap = await writes({ kind: 'tap', message: card, button: 'size_m' });
  const tapped = await event((e) => e.content.message_id === tap.message_id, 'tap');
  equal([tapped.content.text.body, tapped.content.reply_source_payload], ['M', { reply_source_msg_id: card, reply_source_unique_id: 'size_m' }], 'tap');
  await writes({ kind: 'reaction', message: card, text: '👍' });
  await writes({ kind: 'reaction', message: card, text: '👍', remove: true });
  const reactions = await until(() => received.filter((e) => e.content.type === 'reaction').length === 2 && received.filter((e) => e.content.type === 'reaction'));
  equal(reactions.map((e) => e.content.reaction[0].operation), ['ADD', 'REMOVE']);
  equal([reactions[0].content.reaction[0].original_msg_id, reactions[0].content.reaction[0].emoji], [card, '👍']);
  equal((await talk()).messages.find((m) => m.message_id === card).reactions, [], 'taken back');
  await writes({ kind: 'read' });
  const read = await event((e) => e.event === 'im_mark_read_msg', 'read mark');
  equal(read.content.read.last_read_timestamp, (await talk()).messages.find((m) => m.message_id === card).at_ms, 'up to our newest');
  equal([read.content.message_id, read.content.type], [undefined, undefined]);
  await writes({ kind: 'read' });
  equal((await writes({ from: 'web', text: 'เว็บ' })).conversation_id, conversation_id);
  const web = await event((e) => e.content.text?.body === 'เว็บ', 'web');
  equal([web.event, web.content.message_tag.source], ['im_send_msg', 'WEB']);
  await writes({ from: 'auto', text: 'อัตโนมัติ' });
  equal((await event((e) => e.content.text?.body === 'อัตโนมัติ', 'auto')).content.auto_message_type, 'AUTO_REPLY');
  equal(received.filter((e) => e.event === 'im_mark_read_msg').length, 1, 'read once');
  await writes({ customer: 'eu', text: 'secret' });
  const eu = await event((e) => e.event === 'im_receive_msg_eu', 'eu');
  equal(Object.keys(eu.content).sort(), ['timestamp', 'to', 'to_user'], 'stripped');
});

test('sim.auto: caps, lengths, review, welcome message, order', async () => {
  await reset({ auto_review_ms: 60000 });
  const call = (name, o) => post(`message/auto_message/${name}/`, o);
  const prompt = (title, content = 'x') => call('create', { auto_message_type: 'CHAT_PROMPT', chat_prompt: { title, content } });
  const ids = [];
  for (let i = 0; i < 6; i++) ids.push((await good(prompt(`p${i}`))).auto_message.auto_message_id);
  equal((await prompt('p6')).code, 40002, 'six');
  for (const o of [{ auto_message_type: 'AUTO_REPLY' }, { auto_message_type: 'SUGGESTED_QUESTION', suggested_question: { question: 'ก'.repeat(81), answer: 'x' } },
    { auto_message_type: 'SUGGESTED_QUESTION', suggested_question: { question: 'q', answer: 'ก'.repeat(201) } }, { auto_message_type: 'WELCOME_MESSAGE', welcome_message: { content: 'ก'.repeat(251) } }, { auto_message_type: 'WELCOME_MESSAGE' }])
    equal((await call('create', o)).code, 40002, JSON.stringify(o).slice(0, 60));
  const type = { auto_message_type: 'CHAT_PROMPT' };
  equal((await call('update', { ...type, auto_message_id: ids[0], chat_prompt: { title: 'n', content: 'n' } })).code, 40002, 'under review');
  await shift(61);
  const audit = await event((e) => e.event === 'im_auto_message_audit_update', 'audit');
  equal([audit.content.audit_status, audit.content.auto_message_type], ['APPROVED', 'CHAT_PROMPT']);
  await good(call('update', { ...type, auto_message_id: ids[0], chat_prompt: { title: 'n', content: 'n' } }));
  await good(call('sort', { ...type, auto_message_ids: [...ids].reverse() }));
  equal((await call('sort', { ...type, auto_message_ids: ids.slice(1) })).code, 40002, 'every one once');
  const listing = await good(get('message/auto_message/get/', type));
  equal(listing.auto_messages.map((m) => m.auto_message_id), [...ids].reverse(), 'sorted');
  equal([listing.operation_status, listing.auto_messages[5].audit_status], ['ENABLE', 'REVIEWING']);
  equal((await good(call('get', type))).auto_messages.length, 6, 'POST too');
  await good(call('delete', { ...type, auto_message_id: ids[1] }));
  equal((await call('delete', { ...type, auto_message_id: ids[1] })).code, 40007, 'gone');
  const welcome = { auto_message_type: 'WELCOME_MESSAGE' };
  const { auto_message } = await good(call('create', { ...welcome, welcome_message: { content: 'ยินดี\nต้อนรับ' } }));
  equal((await call('delete', { ...welcome, auto_message_id: auto_message.auto_message_id })).code, 40002, 'only switched off');
  await shift(61);
  await writes();
  const hello = await event((e) => e.content.auto_message_type === 'WELCOME_MESSAGE' && e.event === 'im_send_msg', 'welcome');
  equal([hello.content.text.body, hello.content.message_tag.source], ['ยินดี\nต้อนรับ', 'OTHERS']);
  equal((await talk()).window.left, 10, 'it does not count');
  await good(call('status/update', { ...welcome, operation_status: 'DISABLE' }));
  await writes({ customer: 'c2' });
  equal((await talk('c2')).messages.length, 1, 'off');
  equal(received.filter((e) => e.event === 'im_auto_message_config_update').map((e) => e.content.auto_message_action), ['CREATE', 'CREATE', 'CREATE', 'CREATE', 'CREATE', 'CREATE', 'UPDATE', 'DELETE', 'CREATE', 'DISABLE'], 'told');
});

const comment = (o = {}) => sim.control('POST', 'comments', { shop: 'one', customer: 'c1', text: 'สนใจค่ะ', ...o });
test('sim.direct_reply: the setting, the five conditions, once', async () => {
  await reset();
  const reply = (comment_id, token = T) => post('message/send/', { message_type: 'TEXT', text: { body: 'ทักแชท' }, direct_reply: { reply_type: 'COMMENT_REPLY', comment_reply: { comment_id } } }, token);
  const set = (operation_status, token = T) => post('message/direct_reply/update/', { direct_reply_type: 'COMMENT_TO_MESSAGE', operation_status }, token);
  const c = await comment({ intent: true });
  equal(c.high_intent, 0, 'off: not reported');
  equal((await reply(c.comment_id)).code, 40064, 'off');
  await good(set('ENABLE'));
  equal((await good(get('message/direct_reply/get/', { direct_reply_type: 'COMMENT_TO_MESSAGE' }))).operation_status, 'ENABLE');
  const d = await comment({ intent: true });
  const told = await event((e) => e.event === 'im_receive_high_intent_comment', 'high intent');
  equal([told.content.comment_id, told.content.video_id], [d.comment_id, undefined], 'a text, and no video');
  const { message } = await good(reply(d.comment_id));
  const echo = await event((e) => e.content.message_id === message.message_id, 'echo');
  equal((await talk()).conversation_id, echo.content.conversation_id, 'the conversation is first named here');
  equal((await reply(d.comment_id)).code, 40064, 'once');
  equal((await send(echo.content.conversation_id)).code, 40064, 'and no more before an answer');
  await writes();
  await sent(echo.content.conversation_id);
  equal((await reply((await comment({ intent: true })).comment_id)).code, 40064, 'messages within 24 hours');
  equal((await reply((await comment({ customer: 'c2' })).comment_id)).code, 40064, 'not reported');
  const late = await comment({ customer: 'd0', intent: true });
  await shift(48 * HOUR + 1);
  T = await tokenOf('owner');
  equal((await reply(late.comment_id)).code, 40064, 'older than 48 hours');
  equal((await reply('7600000000000000000')).code, 40007, 'unknown');
  equal((await set('ENABLE', await tokenOf('tokyo'))).code, 40118, 'country');
  equal((await set('ON')).code, 40002, 'status');
});

test('sim.comments: lists, replies, like, hide, delete own; exact ids in events', async () => {
  await reset({ comment_reply_path: 'both' });
  const a = await comment();
  const b = await comment({ text: 'ราคา?', customer: 'c2' });
  const video_id = a.video_id;
  const list = (o = {}) => get('comment/list/', { video_id, ...o });
  const inserted = await event((e) => e.event === 'comment.update', 'insert');
  match(inserted.raw, new RegExp(`"comment_id":${a.comment_id},"video_id":${video_id},"parent_comment_id":0,`), 'bare numbers, exact');
  equal([inserted.content.comment_type, inserted.content.comment_action, inserted.content.text], ['comment', 'insert', 'สนใจค่ะ']);
  const one = (await good(list({ comment_ids: JSON.stringify([a.comment_id]) }))).comments;
  equal([one.length, one[0].comment_id, one[0].username, one[0].owner, one[0].status], [1, a.comment_id, 'c.one', false, 'PUBLIC']);
  const mine = await good(post('comment/reply/create/', { video_id, comment_id: a.comment_id, text: 'ค่ะ' }));
  await good(post('comment/reply/', { video_id, comment_id: a.comment_id, text: 'อีกครั้ง' }));
  await sim.switches({ comment_reply_path: 'create' });
  equal((await raw('POST', 'comment/reply/', { body: {} })).status, 404, 'the short path by switch only');
  equal((await good(list({ include_replies: 'true' }))).comments.find((x) => x.comment_id === a.comment_id).reply_list.length, 2, 'replies');
  equal((await good(get('comment/reply/list/', { video_id, comment_id: a.comment_id }))).comments.length, 2);
  const own = await event((e) => e.event === 'comment.update' && e.content.comment_type === 'reply', 'our reply arrives too');
  equal(own.content.unique_identifier, T.open_id);
  await good(post('comment/like/', { comment_id: b.comment_id, action: 'LIKE' }));
  await good(post('comment/hide/', { video_id, comment_id: b.comment_id, action: 'HIDE' }));
  await event((e) => e.content.comment_action === 'set_to_hidden', 'hidden');
  equal((await good(list({ status: 'PUBLIC' }))).comments.map((x) => x.comment_id), [a.comment_id], 'hidden ones are not public');
  equal((await get('comment/reply/list/', { video_id, comment_id: b.comment_id })).code, 40007, 'not for hidden ones');
  await good(post('comment/hide/', { video_id, comment_id: b.comment_id, action: 'UNHIDE' }));
  await event((e) => e.content.comment_action === 'set_to_public', 'shown again');
  equal((await post('comment/delete/', { comment_id: a.comment_id })).code, 40001, 'foreign');
  await good(post('comment/delete/', { comment_id: mine.comment_id }));
  await event((e) => e.content.comment_action === 'delete', 'deleted');
  equal((await post('comment/create/', { video_id, text: 'ก'.repeat(1201) })).code, 40002, 'length');
  await good(post('comment/create/', { video_id, text: 'ก'.repeat(1200) }));
  await sim.switches({ comment_text_max: '150' });
  equal((await post('comment/create/', { video_id, text: 'ก'.repeat(151) })).code, 40002, 'by switch');
  equal((await get('comment/list/', { video_id: '1' })).code, 40001, 'a foreign video');
  for (const o of [{ max_count: '31' }, { sort_field: 'x' }, { comment_ids: '1' }, { video_id: '' }]) equal((await list(o)).code, 40002, JSON.stringify(o));
  equal((await get('comment/list/', { video_id }, await tokenOf('owner', 'user.info.basic,message.list.read'))).code, 40001, 'scope');
});

await run();
