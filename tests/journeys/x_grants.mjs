// Refreshing under kills. Two nodes on PostgreSQL, 16 callers each, refresh the same grants as fast as they go, while
// the nodes are killed at every failpoint, a commit is made to fail or to be unsure, and the database server is cut.
// TikTok (the simulator) counts refreshes in flight per grant: never more than one. A grant may be lost only when its
// node was killed between TikTok's answer and our commit; then it is flagged, with an alert, within 60 s. With the
// profile that honours the old token until the first use of the new one, none is lost. The full size is 1,000 grants.
//
// Planted defects: accounts.no_lease (grants.single_flight), accounts.fence_decides (grants.lease_lost).
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { check, equal, long, run, tempDir, test, until } from '../support/runner.mjs';
import { root, startDaemon, startStack } from '../support/stack.mjs';
import { byKey, quote, sql } from '../support/actors.mjs';
import { addNode, connectAll, each, makePeople, pages, unlimited } from '../support/grants.mjs';

const CALLERS = 16;
const GRANTS = Number(process.env.MZ_GRANTS ?? (long ? 1000 : 160));
const ROUNDS = long ? 8 : 1; // how often each failpoint is placed
const TO_REVOKE = 8 + 8 * ROUNDS; // for the failpoints of a revocation
const DOOMED = 2 + 2 * ROUNDS; // for the one where TikTok says that a grant is dead
const FLAG_MS = 60000;
const settings = { ...unlimited, 'store.pool': '24', 'http.threads_exchange': '32' };

// The failpoints as they stand in the source: a new one is placed without anybody naming it here.
function pointsOf() {
  const text = readFileSync(path.join(root, 'src', 'accounts', 'points.c'), 'utf8');
  const names = [...text.matchAll(/\{\s*(?:\.name\s*=\s*)?"([a-z]+\.[a-z_]+)"/g)].map((m) => m[1]);
  check(names.length >= 6, `only ${names.length} failpoints in src/accounts/points.c`);
  return names;
}
// In the CI the second profile is only killed where the first one loses grants.
const GRACE = ['refresh.called', 'refresh.answered', 'refresh.commit'];
// A point kills; around the commit it also fails, is unsure, or is slow.
const ACTS = { 'refresh.commit': ['kill', 'error', 'unsure'], 'refresh.answered': ['kill', 'stall'] };
const late = (point) => (point.startsWith('unsure.') ? 1 : 0); // a lease must run out first
const plansOf = (points) => points.flatMap((point) => (ACTS[point] ?? ['kill']).map((act) => ({ point, act, tries: 0 })))
  .sort((a, b) => late(a.point) - late(b.point));

// What the callers do not do by themselves: asks until the point was reached.
function triggerOf(w, node, point) {
  const who = caller(node, w.stack);
  if (point.startsWith('revoke.')) return async () => {
    const g = w.revocable.pop();
    if (g) await who.ask('POST', `/v1/accounts/${g.account}/revoke`).then(() => w.revoked.push(g), () => w.revoked.push(g));
  };
  if (point === 'refresh.refused') return async () => {
    const g = w.doomed.pop();
    if (!g) return;
    w.ended.push(g);
    await w.stack.sim.control('POST', 'act', { user: g.person, action: 'kill_refresh', webhook: false });
    await who.ask('POST', refreshPath(g.account)).catch(() => {});
  };
  return null;
}

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));
const refreshPath = (account) => `/v1/accounts/${account}/refresh`;

// Two nodes and their grants.
async function world(count, { sim = {}, env } = {}) {
  const stack = await startStack({ db: 'postgres', settings, env });
  await stack.sim.switches(sim);
  const people = await makePeople(stack.sim, count);
  const grants = await connectAll(stack, people);
  const second = await addNode(stack, 'node-b', { settings, env });
  const first = { name: 'node-a', dir: stack.dir, url: stack.daemon.url, daemon: stack.daemon };
  return { stack, grants, nodes: [first, second] };
}

const caller = (node, stack) => byKey({ daemon: { url: node.url } }, node.name, stack.seed.api_key);

// Callers of one node: random grants, most of them from a few hot ones, so that they meet.
async function storm(w, node, stop, counts) {
  const who = caller(node, w.stack);
  const pick = () => w.grants[Math.floor(Math.random() ** (Math.random() < 0.5 ? 3 : 1) * w.grants.length)];
  await Promise.all(Array.from({ length: CALLERS }, async () => {
    while (!stop.now) {
      const g = pick();
      try {
        const r = await who.ask('POST', refreshPath(g.account));
        counts[r.status] = (counts[r.status] ?? 0) + 1;
        if (r.status === 404 || r.status === 403 || r.status === 401) throw new Error(`${r.target}: ${r.status} ${r.text}`);
        if (r.status >= 500) await pause(20);
      } catch (e) {
        if (!/ECONN|socket|EPIPE|no answer/.test(`${e.code} ${e.message}`)) throw e;
        counts.gone = (counts.gone ?? 0) + 1;
        await pause(50); // the node was killed: ask again until it is back
      }
    }
  }));
}

async function simGrants(w) {
  const { grants } = await w.stack.sim.control('GET', 'grants');
  return new Map(grants.map((g) => [g.open_id, g]));
}

async function neverTwo(w) {
  const rows = await simGrants(w);
  let refreshes = 0;
  for (const g of w.grants) {
    const row = rows.get(g.open_id);
    check(row && Number.isInteger(row.in_flight_max), `the simulator does not count refreshes of ${g.person}`);
    check(row.in_flight_max <= 1, `${g.person} had ${row.in_flight_max} refreshes in flight`);
    refreshes += row.refreshed;
  }
  return refreshes;
}

// The work is done first, then the answer is on its way for this long.
const slowTikTok = (w, ms) => w.stack.sim.switches({ refresh_delay_ms: String(ms) });

test('grants.single_flight', async () => {
  const w = await world(12);
  await slowTikTok(w, 40);
  const stop = { now: false };
  const counts = {};
  const work = Promise.all(w.nodes.map((n) => storm(w, n, stop, counts)));
  await pause(4000);
  stop.now = true;
  await work;
  const refreshes = await neverTwo(w);
  check(refreshes >= 24, `only ${refreshes} refreshes: ${JSON.stringify(counts)}`);
  equal(Object.keys(counts).filter((s) => s !== '200'), [], `answers besides 200 (${JSON.stringify(counts)})`);
  check(counts[200] > refreshes, `nobody joined a flight: ${counts[200]} answers, ${refreshes} refreshes`);
  console.log(`# single flight: ${counts[200]} callers, ${refreshes} refreshes, never two of one grant`);
}, { deadline_ms: 60000 });

// The answer is in memory when the lease goes to another holder: it must be kept all the same.
test('grants.lease_lost', async () => {
  const failLog = path.join(tempDir('mz-fail'), 'fail.log');
  const w = await world(1, { env: { MZ_FAIL: 'refresh.answered=stall:1', MZ_FAIL_LOG: failLog } });
  const [g] = w.grants;
  const who = caller(w.nodes[0], w.stack);
  const asked = who.ask('POST', refreshPath(g.account));
  await until(() => existsSync(failLog) && readFileSync(failLog, 'utf8').includes('refresh.answered stall'), 10000, 'the answer');
  const moved = sql(w.stack, `UPDATE account_grants SET fence = fence + 1, lease_until_ms = 0, refreshing_ms = 0 WHERE account_id = ${quote(g.account)} AND ended_ms = 0 RETURNING id`);
  check(moved.startsWith('gra_'), 'the grant row was not found');
  const first = await asked;
  const again = await until(async () => {
    const r = await who.ask('POST', refreshPath(g.account));
    return r.status !== 503 && r;
  }, 60000, 'a second refresh');
  equal(again.status, 200, `the stored pair works (first answer ${first.status}): ${again.text.slice(0, 300)}; status`);
  const row = (await simGrants(w)).get(g.open_id);
  equal([row.refresh_alive, row.refused], [true, 0], 'TikTok never saw a dead token');
}, { deadline_ms: 120000 });

// ---- the storm ----

// Accounts whose lease was taken since then and is open: a kill interrupts these, be it before any call.
const openSince = (w, ms) => new Set(sql(w.stack, `SELECT account_id FROM account_grants WHERE refreshing_ms >= ${ms}`).split('\n'));

// A node under a sequence of failpoints: started, acted upon, started again. Two nodes share one list of plans.
async function runNode(w, node, plans, seen) {
  node.log = path.join(node.dir, 'fail.log');
  for (let plan; (plan = plans.shift()); ) {
    const trigger = triggerOf(w, node, plan.point);
    const first = trigger || late(plan.point) ? 1 : 3 + Math.floor(Math.random() * 25);
    const every = plan.act === 'kill' ? 0 : 5;
    await node.daemon.stop();
    const since = Date.now();
    const env = { MZ_FAIL: `${plan.point}=${plan.act}:${first}:${every}`, MZ_FAIL_LOG: node.log };
    const early = await node.start(env).then((d) => void (node.daemon = d), (e) => e);
    if (early) { // what is due at the start can reach a point before the node is ready
      check(plan.act === 'kill' && /SIGKILL/.test(early.message), `${node.name} with ${plan.point}: ${early.message}`);
      const [, at] = readFileSync(node.log, 'utf8').match(/ (\d+)\n$/) ?? [];
      seen.kills.push({ ...plan, pid: Number(at), at: Date.now(), log: node.log, open: openSince(w, since) });
      continue;
    }
    const { pid } = node.daemon.program;
    const fired = () => existsSync(node.log) && new RegExp(`^${plan.point} ${plan.act} .* ${pid}$`, 'm').test(readFileSync(node.log, 'utf8'));
    const end = Date.now() + (late(plan.point) ? 45000 : 20000);
    for (let i = 0; !fired() && !node.daemon.program.ended && Date.now() < end; i += 1) {
      if (trigger && i % 40 === 0) void trigger();
      await pause(25);
    }
    if (!fired()) {
      plan.tries += 1;
      if (plan.tries < 3) plans.push(plan);
      continue;
    }
    if (plan.act === 'kill') {
      const how = await node.daemon.program.exit;
      equal(how.signal, 'SIGKILL', `${node.name} at ${plan.point}`);
      seen.kills.push({ ...plan, pid, at: Date.now(), log: node.log, open: openSince(w, since) });
    } else {
      await pause(1000);
      seen.acts.push({ ...plan, pid });
    }
  }
  await node.daemon.stop();
  node.daemon = await node.start({ MZ_FAIL_LOG: node.log });
}

// Grants whose refresh had been sent and not been settled when the process was killed.
function windowOf(kill) {
  const last = new Map();
  for (const line of readFileSync(kill.log, 'utf8').split('\n')) {
    const [point, , object, , pid] = line.split(' ');
    if (Number(pid) === kill.pid && point.startsWith('refresh.')) last.set(object, point);
  }
  return [...last].filter(([, p]) => ['refresh.called', 'refresh.answered', 'refresh.commit'].includes(p)).map(([grant]) => grant);
}

const statesOf = (w) => new Map(
  sql(w.stack, 'SELECT account_id, id, state FROM account_grants WHERE ended_ms = 0 OR state = \'needs_reauth\' ORDER BY granted_ms').split('\n').map((line) => {
    const [account, grant, state] = line.split('|');
    return [account, { grant, state }];
  }),
);

function look(w, flagged) {
  for (const [account, { state }] of statesOf(w)) if (state === 'needs_reauth' && !flagged.has(account)) flagged.set(account, Date.now());
}

// Sees every grant that stops being alive, and when.
async function watch(w, stop, flagged) {
  while (!stop.now) {
    try {
      look(w, flagged);
    } catch {
      // the database server is cut
    }
    await pause(500);
  }
}

async function cutDatabase(w) {
  const script = path.join(root, 'tests', 'support', 'pg.sh');
  execFileSync(script, ['cut', path.join(w.stack.dir, 'pg')], { stdio: 'ignore', timeout: 60000 });
  await pause(700);
  execFileSync(script, ['again', path.join(w.stack.dir, 'pg')], { stdio: 'ignore', timeout: 60000 });
}

// A revocation that was killed half way is finished by whoever lives.
async function revokedWholly(w, rows, g) {
  const row = () => sql(w.stack, `SELECT state, access_sealed IS NULL AND refresh_sealed IS NULL FROM account_grants WHERE account_id = ${quote(g.account)}`);
  await until(() => ['revoked|t', 'active|f', 'removed|t'].includes(row()), 90000, `the end of ${g.person}'s revocation (${row()})`);
  if (row() === 'active|f') return; // the request died with its node
  equal(rows.get(g.open_id).active, false, `${g.person} at TikTok; active`);
}

// What must hold at the end, grant by grant; answers the lost ones.
async function settle(w, seen, flagged, strict) {
  const accountOf = new Map(sql(w.stack, 'SELECT id, account_id FROM account_grants').split('\n').map((l) => l.split('|')));
  for (const kill of seen.kills) {
    kill.window = windowOf(kill).map((grant) => accountOf.get(grant)).filter(Boolean);
  }
  const who = caller(w.nodes[0], w.stack);
  const alive = w.grants.filter((g) => !flagged.has(g.account));
  const silent = [];
  await each(alive, 16, async (g) => {
    const r = await until(async () => {
      const got = await who.ask('POST', refreshPath(g.account));
      return got.status < 500 && got;
    }, 30000, `an answer about ${g.person}`);
    if (r.status !== 200) silent.push(`${g.person}: ${r.status} ${r.json?.code}`);
  });
  equal(silent, [], 'grants that were lost and said nothing');
  const rows = await simGrants(w);
  equal(alive.filter((g) => !rows.get(g.open_id).refresh_alive).map((g) => g.person), [], 'grants whose stored pair is not the living one');
  const lost = w.grants.filter((g) => flagged.has(g.account));
  for (const g of lost) {
    const at = flagged.get(g.account);
    const before = seen.kills.filter((k) => k.at <= at).sort((a, b) => a.at - b.at);
    check(before.some((k) => k.window.includes(g.account)), `${g.person} was lost outside every window between answer and commit`);
    // A kill that interrupts the recovery begins the time anew.
    const breaks = seen.cut && seen.cut.at <= at ? [...before, seen.cut] : before;
    const kill = breaks.filter((k) => k.window?.includes(g.account) || k.open.has(g.account)).pop();
    check(at - kill.at <= FLAG_MS, `${g.person} was flagged ${at - kill.at} ms after the kill at ${kill.point}; later kills: ${before.filter((k) => k.at > kill.at).map((k) => `${k.point} +${k.at - kill.at}`)}`);
  }
  // The alert is a job of the transaction that flags; one that a killed node had in hand waits for that job's lease.
  let dumb = [];
  let slowest = 0;
  await until(async () => {
    const alerts = new Map((await pages((m, t) => who.ask(m, t), '/v1/alerts')).map((a) => [a.object, Date.parse(a.first_at)]));
    dumb = lost.filter((g) => !alerts.has(g.account)).map((g) => g.person);
    slowest = Math.max(0, ...lost.map((g) => (alerts.get(g.account) ?? 0) - flagged.get(g.account)));
    return dumb.length === 0;
  }, 90000, 'the alerts').catch(() => {});
  const waiting = () => sql(w.stack, "SELECT kind, state, count(*), min(due_ms) FROM jobs WHERE kind LIKE 'operate%' GROUP BY 1, 2").replaceAll('\n', '; ');
  equal(dumb, [], `lost grants without an alert (jobs of alerts: ${dumb.length ? waiting() : ''})`);
  seen.alert_ms = slowest;
  for (const g of w.ended) check(flagged.has(g.account), `${g.person}: TikTok ended it and nothing was said`);
  for (const g of w.revoked) await revokedWholly(w, rows, g);
  if (!strict) equal(lost.map((g) => g.person), [], 'grants lost although the old token was honoured');
  return lost;
}

function report(title, w, seen, lost, counts, refreshes) {
  const accounts = new Set(lost.map((g) => g.account));
  console.log(`# ${title}: ${w.grants.length} grants, ${refreshes} refreshes, ${seen.kills.length} kills, answers ${JSON.stringify(counts)}`);
  console.log('# point                  act     fired  in window  alive  flagged');
  const rows = new Map();
  for (const k of [...seen.kills, ...seen.acts]) {
    const key = `${k.point.padEnd(22)} ${k.act.padEnd(7)}`;
    const r = rows.get(key) ?? { fired: 0, open: 0, flagged: 0 };
    r.fired += 1;
    r.open += k.window?.length ?? 0;
    r.flagged += (k.window ?? []).filter((a) => accounts.has(a)).length;
    rows.set(key, r);
  }
  for (const [key, r] of rows) console.log(`# ${key} ${String(r.fired).padStart(5)} ${String(r.open).padStart(10)} ${String(r.open - r.flagged).padStart(6)} ${String(r.flagged).padStart(8)}`);
}

async function wholeStorm(title, strict) {
  let phase = Date.now();
  const took = [];
  const done = (what) => {
    took.push(`${what} ${((Date.now() - phase) / 1000).toFixed(0)} s`);
    phase = Date.now();
  };
  const w = await world(GRANTS + TO_REVOKE + DOOMED, { sim: strict ? {} : { rotation: 'rotate_with_grace' } });
  w.revocable = w.grants.splice(-TO_REVOKE);
  w.doomed = w.grants.splice(-DOOMED);
  Object.assign(w, { revoked: [], ended: [] });
  await slowTikTok(w, 25);
  done('set-up');
  const a = w.nodes[0];
  a.start = (env) => startDaemon({ dir: w.stack.dir, port: w.stack.port, config: w.stack.config, env });
  const points = pointsOf().filter((p) => strict || long || GRACE.includes(p));
  const plans = Array.from({ length: ROUNDS }, () => plansOf(points)).flat();
  const wanted = new Set(plans.map((p) => `${p.point} ${p.act}`));
  const seen = { kills: [], acts: [] };
  const stop = { now: false };
  const counts = {};
  const flagged = new Map();
  const watching = watch(w, stop, flagged);
  const work = Promise.all(w.nodes.map((n) => storm(w, n, stop, counts)));
  await Promise.race([work, Promise.all(w.nodes.map((n) => runNode(w, n, plans, seen)))]);
  done('kills');
  await pause(1000);
  await cutDatabase(w);
  // A lease whose commit was cut off belongs to nobody who knows it.
  seen.cut = { point: 'the cut of the database', at: Date.now(), open: openSince(w, 0) };
  await pause(3000);
  stop.now = true;
  await work;
  done('cut and end');
  stop.now = false;
  const watchOn = watch(w, stop, flagged);
  // Every flight of a killed process is settled within 60 s of its kill.
  await until(() => [...statesOf(w).values()].every(({ state }) => ['active', 'needs_reauth', 'revoking'].includes(state))
    && sql(w.stack, 'SELECT count(*) FROM account_grants WHERE ended_ms = 0 AND refreshing_ms > 0 AND state <> \'revoking\'') === '0', FLAG_MS, 'the end of all flights');
  stop.now = true;
  await Promise.all([watching, watchOn]);
  look(w, flagged); // what was settled since the watch looked last
  done('settling');
  const refreshes = await neverTwo(w);
  const lost = await settle(w, seen, flagged, strict);
  await neverTwo(w);
  done('judging');
  report(title, w, seen, lost, counts, refreshes);
  console.log(`# ${took.join(', ')}; the slowest alert ${(seen.alert_ms / 1000).toFixed(1)} s after its flag was seen`);
  const fired = new Set([...seen.kills, ...seen.acts].map((k) => `${k.point} ${k.act}`));
  equal([...wanted].filter((p) => !fired.has(p)), [], 'failpoints that never fired');
  check(refreshes > GRANTS, `the storm was real (${refreshes} refreshes)`);
  for (const n of w.nodes) await n.daemon.stop();
}

const deadline = { deadline_ms: long ? 3600000 : 240000 };
// Most of a storm is waiting for leases of the dead: in the CI both run side by side.
const storms = {};
const stormOf = (strict) => (storms[strict] ??= wholeStorm(strict ? 'one pair alive' : 'old token honoured until first use', strict));
test('grants.storm.strict', () => {
  if (!long && !process.env.MZ_ONLY) void stormOf(false).catch(() => {});
  return stormOf(true);
}, deadline);
test('grants.storm.grace', () => stormOf(false), deadline);
await run();
