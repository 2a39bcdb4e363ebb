// The console in a real browser, on the real stack: the link of ./dev run, sign-in through the simulator's pages, a
// message that arrives without reload (and at mozflow-demo), languages, roles, the keyboard, errors, accessibility.
// One stack on SQLite; at the end the tests of `both` once more on PostgreSQL. Tests run in order, and each begins from a
// session of its own. The pages about connections have k_connections.mjs.
import { check, equal, match, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, startDaemon, startStack } from '../support/stack.mjs';
import { expectRefusal, faults, launch, noFaults, person, setOutage, shot, violations } from '../support/browser.mjs';

const SCOPES = 'user.info.basic,user.info.profile,user.info.stats,video.list';
let stack;
let url;
let shop;
let owner; // the owner's cookies, for later tests
async function begin(db) {
  stack = await startStack({ demo: true, db, settings: { 'tiktok.login.scopes': SCOPES } });
  url = stack.daemon.url;
  shop = (await stack.sim.control('GET', 'shops')).shops?.[0] ?? {};
}
await begin('sqlite');
const again = [];
function both(name, fn, options) {
  test(name, fn, options);
  again.push([name.replace('console.', 'console.postgres.'), fn, options]);
}
const at = (page) => `${url}/console/${page}`;
const phoneSays = (customer, text) => stack.sim.control('POST', 'messages', { shop: 'mozflow-shop', customer, text });

async function ownerPage(options = {}) {
  const context = await person({ ...options, state: owner });
  return { context, page: await context.newPage() };
}
const shown = (page, selector, options) => page.locator(selector).first().waitFor({ state: 'visible', ...options });
const text = async (page, selector) => (await page.locator(selector).first().textContent())?.trim() ?? '';
const rest = async (page, path) => page.evaluate(async (p) => (await fetch(p)).json(), path);

both('console.enter-by-link', async (t) => {
  const context = await person();
  t.cleanup(() => context.close());
  const page = await context.newPage();
  await page.goto(stack.seed.console_url);
  await shot(page, 'enter-by-link-1440');
  await page.click('[data-enter="go"]');
  equal(new URL(page.url()).pathname, '/console/', 'the link leads home');
  await shown(page, '[data-live="on"]');
  await shown(page, '.tile:not(.ghost)');
  equal(await page.locator('.tile:not(.ghost)').count(), 4, 'tiles of the connection state');
  match(await text(page, '.tiles'), /1 connected/, 'accounts tile');
  await shown(page, 'text=No conversation yet');
  owner = await context.storageState();
  const cookie = owner.cookies.find((c) => c.name === '__Host-mz_session');
  check(cookie?.httpOnly && cookie.secure && cookie.path === '/', 'the session cookie is __Host-, Secure and HttpOnly');
  await shot(page, 'home-empty-1440');
  // The link works once.
  expectRefusal(404, /\/console\/enter$/);
  const again = await context.newPage();
  equal((await again.goto(stack.seed.console_url)).status(), 404, 'the used link');
  noFaults();
});

both('console.message-arrives-live', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at(''));
  await shown(page, '[data-live="on"]');
  const demo = await context.newPage();
  await demo.goto(stack.demo.url);
  await page.evaluate(() => (window.stayed = true));
  // The person types on the customer's phone.
  const phone = await context.newPage();
  await phone.goto(`${stack.sim.url}/phone?customer=somchai&shop=mozflow-shop`);
  await phone.fill('textarea[name="text"]', 'สวัสดีครับ กระเป๋าผ้าสีครีมยังมีสินค้าอยู่ไหมครับ');
  await phone.click('[data-sim="send"]');
  await shown(page, '[data-conversation] >> text=กระเป๋าผ้าสีครีม', { timeout: 5000 });
  check(await page.evaluate(() => window.stayed === true), 'the console was not reloaded');
  match(await text(page, '[data-ui="spoken"]'), /somchai\.test.*กระเป๋าผ้า/, 'what a screen reader hears');
  equal(await text(page, '[data-conversation] .count span'), '1', 'unread');
  await shown(demo, '[data-event-type="mozflow.tiktok.message.received"] >> text=กระเป๋าผ้าสีครีม');
  const events = await (await fetch(`${stack.demo.url}/events`)).json();
  equal(events.refused.count, 0, 'refused signatures at mozflow-demo');
  check(events.items.some((e) => e.data?.message?.text?.includes('กระเป๋าผ้า') && e.specversion === '1.0'), 'the event at mozflow-demo');

  // Open: read, counted as seen; the next one appears in the open conversation.
  await page.click('[data-conversation] a');
  await shown(page, '[data-message] >> text=กระเป๋าผ้าสีครีม');
  await until(async () => (await rest(page, '/v1/conversations')).items[0].unread_count === 0, 5000, 'unread 0');
  await phoneSays('somchai', 'ถ้ามี ขอสั่งสองใบ ส่งที่เชียงใหม่ได้ไหมครับ');
  await shown(page, '.thread [data-message] >> text=ขอสั่งสองใบ', { timeout: 5000 });
  equal(await page.locator('.thread [data-message]').count(), 2, 'messages');
  noFaults();
});

test('console.not-shown-yet', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at(''));
  await shown(page, '[data-live="on"]');
  const now = Date.now();
  await stack.sim.control('POST', 'webhooks', {
    client_key: BUSINESS_KEY, event: 'im_receive_msg', user_openid: shop.business_id ?? '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m',
    content: { timestamp: now, unique_identifier: 'person-with-a-picture', from: 'nok.pictures', to: 'mozflow.shop', conversation_id: 'conv-picture',
      message_id: 'msg-picture', is_follower: false, type: 'image', image: { media_id: 'm1' }, from_user: { id: 'person-with-a-picture', role: 'personal_account' },
      to_user: { id: '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m', role: 'business_account' } },
  });
  await page.locator('[data-conversation] a', { hasText: 'nok.pictures' }).click();
  match(await text(page, '[data-shown="no"]'), /TikTok sent something this version does not show yet/, 'a picture');
  noFaults();
});

// Posts, cards, echoes of what the shop wrote in TikTok's own app, reactions; none of them is an empty bubble.
test('console.every-kind', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  const me = shop.business_id ?? '-000MzBizOpenIdTest_aB3dE5fG7hJ9kL1m';
  const customer = { id: 'person-of-every-kind', role: 'personal_account' };
  const business = { id: me, role: 'business_account' };
  const send = (event, id, more) => stack.sim.control('POST', 'webhooks', {
    client_key: BUSINESS_KEY, event, user_openid: me,
    content: { timestamp: Date.now(), unique_identifier: customer.id, conversation_id: 'conv-kinds', message_id: id, is_follower: false,
      ...(event === 'im_send_msg' ? { from: 'mozflow.shop', to: 'dao.kinds', from_user: business, to_user: customer, message_tag: { source: 'APP' } }
        : { from: 'dao.kinds', to: 'mozflow.shop', from_user: customer, to_user: business }), ...more },
  });
  await send('im_receive_msg', 'kind-post', { type: 'share_post', share_post: { video_id: '7600000000000007003' } });
  await page.goto(at(''));
  await page.locator('[data-conversation] a', { hasText: 'dao.kinds' }).click();
  const post = page.locator('[data-type="share_post"] a');
  await post.waitFor();
  equal([await post.getAttribute('href'), await post.getAttribute('rel')], ['https://www.tiktok.com/@/video/7600000000000007003', 'noopener noreferrer'], 'the post');
  await send('im_send_msg', 'kind-card', { type: 'template', template: { type: 'qa_button_card', elements: [{ title: 'Which size?', buttons: [{ text: 'M', type: 'REPLY', id: 'm' }] }] } });
  await shown(page, '[data-type="template"] >> text=Which size?', { timeout: 10000 });
  equal(await text(page, '.bubble-buttons li'), 'M', 'its button');
  await send('im_send_msg', 'kind-echo', { type: 'text', text: { body: 'From the app' } });
  await shown(page, '.message.out:has-text("From the app")', { timeout: 10000 });
  await send('im_receive_msg', 'kind-reaction', { type: 'reaction', reaction: [{ operation: 'ADD', type: 'EMOJI', emoji: '👍', unique_identifier: customer.id, timestamp: Date.now(), original_msg_id: 'kind-echo' }] });
  await shown(page, '.reactions >> text=👍', { timeout: 10000 });
  check((await page.locator('.bubble').allTextContents()).every((b) => b.trim() !== ''), 'no empty bubble');
  await shown(page, '.thread-info[data-window]');
  await shot(page, 'kinds-1440');
  noFaults();
}, { deadline_ms: 60000 });

test('console.feed-resumes', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at(''));
  await shown(page, '[data-live="on"]');
  // A restart of the daemon cuts every stream.
  setOutage(true);
  expectRefusal(503, /\/v1\//);
  await stack.daemon.stop();
  await shown(page, '[data-live="off"]');
  const daemon = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config });
  Object.assign(stack.daemon, { program: daemon.program, stop: daemon.stop, kill: daemon.kill });
  await phoneSays('malee', 'Is the blue vase still available? I would like two.');
  await shown(page, '[data-conversation] >> text=blue vase', { timeout: 20000 });
  await shown(page, '[data-live="on"]', { timeout: 20000 });
  setOutage(false);
  noFaults();
}, { deadline_ms: 60000 });

test('console.language', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at('members'));
  await shown(page, 'h1 >> text=Members');
  await page.selectOption('.side [data-ui="language"]', 'th');
  await shown(page, 'h1 >> text=สมาชิก');
  equal(await page.evaluate(() => document.documentElement.lang), 'th', 'lang of the document');
  await until(async () => (await rest(page, '/v1/session')).member.language === 'th', 5000, 'the member record');
  match(await text(page, 'table'), /25\d\d/, 'the Buddhist year');
  // Kept by the service: another browser shows Thai at once.
  const other = await ownerPage();
  t.cleanup(() => other.context.close());
  await other.page.goto(at(''));
  await shown(other.page, 'h1 >> text=หน้าหลัก');
  // Refusals speak the same language.
  expectRefusal(404, /\/v1\/explain\//);
  await page.goto(`${at('explain')}?id=msg_nothing`);
  match(await text(page, '[data-problem]'), /[\u0E00-\u0E7F]/, 'a problem in Thai');
  await page.selectOption('.side [data-ui="language"]', 'en');
  await until(async () => (await rest(page, '/v1/session')).member.language === 'en', 5000, 'back to English');
  noFaults();
});

// --- sign-in through the simulator's pages ------------------------------------------------------------------------

async function throughTikTok(page, { who = 'anan', decision = 'allow', off = [] } = {}) {
  await page.click('[data-login="continue"]');
  await page.waitForURL(`${stack.sim.url}/**`);
  const button = page.locator(`[data-sim="person-${who}"]`).first();
  const allow = page.locator('[data-sim="allow"]');
  await button.or(allow).first().waitFor();
  if (await button.isVisible()) await button.click();
  await allow.waitFor();
  for (const scope of off) await page.uncheck(`input[name="scope"][value="${scope}"]`);
  await page.click(`[data-sim="${decision}"]`);
}

both('console.sign-in-with-tiktok', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  // Not linked: a page that says so, no session.
  const stranger = await person();
  t.cleanup(() => stranger.close());
  const first = await stranger.newPage();
  expectRefusal(403, /\/auth\/tiktok\/callback$/);
  await first.goto(at(''));
  await shown(first, 'h1 >> text=Sign in');
  await first.click('[data-ui="tiktok"]');
  await throughTikTok(first);
  await shown(first, '[data-end="access.identity_unlinked"], [data-end]');
  // Link it under "Your account".
  await page.goto(at('me'));
  await page.click('[data-ui="tiktok-link"]');
  await throughTikTok(page);
  await page.waitForURL(at(''));
  await page.goto(at('me'));
  await shown(page, '[data-ui="tiktok-state"][data-linked="yes"]');
  // Now the stranger's browser is let in.
  await first.goto(at('sign-in'));
  const box = await first.locator('[data-ui="tiktok"]').boundingBox();
  equal([Math.round(box.width), Math.round(box.height)], [315, 44], 'size of the button');
  equal(await text(first, '[data-ui="tiktok"]'), 'Continue with TikTok', 'words of the button');
  equal(await first.locator('[data-ui="tiktok"]').evaluate((e) => getComputedStyle(e).backgroundColor), 'rgb(18, 18, 18)', 'its ground');
  await shot(first, 'sign-in-1440');
  await first.click('[data-ui="tiktok"]');
  await throughTikTok(first);
  await first.waitForURL(at(''));
  await shown(first, '[data-live="on"]');
  equal((await rest(first, '/v1/session')).member.email, 'owner@demo.invalid', 'who is signed in');
  // Sign out, and what is remembered is gone.
  await shown(first, '.tile:not(.ghost)');
  await first.click('[data-ui="sign-out"]');
  await shown(first, 'text=You have signed out.');
  await first.goto(at('members'));
  await first.waitForURL(/\/console\/sign-in\?next=members/);
  noFaults();
}, { deadline_ms: 60000 });

test('console.cancel', async (t) => {
  const context = await person();
  t.cleanup(() => context.close());
  const page = await context.newPage();
  expectRefusal(403, /\/auth\/tiktok\/callback$/);
  await page.goto(at('sign-in'));
  await page.click('[data-ui="tiktok"]');
  await throughTikTok(page, { decision: 'deny' });
  await shown(page, '[data-end="login.denied"]');
  await shot(page, 'cancelled-1440');
  await page.click('a.button >> nth=0');
  await shown(page, '[data-login="continue"]');
  noFaults();
});

test('console.partly-granted', async (t) => {
  const context = await person();
  t.cleanup(() => context.close());
  const page = await context.newPage();
  await page.goto(stack.demo.url);
  await page.click('[data-demo="plain"]');
  const begin = page.locator('[data-login="continue"]');
  await begin.waitFor();
  await begin.click();
  await page.locator('[data-sim="person-emma"]').first().click();
  await page.locator('[data-sim="allow"]').waitFor();
  const toggles = await page.locator('input[name="scope"]:not([disabled])').all();
  equal(toggles.length, 3, 'scopes that can be switched off');
  for (const toggle of toggles) await toggle.uncheck();
  await page.click('[data-sim="allow"]');
  await shown(page, '[data-end="login.partly_granted"]');
  await shot(page, 'partly-granted-1440');
  await page.click('[data-login="proceed"]');
  await page.waitForURL(`${stack.demo.url}/`);
  match(await text(page, '[data-demo="user"]'), /Emma Clarke|TikTok user/, 'signed in at mozflow-demo');
  await shown(page, '[data-demo="missing"]');
  const mine = await ownerPage();
  t.cleanup(() => mine.context.close());
  await mine.page.goto(at('accounts'));
  await mine.page.locator('.person-card', { hasText: 'Emma Clarke' }).locator('.connection-name').click();
  await shown(mine.page, '[data-feature][data-state="missing_scope"] .chip.warn');
  noFaults();
});

// --- mozflow-demo's side ------------------------------------------------------------------------------------------

test('demo.component-link-console', async (t) => {
  const context = await person();
  t.cleanup(() => context.close());
  const page = await context.newPage();
  await page.goto(stack.demo.url);
  await page.locator('mozflow-tiktok-login a').click();
  await throughTikTok(page, { who: 'somying' });
  await page.waitForURL(`${stack.demo.url}/`);
  match(await text(page, '[data-demo="user"]'), /สมหญิง/, 'signed in by the web component');
  await page.click('text=Sign out');
  // Known at the second time: the same Mozflow user.
  await page.click('[data-demo="plain"]');
  await throughTikTok(page, { who: 'somying' });
  await page.waitForURL(`${stack.demo.url}/`);
  await page.click('text=Sign out');
  // Linking: another user may not take the same TikTok account.
  await page.fill('input[name="name"]', 'Second User');
  await page.click('form[action="/sign-in"] button');
  await page.click('[data-demo="link"]');
  expectRefusal(502, /\/tiktok\/return$/);
  await throughTikTok(page, { who: 'somying' });
  await shown(page, 'text=login.link_taken');
  // A code that this browser did not ask for is not exchanged.
  expectRefusal(400, /\/tiktok\/return$/);
  await page.goto(`${stack.demo.url}/tiktok/return?code=planted&attempt=att_planted`);
  await shown(page, 'text=This sign-in was not started here');
  // "Open console" without a second password.
  await page.goto(stack.demo.url);
  const [opened] = await Promise.all([context.waitForEvent('page'), page.click('[data-demo="console"]')]);
  await opened.click('[data-enter="go"]');
  await shown(opened, '[data-live="on"]');
  equal((await rest(opened, '/v1/session')).member.role, 'admin', 'role in the console');
  noFaults();
}, { deadline_ms: 60000 });

// --- pages ---------------------------------------------------------------------------------------------------------

test('console.members-and-roles', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at('members'));
  await page.click('text=Invite a member');
  await page.fill('dialog [name="email"]', 'agent@demo.invalid');
  await page.fill('dialog [name="name"]', 'มานี ขยันดี');
  await page.click('dialog button[type="submit"]');
  const link = await page.locator('dialog .secret input').inputValue();
  match(link, /\/console\/invitation#[\w-]{43}$/, 'the one-time link');
  await page.click('dialog >> text=Done');

  const guest = await person();
  t.cleanup(() => guest.close());
  const theirs = await guest.newPage();
  await theirs.goto(link);
  await theirs.fill('[name="new-password"]', 'short');
  await theirs.click('button[type="submit"]');
  await shown(theirs, '.field-error');
  await theirs.fill('[name="new-password"]', 'ประโยคที่ยาวพอสมควร 12');
  await theirs.click('button[type="submit"]');
  await theirs.waitForURL(at(''));
  equal(new URL(theirs.url()).hash, '', 'the token left the address');
  await shown(theirs, '[data-live="on"]');
  const nav = await text(theirs, 'nav');
  check(!/API keys|Audit log|Dead letters/.test(nav), `an agent sees only what he may: ${nav}`);
  await theirs.goto(at('keys'));
  await shown(theirs, 'h1 >> text=Your role does not include this page');
  // The link works once.
  expectRefusal(404, /\/v1\/invitations\/accept$/);
  const late = await guest.newPage();
  await late.goto(link);
  await late.fill('[name="new-password"]', 'another password of mine');
  await late.click('button[type="submit"]');
  await shown(late, '[data-problem="access.invitation_used"]');
  match(await text(late, '.problem-quote'), /req_/, 'the request id to quote');
  await late.close(); // its stream would come back with the next session of this browser, which may not read

  // A change of role ends the sessions; password sign-in, wrong and right.
  await page.reload();
  await page.selectOption('[data-id] select[aria-label="Role of มานี ขยันดี"]', 'auditor');
  await shown(page, '.note.good');
  await theirs.goto(at(''));
  await shown(theirs, 'h1 >> text=Sign in');
  await theirs.fill('[name="email"]', 'agent@demo.invalid');
  await theirs.fill('[name="password"]', 'not this one');
  await theirs.click('button[type="submit"]');
  await shown(theirs, '[data-problem="access.bad_password"]');
  await theirs.fill('[name="password"]', 'ประโยคที่ยาวพอสมควร 12');
  await theirs.click('button[type="submit"]');
  await shown(theirs, 'nav >> text=Audit log');
  equal(await theirs.locator('.inbox').count(), 0, 'an auditor sees no message');
  // Removal.
  await page.click('button[aria-label="Remove: มานี ขยันดี"]');
  await page.click('dialog button.danger');
  await shown(page, 'text=was removed');
  await theirs.reload();
  await shown(theirs, 'h1 >> text=Sign in');
  noFaults();
}, { deadline_ms: 60000 });

test('console.events', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at('events'));
  await shown(page, 'text=message.received');
  await page.click('text=Send a test event');
  await shown(page, '.note.good');
  await until(async () => {
    const { items } = await (await fetch(`${stack.demo.url}/events`)).json();
    return items.some((e) => e.type === 'mozflow.tiktok.endpoint.test');
  }, 10000, 'the test event at mozflow-demo');
  await page.click('button[aria-label^="Deliver again: evt_"]');
  await shown(page, 'text=delivered again under the same id');
  // A link from an event to its story.
  await page.locator('table a').first().click();
  await shown(page, '.steps li');
  await page.goto(at('audit'));
  await shown(page, 'text=mozflow.test_sent');
  await page.click('text=Check the chain');
  await shown(page, '.verdict.good');
  noFaults();
});

test('console.keys', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at('keys'));
  await page.click('text=New API key');
  await page.fill('dialog [name="name"]', 'journey');
  await page.click('dialog button[type="submit"]');
  await shown(page, 'dialog .field-error');
  await page.check('dialog label:has-text("members.read") input');
  await page.click('dialog button[type="submit"]');
  const key = await page.locator('dialog .secret input').inputValue();
  equal((await fetch(`${url}/v1/members`, { headers: { authorization: `Bearer ${key}` } })).status, 200, 'the new key');
  await page.click('dialog >> text=I have stored it');
  await page.click('button[aria-label="Revoke: journey"]');
  await page.click('dialog button.danger');
  await shown(page, 'text=journey was revoked');
  equal((await fetch(`${url}/v1/members`, { headers: { authorization: `Bearer ${key}` } })).status, 401, 'the revoked key');
  noFaults();
});

test('console.flag-off-button-gone', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at('flags'));
  await page.click('button[aria-label="Switch off: login.tiktok"]');
  await page.fill('dialog [name="reason"]', 'journey: the button must go');
  await page.click('dialog button.danger');
  await shown(page, '[data-flag="login.tiktok"][data-on="no"]');
  await page.goto(at('me'));
  await shown(page, '[data-ui="tiktok-state"]');
  equal(await page.locator('[data-ui="tiktok-link"]').count(), 0, 'no link button');
  const demo = await context.newPage();
  await demo.goto(stack.demo.url);
  await shown(demo, 'text=Sign-in with TikTok is switched off');
  await page.goto(at('flags'));
  await page.click('button[aria-label="Follow the default: login.tiktok"]');
  await page.fill('dialog [name="reason"]', 'journey: back');
  await page.click('dialog button[type="submit"]');
  await shown(page, '[data-flag="login.tiktok"][data-on="yes"]');
  noFaults();
});

test('console.keyboard', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  await page.goto(at(''));
  await shown(page, '[data-conversation]');
  const focused = (what) => page.evaluate(`(() => { const e = document.activeElement; return ${what}; })()`);
  await page.keyboard.press('Tab');
  equal(await focused('e.className'), 'skip', 'the first stop is the skip link');
  await page.keyboard.press('Enter');
  equal(await focused('e.id'), 'content', 'which leads to the content');
  // On to the first conversation, with a visible ring at every stop.
  for (let i = 0; i < 20 && !(await focused('e.matches(".conversation")')); i += 1) {
    await page.keyboard.press('Tab');
    const ring = await focused('getComputedStyle(e).outlineStyle + " " + getComputedStyle(e).outlineWidth');
    check(!/^none|\b0px$/.test(ring), `a visible focus: ${ring} at ${await focused('e.outerHTML.slice(0, 90)')}`);
  }
  check(await focused('e.matches(".conversation")'), 'a conversation has the focus');
  await page.keyboard.press('Enter');
  await shown(page, '.thread [data-message]');
  await until(() => focused('e.matches(".thread h2")'), 3000, 'the focus on the conversation heading');
  // A dialog: opened by Enter, kept in it, closed by Escape, and back to its button.
  await page.goto(at('members'));
  const invite = page.locator('text=Invite a member').first();
  await invite.focus();
  await page.keyboard.press('Enter');
  await shown(page, 'dialog[open]');
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Tab');
    check(await focused('e === document.body || !!e.closest("dialog")'), 'the focus stays in the dialog');
  }
  await page.keyboard.press('Escape');
  await until(async () => (await page.locator('dialog').count()) === 0, 3000, 'the dialog closed');
  await until(() => focused('e.textContent === "Invite a member"'), 2000, 'the focus back at its button');
  // The menu on a narrow screen.
  await page.setViewportSize({ width: 360, height: 740 });
  await page.locator('.menu-button').focus();
  await page.keyboard.press('Enter');
  equal(await page.locator('.menu-button').getAttribute('aria-expanded'), 'true', 'the menu is open');
  await page.keyboard.press('Escape');
  await until(() => focused('e.getAttribute("aria-expanded") === "false"'), 2000, 'the menu closed, with the focus on its button');
  noFaults();
}, { deadline_ms: 45000 });

test('console.states', async (t) => {
  const { context, page } = await ownerPage();
  t.cleanup(() => context.close());
  expectRefusal(503, /\/v1\/members$/);
  let broken = true;
  let waiting = () => {};
  await page.route('**/v1/members*', async (route) => {
    if (!broken) return route.continue();
    await new Promise((go) => (waiting = go));
    return route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify({
      type: `${url}/errors/busy`, title: 'The service is busy', status: 503, code: 'busy', request_id: 'req_journey',
      means: 'Too much work is waiting.', next: 'Try again in a moment.' }) });
  });
  await page.goto(at('members'));
  await shown(page, '.loading');
  await shot(page, 'loading-1440');
  waiting();
  await shown(page, '[data-problem="busy"]');
  const words = await text(page, '[data-problem="busy"]');
  for (const part of ['The service is busy', 'Too much work is waiting.', 'Try again in a moment.', 'busy', 'req_journey']) check(words.includes(part), part);
  await shot(page, 'error-1440');
  broken = false;
  await page.click('[data-problem] button');
  await shown(page, 'table [data-id]');
  await page.goto(at('dead-letters'));
  await shown(page, 'text=No dead letter');
  await page.goto(at('no-such-page'));
  await shown(page, 'h1 >> text=This page does not exist');
  noFaults();
});

// --- accessibility and width: every page, both languages, both themes, 1440 and 360 ---------------------------------

const pages = ['', 'conversation', 'events', 'dead-letters', 'explain', 'audit', 'members', 'keys', 'flags', 'me', 'nothing'];
// The pages about connections: k_connections.mjs looks at them in the other half of languages, themes and widths.
const connectionPages = ['accounts', 'webhooks', 'apps', 'budgets', 'connect?kind=business&market=th'];
async function look(page, name, width, found) {
  await until(() => page.evaluate(() => document.querySelector('.loading, .ghost') === null), 10000, `${name}: loaded`);
  found.push(...(await violations(page)).map((v) => `${name}: ${v}`));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) found.push(`${name}: ${wide} px too wide at ${width}`);
  const cut = await page.evaluate(() => [...document.querySelectorAll('.inbox, .card, .table-box, dialog')].filter((box) => {
    const edge = box.getBoundingClientRect().right + 1;
    return [...box.querySelectorAll('time, .badge, button, code, input, select')].some((e) => e.getClientRects().length && e.getBoundingClientRect().right > edge);
  }).map((box) => box.className || box.tagName));
  if (cut.length > 0) found.push(`${name}: something sticks out of ${cut.join(', ')}`);
  await shot(page, name);
}

for (const language of ['en', 'th']) {
  for (const dark of [false, true]) {
    test(`console.axe.${language}.${dark ? 'dark' : 'light'}`, async (t) => {
      const found = [];
      for (const width of [1440, 360]) {
        const { context, page } = await ownerPage({ width, height: width === 360 ? 740 : 900, dark, free: true });
        t.cleanup(() => context.close());
        await page.goto(at(''));
        await shown(page, '[data-conversation]');
        if ((await page.evaluate(() => document.documentElement.lang)) !== language) {
          if (width === 360) await page.click('.menu-button');
          await page.selectOption('.side [data-ui="language"]', language);
          await until(async () => (await rest(page, '/v1/session')).member.language === language, 5000, 'the language');
        }
        const tag = `${language}-${dark ? 'dark' : 'light'}-${width}`;
        const here = (width === 1440) === ((language === 'en') === dark) ? connectionPages : [];
        for (const name of [...pages, ...here]) {
          await page.goto(at(name === 'conversation' ? '' : name));
          await shown(page, 'h1');
          if (name === 'conversation') {
            await page.locator('[data-conversation] a', { hasText: 'somchai' }).click();
            await shown(page, '[data-message]');
          }
          if (name === 'explain') {
            const { items } = await rest(page, '/v1/events');
            await page.goto(`${at('explain')}?id=${items[0].id}`);
            await shown(page, '.steps li');
          }
          await look(page, `${(name || 'home').replace(/\W.*/, '')}-${tag}`, width, found);
        }
        await page.goto(at('members'));
        await page.click('.page-acts .button');
        await shown(page, 'dialog[open]');
        await look(page, `dialog-${tag}`, width, found);
        const out = await person({ width, height: 740, dark, free: true, locale: language === 'th' ? 'th-TH' : 'en-GB' });
        t.cleanup(() => out.close());
        const gate = await out.newPage();
        await gate.goto(at('sign-in'));
        await shown(gate, '[data-ui="tiktok"]');
        await look(gate, `sign-in-${tag}`, width, found);
        await gate.goto(at(`invitation#${'x'.repeat(43)}`));
        await shown(gate, '[name="new-password"]');
        await look(gate, `invitation-${tag}`, width, found);
      }
      check(found.length === 0, `${found.length} findings: ${[...new Set(found)].slice(0, 12).join(' || ')}`);
      noFaults();
    }, { deadline_ms: 200000 });
  }
}

// --- the same on PostgreSQL -----------------------------------------------------------------------------------------

test('console.postgres.start', async () => {
  // What a test that ran out of time left open must not speak into the next ones.
  for (const context of (await launch()).contexts()) await context.close();
  faults.splice(0);
  await stack.stop();
  await begin('postgres');
}, { deadline_ms: 90000 });
for (const [name, fn, options] of again) test(name, fn, options);

await run();
