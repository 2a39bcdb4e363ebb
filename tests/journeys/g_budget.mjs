// Two daemons on one PostgreSQL ask TikTok's API for Business as often as they can, for accounts of one app. The simulator
// enforces TikTok's limits and keeps a log; judged by that log alone, no window ever holds more than TikTok allows.
import { check, equal, run, test } from '../support/runner.mjs';
import { BUSINESS_KEY, startStack } from '../support/stack.mjs';
import { Browser, client, consent, endOf, fields } from '../support/signin.mjs';
import { enter } from '../support/actors.mjs';
import { addNode } from '../support/grants.mjs';

const BASE = '/open_api/v1.3';
const LONG = process.env.MZ_LONG === '1';
const RUN_MS = LONG ? 70000 : 12000;
// The service's own limits towards its clients do not slow this test; TikTok's budgets stay as they are by default.
const settings = { 'http.max_per_address': '1000', 'http.exchanges_per_second': '0', 'http.writes_per_second': '0', 'http.reads_per_second': '0' };

async function connectBusiness(stack, owner, person) {
  const { url } = await owner.must(201, 'POST', '/v1/connections', { kind: 'business', market: 'th' });
  const browser = new Browser();
  const page = await browser.get(url);
  const action = /<form[^>]*action="([^"]+)"/i.exec(page.text)[1];
  const next = await browser.post(new URL(action.replaceAll('&amp;', '&'), url).href, { market: 'th', ...fields(page.text) });
  equal(next.status, 303, `click: ${endOf(next)}; status`);
  const back = await browser.get(await consent(stack.sim, next.location, { person }));
  equal(back.status, 303, `callback: ${endOf(back)} ${back.text.slice(0, 200)}; status`);
}

// The most entries that any window of `ms` holds, begun with one of them.
function busiest(times, ms) {
  let most = 0;
  for (let from = 0, to = 0; from < times.length; from++) {
    while (to < times.length && times[to] < times[from] + ms) to++;
    most = Math.max(most, to - from);
  }
  return most;
}

test('budget.two_nodes', async () => {
  const stack = await startStack({ db: 'postgres', settings });
  const owner = await enter(stack, 'owner', stack.seed.console_url);
  for (const person of ['shopowner', 'bakery']) await connectBusiness(stack, owner, person);
  const other = await addNode(stack, 'node2', { settings });
  const accounts = (await client(stack)('GET', '/v1/accounts?limit=100')).json.items.filter((a) => a.kind === 'business');
  check(accounts.length >= 2, `business accounts: ${accounts.length}`);

  const nodes = [client(stack), client({ ...stack, daemon: other.daemon })];
  const seen = {};
  const log = [];
  let after = (await stack.sim.control('GET', 'log?limit=1')).last;
  const gather = async () => {
    const got = await stack.sim.control('GET', `log?after=${after}&limit=2000`);
    after = got.last;
    log.push(...got.entries.filter((e) => e.path.startsWith(BASE)));
  };
  const end = Date.now() + RUN_MS;
  const hands = nodes.flatMap((api) => accounts.flatMap((a) => [`/v1/accounts/${a.id}/refresh`, `/v1/accounts/${a.id}/availability`].map((path) => ({ api, path }))));
  const gathering = (async () => {
    while (Date.now() < end) {
      await gather();
      await new Promise((wake) => setTimeout(wake, 1000));
    }
  })();
  await Promise.all(hands.map(async ({ api, path }) => {
    while (Date.now() < end) {
      const r = await api('POST', path);
      seen[r.status] = (seen[r.status] ?? 0) + 1;
    }
  }));
  await gathering;
  await gather();

  const times = log.map((e) => e.at_ms).sort((a, b) => a - b);
  const codes = log.map((e) => { try { return JSON.parse(e.answer).code; } catch { return null; } });
  const by = {};
  for (const e of log) if (/\/business\//.test(e.path)) (by[`${e.user} ${e.path}`] ??= []).push(e.at_ms);
  const worst = Math.max(0, ...Object.values(by).map((list) => busiest(list.sort((a, b) => a - b), 60000)));
  console.log(`# ${times.length} calls in ${RUN_MS} ms from two nodes; most in a second ${busiest(times, 1000)}, in a minute ${busiest(times, 60000)}; ` +
    `one account and endpoint in a minute ${worst}; answers to our callers ${JSON.stringify(seen)}`);
  check(times.length >= (RUN_MS / 1000) * 4, `too few calls to judge: ${times.length}`);
  check(busiest(times, 1000) <= 10, `calls in a second: ${busiest(times, 1000)} of 10`);
  check(busiest(times, 60000) <= 600, `calls in a minute: ${busiest(times, 60000)} of 600`);
  check(worst <= 40, `calls of one account to one endpoint in a minute: ${worst} of 40`);
  equal(codes.filter((c) => c === 40100 || c === 40016).length, 0, 'refusals by TikTok for too many calls');
  const { buckets } = (await nodes[1]('GET', '/v1/budgets')).json;
  const qps = buckets.find((b) => b.client_key === BUSINESS_KEY && b.name === 'qps');
  equal([qps?.limit, qps?.window, qps?.shut_until], [10, '1s', null], 'the bucket as the other node shows it');
}, { deadline_ms: RUN_MS + 60000 });

await run();
