// TikTok delivers again with a new time in the signature header: the same body is one row of the inbox, whatever the
// header says, and each delivery is answered with 200. Planted defect: webhook.key_has_t (the time is part of the key).
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { equal, run, test } from '../support/runner.mjs';
import { BUSINESS_KEY, databases, startStack } from '../support/stack.mjs';

const COUNT = 'SELECT count(*) FROM webhook_inbox';

function rows(stack) {
  const out = stack.dbUrl
    ? execFileSync('psql', ['-XAtc', COUNT, stack.dbUrl], { encoding: 'utf8' })
    : execFileSync('sqlite3', ['-readonly', path.join(stack.dir, 'daemon', 'mozflow.db'), COUNT], { encoding: 'utf8' });
  return Number(out);
}

for (const db of databases) {
  test(`webhooks.${db}.redelivery-with-new-time`, async (t) => {
    const stack = await startStack({ db });
    t.cleanup(() => stack.stop());
    const secret = readFileSync(path.join(stack.dir, 'business.secret'), 'utf8').trim();
    const now = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({ client_key: BUSINESS_KEY, event: 'redelivery_test', create_time: now - 120, user_openid: '-000x', content: '{}' });
    // Now, as TikTok's later attempts sign; the bits of t differ in each.
    for (const at of [now, now - 1, now - 7, now - 60, now]) {
      const s = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
      const r = await fetch(`${stack.daemon.url}/webhooks/tiktok/accounts`, {
        method: 'POST', body, headers: { 'content-type': 'application/json', 'tiktok-signature': `t=${at},s=${s}` },
      });
      equal(r.status, 200, `status of the delivery signed ${now - at} s ago`);
    }
    equal(rows(stack), 1, 'rows of the inbox');
  }, { deadline_ms: 60000 });
}
await run();
