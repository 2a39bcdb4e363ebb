// Connecting a business account and an advertiser: the link and its page in two languages, the exact authorize URL, what
// is kept, step-ups with the smallest addition, every refusal with its page, the checklist, the guides and the register.
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, match, run, tempDir, test, until } from '../support/runner.mjs';
import { ADS_KEY, BUSINESS_KEY, root, startDaemon, startStack } from '../support/stack.mjs';
import { enter, sql, workspaceCreate } from '../support/actors.mjs';
import { Browser, client, consent, endOf, fields } from '../support/signin.mjs';
import { unlimited } from '../support/grants.mjs';

const settings = { ...unlimited, 'budget.business_qps': '100000', 'tiktok.ads.sandbox_targets': 'mozflow.shop' };
const HELD =
  'user.info.basic,user.info.username,user.info.profile,user.info.stats,user.account.type,message.list.read,message.list.send,message.list.manage,comment.list,comment.list.manage,video.list,video.insights,user.insights';
const stacks = {};
const stackOf = async (db = 'sqlite') => {
  if (!stacks[db]) {
    stacks[db] = await startStack({ db, settings });
    await stacks[db].sim.switches({ rate_limits: 'off' });
  }
  return stacks[db];
};
const query = (url) => Object.fromEntries(new URL(url).searchParams);

async function link(stack, body, key) {
  const r = await client(stack, key)('POST', '/v1/connections', body);
  equal(r.status, 201, `POST /v1/connections: ${r.text}; status`);
  return r.json;
}

// From our page to TikTok's: the URL that TikTok was given.
async function click(browser, url, { market = 'th' } = {}) {
  const page = await browser.get(url);
  equal(page.status, 200, `page of the link: ${endOf(page)}; status`);
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)[1];
  const next = await browser.post(new URL(action, url).href, { ...(page.text.includes('name="market"') ? { market } : {}), ...fields(page.text) });
  equal(next.status, 303, `click: ${endOf(next)} ${next.text.slice(0, 200)}; status`);
  return next.location;
}

// The person's act on the advertiser's page: which ad accounts.
async function adsConsent(stack, authorize, person = 'shopowner') {
  await stack.sim.switches({ auto_consent: 'allow' });
  const r = await fetch(authorize, { redirect: 'manual', headers: { cookie: `sim_person=${person}` } });
  await stack.sim.switches({ auto_consent: 'off' });
  check(r.headers.get('location'), `TikTok's page: ${r.status}`);
  return r.headers.get('location');
}

async function connected(browser, callback) {
  const back = await browser.get(callback);
  equal(back.status, 303, `callback: ${endOf(back)} ${back.text.slice(0, 300)}; status`);
  match(back.location, /\/auth\/tiktok\/connected\?attempt=cna_/, 'where the callback leads');
  const done = await browser.get(back.location);
  equal(done.status, 200, `done: ${endOf(done)}; status`);
  return { done, account: /data-connected="([^"]+)"/.exec(done.text)?.[1] };
}

async function business(stack, { person = 'bakery', body = {}, scopes, browser = new Browser() } = {}) {
  const { url } = await link(stack, { kind: 'business', market: 'th', ...body });
  const authorize = await click(browser, url);
  const callback = await consent(stack.sim, authorize, { person, scopes });
  return { ...(await connected(browser, callback)), authorize, url, browser, callback };
}

const refused = (page, end, what) => equal([endOf(page), page.location], [end, null], `${what}: ${page.status} ${page.text.slice(0, 200)}`);
const features = async (stack, id) =>
  Object.fromEntries((await client(stack)('GET', `/v1/accounts/${id}/features`)).json.features.map((f) => [f.name, f]));

for (const db of ['sqlite', 'postgres']) {
  test(`login.connect.business.${db}`, async () => {
    const stack = await stackOf(db);
    const { url, expires_at: until72 } = await link(stack, { kind: 'business' });
    check(Math.abs(Date.parse(until72) - Date.now() - 72 * 3600e3) < 60000, 'the link lives 72 hours');
    const browser = new Browser();
    const page = await browser.get(url);
    for (const part of ['Mozflow Demo Shop', 'data-step="everyone"', 'data-conflict="everyone"', 'data-step="business_account"', 'value="eea"', 'data-consent="tiktok-connect/1"'])
      check(page.text.includes(part), `the page lacks ${part}`);
    const owner = await (await fetch(url, { headers: { 'accept-language': 'th-TH,th;q=0.9' } })).text();
    check(owner.includes('lang="th"'), 'the owner\'s browser decides the language, not whoever made the link');
    const thai = await new Browser().get(`${url}&lang=th`);
    check(thai.text.includes('เชื่อมต่อบัญชีธุรกิจ TikTok') && thai.text.includes('สองข้อนี้ใช้พร้อมกันไม่ได้'), 'the page in Thai');
    const authorize = await click(browser, url);
    const asked = query(authorize);
    equal(asked, {
      client_key: BUSINESS_KEY, response_type: 'code', scope: HELD, state: asked.state, disable_auto_auth: '1',
      redirect_uri: `${stack.daemon.url}/auth/tiktok/business/callback/`,
    }, 'the authorize URL');
    const { account, done } = await connected(browser, await consent(stack.sim, authorize, { person: 'bakery' }));
    check(done.text.includes('บ้านขนมปังอุ่น'), 'the page names the account');
    const got = (await client(stack)('GET', `/v1/accounts/${account}`)).json;
    equal([got.kind, got.state, got.username, got.scopes.sort()], ['business', 'connected', 'baan.bakery', HELD.split(',').sort()], 'the account');
    const states = Object.values(await features(stack, account)).map((f) => f.state);
    equal(new Set(states), new Set(['works']), 'features');
    equal(sql(stack, `SELECT market FROM account_markets WHERE account_id = '${account}'`).trim(), 'th', 'the market');
    equal(sql(stack, `SELECT flow, text_version FROM consent_entries WHERE attempt = '${new URL(url).searchParams.get('attempt')}'`).trim(), 'accounts.connect|tiktok-connect/1', 'consent');
    equal(sql(stack, `SELECT count(*) FROM mozflow_outbox WHERE type = 'account.connected' AND subject = '${account}'`).trim(), '1', 'event');
    const again = await browser.get(url);
    refused(again, 'connect.link_over', 'the link after it');
  }, { deadline_ms: 90000 });

  test(`login.connect.advertiser.${db}`, async () => {
    const stack = await stackOf(db);
    const api = client(stack);
    const shop = (await api('GET', `/v1/accounts/${(await business(stack)).account}`)).json;
    equal((await api('POST', '/v1/connections', { kind: 'advertiser', beside: 'acc_01k00000000000000000000000' })).json.code, 'accounts.missing');
    const { url } = await link(stack, { kind: 'advertiser', beside: shop.id });
    const browser = new Browser();
    const page = await browser.get(url);
    check(page.text.includes('data-step="leads_admin"') && !page.text.includes('name="market"'), 'what an advertiser has to check');
    const authorize = await click(browser, url);
    const { app_id: app, redirect_uri: back, scope } = query(authorize);
    equal([app, back, scope], [ADS_KEY, `${stack.daemon.url}/auth/tiktok/ads/callback`, undefined], 'the authorize URL');
    const { account } = await connected(browser, await adsConsent(stack, authorize));
    const got = (await client(stack)('GET', `/v1/accounts/${account}`)).json;
    equal([got.kind, got.state, got.access_expires_at], ['advertiser', 'connected', null], 'the account');
    equal(got.person, shop.person, 'shown together with the shop');
    equal(got.advertisers.map((a) => a.id).sort(), ['7300000000000000789', '7300000000000000790'], 'its ad accounts');
    const f = await features(stack, account);
    equal([f['ads.account'].state, f.leads.state, f.leads.step_up], ['works', 'untried', null], 'features');
  }, { deadline_ms: 60000 });

  test(`login.connect.step_up.${db}`, async () => {
    const stack = await stackOf(db);
    const few = ['user.info.basic', 'user.info.username', 'comment.list'];
    const { account, browser, done } = await business(stack, { person: 'berlinshop', scopes: few });
    check(/data-connect="reads"/.test(done.text), 'what is missing is shown');
    const f = await features(stack, account);
    equal([f['comments.read'].state, f['chat.send'].state, f['chat.send'].missing], ['works', 'missing_scope', ['message.list.read', 'message.list.send']]);
    const { url } = await link(stack, f['chat.send'].step_up);
    const page = await browser.get(url);
    equal((page.text.match(/<ul data-connect="reads">[^]*?<\/ul>/)[0].match(/<li>/g) ?? []).length, 2, 'only the addition is shown');
    const authorize = await click(browser, url);
    const asked = query(authorize).scope.split(',');
    equal(asked.slice().sort(), [...few, 'message.list.read', 'message.list.send'].sort(), 'granted and the smallest addition');
    refused(await browser.get(await consent(stack.sim, authorize, { person: 'shopowner' })), 'connect.other_account', 'another account answers');
    const more = await connected(browser, await consent(stack.sim, await click(browser, url), { person: 'berlinshop' }));
    equal(more.account, account, 'the same account');
    equal((await features(stack, account))['chat.send'].state, 'works');
  }, { deadline_ms: 60000 });

  test(`login.connect.one_workspace.${db}`, async () => {
    const stack = await stackOf(db);
    const { account } = await business(stack, { person: 'nok' });
    const beta = await enter(stack, 'beta', workspaceCreate(stack, 'Beta', `owner-${db}@beta.invalid`).console_url);
    const before = sql(stack, 'SELECT count(*) FROM account_grants');
    for (const [lang, words] of [['en', 'connected elsewhere already'], ['th', 'เชื่อมต่อกับที่อื่นอยู่แล้ว']]) {
      const { url } = await beta.must(201, 'POST', '/v1/connections', { kind: 'business', market: 'th' });
      const browser = new Browser();
      const page = await browser.get(await consent(stack.sim, await click(browser, `${url}&lang=${lang}`), { person: 'nok' }));
      refused(page, 'connect.taken', 'a second workspace');
      equal(page.status, 409);
      check(page.text.includes(words) && !page.text.includes('Mozflow Demo Shop'), `the page in ${lang} explains and names nobody`);
    }
    equal(sql(stack, 'SELECT count(*) FROM account_grants'), before, 'no grant was kept');
    equal((await client(stack)('GET', `/v1/accounts/${account}`)).json.state, 'connected', 'and the first one lives');
    // A foreign account cannot be stepped up, and looks as absent as one that never was.
    const r = await beta.ask('POST', '/v1/connections', { kind: 'business', account, feature: 'chat.send' });
    equal([r.status, r.json.code], [404, 'accounts.missing']);
  }, { deadline_ms: 60000 });
}

test('login.connect.ends', async () => {
  const stack = await stackOf();
  const { url } = await link(stack, { kind: 'business', market: 'rest' });
  const browser = new Browser();
  const ends = [];
  const again = async (answer) => {
    const page = await browser.get(await answer(await click(browser, url)));
    ends.push(endOf(page));
    check(page.location === null && page.text.includes('href="/auth/tiktok/business?attempt='), `${ends.at(-1)}: another try is offered`);
  };
  const bakery = (authorize) => consent(stack.sim, authorize, { person: 'bakery' });
  const faulty = (fault) => async (authorize) => {
    const callback = await bakery(authorize);
    await stack.sim.control('POST', 'faults', { path: '/open_api/v1.3/tt_user/oauth2/token/', times: 1, ...fault });
    return callback;
  };
  await again((a) => consent(stack.sim, a, { person: 'bakery', decision: 'deny' }));
  // TikTok skips its page for a known account when it is not told to show it, and then gives no code.
  await stack.sim.switches({ skip_without_code: 'on' });
  await again((a) => bakery(a.replace('disable_auto_auth=1', 'disable_auto_auth=0')));
  await stack.sim.switches({ skip_without_code: 'off' });
  await again(async (a) => (await bakery(a)).replace(/code=[^&]+/, 'code=made-up'));
  await again(faulty({ kind: 'status', status: 502 }));
  await again(faulty({ kind: 'html' }));
  equal(ends, ['connect.denied', 'connect.skipped', 'connect.tiktok_code', 'connect.tiktok_down', 'connect.not_json'], 'ends');
  await stack.sim.control('DELETE', 'faults');
  // The scope that the app does not hold makes TikTok refuse all of it; nothing of that is stored, and the link still lives.
  const { account } = await connected(browser, await bakery(await click(browser, url)));
  check(account, 'after all of that the same link connects');
  const metrics = await (await fetch(`${stack.privateUrl}/metrics`)).text();
  for (const end of [...ends, 'connect.completed']) match(metrics, new RegExp(`mz_connect_total\\{outcome="${end}",kind="business"\\} [1-9]`), end);
}, { deadline_ms: 60000 });

test('login.connect.refusals', async () => {
  const stack = await stackOf();
  const api = client(stack);
  for (const [body, status, code] of [
    [{ kind: 'business', feature: 'nothing' }, 422, 'connect.feature_unknown'],
    [{ kind: 'business', return: 'https://evil.example/' }, 422, 'connect.return'],
    [{ kind: 'business', return: '/console/../../evil' }, 422, 'connect.return'],
    [{ kind: 'business', return: '/console/accounts?x=1' }, 201, undefined],
    [{ kind: 'business', return: '//evil.example/console/' }, 422, 'connect.return'],
    [{ kind: 'business', return: 'ret_01k00000000000000000000000' }, 422, 'connect.return'],
    [{ kind: 'shop' }, 400, 'input.invalid'],
    [{ kind: 'login' }, 201, undefined],
  ]) {
    const r = await api('POST', '/v1/connections', body);
    equal([r.status, r.json.code], [status, code], JSON.stringify(body));
  }
  refused(await new Browser().get(`${stack.daemon.url}/auth/tiktok/business?attempt=cna_01k00000000000000000000000`), 'connect.link_unknown', 'no such link');
  const { url } = await link(stack, { kind: 'advertiser' });
  refused(await new Browser().get(url.replace('/ads?', '/business?')), 'connect.link_unknown', 'a link of another kind');
  const first = new Browser();
  await click(first, url);
  refused(await new Browser().get(url), 'connect.other_browser', 'another browser');
  const bare = await new Browser().post(url.replace(/\/ads\?.*/, '/ads/continue'), { attempt: query(url).attempt });
  refused(bare, 'connect.no_cookie', 'a click without the page');
  const set = async (on) => equal((await api('PUT', '/v1/flags/connect.tiktok', { on, reason: 'a journey' })).status, 200);
  const authorize = await click(first, url);
  const callback = await adsConsent(stack, authorize);
  await set(false);
  await until(async () => (await first.get(url)).status === 404, 20000, 'the switch');
  refused(await first.get(callback), 'connect.switched_off', 'a running attempt ends politely');
  equal((await api('POST', '/v1/connections', { kind: 'business' })).status, 404);
  await set(true);
  await until(async () => (await api('POST', '/v1/connections', { kind: 'business' })).status === 201, 20000, 'the switch');
}, { deadline_ms: 60000 });

test('login.connect.app_lacks_scope', async () => {
  const stack = await startStack({ settings: { ...settings, 'tiktok.accounts.scopes': 'user.info.basic,user.info.username,comment.list' } });
  const { account, authorize } = await business(stack, { person: 'bakery' });
  equal(query(authorize).scope, 'user.info.basic,user.info.username,comment.list', 'only what the app holds is asked');
  const f = await features(stack, account);
  equal([f['chat.read'].state, f['chat.read'].app_lacks, f['chat.read'].step_up], ['app_lacks_scope', ['message.list.read'], null]);
  match(f['chat.read'].en_why, /Business Messaging/, 'what to apply for');
  const r = await client(stack)('POST', '/v1/connections', { kind: 'business', account, feature: 'chat.read' });
  equal([r.status, r.json.code], [409, 'accounts.app_lacks_scope']);
  await stack.stop();
}, { deadline_ms: 60000 });

// A workspace's own app: a file in apps.dir. Its connections, webhooks and register follow that row, its neighbour's do not.
test('login.connect.own_app', async () => {
  const dir = tempDir('mz-ownapp');
  const [apps, scenario, secret] = ['apps', 'scenario.json', 'own.secret'].map((n) => path.join(dir, n));
  const OWN = '7600000000000000009';
  const demo = JSON.parse(readFileSync(path.join(root, 'sim', 'scenarios', 'demo.json'), 'utf8'));
  demo.apps.push({ ...demo.apps.find((a) => a.portal === 'business'), client_key: OWN, client_secret_file: undefined, client_secret: 'the_secret_of_the_own_app', name: 'Own' });
  writeFileSync(scenario, JSON.stringify(demo));
  mkdirSync(apps);
  writeFileSync(secret, 'the_secret_of_the_own_app', { mode: 0o600 });
  const stack = await startStack({ scenario, settings: { ...settings, 'apps.dir': apps } });
  await stack.sim.switches({ rate_limits: 'off' });
  writeFileSync(path.join(apps, 'shop-2.conf'), [`workspace = ${stack.seed.workspace_id}`, 'kind = accounts', `client_key = ${OWN}`,
    `client_secret_file = ${secret}`, 'scopes = user.info.basic,user.info.username,message.list.read', ''].join('\n'), { mode: 0o600 });
  await stack.daemon.stop();
  stack.daemon = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config });
  const { account, authorize } = await business(stack, { person: 'bakery' });
  equal([query(authorize).client_key, query(authorize).scope], [OWN, 'user.info.basic,user.info.username,message.list.read'], 'the own app is asked');
  equal((await client(stack)('GET', '/v1/apps')).json.items.map((a) => [a.id, a.owner]).sort(), [['ads', 'installation'], ['login', 'installation'], ['shop-2', 'workspace']]);
  const made = workspaceCreate(stack, 'Beta', 'owner-own@beta.invalid');
  const beta = await enter(stack, 'beta', made.console_url);
  equal((await beta.must(200, 'GET', '/v1/apps')).items.map((a) => a.id).sort(), ['accounts', 'ads', 'login'], 'the neighbour sees nothing of it');
  // TikTok gives the same shop another open_id for another app: nothing is taken from anybody.
  const { url } = await beta.must(201, 'POST', '/v1/connections', { kind: 'business', market: 'th' });
  const browser = new Browser();
  const theirs = await click(browser, url);
  equal(query(theirs).client_key, BUSINESS_KEY, 'the neighbour uses the installation\'s app');
  const other = await connected(browser, await consent(stack.sim, theirs, { person: 'bakery' }));
  check(other.account !== account && (await client(stack)('GET', `/v1/accounts/${other.account}`)).status === 404, 'two accounts in two workspaces');
  const body = JSON.stringify({ client_key: OWN, event: 'im_mark_read_msg', create_time: Math.floor(Date.now() / 1000), user_openid: 'x', content: '{}' });
  const post = async (key) => {
    const t = Math.floor(Date.now() / 1000);
    const s = createHmac('sha256', key).update(`${t}.${body}`).digest('hex');
    return (await fetch(`${stack.daemon.url}/webhooks/tiktok/shop-2`, { method: 'POST', headers: { 'content-type': 'application/json', 'tiktok-signature': `t=${t},s=${s}` }, body })).status;
  };
  equal([await post('the_secret_of_the_own_app'), await post(readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim())], [200, 401], 'webhooks are judged by the row\'s secret');
  // A row that is wrong stops the start and says what is wrong, not what is secret.
  writeFileSync(path.join(apps, 'bad.conf'), `workspace = ${stack.seed.workspace_id}\nkind = accounts\nclient_key = ${OWN}\nclient_secret_file = ${secret}\n`, { mode: 0o600 });
  await stack.daemon.stop();
  const failed = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config }).then(() => null, (e) => e.message);
  check(/same client key/.test(failed ?? '') && !failed.includes('the_secret'), `a doubled client key: ${failed}`);
  rmSync(path.join(apps, 'bad.conf'));
  stack.daemon = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config });
  equal((await client(stack)('GET', `/v1/accounts/${account}`)).json.state, 'connected');
  await stack.stop();
}, { deadline_ms: 120000 });

test('login.connect.checklist_guides_register', async () => {
  const stack = await stackOf();
  const api = client(stack);
  const all = (await api('GET', '/v1/connect/checklist')).json;
  equal(all.markets.map((m) => [m.id, m.verdict]), [['th', 'good'], ['eea', 'bad'], ['us', 'warning'], ['rest', 'good']]);
  const applies = async (q) => (await api('GET', `/v1/connect/checklist?${q}`)).json.steps.filter((s) => s.applies).map((s) => s.id);
  const thailand = await applies('market=th&kind=business');
  check(thailand.includes('everyone') && thailand.includes('comment_to_message') && !thailand.includes('us_review'), `Thailand: ${thailand}`);
  const europe = await applies('market=eea&kind=business');
  check(!europe.includes('everyone') && europe.includes('business_account'), `Europe: ${europe}`);
  check((await applies('kind=advertiser')).includes('leads_admin'), 'advertisers');
  for (const s of all.steps) check(s.en && s.detail_en && /[\u0e00-\u0e7f]/.test(s.th) && /[\u0e00-\u0e7f]/.test(s.detail_th), `${s.id} in two languages`);
  equal(all.steps.filter((s) => s.conflict).map((s) => s.id), ['everyone', 'comment_to_message'], 'the conflict is told on both sides');
  equal(all.guides.length, 3);
  for (const g of all.guides)
    for (const [lang, form] of [['en', /<h1>[A-Z]/], ['th', /[\u0e00-\u0e7f]/]]) {
      const r = await fetch(`${stack.daemon.url}${g.url_path}?lang=${lang}`);
      const text = await r.text();
      equal(r.status, 200, `${g.url_path} in ${lang}; status`);
      check(form.test(text) && text.includes(`lang="${lang}"`) && !/\*\*|<p>\||\]\(/.test(text), `${g.url_path} in ${lang} is drawn`);
    }
  equal((await fetch(`${stack.daemon.url}/guides/enrol-developers.th`)).status, 404);
  const apps = await api('GET', '/v1/apps');
  equal(apps.json.items.map((a) => [a.id, a.kind, a.owner]), [['login', 'login_kit', 'installation'], ['accounts', 'accounts', 'installation'], ['ads', 'ads', 'installation']]);
  equal(apps.json.items[2].sandbox_targets, ['mozflow.shop']);
  equal(apps.json.items[1].redirects, [{ uri: `${stack.daemon.url}/auth/tiktok/business/callback/`, kind: 'loopback' }]);
  for (const name of ['login', 'business', 'ads']) check(!apps.text.includes(readFileSync(path.join(stack.dir, `${name}.secret`), 'utf8').trim()), `${name}: a secret stands in the register`);
}, { deadline_ms: 60000 });

await run();
