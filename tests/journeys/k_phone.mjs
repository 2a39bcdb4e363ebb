// The simulated customer's phone in a browser: answers of the shop, cards that can be tapped, quotes, reactions, pictures,
// stickers, comments, read marks; English and Thai, a narrow screen, accessibility.
import path from 'node:path';
import { writeFileSync } from 'node:fs';
import { check, equal, run, tempDir, test, until } from '../support/runner.mjs';
import { startSim } from '../support/stack.mjs';
import { noFaults, person, shot, violations } from '../support/browser.mjs';

const BIZ = '7611111111111111111';
const dir = tempDir('mz-phone');
const file = path.join(dir, 'scenario.json');
writeFileSync(file, JSON.stringify({
  apps: [{ client_key: BIZ, client_secret: 'sim_journey_secret_4', name: 'J', portal: 'business', state: 'live', organization: 'o',
    scopes: 'user.info.basic,message.list.read,message.list.send,comment.list,comment.list.manage', webhook_url: 'http://127.0.0.1:9/none', redirect_uris: { web: ['https://app.example/cb/'] } }],
  users: [{ id: 'owner', display_name: 'ร้าน', username: 'one.name', videos: 3 }],
  shops: [{ id: 'one', client_key: BIZ, user: 'owner', username: 'one.name', display_name: 'ร้านกาแฟ' }],
  customers: [{ id: 'c1', username: 'c.one', display_name: 'สมชาย' }],
}));
const sim = await startSim({ dir, scenario: file });
const answer = await sim.control('POST', 'tokens', { client_key: BIZ, user: 'owner', scopes: 'user.info.basic,message.list.read,message.list.send,comment.list,comment.list.manage' });
const token = answer.data ?? answer;
const post = async (p, body) => {
  const r = await fetch(`${sim.url}/open_api/v1.3/business/${p}`, { method: 'POST', headers: { 'content-type': 'application/json', 'access-token': token.access_token }, body: JSON.stringify({ business_id: token.open_id, ...body }) });
  const j = await r.json();
  equal([j.code, j.message], [0, 'OK'], p);
  return j.data;
};
const talk = async () => (await sim.control('GET', 'conversations?shop=one&customer=c1')).conversations[0];
const send = (o) => talk().then((t) => post('message/send/', { recipient_type: 'CONVERSATION', recipient: t.conversation_id, message_type: 'TEXT', ...o }));
const newest = async () => (await talk()).messages.at(-1);

for (const [lang, locale, width] of [['en', 'en-GB', 1280], ['th', 'th-TH', 390]]) {
  test(`phone.${lang}`, async (t) => {
    await sim.control('POST', 'reset');
    await sim.switches({ echo: 'off' });
    const again = await sim.control('POST', 'tokens', { client_key: BIZ, user: 'owner', scopes: 'user.info.basic,message.list.read,message.list.send,comment.list,comment.list.manage' });
    Object.assign(token, again.data ?? again);
    const context = await person({ locale, width, height: 1100, free: true });
    t.cleanup(() => context.close());
    context.setDefaultTimeout(30000);
    const page = await context.newPage();
    const press = (what) => Promise.all([page.waitForNavigation(), page.click(what)]); // a form or link: the page is a new one
    await page.goto(`${sim.url}/phone?customer=c1&shop=one&lang=${lang}`);
    await page.fill('textarea[name="text"]', 'สวัสดีค่ะ ราคาเท่าไหร่คะ');
    await press('[data-sim="send"]');
    await page.waitForSelector('[data-sim="message"][data-from="customer"]');
    equal((await newest()).text, 'สวัสดีค่ะ ราคาเท่าไหร่คะ');
    await send({ text: { body: 'แก้วละ 65 บาทค่ะ <b>' }, referenced_message_info: { referenced_message_id: (await newest()).message_id } });
    await page.waitForSelector('[data-from="shop"] [data-sim="quoted"]');
    equal(await page.textContent('[data-from="shop"] p'), 'แก้วละ 65 บาทค่ะ <b>', 'text is text');
    await until(async () => (await talk()).read_ms === (await newest()).at_ms, 5000, 'a visible page reads');
    await send({ message_type: 'TEMPLATE', template: { type: 'QA_BUTTON_CARD', title: 'เลือกขนาด', buttons: [{ type: 'REPLY', title: 'เล็ก', id: 's' }, { type: 'REPLY', title: 'ใหญ่', id: 'l' }] } });
    await page.waitForSelector('[data-sim="card"]');
    await press('[data-sim="tap"] >> nth=1');
    await until(async () => (await newest()).button === 'l', 5000, 'a tapped button');
    await press('[data-from="shop"] [data-sim="react"] >> nth=0');
    await page.waitForSelector('[data-sim="reaction"]');
    await press('[data-from="shop"] [data-sim="quote"] >> nth=0');
    await page.waitForSelector('[data-sim="quoting"]');
    await page.fill('textarea[name="text"]', 'อันนี้ค่ะ');
    await press('[data-sim="send"]');
    await until(async () => (await newest()).quoted !== '', 5000, 'a quote');
    for (const kind of ['sticker', 'emoji', 'video', 'image', 'share_post']) {
      await page.click('[data-sim="more"]');
      await press(`[data-sim="send-${kind}"]`);
      await until(async () => (await newest()).type === kind, 5000, kind);
      await page.waitForSelector(`[data-type="${kind}"]`);
    }
    await until(() => page.evaluate(() => [...document.querySelectorAll('[data-sim="picture"]')].every((i) => i.complete && i.naturalWidth > 0)), 5000, 'every picture loads');
    await page.click('[data-sim="more"]');
    await page.setInputFiles('input[name="file"]', { name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64') });
    await press('[data-sim="send-image"]');
    await until(async () => (await talk()).messages.filter((m) => m.type === 'image').length === 2, 5000, 'an own picture');
    await page.fill('input[name="text"]', 'ซื้อยังไงคะ');
    await press('[data-sim="comment-send"]');
    await page.waitForSelector('[data-sim="comment"]');
    const { comments } = await sim.control('GET', 'comments');
    await post('comment/reply/create/', { video_id: comments[0].video_id, comment_id: comments[0].comment_id, text: 'ทักแชทได้เลยค่ะ' });
    await page.waitForSelector('[data-sim="comment"].reply');
    await send({ message_type: 'SENDER_ACTION', sender_action: 'TYPING' });
    await page.waitForSelector('[data-sim="typing"]');
    equal(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), true, 'no sideways scrolling');
    const found = await violations(page);
    check(found.length === 0, found.join(' | '));
    await page.evaluate(() => window.scrollTo(0, 0));
    await shot(page, `phone-${lang}`);
    noFaults();
  }, { deadline_ms: 120000 });
}

await run();
