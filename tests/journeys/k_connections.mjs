// The pages about connections in a real browser, on both databases: a business account and an advertiser are connected
// through the simulator's pages, a permission is added later, a consent is cancelled or given in part, another workspace is
// told that the account is taken, a disconnection shows first what stops, and the timeline tells it all. English and Thai.
import { check, equal, match, run, test, until } from '../support/runner.mjs';
import { databases, startStack } from '../support/stack.mjs';
import { expectRefusal, noFaults, person, shot, violations } from '../support/browser.mjs';
import { workspaceCreate } from '../support/actors.mjs';

const BUSINESS_SCOPES = 'user.info.basic,user.info.username,user.info.profile,user.account.type,message.list.read,message.list.send,message.list.manage,comment.list';
const words = {
  en: { business: 'Business account', works: 'Works', link: 'Create the link', many: /Disconnect/, read: 'I have read what stops.', conflict: /exclude each other/, missing: 'Permission missing' },
  th: { business: 'บัญชีธุรกิจ', works: 'ใช้งานได้', link: 'สร้างลิงก์', many: /ยกเลิกการเชื่อมต่อ/, read: 'ข้าพเจ้าอ่านสิ่งที่จะหยุดทำงานแล้ว', conflict: /ใช้พร้อมกันไม่ได้/, missing: 'ยังไม่ได้รับสิทธิ์' },
};

const shown = (page, selector, options) => page.locator(selector).first().waitFor({ state: 'visible', ...options });
const text = async (page, selector) => (await page.locator(selector).first().textContent())?.trim() ?? '';
const rest = async (page, path) => page.evaluate(async (p) => (await fetch(p)).json(), path);

// The browser of a member, by the one-time link.
async function member(link, options = {}) {
  const context = await person(options);
  const page = await context.newPage();
  await page.goto(link);
  await page.click('[data-enter="go"]');
  await shown(page, 'main h1');
  return { context, page };
}

async function speak(page, language) {
  if ((await page.evaluate(() => document.documentElement.lang)) === language) return;
  await page.selectOption('.side [data-ui="language"]', language);
  await until(async () => (await rest(page, '/v1/session')).member.language === language, 5000, `the language ${language}`);
}

// At TikTok, beginning on our own page that says what is asked: who one is, what stays switched on, yes or no.
async function agree(page, { who, off = [], decision = 'allow', advertisers = null } = {}) {
  await page.locator('[data-login="continue"]').click();
  const someone = page.locator(`[data-sim="person-${who}"]`).first();
  const allow = page.locator('[data-sim="allow"]');
  await someone.or(allow).first().waitFor();
  if (await someone.isVisible()) await someone.click();
  await allow.waitFor();
  for (const scope of off) await page.uncheck(`input[name="scope"][value="${scope}"]`);
  if (advertisers)
    for (const box of await page.locator('input[name="advertiser"]').all())
      await box.setChecked(advertisers.includes(await box.getAttribute('value')));
  await page.click(`[data-sim="${decision}"]`);
}

// The connect page up to its link.
async function askFor(page, w, { kind, market, language, beside }) {
  await page.goto(w.at('accounts'));
  await page.locator('[data-ui="connect"]').click();
  await page.check(`input[name="kind"][value="${kind}"]`);
  if (beside) await page.selectOption('[data-ui="beside"]', beside);
  await page.check(`input[name="market"][value="${market}"]`);
  await shown(page, '[data-ui="market-means"]');
  await shown(page, '.steps-todo li');
  if (language) match(await text(page, '.stages'), words[language].conflict, 'the conflict of two settings');
  await page.click('[data-ui="make-link"]');
  return page.locator('[data-ui="connect-link"] input').inputValue();
}

// "Check now" until the page says so: a check that met TikTok's own limit says "unknown", and is asked again.
async function probe(page, verdict) {
  await until(async () => {
    await page.click('[data-ui="probe"]:not([disabled])');
    await shown(page, '[data-ui="probe"]:not([disabled])');
    return (await page.locator('[data-availability]').getAttribute('data-availability')) === verdict;
  }, 25000, `the verdict ${verdict}`).catch(async (e) => {
    const id = new URL(page.url()).searchParams.get('id');
    const { verdict: got, code, checks } = await rest(page, `/v1/accounts/${id}/availability`);
    throw new Error(`${e.message}: ${JSON.stringify([got, code, ...checks.map((c) => [c.name, c.result, c.tiktok_code])])}`);
  });
}

const worlds = {};
for (const db of databases) {
  const language = db === 'sqlite' ? 'en' : 'th';
  const say = words[language];
  const name = (what) => `connections.${db}.${what}`;
  // Each step stands on the one before: after a failure the rest is not judged.
  const step = (what, fn, deadline_ms) => test(name(what), async (t) => {
    check(!worlds[db]?.broken, 'an earlier step failed');
    try {
      await fn(t, worlds[db]);
    } catch (e) {
      if (worlds[db]) worlds[db].broken = true;
      throw e;
    }
  }, { deadline_ms });

  test(name('start'), async () => {
    const stack = await startStack({ db, settings: { 'tiktok.accounts.scopes': BUSINESS_SCOPES } });
    const w = { stack, url: stack.daemon.url, at: (page) => `${stack.daemon.url}/console/${page}` };
    worlds[db] = w;
    w.mine = await member(stack.seed.console_url);
    w.page = w.mine.page;
    await speak(w.page, language);
    const icon = await fetch(`${w.url}/favicon.ico`);
    equal([icon.status, icon.headers.get('content-type')], [200, 'image/x-icon'], 'the icon');
    noFaults();
  }, { deadline_ms: 90000 });

  step('connect-business', async (t, w) => {
    const link = await askFor(w.page, w, { kind: 'business', market: 'th', language });
    await shot(w.page, `connect-${language}`);
    // The owner of the shop opens the link in a browser of his own, without a session here.
    const owner = await person({ locale: language === 'th' ? 'th-TH' : 'en-GB' });
    t.cleanup(() => owner.close());
    const theirs = await owner.newPage();
    await theirs.goto(link);
    await shot(theirs, `owner-page-${language}`);
    await agree(theirs, { who: 'bakery', off: ['comment.list'] });
    await shown(theirs, '[data-connected]');
    await shot(theirs, `connected-${language}`);
    w.business = await theirs.locator('[data-connected]').first().getAttribute('data-connected');
    // It appears at the member's without reload of his choosing.
    await w.page.goto(w.at('accounts'));
    const row = w.page.locator(`[data-account="${w.business}"]`);
    await row.waitFor();
    equal(await row.getAttribute('data-state'), 'connected', 'state');
    match(await row.textContent(), new RegExp(say.business), 'kind in words');
    await shot(w.page, `list-${language}`);
    noFaults();
  }, 60000);

  step('connect-advertiser', async (t, w) => {
    await askFor(w.page, w, { kind: 'advertiser', market: 'th', beside: w.business });
    // In this browser.
    await w.page.click('[data-ui="open-link"]');
    await agree(w.page, { who: 'bakery', advertisers: ['7300000000000000791'] });
    await shown(w.page, '[data-connected]');
    w.advertiser = await w.page.locator('[data-connected]').first().getAttribute('data-connected');
    await w.page.goto(`${w.at('account')}?id=${w.advertiser}`);
    await shown(w.page, 'text=7300000000000000791');
    match(await text(w.page, '[data-verdict="good"]'), new RegExp(say.works), 'verdict in words');
    const { items } = await rest(w.page, '/v1/accounts');
    const [a, b] = [w.business, w.advertiser].map((id) => items.find((i) => i.id === id));
    equal(b.access_expires_at, null, 'an advertiser token has no end');
    await w.page.goto(w.at('accounts'));
    equal(a.person, b.person, 'one shop');
    await shown(w.page, `[data-person="${a.person}"]`);
    equal(await w.page.locator(`[data-person="${a.person}"] .connection`).count(), 2, 'one group for one person');
    noFaults();
  }, 60000);

  step('step-up', async (t, w) => {
    await w.page.goto(`${w.at('account')}?id=${w.business}`);
    const feature = w.page.locator('[data-feature][data-state="missing_scope"]', { hasText: 'comment.list' }).first();
    await feature.waitFor();
    match(await feature.textContent(), new RegExp(say.missing), 'said in words');
    const before = (await rest(w.page, `/v1/accounts/${w.business}`)).scopes;
    check(!before.includes('comment.list'), 'not granted yet');
    const which = await feature.getAttribute('data-feature');
    await feature.locator('[data-ui="step-up"]').click();
    const link = await w.page.locator('dialog [data-ui="connect-link"] input').inputValue();
    const owner = await person();
    t.cleanup(() => owner.close());
    const theirs = await owner.newPage();
    await theirs.goto(link);
    await agree(theirs, { who: 'bakery' });
    await shown(theirs, '[data-connected]');
    await w.page.click('dialog .dialog-acts button');
    await shown(w.page, `[data-feature="${which}"][data-state="works"]`, { timeout: 25000 });
    const after = (await rest(w.page, `/v1/accounts/${w.business}`)).scopes;
    check(before.every((s) => after.includes(s)) && after.includes('comment.list'), `only added to: ${after}`);
    noFaults();
  }, 60000);

  step('renew-and-timeline', async (_t, w) => {
    await w.page.goto(`${w.at('account')}?id=${w.business}`);
    await w.page.click('[data-ui="renew"]');
    await shown(w.page, '.note.good');
    await shown(w.page, '.timeline [data-what="refreshed"]');
    // TikTok fails: the timeline tells it with TikTok's code and log id, copied by a button.
    expectRefusal(503, /\/refresh$/);
    await w.stack.sim.control('POST', 'faults', { path: '/open_api/v1.3/tt_user/oauth2/refresh_token/', kind: 'error_body', error: '50002', description: 'busy', times: 1 });
    await w.page.click('[data-ui="renew"]');
    await shown(w.page, '.note.bad');
    await shown(w.page, '.timeline [data-what="failed"] .copy');
    await w.page.check('[data-ui="failures"]');
    await until(async () => (await w.page.locator('.timeline li:not(.bad)').count()) === 0, 3000, 'only failures');
    match(await text(w.page, '.timeline'), /50002/, "TikTok's code");
    await w.page.uncheck('[data-ui="failures"]');
    await shot(w.page, `account-${language}`);
    await w.stack.sim.control('DELETE', 'faults');
    noFaults();
  }, 60000);

  step('cancel-and-part', async (t, w) => {
    const link = await askFor(w.page, w, { kind: 'business', market: 'th' });
    const owner = await person({ locale: language === 'th' ? 'th-TH' : 'en-GB' });
    t.cleanup(() => owner.close());
    const theirs = await owner.newPage();
    expectRefusal(403, /\/auth\/tiktok\/business\/callback\/?$/);
    await theirs.goto(link);
    await agree(theirs, { who: 'shopowner', decision: 'deny' });
    await shown(theirs, '[data-end="connect.denied"]');
    await shot(theirs, `cancelled-${language}`);
    // Only a part: connected, and the page says what is missing.
    const second = await askFor(w.page, w, { kind: 'business', market: 'th' });
    await theirs.goto(second);
    await agree(theirs, { who: 'shopowner', off: ['message.list.send', 'comment.list'] });
    await shown(theirs, '[data-connected]');
    w.part = await theirs.locator('[data-connected]').first().getAttribute('data-connected');
    await w.page.goto(`${w.at('account')}?id=${w.part}`);
    await shown(w.page, '[data-feature][data-state="missing_scope"] [data-ui="step-up"]');
    equal(await w.page.locator('.health').getAttribute('data-verdict'), 'warning', 'verdict of a part');
    noFaults();
  }, 60000);

  step('reconnect', async (t, w) => {
    // TikTok no longer takes the refresh token: said in words, with a link for the owner that mends this very account.
    await w.stack.sim.control('POST', 'act', { user: 'bakery', action: 'disconnect', webhook: false });
    await w.page.goto(`${w.at('account')}?id=${w.business}`);
    expectRefusal(409, /\/refresh$/);
    await w.page.click('[data-ui="renew"]');
    await shown(w.page, '.health[data-state="needs_reauth"]', { timeout: 15000 });
    await shot(w.page, `dead-${language}`);
    await w.page.click('[data-ui="owner-link"]');
    const link = await w.page.locator('dialog [data-ui="connect-link"] input').inputValue();
    const owner = await person();
    t.cleanup(() => owner.close());
    const theirs = await owner.newPage();
    await theirs.goto(link);
    await agree(theirs, { who: 'bakery' });
    await shown(theirs, '[data-connected]');
    equal(await theirs.locator('[data-connected]').first().getAttribute('data-connected'), w.business, 'the same account');
    await w.page.click('dialog .dialog-acts button');
    await shown(w.page, '.health[data-state="connected"]', { timeout: 25000 });
    noFaults();
  }, 60000);

  step('taken', async (t, w) => {
    const made = workspaceCreate(w.stack, 'Rival', 'owner@rival.invalid');
    const rival = await member(made.console_url ?? made.link ?? made.url, { locale: language === 'th' ? 'th-TH' : 'en-GB' });
    t.cleanup(() => rival.context.close());
    await speak(rival.page, language);
    await askFor(rival.page, w, { kind: 'business', market: 'th' });
    expectRefusal(409, /\/auth\/tiktok\/business\/callback\/?$/);
    await rival.page.click('[data-ui="open-link"]');
    await agree(rival.page, { who: 'bakery' });
    await shown(rival.page, '[data-end="connect.taken"]');
    match(await text(rival.page, 'main'), language === 'th' ? /พื้นที่ทำงาน/ : /one workspace at a time/, 'the explanation');
    await shot(rival.page, `taken-${language}`);
    // The first workspace's grant lives on.
    equal((await rest(w.page, `/v1/accounts/${w.business}`)).state, 'connected', 'the first workspace');
    noFaults();
  }, 60000);

  step('webhooks', async (_t, w) => {
    await w.page.goto(w.at('webhooks'));
    await shown(w.page, '[data-app="accounts"] [data-id="accounts DIRECT_MESSAGE"]');
    const row = w.page.locator('[data-id="accounts DIRECT_MESSAGE"]');
    await row.locator('button').first().click();
    await until(async () => (await rest(w.page, '/v1/webhook-subscriptions')).items.find((s) => s.category === 'DIRECT_MESSAGE')?.state === 'right', 10000, 'registered');
    await shown(w.page, '[data-id="accounts DIRECT_MESSAGE"] .badge.good');
    await w.page.click('[data-app="accounts"] [data-ui="test-webhook"]');
    await shown(w.page, '.note.good >> nth=-1');
    await shot(w.page, `webhooks-${language}`);
    noFaults();
  }, 45000);

  step('availability', async (_t, w) => {
    await w.page.goto(`${w.at('account')}?id=${w.business}`);
    await probe(w.page, 'available');
    const now = await rest(w.page, `/v1/accounts/${w.business}/availability`);
    check(now.checked_at, 'a check was made');
    check(now.checks.filter((c) => c.result === 'good').length >= 3, `what TikTok answered: ${JSON.stringify(now.checks.map((c) => [c.name, c.result]))}`);
    equal(await w.page.locator('[data-check]').count(), now.checks.length, 'checks on the page');
    await shown(w.page, '[data-availability="available"] .verdict.good');
    // TikTok no longer lets it in: the reason, what to use meanwhile, and somebody who waits for TikTok.
    await w.stack.sim.control('PUT', 'users', { id: 'bakery', region: 'DE' });
    await probe(w.page, 'not_approved_or_region');
    await shown(w.page, '[data-availability="not_approved_or_region"] .verdict.warn');
    await shown(w.page, '.fallback a[href^="https://tiktok.me/baan.bakery"]');
    await w.page.fill('[data-task] [name="owner"]', 'Support');
    await w.page.fill('[data-task] [name="recheck"]', new Date(Date.now() + 7 * 86400000).toISOString().slice(0, 10));
    await w.page.click('[data-task] button[type="submit"]');
    await until(async () => (await rest(w.page, `/v1/accounts/${w.business}/availability`)).task?.owner === 'Support', 5000, 'the owner of the task');
    await shot(w.page, `unavailable-${language}`);
    await w.stack.sim.control('PUT', 'users', { id: 'bakery', region: 'TH' });
    await probe(w.page, 'available');
    await shown(w.page, '[data-availability="available"] .verdict.good');
    equal(await w.page.locator('[data-task]').count(), 0, 'a good check closes the task');
    await shot(w.page, `availability-${language}`);
    noFaults();
  }, 45000);

  step('disconnect', async (_t, w) => {
    await w.page.goto(`${w.at('account')}?id=${w.business}`);
    await w.page.click('[data-ui="disconnect"]');
    await shown(w.page, `dialog [data-stop="${w.business}"]`);
    check((await w.page.locator(`dialog [data-stop="${w.business}"] li`).count()) > 0, 'what stops is named');
    equal(await w.page.locator('dialog button.danger').isDisabled(), true, 'not before it was read');
    await shot(w.page, `preview-${language}`);
    await w.page.getByLabel(say.read).check();
    await w.page.click('dialog button.danger');
    await shown(w.page, `.health[data-account="${w.business}"][data-state="revoked"]`, { timeout: 25000 });
    await shown(w.page, '.timeline [data-what="revoked"]');
    // The others live.
    equal((await rest(w.page, `/v1/accounts/${w.advertiser}`)).state, 'connected', 'the advertiser');
    // Many at once: all of a kind are shown first, and nothing ends by looking.
    await w.page.goto(w.at('accounts'));
    await w.page.click('.page-acts button');
    await w.page.selectOption('dialog select', 'advertiser');
    await w.page.click('dialog button[type="submit"]');
    await shown(w.page, `dialog [data-stop="${w.advertiser}"]`);
    equal(await w.page.locator('dialog .stops > li').count(), 1, 'advertisers in the preview');
    await w.page.click('dialog .dialog-acts button >> nth=0');
    equal((await rest(w.page, `/v1/accounts/${w.advertiser}`)).state, 'connected', 'nothing ended');
    // Or those that are chosen in the list.
    for (const id of [w.part, w.advertiser]) await w.page.check(`[data-account="${id}"] input[type="checkbox"]`);
    await w.page.click('.picked .danger');
    await shown(w.page, `dialog [data-stop="${w.part}"]`);
    equal(await w.page.locator('dialog .stops > li').count(), 2, 'connections in the preview');
    await w.page.getByLabel(say.read).check();
    await w.page.click('dialog button.danger');
    for (const id of [w.part, w.advertiser]) await shown(w.page, `[data-account="${id}"][data-state="revoked"]`, { timeout: 25000 });
    await shot(w.page, `list-after-${language}`);
    noFaults();
  }, 60000);

  step('keyboard-and-states', async (t, w) => {
    const page = await w.mine.context.newPage();
    t.cleanup(() => page.close());
    const focused = (what) => page.evaluate(`(() => { const e = document.activeElement; return ${what}; })()`);
    // Waiting, refused, and again.
    let refuse = () => {};
    const told = new Promise((go) => (refuse = go));
    expectRefusal(503, /\/v1\/accounts$/);
    await page.route('**/v1/accounts?*', async (route) => {
      await told;
      return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({ title: 'Busy', status: 503, code: 'busy', request_id: 'req_journey', means: 'm', next: 'n' }) });
    });
    await page.goto(w.at('accounts'));
    await shown(page, '.loading');
    refuse();
    await shown(page, '[data-problem="busy"]');
    match(await text(page, '[data-problem="busy"]'), /req_journey/, 'the request id to quote');
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.click('[data-problem] button');
    await shown(page, '.connection');
    await page.goto(`${w.at('accounts')}?kind=login`);
    await shown(page, '.empty');
    // Nothing but keys: to a connection, and through the choices of the connect page.
    await page.goto(w.at('accounts'));
    await page.locator('.connection-name').first().focus();
    check(/solid|auto/.test(await page.evaluate(() => getComputedStyle(document.activeElement, '::after').outlineStyle)), 'a visible focus');
    await page.keyboard.press('Enter');
    await shown(page, '.health');
    equal(await focused('e.matches("main h1, main")'), true, 'the focus begins at the heading');
    await page.goto(w.at('connect'));
    await page.locator('input[name="kind"]').first().focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await until(() => focused('e.value === "advertiser" && e.checked'), 3000, 'the arrow chooses');
    await page.keyboard.press('Tab');
    while (await focused('e.tagName !== "INPUT"')) await page.keyboard.press('Tab');
    equal(await focused('e.name'), 'market', 'the next stop');
    await page.keyboard.press('Space');
    await shown(page, '.steps-todo li');
    noFaults();
  }, 45000);

  step('axe', async (t, w) => {
    const found = [];
    const state = await w.mine.context.storageState();
    // k_console.mjs sees every page in every language, theme and width; here with connections of all kinds in them.
    for (const [dark, width] of language === 'en' ? [[false, 1440], [true, 360]] : [[true, 1440], [false, 360]]) {
      const context = await person({ width, height: width === 360 ? 740 : 900, dark, state, free: true });
      t.cleanup(() => context.close());
      const page = await context.newPage();
      for (const place of ['accounts', `account?id=${w.business}`, `account?id=${w.part}`, 'connect?kind=business&market=eea', 'webhooks', 'apps', 'budgets']) {
        await page.goto(w.at(place));
        await shown(page, 'h1');
        await until(() => page.evaluate(() => document.querySelector('.loading') === null), 10000, `${place}: loaded`);
        const label = `${place.replace(/\W.*/, '')} ${language} ${dark ? 'dark' : 'light'} ${width}`;
        found.push(...(await violations(page)).map((v) => `${label}: ${v}`));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0) found.push(`${label}: ${wide} px too wide`);
        await shot(page, label.replaceAll(' ', '-'));
      }
    }
    check(found.length === 0, `${found.length} findings: ${[...new Set(found)].slice(0, 10).join(' || ')}`);
    noFaults();
  }, 120000);

  test(name('end'), async () => {
    await worlds[db].mine.context.close();
    await worlds[db].stack.stop();
  });
}

await run();
