// ./dev bench refresh [--quick]: how many grants a second one node refreshes against the simulator, by its own schedule.
//
// Login Kit grants, signed in the usual way; then, round by round, all of them fall due at once and the time until the last
// new pair is stored counts. Our daemon on SQLite and on PostgreSQL, and in the same run a plain Node.js client with
// better-sqlite3 that does the same refresh without lease, intent or timeline (tests/bench/rivals/refresh.mjs), each
// against its own simulator; medians of the rounds. p99_ms is one refresh asked for through the API by 8 callers.
// Afterwards every grant is asked of the simulator: a figure with a lost pair is no figure. Last line: "refresh key=value ...".
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

process.env.MZ_BUILD ??= path.resolve('build', 'release');
const { LOGIN_KEY, root, secretFile, startSim, startStack } = await import('../../tools/stack.mjs');
const { byKey, sql } = await import('../support/actors.mjs');
const { connectAll, each, makePeople, unlimited } = await import('../support/grants.mjs');

const quick = process.argv.includes('--quick');
const GRANTS = Number(process.env.MZ_GRANTS ?? (quick ? 600 : 2000));
const ROUNDS = quick ? 3 : 7;
const AIM = 1000;
const settings = { ...unlimited, 'jobs.threads_token': process.env.MZ_TOKEN_THREADS ?? '16' };

const median = (list) => {
  const s = [...list].sort((a, b) => a - b);
  return s.length % 2 ? s[(s.length - 1) / 2] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};
const percentile = (list, p) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))];
const peak = (pid) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const cpu = (pid) => {
  const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
  return (Number(f[11]) + Number(f[12])) / 100;
};

// A password hash takes 64 MiB for a moment at the start; the load's memory is what counts.
function forgetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // not permitted: the peak then counts from the program's start
  }
}

async function stored(stack) {
  const text = await (await fetch(`${stack.privateUrl}/metrics`)).text();
  return [...text.matchAll(/^mz_account_refresh_total\{outcome="(?:ok|stored)"\} (\d+)/gm)].reduce((n, m) => n + Number(m[1]), 0);
}

// All grants fall due; from the first stored pair to the last one.
async function round(stack) {
  const before = await stored(stack);
  sql(stack, "UPDATE account_grants SET refresh_due_ms = 1 WHERE state = 'active' AND refresh_fp <> ''");
  let first = null;
  const end = Date.now() + 120000;
  for (let n = 0; n < GRANTS; ) {
    if (Date.now() > end) throw new Error(`only ${n} of ${GRANTS} grants were refreshed in two minutes`);
    n = (await stored(stack)) - before;
    if (n > 0 && first === null) first = { n, at: performance.now() };
    if (n < GRANTS) await new Promise((wake) => setTimeout(wake, 5));
  }
  return ((GRANTS - first.n) * 1000) / (performance.now() - first.at);
}

async function onDemand(stack, grants) {
  const who = byKey(stack, 'bench', stack.seed.api_key);
  const took = [];
  await each(grants.slice(0, quick ? 400 : 2000), 8, async (g) => {
    const begun = performance.now();
    const r = await who.ask('POST', `/v1/accounts/${g.account}/refresh`);
    if (r.status !== 200) throw new Error(`refresh answered ${r.status} ${r.text.slice(0, 200)}`);
    took.push(performance.now() - begun);
  });
  return percentile(took, 0.99);
}

async function allAlive(stack, grants) {
  const rows = new Map((await stack.sim.control('GET', 'grants')).grants.map((g) => [g.open_id, g]));
  const bad = grants.filter((g) => !rows.get(g.open_id)?.active || rows.get(g.open_id).refused > 0 || rows.get(g.open_id).in_flight_max > 1);
  if (bad.length > 0) throw new Error(`${bad.length} grants were lost or refreshed twice at once, the first is ${bad[0].person}`);
}

async function ours(dir, db) {
  mkdirSync(dir, { mode: 0o700 });
  const stack = await startStack({ dir, db, settings });
  try {
    await stack.sim.switches({ log: 'off' }).catch(() => {}); // its ring of requests costs what is not measured
    const grants = await connectAll(stack, await makePeople(stack.sim, GRANTS), 12);
    const { pid } = stack.daemon.program;
    forgetPeak(pid);
    const rates = [];
    await round(stack); // warm
    const began = cpu(pid);
    for (let i = 0; i < ROUNDS; i += 1) rates.push(await round(stack));
    const cpu_us = ((cpu(pid) - began) * 1e6) / (ROUNDS * GRANTS);
    const p99 = await onDemand(stack, grants);
    await allAlive(stack, grants);
    const bytes = db === 'postgres' ? Number(sql(stack, "SELECT pg_total_relation_size('account_grants') + pg_total_relation_size('accounts')"))
      : statSync(path.join(dir, 'daemon', 'mozflow.db')).size;
    return { rates, p99, cpu_us, rss: peak(pid), bytes_per_grant: bytes / GRANTS };
  } finally {
    await stack.stop();
  }
}

async function rival(dir) {
  mkdirSync(dir, { mode: 0o700 });
  const secret = secretFile(dir, 'login.secret');
  const sim = await startSim({ dir, scenario: path.join(root, 'sim', 'scenarios', 'demo.json'),
    set: { base: 'http://127.0.0.1:1', login_secret: secret, business_secret: secretFile(dir, 'business.secret'), ads_secret: secretFile(dir, 'ads.secret') } });
  const people = await makePeople(sim, GRANTS);
  await sim.switches({ log: 'off' }).catch(() => {});
  const child = spawn(process.env.MZ_RIVAL_NODE ?? process.execPath, [path.join(root, 'tests', 'bench', 'rivals', 'refresh.mjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, SIM: sim.url, CLIENT_KEY: LOGIN_KEY, SECRET_FILE: secret, DB_FILE: path.join(dir, 'rival.db'), PEOPLE: people.join(',') },
  });
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const tell = async (command) => {
    child.stdin.write(`${command}\n`);
    const { value } = await lines.next();
    if (!value) throw new Error('the rival ended');
    return JSON.parse(value);
  };
  try {
    await tell('seed');
    await tell('round');
    const rates = [];
    for (let i = 0; i < ROUNDS; i += 1) {
      const { count, ms } = await tell('round');
      rates.push((count * 1000) / ms);
    }
    return { rates, rss: peak(child.pid) };
  } finally {
    child.kill();
    await sim.stop();
  }
}

// What a million grants with tokens of two hours need of this machine, and of TikTok.
function million(per_s, cpu_us, bytes) {
  const mean = 1e6 / 3600; // each is refreshed at half its life, every hour
  const busiest = mean * 1.4; // the busiest minute of the year in the test of the schedule
  const nodes = Math.ceil(busiest / (per_s * 0.5));
  return [
    `A million grants with tokens of 2 hours: ${mean.toFixed(0)} refreshes/s on average, ${busiest.toFixed(0)} in the busiest minute;`,
    `${nodes} node(s) of this kind at half load, ${((busiest * cpu_us) / 1e6).toFixed(2)} CPU cores of the daemon, ${((1e6 * bytes) / 2 ** 30).toFixed(1)} GiB of rows;`,
    `and at TikTok's published 600 calls a minute per endpoint ${Math.ceil(busiest / 10)} apps, or a raised limit.`,
  ].join(' ');
}

async function main() {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'mz-refresh-'));
  try {
    const lite = await ours(path.join(dir, 'sqlite'), 'sqlite');
    const pg = await ours(path.join(dir, 'postgres'), 'postgres');
    const node = await rival(path.join(dir, 'rival'));
    const show = (name, rates, rss) => console.log(`| ${name} | ${median(rates).toFixed(0)} | ${Math.min(...rates).toFixed(0)}–${Math.max(...rates).toFixed(0)} | ${rss.toFixed(0)} |`);
    console.log(`${GRANTS} grants, ${ROUNDS} rounds, one machine for the program, the simulator and the database\n`);
    console.log('| | refreshes/s (median) | lowest–highest | peak RSS MiB |\n|---|---:|---:|---:|');
    show('mozflow-tiktok, SQLite', lite.rates, lite.rss);
    show('mozflow-tiktok, PostgreSQL', pg.rates, pg.rss);
    show('Node.js client + better-sqlite3', node.rates, node.rss);
    const per_s = median(lite.rates);
    console.log(`\n${million(per_s, lite.cpu_us, lite.bytes_per_grant)}`);
    console.log(`Aim: ${AIM} refreshes/s of one node: ${per_s >= AIM ? 'reached' : 'missed'}.`);
    console.log(`refresh per_s=${per_s.toFixed(0)} p99_ms=${lite.p99.toFixed(1)} rss_mib=${lite.rss.toFixed(0)} pg_per_s=${median(pg.rates).toFixed(0)}`
      + ` pg_p99_ms=${pg.p99.toFixed(1)} ratio=${(per_s / median(node.rates)).toFixed(2)} cpu_us=${lite.cpu_us.toFixed(0)} rival_per_s=${median(node.rates).toFixed(0)}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

await main();
process.exit(0);
