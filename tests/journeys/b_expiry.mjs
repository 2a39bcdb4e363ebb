// The one-time code that Mozflow exchanges lives 60 s, no longer: on the virtual clock, on both databases. A second before
// its end it works; at its end it is refused, burnt, and the refusal is audited.
import { check, equal, run, test } from '../support/runner.mjs';
import { databases, startStack } from '../support/stack.mjs';
import { attempt, client, signIn } from '../support/signin.mjs';

const LIFE_MS = 60000;
const codeOf = async (stack) => {
  const made = await attempt(stack);
  const back = await signIn(stack, made.start_url);
  equal(back.status, 303, back.text.slice(0, 200));
  return { code: new URL(back.location).searchParams.get('code'), attempt_id: made.attempt_id };
};

for (const db of databases) {
  test(`login.${db}.code_lives_60_s`, async () => {
    const stack = await startStack({ db, clock: true });
    const api = client(stack);
    const young = await codeOf(stack);
    await stack.clock.shift(LIFE_MS - 15000); // what is left covers a slow machine
    equal((await api('POST', '/v1/login/exchange', young)).status, 200, 'before its end; status');

    const old = await codeOf(stack);
    await stack.clock.shift(LIFE_MS);
    const late = await api('POST', '/v1/login/exchange', old);
    equal([late.status, late.json.code], [409, 'login.code_expired'], late.text);
    await stack.clock.shift(-LIFE_MS);
    const again = await api('POST', '/v1/login/exchange', old);
    check(again.status === 409 && again.json.code !== 'login.code_expired', `an expired code is burnt: ${again.text}`);
    const kept = await api('GET', '/v1/audit?limit=20');
    check(kept.json.items.some((e) => e.action === 'login.exchange_refused'), 'the refusal is audited');

    // The start link lives longer than the code, and ends too.
    const made = await attempt(stack);
    await stack.clock.shift(3600000);
    const page = await fetch(made.start_url, { redirect: 'manual' });
    check(page.status >= 400, `an attempt of an hour ago opens: ${page.status}`);
  }, { deadline_ms: 60000 });
}

await run();
