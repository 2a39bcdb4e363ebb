// Is messaging available, and do the webhooks come to us? A business account is connected; then the simulator's TikTok takes
// away, one by one, what messaging needs: registration, region, approval, account type, scope, token. Each is one plain
// verdict with its check, a fallback, and where only TikTok can help a task that a later good answer closes by itself. And the
// registrations themselves: missing, foreign, repaired, removed, with the loopback check; over REST and the commands.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, match, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, daemonCommand, databases, startStack } from '../support/stack.mjs';
import { Browser, client, consent, endOf, fields } from '../support/signin.mjs';
import { enter, invited, workspaceCreate } from '../support/actors.mjs';
import { unlimited } from '../support/grants.mjs';

const BASE = '/open_api/v1.3';
const MINUTE = 60000;
const HOUR = 60 * MINUTE;

async function connectBusiness(stack, owner, person, scopes) {
  const { url } = await owner.must(201, 'POST', '/v1/connections', { kind: 'business', market: 'th' });
  const browser = new Browser();
  const page = await browser.get(url);
  equal(page.status, 200, `page of the link: ${endOf(page)}; status`);
  const action = /<form[^>]*action="([^"]+)"/i.exec(page.text)[1];
  const next = await browser.post(new URL(action.replaceAll('&amp;', '&'), url).href, { market: 'th', ...fields(page.text) });
  equal(next.status, 303, `click: ${endOf(next)} ${next.text.slice(0, 200)}; status`);
  const back = await browser.get(await consent(stack.sim, next.location, { person, scopes }));
  equal(back.status, 303, `callback: ${endOf(back)} ${back.text.slice(0, 300)}; status`);
}

async function world(db, t) {
  const stack = await startStack({ db, clock: true, settings: unlimited });
  t.cleanup(() => stack.stop());
  // Not about limits: at ten a second a loaded machine bunches calls that left evenly spaced.
  await stack.sim.switches({ rate_limits: 'off' });
  const owner = await enter(stack, 'owner', stack.seed.console_url);
  await connectBusiness(stack, owner, 'shopowner');
  const ask = client(stack);
  const account = (await ask('GET', '/v1/accounts?limit=100')).json.items.find((a) => a.kind === 'business' && a.username === 'mozflow.shop');
  check(account, 'the business account is connected');
  const at = `/v1/accounts/${account.id}/availability`;
  const command = (...words) => daemonCommand([...words, '--state', stack.daemon.state], { env: stack.env });
  return { stack, owner, ask, account, at, command, secret: readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim() };
}

const user = (w, change) => w.stack.sim.control('PUT', 'users', { id: 'shopowner', ...change });
const app = (w, change) => w.stack.sim.control('PUT', 'apps', { client_key: BUSINESS_KEY, ...change });
const checkOf = (a, name) => a.checks.find((c) => c.name === name);

async function ask200(w, method, target, body) {
  const r = await w.ask(method, target, body);
  equal(r.status, 200, `${method} ${target}: ${r.text.slice(0, 300)}; status`);
  return r.json;
}
async function probe(w, at = w.at) {
  const a = await ask200(w, 'POST', at);
  if (a.checks.some((c) => c.result === 'unknown' && c.tiktok_code)) console.log(`# unknown: ${JSON.stringify(a.checks.filter((c) => c.result === 'unknown').map((c) => [c.name, c.tiktok_code, c.at]))} at ${a.checked_at}`);
  return a;
}
const register = async (w) => {
  for (const c of ['DIRECT_MESSAGE', 'COMMENT']) equal((await ask200(w, 'PUT', `/v1/webhook-subscriptions/accounts/${c}`)).state, 'right', c);
};

function bilingual(what, x) {
  check(x.en && /[\u0e00-\u0e7f]/.test(x.th) && !/[\u0e00-\u0e7f]/.test(x.en), `${what} in both languages: ${JSON.stringify(x)}`);
}

for (const db of databases) {
  test(`availability.${db}.verdicts`, async (t) => {
    const w = await world(db, t);
    // Planned by itself after the connection: nobody asked.
    await w.stack.clock.shift(2 * MINUTE);
    const first = await until(async () => { const a = await ask200(w, 'GET', w.at); return a.checked_at && a; }, 20000, 'the first probe');
    equal(first.verdict, 'webhook_missing', `TikTok has no address yet: ${JSON.stringify(first.checks)}`);
    equal(checkOf(first, 'conversation_list').result, 'good');
    await register(w);
    const good = await probe(w);
    equal([good.verdict, good.fallback.links, good.task, good.code], ['available', [], null, null]);
    for (const c of good.checks) bilingual(c.name, c);
    check(Date.parse(good.next_at) - Date.parse(good.checked_at) > 20 * HOUR, 'next within a day');
    const cases = [
      { what: 'region', break: () => user(w, { region: 'DE' }), mend: () => user(w, { region: 'TH' }), verdict: 'not_approved_or_region', check: 'region', code: 40118 },
      { what: 'approval', break: () => app(w, { messaging: 'pending' }), mend: () => app(w, { messaging: 'approved' }), verdict: 'not_approved_or_region', check: 'conversation_list', code: 40125 },
      { what: 'region as 40001', break: async () => { await w.stack.sim.switches({ region_error: '40001' }); await user(w, { region: 'GB' }); },
        mend: async () => { await w.stack.sim.switches({ region_error: '40118' }); await user(w, { region: 'TH' }); }, verdict: 'not_approved_or_region', check: 'region', code: 40001 },
      { what: 'type', break: () => user(w, { account_type: 'personal' }), mend: () => user(w, { account_type: 'business' }), verdict: 'not_business', check: 'account_type', code: null },
    ];
    for (const c of cases) {
      await c.break();
      const bad = await probe(w);
      equal([bad.verdict, checkOf(bad, c.check).result, checkOf(bad, c.check).tiktok_code], [c.verdict, 'bad', c.code], c.what);
      bilingual(c.what, bad);
      equal(bad.fallback.links.map((l) => l.kind), ['tiktok_me', 'profile', 'inbox', 'business_center', 'app'], c.what);
      equal(bad.fallback.links[0].url, 'https://tiktok.me/mozflow.shop');
      equal(bad.fallback.links.at(-1).url, null);
      for (const l of bad.fallback.links) bilingual(l.kind, l);
      equal(bad.task !== null, c.verdict === 'not_approved_or_region', `${c.what}: a task where only TikTok can help`);
      if (c.code) check(checkOf(bad, c.check).log_id, `${c.what}: TikTok's log id`);
      await c.mend();
      equal([(await probe(w)).verdict, (await ask200(w, 'GET', w.at)).task], ['available', null], `${c.what} mended`);
    }
    const seen = (await ask200(w, 'GET', '/v1/events?limit=100')).items.map((e) => e.type);
    check(seen.filter((e) => e === 'messaging.availability_changed').length >= 9, `Mozflow hears each change: ${seen}`);
    await until(async () => (await ask200(w, 'GET', '/v1/alerts')).items.some((a) => a.name === 'messaging.unavailable'), 10000, 'the alert');
    // The token dies at TikTok without a word: the probe finds it, and accounts hears of it.
    await w.stack.sim.control('POST', 'act', { user: 'shopowner', action: 'disconnect', client_key: BUSINESS_KEY, webhook: false });
    const dead = await probe(w);
    equal([dead.verdict, checkOf(dead, 'token').result], ['token_dead', 'bad']);
    await until(async () => (await ask200(w, 'GET', `/v1/accounts/${w.account.id}`)).state === 'needs_reauth', 15000, 'the account needs consent');
    equal((await ask200(w, 'GET', w.at)).verdict, 'token_dead');
  }, { deadline_ms: 120000 });

  test(`availability.${db}.waits`, async (t) => {
    const w = await world(db, t);
    await register(w);
    await user(w, { region: 'DE' });
    const bad = await probe(w);
    check(bad.task.id && bad.task.owner === null && Date.parse(bad.task.recheck_at) > Date.parse(bad.checked_at), 'a task of the owner');
    const late = await w.ask('PUT', `${w.at}/task`, { owner: 'Somchai', recheck_at: '2020-01-01' });
    equal([late.status, late.json.code], [422, 'messaging.recheck']);
    const date = new Date(Date.parse(bad.checked_at) + 40 * 24 * HOUR).toISOString();
    const set = await ask200(w, 'PUT', `${w.at}/task`, { owner: 'Somchai', recheck_at: date });
    equal([set.task.id, set.task.owner, Date.parse(set.task.recheck_at)], [bad.task.id, 'Somchai', Math.floor(Date.parse(date) / 1000) * 1000]);
    // TikTok lets it in meanwhile; nobody asks: the daily probe closes the task.
    await user(w, { region: 'TH' });
    await w.stack.clock.shift(27 * HOUR);
    const done = await until(async () => { const a = await ask200(w, 'GET', w.at); return a.verdict === 'available' && a; }, 30000, 'the daily probe');
    equal(done.task, null);
    const nothing = await w.ask('PUT', `${w.at}/task`, { recheck_at: date });
    equal([nothing.status, nothing.json.code], [409, 'messaging.nothing_to_wait_for']);
    // Still no on the date: somebody is told, once.
    await user(w, { region: 'DE' });
    const again = await probe(w);
    check(again.task.id !== bad.task.id, 'a new wait');
    await w.stack.clock.shift(8 * 24 * HOUR);
    const told = async () => (await ask200(w, 'GET', '/v1/alerts?limit=100')).items.filter((a) => a.name === 'messaging.still_waiting');
    await until(async () => (await told()).length > 0, 30000, 'the reminder');
    await probe(w);
    equal((await told()).map((a) => a.count), [1], 'told once');
  }, { deadline_ms: 120000 });

  test(`availability.${db}.scope`, async (t) => {
    const w = await world(db, t);
    await connectBusiness(w.stack, w.owner, 'bakery', ['user.info.basic', 'user.info.username', 'user.account.type', 'message.list.read']);
    const other = (await w.ask('GET', '/v1/accounts?limit=100')).json.items.find((a) => a.username === 'baan.bakery');
    check(other, 'the bakery is connected');
    const a = await probe(w, `/v1/accounts/${other.id}/availability`);
    equal([a.verdict, checkOf(a, 'scopes').result, checkOf(a, 'conversation_list').result, a.task], ['no_scope', 'bad', 'good', null]);
    const login = (await w.ask('GET', '/v1/accounts?limit=100')).json.items.find((x) => x.kind === 'login');
    if (login) equal((await w.ask('GET', `/v1/accounts/${login.id}/availability`)).json.code, 'messaging.not_a_business');
    // Strangers and the unprivileged.
    const beta = await enter(w.stack, 'beta owner', workspaceCreate(w.stack, 'Beta', 'owner@beta.invalid').console_url);
    for (const [method, target] of [['GET', w.at], ['POST', w.at], ['PUT', `${w.at}/task`]])
      equal((await beta.ask(method, target, method === 'PUT' ? { recheck_at: '2099-01-01' } : undefined)).status, 404, `${method} of a stranger`);
    const agent = await invited(w.stack, w.owner, 'agent', 'agent');
    equal((await agent.ask('POST', w.at)).status, 403, 'an agent asks TikTok');
    equal((await agent.ask('PUT', '/v1/webhook-subscriptions/accounts/COMMENT')).status, 403, 'an agent registers');
  }, { deadline_ms: 90000 });

  test(`webhooks_setup.${db}`, async (t) => {
    const w = await world(db, t);
    const hooks = async () => (await ask200(w, 'GET', '/v1/webhook-subscriptions')).items;
    const of = async (category) => (await hooks()).find((h) => h.app === 'accounts' && h.category === category);
    equal((await hooks()).map((h) => h.category), ['DIRECT_MESSAGE', 'COMMENT', 'VIDEO', 'BRAND_MENTION']);
    const asked = (await ask200(w, 'POST', '/v1/webhook-subscriptions/accounts/check')).items;
    equal(asked.map((h) => h.state), ['missing', 'missing', 'missing', 'missing']);
    for (const h of asked) bilingual(h.category, h);
    const set = await ask200(w, 'PUT', '/v1/webhook-subscriptions/accounts/DIRECT_MESSAGE');
    equal([set.state, set.registered_url, set.wanted_url], ['right', `${w.stack.daemon.url}/webhooks/tiktok/accounts`, set.registered_url]);
    equal((await of('COMMENT')).state, 'missing', 'each category for itself');
    // Another installation takes the registration; it is seen, never overwritten by itself, and repaired by one act.
    const foreign = 'https://other.example/webhooks/tiktok';
    const taken = await fetch(`${w.stack.sim.url}${BASE}/business/webhook/update/`, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ app_id: BUSINESS_KEY, secret: w.secret, event_type: 'DIRECT_MESSAGE', callback_url: foreign }) });
    equal((await taken.json()).code, 0);
    equal((await ask200(w, 'POST', '/v1/webhook-subscriptions/accounts/check')).items[0].state, 'foreign');
    equal([(await of('DIRECT_MESSAGE')).state, (await of('DIRECT_MESSAGE')).registered_url], ['foreign', foreign]);
    equal((await probe(w)).verdict, 'webhook_missing');
    await w.stack.clock.shift(25 * HOUR);
    const command = (...words) => daemonCommand([...words, '--state', w.stack.daemon.state], { env: w.stack.env });
    await until(() => command('alerts').includes('messaging.webhook_missing'), 30000, 'the daily look raises an alert');
    equal((await of('DIRECT_MESSAGE')).registered_url, foreign, 'and overwrites nothing');
    equal((await ask200(w, 'PUT', '/v1/webhook-subscriptions/accounts/DIRECT_MESSAGE')).state, 'right', 'repaired');
    // The loopback check, and what an event of the category leaves.
    const tested = await ask200(w, 'POST', '/v1/webhook-subscriptions/accounts/test');
    equal([tested.sent, tested.answered, tested.recorded, tested.url], [true, 200, true, set.registered_url]);
    bilingual('test', tested);
    await until(async () => (await ask200(w, 'GET', '/v1/webhooks')).items.find((a) => a.app === 'accounts').last_test_at, 10000, 'the test event');
    equal((await of('DIRECT_MESSAGE')).last_event_at, null, 'a test is no message');
    await w.stack.sim.control('POST', 'messages', { shop: 'mozflow-shop', customer: (await w.stack.sim.control('GET', 'customers')).customers[0].id, text: 'สวัสดี' });
    await until(async () => (await of('DIRECT_MESSAGE')).last_event_at, 10000, 'the message');
    equal((await of('COMMENT')).last_event_at, null);
    // One tenant must not silence the others; the operator may.
    const shared = await w.ask('DELETE', '/v1/webhook-subscriptions/accounts/DIRECT_MESSAGE');
    equal([shared.status, shared.json.code], [403, 'messaging.shared_app']);
    const says = (pattern, ...words) => match(w.command(...words), pattern, words.join(' '));
    says(/^accounts DIRECT_MESSAGE: right, registered http\S+accounts, asked 20\S+Z, last event 20\S+Z$/m, 'webhooks', 'list');
    says(/^accounts COMMENT: right, /, 'webhooks', 'set', 'accounts', 'COMMENT');
    says(/answer 200, stored: yes\./, 'webhooks', 'test', 'accounts');
    says(/^accounts COMMENT: missing, wanted http/, 'webhooks', 'delete', 'accounts', 'COMMENT');
    says(/^available: Messaging works[^]*\n {2}good token: /, 'accounts', 'probe', w.account.id, '--workspace', w.stack.seed.workspace_id);
    for (const [target, status, code] of [['nobody/COMMENT', 404, 'messaging.no_such_app'], ['login/COMMENT', 404, 'messaging.no_such_app']])
      equal([(await w.ask('PUT', `/v1/webhook-subscriptions/${target}`)).status, (await w.ask('PUT', `/v1/webhook-subscriptions/${target}`)).json.code], [status, code]);
    const wrong = await w.ask('PUT', '/v1/webhook-subscriptions/accounts/im_receive_msg');
    check([400, 404, 422].includes(wrong.status), `an event's name is no category: ${wrong.status}`);
    // On the wire: never item_list, never a token where the secret goes; and no secret in our log.
    const wire = await w.stack.sim.log(0, `${BASE}/business/webhook/`);
    check(wire.length > 10 && wire.every((e) => !/item_list/.test(`${e.query}${e.body}`) && !Object.keys(e.headers).some((h) => h.toLowerCase() === 'access-token')), 'the registrations on the wire');
    const own = wire.filter((e) => !String(e.body).includes('other.example'));
    check(own.every((e) => e.path.endsWith('/')), 'every path ends with a slash');
    const log = readFileSync(path.join(w.stack.dir, 'daemon.log'), 'utf8');
    check(log.includes('accounts.webhook_list') && !log.includes(w.secret), 'the secret is in no line of the log');
    const audit = (await ask200(w, 'GET', '/v1/audit?limit=100')).items.map((e) => e.action);
    for (const action of ['messaging.webhook_set', 'messaging.webhook_checked', 'messaging.webhook_tested', 'messaging.probed']) check(audit.includes(action), `audit has ${action}: ${audit}`);
  }, { deadline_ms: 120000 });
}

await run();
