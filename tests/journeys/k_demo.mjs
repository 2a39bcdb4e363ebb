// mozflow-demo as a receiver of events: only what is signed by the workspace's secret, in time, has an effect, and once.
import { createHmac } from 'node:crypto';
import { equal, match, run, test, throws } from '../support/runner.mjs';
import { startStack } from '../support/stack.mjs';
import { verifyWebhook } from '../../examples/mozflow-demo/webhook.mjs';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

function signed(body, { id = 'evt_1', secret = SECRET, at = Math.floor(Date.now() / 1000) } = {}) {
  const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64')).update(`${id}.${at}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,${mac}` };
}

test('demo.signature', async () => {
  const body = Buffer.from('{"specversion":"1.0","data":{"text":"สวัสดี"}}');
  equal(verifyWebhook(signed(body), body, [SECRET]).id, 'evt_1', 'a good one');
  equal(verifyWebhook(signed(body), body, [OTHER, SECRET]).id, 'evt_1', 'one of two secrets');
  const two = signed(body);
  two['webhook-signature'] = `${signed(body, { secret: OTHER })['webhook-signature']} ${two['webhook-signature']}`;
  equal(verifyWebhook(two, body, [SECRET]).id, 'evt_1', 'two signatures during a rotation');
  const now = Math.floor(Date.now() / 1000);
  await throws(() => verifyWebhook(signed(body), Buffer.concat([body, Buffer.from(' ')]), [SECRET]), /no signature/, 'a changed body');
  await throws(() => verifyWebhook(signed(body), body, [OTHER]), /no signature/, 'another secret');
  await throws(() => verifyWebhook({ ...signed(body), 'webhook-id': 'evt_2' }, body, [SECRET]), /no signature/, 'another id');
  await throws(() => verifyWebhook({ ...signed(body), 'webhook-timestamp': String(now - 1) }, body, [SECRET]), /no signature/, 'another time');
  await throws(() => verifyWebhook(signed(body, { at: now - 301 }), body, [SECRET]), /too far/, 'too old');
  await throws(() => verifyWebhook(signed(body, { at: now + 302 }), body, [SECRET]), /too far/, 'from the future');
  await throws(() => verifyWebhook({}, body, [SECRET]), /missing/, 'no headers');
  await throws(() => verifyWebhook({ ...signed(body), 'webhook-signature': 'v1,' }, body, [SECRET]), /no signature/, 'an empty signature');
});

test('demo.receiver', async (t) => {
  const stack = await startStack({ demo: true });
  t.cleanup(() => stack.stop());
  const secret = stack.seed.webhook_secret;
  const body = JSON.stringify({ specversion: '1.0', id: 'evt_x', type: 'mozflow.tiktok.message.received', data: {} });
  const post = (headers) => fetch(`${stack.demo.url}/tiktok/events`, { method: 'POST', headers, body });
  const seen = async () => (await (await fetch(`${stack.demo.url}/events`)).json());
  equal((await post(signed(body, { id: 'evt_x', secret }))).status, 204, 'signed');
  equal((await post(signed(body, { id: 'evt_x', secret }))).status, 204, 'the same again');
  equal((await seen()).items.filter((e) => e.id === 'evt_x').length, 1, 'one effect');
  equal((await post(signed(body, { id: 'evt_y', secret: OTHER }))).status, 401, 'a wrong secret');
  equal((await post({})).status, 401, 'unsigned');
  const state = await seen();
  equal([state.items.length, state.refused.count], [1, 2], 'effects and refusals');
  // What it shows is text: nothing of a message becomes markup.
  const page = await (await fetch(`${stack.demo.url}/`)).text();
  match(page, /mozflow-tiktok-login/, 'the button');
  equal((await fetch(`${stack.demo.url}/sign-out`, { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })).status, 403, 'a form of another site');
});

await run();
