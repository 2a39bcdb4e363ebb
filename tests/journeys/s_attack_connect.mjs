// The attacker of all three callbacks: sign-in, business account, advertiser. An answer of one kind at another kind's
// callback, another person's browser, another workspace, the same answer again, two equal answers at once, a forged click,
// a hostile place to return to. Each must be refused, reach no token endpoint and connect nothing.
import { readFileSync } from 'node:fs';
import { check, equal, long, run, test } from '../support/runner.mjs';
import { startStack } from '../support/stack.mjs';
import { enter, sql, workspaceCreate } from '../support/actors.mjs';
import { Browser, attempt, endOf, fields, toTikTok } from '../support/signin.mjs';
import { unlimited } from '../support/grants.mjs';

const KINDS = {
  login: { callback: '/auth/tiktok/callback', person: 'somying', exchange: '/v2/oauth/token/' },
  business: { callback: '/auth/tiktok/business/callback', person: 'shopowner', exchange: '/open_api/v1.3/tt_user/oauth2/token/' },
  advertiser: { callback: '/auth/tiktok/ads/callback', person: 'shopowner', exchange: '/open_api/v1.3/oauth2/access_token/' },
};
const NEW = ['business', 'advertiser'];

let made;
async function world() {
  const stack = await startStack({ settings: { ...unlimited, 'budget.business_qps': '100000' } });
  await stack.sim.switches({ auto_consent: 'allow', rate_limits: 'off' });
  const owner = await enter(stack, 'owner', stack.seed.console_url);
  const beta = await enter(stack, 'beta owner', workspaceCreate(stack, 'Beta', 'owner@beta.invalid').console_url);
  return { stack, owner, beta };
}
const worldOf = () => (made ??= world());

const query = (url) => Object.fromEntries(new URL(url).searchParams);
const at = (w, kind, q) => `${w.stack.daemon.url}${KINDS[kind].callback}?${new URLSearchParams(q)}`;
const accounts = async (who) => JSON.stringify((await who.must(200, 'GET', '/v1/accounts?limit=100')).items.map((a) => [a.id, a.state, a.connected_at]).sort());

async function link(w, kind, { owner = w.owner, ...more } = {}) {
  return owner.must(201, 'POST', '/v1/connections', { kind, market: 'th', ...more });
}

// The page behind a link, and the click on it; answers where TikTok's page is.
async function click(browser, url) {
  const page = await browser.get(url);
  equal(page.status, 200, `page of the link: ${endOf(page)} ${page.text.slice(0, 200)}; status`);
  const action = /<form[^>]*method="post"[^>]*action="([^"]+)"/i.exec(page.text)?.[1] ?? /<form[^>]*action="([^"]+)"/i.exec(page.text)?.[1];
  check(action, `no form on the page: ${page.text.slice(0, 400)}`);
  const market = /name="market"/.test(page.text) ? { market: 'th' } : {};
  const next = await browser.post(new URL(action.replaceAll('&amp;', '&'), url).href, { ...market, ...fields(page.text) });
  equal(next.status, 303, `click: ${endOf(next)} ${next.text.slice(0, 200)}; status`);
  return next.location;
}

async function answer(w, authorize, person) {
  const r = await fetch(authorize, { redirect: 'manual', headers: { cookie: `sim_person=${person}` } });
  const back = r.headers.get('location');
  check(back, `TikTok's page: ${r.status} ${(await r.text()).slice(0, 300)}`);
  return back;
}

// Somebody who stands at TikTok's answer of one kind: browser, callback address, its code and state.
async function victim(w, kind, { browser = new Browser(), person = KINDS[kind].person, ...more } = {}) {
  const start = kind === 'login' ? (await attempt(w.stack)).start_url : (await link(w, kind, more)).url;
  const authorize = kind === 'login' ? await toTikTok(browser, start) : await click(browser, start);
  const callback = await answer(w, authorize, person);
  check(callback.startsWith(`${w.stack.daemon.url}${KINDS[kind].callback}`), `${kind}: TikTok went to ${callback}`);
  return { kind, browser, start, callback, q: query(callback) };
}

const refused = (page, what) => {
  const end = endOf(page);
  check(page.status >= 400 && page.location === null && /^(connect|login)\./.test(end ?? ''), `${what}: ${page.status} ${end} ${page.location} ${page.text.slice(0, 200)}`);
  return end;
};
const good = (page, what) => check(page.status === 303 && page.location, `${what}: ${page.status} ${endOf(page)} ${page.text.slice(0, 200)}`);

// No token endpoint heard of any of these codes.
async function unheard(w, codes, what) {
  for (const { exchange } of Object.values(KINDS)) {
    for (const e of await w.stack.sim.log(0, exchange)) for (const c of codes) check(!String(e.body).includes(c), `${what}: the code reached ${e.path}`);
  }
}

for (const kind of NEW) {
  test(`attack.connect.${kind}.state`, async () => {
    const w = await worldOf();
    const before = await accounts(w.owner);
    const v = await victim(w, kind);
    const other = await victim(w, kind);
    const { state, ...rest } = v.q;
    refused(await v.browser.get(at(w, kind, rest)), 'no state');
    refused(await v.browser.get(at(w, kind, { ...rest, state: 'x'.repeat(43) })), 'made up');
    refused(await new Browser().get(v.callback), 'a browser without a cookie');
    refused(await other.browser.get(v.callback), 'a browser with its own cookie');
    refused(await v.browser.get(`${v.callback}&state=${state}`), 'state twice');
    refused(await v.browser.get(at(w, kind, { ...rest, state: state.toUpperCase() })), 'changed');
    for (const name of Object.keys(rest)) refused(await v.browser.get(at(w, kind, { ...v.q, [name]: 'y'.repeat(5000) })), `${name} too long`);
    await unheard(w, [v.q.code ?? v.q.auth_code], kind);
    equal(await accounts(w.owner), before, 'accounts after all refusals');
    good(await v.browser.get(v.callback), 'none of that took the state');
    refused(await v.browser.get(v.callback), 'again');
  }, { deadline_ms: 60000 });

  test(`attack.connect.${kind}.replay_with_the_cookie`, async () => {
    const w = await worldOf();
    const v = await victim(w, kind);
    const cookie = [...v.browser.jar(w.stack.daemon.url)].map(([k, c]) => `${k}=${c}`).join('; ');
    good(await v.browser.get(v.callback), 'the first');
    const again = await fetch(v.callback, { redirect: 'manual', headers: { cookie } });
    equal([again.status, endOf({ text: await again.text() })], [409, 'connect.double_callback']);
  });

  test(`attack.connect.${kind}.foreign_browser`, async () => {
    const w = await worldOf();
    const { url } = await link(w, kind);
    const mine = new Browser();
    const back = await answer(w, await click(mine, url), KINDS[kind].person);
    const thief = new Browser();
    const page = await thief.get(url);
    const action = /<form[^>]*action="([^"]+)"/i.exec(page.text)?.[1];
    if (page.status === 200 && action) {
      const next = await thief.post(new URL(action.replaceAll('&amp;', '&'), url).href, { market: 'th', ...fields(page.text) });
      refused(next, 'another browser goes on with a link that was started');
    } else refused(page, 'another browser opens a link that was started');
    refused(await thief.get(back), "the answer in the thief's browser");
    good(await mine.get(back), 'the one who started it');
    refused(await mine.get(url), 'a used link');
  });

  test(`attack.connect.${kind}.equal_answers_race`, async () => {
    const w = await worldOf();
    const races = long ? 1000 : 25;
    for (let i = 0; i < races; i += 1) {
      const v = await victim(w, kind);
      const cookie = [...v.browser.jar(w.stack.daemon.url)].map(([k, c]) => `${k}=${c}`).join('; ');
      const got = await Promise.all([0, 1].map(() => fetch(v.callback, { redirect: 'manual', headers: { cookie } })));
      equal(got.map((r) => r.status).sort().join(), '303,409', `race ${i}`);
      await Promise.all(got.map((r) => r.arrayBuffer()));
    }
  }, { deadline_ms: long ? 600000 : 60000 });

  test(`attack.connect.${kind}.forged_click`, async () => {
    const w = await worldOf();
    const { url } = await link(w, kind);
    const browser = new Browser();
    const page = await browser.get(url);
    const action = /<form[^>]*action="([^"]+)"/i.exec(page.text)?.[1].replaceAll('&amp;', '&');
    const body = new URLSearchParams({ market: 'th', ...fields(page.text) });
    const cookie = [...browser.jar(url)].map(([k, c]) => `${k}=${c}`).join('; ');
    for (const headers of [{ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', cookie }, { 'sec-fetch-site': 'cross-site', origin: 'null' }]) {
      const r = await fetch(new URL(action, url), { method: 'POST', redirect: 'manual', headers, body });
      equal([r.status, r.headers.get('location')], [403, null], 'a click of another site');
    }
    const bare = await fetch(new URL(action, url), { method: 'POST', redirect: 'manual', body,
      headers: { 'sec-fetch-site': 'same-origin', origin: w.stack.daemon.url } });
    refused({ status: bare.status, location: bare.headers.get('location'), text: await bare.text() }, 'a click without the cookie');
  });

  test(`attack.connect.${kind}.refusal_of_the_person`, async () => {
    const w = await worldOf();
    const before = await accounts(w.owner);
    const v = await victim(w, kind);
    const page = await v.browser.get(at(w, kind, { error: 'access_denied', error_description: 'no', state: v.q.state }));
    check(page.status !== 303 || !/connected/.test(page.location ?? ''), `a denial: ${page.status} ${page.location}`);
    refused(await v.browser.get(v.callback), 'the code after the denial');
    equal(await accounts(w.owner), before, 'accounts');
    await unheard(w, [v.q.code ?? v.q.auth_code], 'after a denial');
  });

  test(`attack.connect.${kind}.hostile_return`, async () => {
    const w = await worldOf();
    const hosts = ['//evil.example/', 'https://evil.example/', '/\\evil.example', '/console/..//evil.example', '/console//evil.example', '/console/\\evil',
      '/console/\r\nSet-Cookie: a=b', 'javascript:alert(1)', '/consolex', '/', 'ret_00000000000000000000000000', `/console/${'x'.repeat(600)}`];
    const theirs = await w.beta.must(201, 'POST', '/v1/login/return-urls', { url: `https://beta.invalid/${crypto.randomUUID()}` });
    for (const back of [...hosts, theirs.id]) {
      const r = await w.owner.ask('POST', '/v1/connections', { kind, market: 'th', return: back });
      check([400, 404, 409, 422].includes(r.status), `${JSON.stringify(back)} was taken: ${r.status} ${r.text.slice(0, 200)}`);
    }
  });

  test(`attack.connect.${kind}.foreign_workspace`, async () => {
    const w = await worldOf();
    // The demo's owner has it; the neighbour may not, and the owner's grant stays as it is.
    good(await (async (v) => v.browser.get(v.callback))(await victim(w, kind)), 'the first workspace');
    const mine = (await w.owner.must(200, 'GET', '/v1/accounts?limit=100')).items.find((a) => a.open_id && a.state === 'connected' && a.kind === kind);
    check(mine, `no connected account of kind ${kind}`);
    const v = await victim(w, kind, { owner: w.beta });
    const before = await accounts(w.owner);
    const page = await v.browser.get(v.callback);
    if (kind === 'business') equal([page.status, refused(page, 'a second workspace')], [409, 'connect.taken']);
    equal(await accounts(w.owner), before, "the first workspace's accounts");
    equal(sql(w.stack, `SELECT count(*) FROM accounts WHERE open_id = '${mine.open_id}' AND role = 'business'`), kind === 'business' ? '1' : '0', 'rows of a business account');
    // A step-up for an account of another workspace looks like one that does not exist.
    const foreign = await w.beta.ask('POST', '/v1/connections', { kind, market: 'th', account: mine.id });
    const absent = await w.beta.ask('POST', '/v1/connections', { kind, market: 'th', account: `${mine.id.slice(0, -3)}zzz` });
    equal([foreign.status, foreign.json.code], [absent.status, absent.json.code], 'foreign against absent');
    equal(foreign.status, 404);
    const forged = await w.beta.ask('POST', '/v1/connections', { kind, market: 'th', workspace_id: w.stack.seed.workspace_id });
    equal(forged.status, 400, 'a workspace in the body');
  });
}

// Every kind's answer at every other kind's callback, in the right browser, which holds the cookies of both flows.
test('attack.connect.mix_up', async () => {
  const w = await worldOf();
  for (const from of Object.keys(KINDS)) {
    for (const to of Object.keys(KINDS).filter((k) => k !== from)) {
      const browser = new Browser();
      const other = await victim(w, to, { browser });
      const v = await victim(w, from, { browser });
      const before = await accounts(w.owner);
      const { code = v.q.auth_code, state } = v.q;
      refused(await browser.get(at(w, to, v.q)), `${from}'s answer at the callback of ${to}`);
      refused(await browser.get(at(w, to, { code, auth_code: code, state })), `${from}'s answer at ${to}, with both names of the code`);
      await unheard(w, [code], `${from} at ${to}`);
      equal(await accounts(w.owner), before, `accounts after ${from} at ${to}`);
      if (from !== 'login') refused(await browser.get(v.callback), `${from}: a mixed-up attempt is over`);
      // One kind's code under the other's living state ends at TikTok, not in an account.
      const crossed = await other.browser.get(at(w, to, { code, auth_code: code, state: other.q.state }));
      refused(crossed, `${from}'s code under the state of ${to}`);
      equal(await accounts(w.owner), before, `accounts after ${from}'s code under the state of ${to}`);
    }
  }
}, { deadline_ms: 60000 });

test('attack.connect.slash_is_the_same_door', async () => {
  const w = await worldOf();
  for (const kind of NEW) {
    const v = await victim(w, kind);
    const slashed = v.callback.replace('/callback?', '/callback/?');
    refused(await new Browser().get(slashed), 'another browser');
    good(await v.browser.get(slashed), `${kind} with a slash`);
    refused(await v.browser.get(v.callback), 'and then without');
  }
});

test('attack.connect.nothing_secret_in_the_log', async () => {
  const w = await worldOf();
  for (const kind of NEW) {
    const v = await victim(w, kind);
    const back = await v.browser.get(v.callback);
    good(back, kind);
    const log = readFileSync(w.stack.daemon.program.logFile, 'utf8') + readFileSync(w.stack.daemon.program.outFile, 'utf8');
    for (const value of [v.q.state, v.q.code ?? v.q.auth_code]) check(!log.includes(value) && !log.includes(encodeURIComponent(value)), `${kind}: a secret stands in the log`);
    equal(back.headers.get('referrer-policy'), 'no-referrer');
  }
});

await run();
