// Data keys are rotated through the running daemon, by command, while signing secret and tokens go on being used; the
// old keys retire. And a webhook secret that was replaced is accepted until its date, and refused from then on.
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, run, tempDir, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, daemonCommand, databases, startStack } from '../support/stack.mjs';
import { attempt, client, signIn } from '../support/signin.mjs';

const MINUTE_MS = 60000;

async function signInOnce(stack) {
  const made = await attempt(stack);
  const back = await signIn(stack, made.start_url);
  equal(back.status, 303, back.text.slice(0, 200));
}

for (const db of databases) {
  test(`keys.rotate.${db}`, async () => {
    const stack = await startStack({ db, clock: true, demo: true });
    const api = client(stack);
    const keys = (...words) => daemonCommand(['keys', ...words, '--state', stack.daemon.state], { env: stack.env });
    await signInOnce(stack);
    const account = (await api('GET', '/v1/accounts')).json.items.find((a) => a.kind === 'login');
    const used = async (when) => {
      const sent = await api('POST', '/v1/events/endpoint/test');
      equal(sent.status, 202, `${when}: a test event; status`);
      const delivered = async () => (await api('GET', '/v1/events?limit=50')).json.items.every((e) => e.state === 'delivered');
      await until(delivered, 20000, `${when}: Mozflow accepts every signature`);
      const fresh = await api('POST', `/v1/accounts/${account.id}/refresh`);
      equal(fresh.status, 200, `${when}: the tokens open; ${fresh.text.slice(0, 200)}; status`);
    };
    await used('before');
    check(/data keys \d+ \(older ones in use 0, retired 0\)/.test(keys('status')), keys('status'));
    check(keys('rotate').includes('begun'), 'the command says that it has begun');
    await until(() => /first scan clean/.test(keys('status')), 20000, `the first scan: ${keys('status')}`);
    await used('between the scans');
    await stack.clock.shift(MINUTE_MS + 1000);
    // A value that was sealed while the command ran lets the minute begin again: shift until the end is reached.
    await until(async () => {
      if (/workspaces in rotation 0;/.test(keys('status'))) return true;
      await stack.clock.shift(MINUTE_MS + 1000);
      return false;
    }, 30000, `the end: ${keys('status')}`);
    const end = keys('status');
    check(/older ones in use 0, retired [1-9]/.test(end) && /values sealed anew, old keys retired/.test(end), end);
    check(/cannot be opened 0/.test(end), end);
    await used('after');
    await signInOnce(stack);
    const { items } = (await api('GET', '/v1/audit?limit=50')).json;
    check(items.some((e) => e.action === 'keys.retired'), 'the retirement is audited');
  }, { deadline_ms: 120000 });

  test(`keys.previous.${db}`, async () => {
    const dir = tempDir('mz-previous');
    const old = randomBytes(24).toString('base64url');
    writeFileSync(path.join(dir, 'old.secret'), old, { mode: 0o600 });
    const until_ms = Date.now() + 3600000;
    const stack = await startStack({
      db,
      clock: true,
      settings: {
        'tiktok.accounts.client_secret_previous_file': path.join(dir, 'old.secret'),
        'tiktok.accounts.client_secret_previous_until': new Date(until_ms).toISOString().replace(/\.\d+Z/, 'Z'),
      },
    });
    const shown = daemonCommand(['config', 'print', '--state', stack.daemon.state, '--config', stack.config]);
    check(shown.includes(`client_secret_previous_until = ${new Date(until_ms).toISOString().slice(0, 13)}`), 'config print shows the date');
    check(!shown.includes(old), 'and not the secret');
    const deliver = async (n) => {
      const t = Math.floor((await stack.clock.now()) / 1000);
      const body = JSON.stringify({ client_key: BUSINESS_KEY, event: 'im_receive_msg', create_time: t, user_openid: `-000x${n}`, content: '{}' });
      const s = createHmac('sha256', old).update(`${t}.`).update(body).digest('hex');
      const headers = { 'content-type': 'application/json', 'tiktok-signature': `t=${t},s=${s}` };
      return (await fetch(`${stack.daemon.url}/webhooks/tiktok/accounts`, { method: 'POST', body, headers })).status;
    };
    equal(await deliver(1), 200, 'the previous secret before its end; status');
    await stack.clock.shift(3600000 - 30000);
    equal(await deliver(2), 200, 'half a minute before its end; status');
    await stack.clock.shift(60000);
    check([401, 403].includes(await deliver(3)), 'the previous secret after its end is accepted');
  }, { deadline_ms: 60000 });
}

await run();
