// Many connected grants: people made in the simulator, signed in through the browser's way, found again in the API.
// Used by the storm, the virtual year and the bench of refreshes.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { check, equal, finallyDo } from './runner.mjs';
import { LOGIN_KEY, daemonConfig, freePort, startDaemon, writeConfig } from '../../tools/stack.mjs';
import { Browser, attempt, client, toTikTok } from './signin.mjs';

// Settings under which the service's own limits do not slow a test that is about refreshes.
export const unlimited = {
  'http.max_per_address': '1000', 'http.exchanges_per_second': '0', 'http.writes_per_second': '0', 'http.reads_per_second': '0',
  'budget.per_minute': '1000000', 'budget.business_qps': '100000',
};

// Runs fn for every item, `width` at a time.
export async function each(items, width, fn) {
  const left = [...items.entries()];
  await Promise.all(Array.from({ length: Math.min(width, left.length) }, async () => {
    for (let next; (next = left.shift()); ) await fn(next[1], next[0]);
  }));
}

export async function makePeople(sim, count, prefix = 'g') {
  const people = [];
  while (people.length < count) {
    const body = { client_key: LOGIN_KEY, count: Math.min(1000, count - people.length), from: people.length + 1, prefix, scopes: 'user.info.basic', give: 'none' };
    people.push(...(await sim.control('POST', 'grants', body)).grants.map((g) => g.user));
  }
  return people;
}

// Signs one person in: attempt, our page, TikTok's answer without its page, our callback.
export async function connect(stack, person) {
  const browser = new Browser();
  const { start_url: start } = await attempt(stack);
  const authorize = await toTikTok(browser, start);
  const asked = await fetch(authorize, { redirect: 'manual', headers: { cookie: `sim_person=${person}` } });
  const callback = asked.headers.get('location');
  check(callback, `TikTok's page for ${person}: ${asked.status} ${(await asked.text()).slice(0, 300)}`);
  const back = await browser.get(callback);
  equal(back.status, 303, `callback of ${person}: ${back.text.slice(0, 300)}`);
}

// Every page of a list.
export async function pages(ask, target) {
  const items = [];
  for (let cursor = ''; cursor !== null; ) {
    const r = await ask('GET', `${target}${target.includes('?') ? '&' : '?'}limit=100${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    equal(r.status, 200, `${target}: ${r.text.slice(0, 200)}`);
    items.push(...r.json.items);
    cursor = r.json.next_cursor ?? null;
  }
  return items;
}

// Signs everybody in and answers [{ person, open_id, account }].
export async function connectAll(stack, people, width = 8) {
  await stack.sim.switches({ auto_consent: 'allow' });
  await each(people, width, (person) => connect(stack, person));
  const { grants } = await stack.sim.control('GET', `grants?client_key=${LOGIN_KEY}`);
  const openIds = new Map(grants.map((g) => [g.user, g.open_id]));
  const accounts = new Map((await pages(client(stack), '/v1/accounts')).map((a) => [a.open_id, a.id]));
  return people.map((person) => {
    const open_id = openIds.get(person);
    check(accounts.has(open_id), `${person} has no account`);
    return { person, open_id, account: accounts.get(open_id) };
  });
}

// One more node on the same PostgreSQL: own state folder and ports, the first one's secrets.
export async function addNode(stack, name, { settings = {}, env } = {}) {
  const dir = path.join(stack.dir, name);
  mkdirSync(path.join(dir, 'daemon'), { recursive: true, mode: 0o700 });
  const port = await freePort();
  const privatePort = await freePort();
  const config = path.join(dir, 'mozflow-tiktok.conf');
  const all = daemonConfig({ dir: stack.dir, port, privatePort, simUrl: stack.sim.url, dbUrl: stack.dbUrl, settings });
  writeConfig(config, { ...all, 'public.base_url': `http://127.0.0.1:${stack.port}` });
  const start = (more = {}) => startDaemon({ dir, port, config, env: { ...env, ...more } });
  const node = { name, dir, port, url: `http://127.0.0.1:${port}`, start, daemon: await start() };
  finallyDo(() => node.daemon.kill());
  return node;
}
