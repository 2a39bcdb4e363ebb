// What an operator is told about webhooks: impossible times, events nobody owns, wrong signatures. Each is a durable row, a
// count in GET /v1/webhooks, a metric, and a line of the command `alerts`. And explain for the operator, who names no workspace.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, daemonCommand, databases, startStack } from '../support/stack.mjs';

const SHOP = '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';

function body(owner, id) {
  const content = {
    timestamp: Date.now(), unique_identifier: 'p', from_user: { id: 'p', role: 'personal_account' }, to_user: { id: owner, role: 'business_account' },
    from: 'x', to: 'y', conversation_id: 'c', message_id: id, type: 'text', text: { body: 'hello' },
  };
  return JSON.stringify({ client_key: BUSINESS_KEY, event: 'im_receive_msg', create_time: Math.floor(Date.now() / 1000), user_openid: owner, content: JSON.stringify(content) });
}

for (const db of databases) {
  test(`webhooks.${db}.alerts`, async (t) => {
    const stack = await startStack({ db });
    t.cleanup(() => stack.stop());
    const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
    const now = Math.floor(Date.now() / 1000);
    const send = async (text, at = now, key = secret) =>
      (await fetch(`${stack.daemon.url}/webhooks/tiktok/accounts`, { method: 'POST', body: text, headers: { 'content-type': 'application/json',
        'tiktok-signature': `t=${at},s=${createHmac('sha256', key).update(`${at}.`).update(text).digest('hex')}` } })).status;
    const api = async (p) => (await fetch(stack.daemon.url + p, { headers: { authorization: `Bearer ${stack.seed.api_key}` } })).json();
    const command = (...words) => daemonCommand([...words, '--state', stack.daemon.state]);
    check(!command('alerts').includes('webhook.'), 'nothing is wrong yet');
    equal(await send(body(SHOP, 'old'), now - 73 * 3600 - 60), 200, 'quarantined');
    equal(await send(body('-000SomebodyElse', 'm1')), 200, 'unrouted');
    for (let i = 0; i < 25; i += 1) equal(await send(body(SHOP, `bad${i}`), now, 'another secret'), 401);
    for (const name of ['webhook.quarantined', 'webhook.unrouted', 'webhook.bad_signature'])
      await until(() => command('alerts').includes(name), 10000, name);
    const app = (await api('/v1/webhooks')).items.find((a) => a.app === 'accounts');
    equal([app.quarantined_since_start, app.unrouted_since_start, app.refused_signatures_since_start], [1, 1, 25]);
    const metrics = await (await fetch(`${stack.privateUrl}/metrics`)).text();
    for (const m of [/mz_webhook_total\{[^}]*quarantined[^}]*\} 1/, /mz_webhook_routed_total\{[^}]*unrouted[^}]*\} 1/, /alert[^{]*\{[^}]*webhook\.unrouted[^}]*\} 1/])
      check(m.test(metrics), String(m));
    equal((await api('/v1/alerts')).items, [], 'a workspace sees no alert of the installation');
    equal((await api('/v1/conversations')).items, [], 'neither had an effect');
    equal(await send(body(SHOP, 'good')), 200);
    const list = await until(async () => { const i = (await api('/v1/conversations')).items; return i.length === 1 && i; }, 10000, 'the good one');
    const story = command('explain', list[0].last_message.id);
    check(story.includes('signature was right') && story.includes('stored in conversation'), `the operator names no workspace: ${story}`);
    check(command('dead').trim() === 'none', 'no dead letter');
  }, { deadline_ms: 60000 });
}

await run();
