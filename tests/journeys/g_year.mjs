// Twenty grants through virtual time, in both lifetime profiles of TikTok, through the real daemon and simulator: a month,
// or a year with --long. Nobody uses them; only the schedule keeps them alive. A script of acts happens on the way
// (people disconnect, TikTok forgets, outages, a lost answer, an operator's revocation, a second consent), and at the end
// the timeline of every grant must equal the script's, its count of refreshes the simulator's. Then the hard end of
// refresh tokens: notices 30, 7 and 1 days before, once each, and the end is not silent.
import { check, equal, long, run, test, until } from '../support/runner.mjs';
import { databases, startStack } from '../support/stack.mjs';
import { client } from '../support/signin.mjs';
import { quote, sql } from '../support/actors.mjs';
import { connect, connectAll, makePeople, pages, unlimited } from '../support/grants.mjs';

const MINUTE = 60000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DAYS = Number(process.env.MZ_DAYS ?? (long ? 365 : 30));
const GRANTS = 20;
// A step leaves room before the end of an access token that is refreshed at 60 % of its life.
const PROFILES = { nov2026: { step: 45 * MINUTE, life: 2 * HOUR }, legacy: { step: 8 * HOUR, life: 24 * HOUR } };
const TOKEN = '/v2/oauth/token/';

// Everything the daemon has to do at this moment is done, and TikTok's notices have come.
async function settled(stack) {
  if (stack.notices) {
    await until(async () => (await stack.sim.control('GET', `webhooks?after=${stack.notices - 1}`)).deliveries.every((d) => d.state === 'delivered'), 20000, "TikTok's notices");
    stack.notices = 0;
  }
  const now = await stack.clock.now();
  const busy = `SELECT (SELECT count(*) FROM account_grants WHERE ended_ms = 0 AND refresh_fp <> '' AND state IN ('active', 'unsure', 'revoking')
      AND (refresh_due_ms <= ${now} OR refreshing_ms > 0))
    + (SELECT count(*) FROM jobs WHERE state = 0 AND due_ms <= ${now} AND kind LIKE 'accounts.%') + (SELECT count(*) FROM webhook_inbox WHERE state = 0)`;
  await until(() => sql(stack, busy) === '0', 60000, 'the end of what is due');
}

// Entries of the timeline as they come: old ones are deleted by the daemon in a year.
function harvester(stack) {
  const lines = new Map();
  let last = '';
  return {
    lines,
    take() {
      const rows = sql(stack, `SELECT id, account_id, at_ms, what, code FROM account_health WHERE id > ${quote(last)} ORDER BY id`);
      for (const row of rows.split('\n').filter(Boolean)) {
        const [id, account, at, what, code] = row.split('|');
        last = id;
        if (!lines.has(account)) lines.set(account, []);
        lines.get(account).push({ at: Number(at), what, code });
      }
    },
  };
}

// A timeline in the script's words: one "refreshed" for each run of them; what an outage adds is left out.
const RANK = ['replaced', 'granted', 'revoking', 'revoke_told', 'revoked']; // of entries of the same millisecond
const TROUBLE = ['failed', 'unsure', 'probed'];
function story(lines, windows) {
  const out = [];
  const sorted = [...lines].sort((a, b) => a.at - b.at || RANK.indexOf(a.what) - RANK.indexOf(b.what));
  for (const { at, what, code } of sorted) {
    if (TROUBLE.includes(what) && windows.some(([a, b]) => at >= a && at <= b)) continue;
    const word = ['revoked', 'revoke_told', 'notice'].includes(what) ? `${what}:${code}` : what;
    if (word !== 'refreshed' || out.at(-1) !== 'refreshed') out.push(word);
  }
  return out;
}

// The script: at which part of the time, to whom, what; and what the timeline then says.
const again = (s, g) => connect(s, g.person);
const act = (action) => async (s, g) => {
  await s.sim.control('POST', 'act', { user: g.person, action });
  if (action !== 'kill_refresh') s.notices = (await s.sim.control('GET', 'webhooks')).deliveries.at(-1).id;
};
const SCRIPT = [
  { at: 0.2, who: 10, does: act('disconnect'), says: ['revoked:removed.1'], dead: true },
  { at: 0.3, who: 10, does: again, says: ['granted'] },
  { at: 0.25, who: 11, does: act('kill_refresh'), says: ['needs_reauth'], dead: true },
  { at: 0.4, who: 11, does: again, says: ['granted'], from: 'needs_reauth' },
  { at: 0.35, who: 12, does: async (s, g) => {
    const r = await client(s)('POST', `/v1/accounts/${g.account}/revoke`);
    check([200, 202].includes(r.status), `revoke: ${r.text}`);
  }, says: ['revoking', 'revoke_told:confirmed', 'revoked:by_us'], dead: true },
  { at: 0.45, who: 13, does: again, says: ['replaced', 'granted'] },
  { at: 0.5, who: 14, does: act('ban'), says: ['revoked:removed.4'], dead: true },
  { at: 0.55, who: 15, does: (s, g) => s.sim.control('POST', 'act', { user: g.person, action: 'kill_tokens', webhook: false }), says: [] },
];
// TikTok is away, long enough in both profiles that many grants fall due: no access token can be renewed, nothing may be lost, all is well soon after.
const OUTAGES = [
  { at: 0.6, ms: 3 * HOUR, share: 3 / 8, fault: { path: TOKEN, kind: 'status', status: 500, times: 0 } },
  { at: 0.75, ms: 2 * HOUR, share: 1 / 4, fault: { path: TOKEN, kind: 'html', times: 0 } },
];
const RECOVERY = 25 * MINUTE; // the longest pause after failures, its jitter, and a scan

async function outage(stack, o) {
  await stack.sim.control('POST', 'faults', o.fault);
  for (let gone = 0; gone < o.ms; gone += 15 * MINUTE) {
    await stack.clock.shift(15 * MINUTE);
    await settled(stack);
  }
  await stack.sim.control('DELETE', 'faults');
  await stack.clock.shift(RECOVERY);
  await settled(stack);
}

function alive(stack, grants, dead, now) {
  const rows = new Map(sql(stack, 'SELECT account_id, state, access_expires_ms FROM account_grants WHERE ended_ms = 0').split('\n').map((l) => [l.split('|')[0], l.split('|')]));
  for (const g of grants.filter((x) => !dead.has(x.person))) {
    const [, state, expires] = rows.get(g.account) ?? [];
    equal(state, 'active', `${g.person} after ${((now - g.from) / DAY).toFixed(1)} days; state`);
    check(Number(expires) > now, `${g.person}: the access token ended ${now - Number(expires)} ms ago and was not renewed`);
  }
}

// One lost answer under the strict profile: exactly one grant ends, and says so; its person consents again.
async function lostAnswer(stack, grants, dead, step) {
  await stack.sim.control('POST', 'faults', { path: TOKEN, kind: 'drop', times: 1, phase: 'after', grant_type: 'refresh_token' });
  const gone = () => grants.filter((g) => !dead.has(g.person) && sql(stack, `SELECT state FROM account_grants WHERE account_id = ${quote(g.account)} AND ended_ms = 0`) === 'needs_reauth');
  for (let i = 0; i < 6 && gone().length === 0; i += 1) {
    await stack.clock.shift(step);
    await settled(stack);
  }
  const victims = gone();
  equal(victims.length, 1, `one lost answer ended ${victims.map((g) => g.person)}; grants`);
  const alerts = await pages(client(stack), '/v1/alerts');
  check(alerts.some((a) => a.object === victims[0].account), 'the lost grant has an alert');
  await connect(stack, victims[0].person);
  return victims[0];
}

async function through(db, profile) {
  const { step, life } = PROFILES[profile];
  const stack = await startStack({ db, clock: true, settings: unlimited });
  await stack.sim.switches({ profile });
  const grants = await connectAll(stack, await makePeople(stack.sim, GRANTS));
  const begun = await stack.clock.now();
  const harvest = harvester(stack);
  const dead = new Set();
  const want = new Map(grants.map((g) => [g.person, ['granted', 'refreshed']]));
  const acts = SCRIPT.map((a) => ({ ...a, due: begun + a.at * DAYS * DAY })).sort((a, b) => a.due - b.due);
  const outages = OUTAGES.map((o) => ({ ...o, ms: Math.max(o.ms, life * o.share), due: begun + o.at * DAYS * DAY }));
  const windows = [];
  let lost = { due: begun + 0.7 * DAYS * DAY };
  for (const g of grants) g.from = begun;
  let steps = 0;
  for (let now = begun; now < begun + DAYS * DAY; steps += 1) {
    while (acts[0]?.due <= now) {
      const a = acts.shift();
      const g = grants[a.who];
      await a.does(stack, g);
      if (a.dead) dead.add(g.person);
      else dead.delete(g.person);
      if (a.says.length > 0) want.get(g.person).push(...a.says, ...(a.dead ? [] : ['refreshed']));
      await settled(stack);
    }
    while (outages[0]?.due <= now) {
      const o = outages.shift();
      const from = await stack.clock.now();
      await outage(stack, o);
      windows.push([from, await stack.clock.now()]);
      alive(stack, grants, dead, await stack.clock.now());
    }
    if (lost.due <= now) {
      const victim = await lostAnswer(stack, grants, dead, step);
      want.get(victim.person).push('lost', 'granted', 'refreshed');
      lost = { due: Infinity };
    }
    await stack.clock.shift(step);
    await settled(stack);
    now = await stack.clock.now();
    if (steps % 7 === 0) alive(stack, grants, dead, now);
    if (steps % 50 === 0) harvest.take();
  }
  harvest.take();
  alive(stack, grants, dead, await stack.clock.now());
  await judge(stack, grants, want, harvest.lines, windows);
  const all = [...harvest.lines.values()].flat();
  console.log(`# ${db} ${profile}: ${DAYS} days in ${steps} steps, ${all.filter((l) => l.what === 'refreshed').length} refreshes, ${all.filter((l) => l.what === 'failed').length} failures in outages, nobody died by neglect`);
  await stack.stop();
}

async function judge(stack, grants, want, lines, windows) {
  const { grants: rows } = await stack.sim.control('GET', 'grants');
  const sim = new Map(rows.map((r) => [r.open_id, r]));
  for (const g of grants) {
    const own = lines.get(g.account);
    // A lost answer may be told in one word or two on the way to the new consent.
    const got = story(own, windows).join(' ').replace(/(unsure )?(probed )?needs_reauth( replaced)?(?= granted)/, 'lost').split(' ');
    const script = want.get(g.person).join(' ').replace(/needs_reauth(?= granted)/, 'lost').split(' ');
    equal(got, script, `the timeline of ${g.person}`);
    const refreshed = own.filter((l) => l.what === 'refreshed').length;
    const counted = sim.get(g.open_id).refreshed;
    const unseen = script.includes('lost') ? 1 : 0; // the lost answer's pair, which we never saw
    check(counted === refreshed || counted === refreshed + unseen, `${g.person}: ${refreshed} refreshes in the timeline, ${counted} at TikTok`);
    check(sim.get(g.open_id).in_flight_max <= 1, `${g.person} had two refreshes in flight`);
  }
  check([...lines.values()].flat().some((l) => l.what === 'failed'), 'the outages were noticed');
}

// A month of the two-hour profile is the longest of the CI; PostgreSQL takes the other one there.
const runs = long ? databases.flatMap((db) => Object.keys(PROFILES).map((p) => [db, p])) : [['sqlite', 'nov2026'], ['postgres', 'legacy']];
for (const [db, profile] of runs) {
  test(`grants.${db}.${long ? 'year' : 'month'}.${profile}`, () => through(db, profile), { deadline_ms: long ? 7200000 : 240000 });
}

for (const db of long ? databases : ['sqlite']) {
  test(`grants.${db}.hard_end`, async () => {
    const stack = await startStack({ db, clock: true, settings: unlimited });
    await stack.sim.switches({ refresh_clock: 'countdown' });
    const [g] = await connectAll(stack, await makePeople(stack.sim, 1));
    const begun = await stack.clock.now();
    const told = () => sql(stack, `SELECT code FROM account_health WHERE account_id = ${quote(g.account)} AND what = 'notice' ORDER BY id`).split('\n').filter(Boolean);
    const at = async (days, want) => {
      await stack.clock.shift(begun + days * DAY - (await stack.clock.now()));
      await settled(stack);
      await until(() => told().length >= want.length, 30000, `the notice of day ${days}`);
      equal(told(), want, `notices at day ${days}`);
      const item = (await client(stack)('GET', `/v1/accounts/${g.account}`)).json;
      return item;
    };
    for (let day = 10; day <= 140; day += 10) await at(day, []);
    await at(150.2, ['30']);
    await at(160, ['30']);
    await at(173.2, ['30', '7']);
    const last = await at(179.3, ['30', '7', '1']);
    check(last.health && last.health.verdict !== 'good', `health a day before the end: ${JSON.stringify(last.health)}`);
    const events = await pages(client(stack), '/v1/events?type=account.reconsent_due').catch(() => pages(client(stack), '/v1/events'));
    equal(events.filter((e) => e.type === 'account.reconsent_due').length, 3, 'events to Mozflow');
    await stack.clock.shift(DAY);
    await until(() => sql(stack, `SELECT state FROM account_grants WHERE account_id = ${quote(g.account)} AND ended_ms = 0`) === 'needs_reauth', 60000, 'the end');
    const alerts = await pages(client(stack), '/v1/alerts');
    check(alerts.some((a) => a.object === g.account && /needs_reauth/.test(a.alert ?? a.name ?? JSON.stringify(a))), 'the end has an alert');
    await connect(stack, g.person);
    await settled(stack);
    const item = (await client(stack)('GET', `/v1/accounts/${g.account}`)).json;
    equal(item.state, 'connected', 'after a new consent; state');
    await stack.stop();
  }, { deadline_ms: 120000 });
}

await run();
