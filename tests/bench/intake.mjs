// ./dev bench intake [--quick]: how many signed webhooks a second are proved, stored durably and answered with 200.
//
// In turn, several rounds, 64 connections, unique bodies of about 620 bytes: our daemon on SQLite and on PostgreSQL,
// Fastify + better-sqlite3 (WAL, FULL), Fastify + pg (tests/bench/rivals), and nginx answering a static 200 as the
// ceiling of a machine that stores nothing. Every acknowledged body is then counted in its database: a
// figure with a lost row is no figure. Full: 1,000,000 bodies per program over all rounds, written to docs/bench.
// Quick: time-bounded rounds, written nowhere. The last line is "intake key=value ...".
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

process.env.MZ_BUILD ??= path.resolve('build', 'release');
const { BUSINESS_KEY, Program, freePort, poll, root, secretFile, startPostgres, startStack, stopPostgres } = await import('../../tools/stack.mjs');
const { writeReport } = await import('./report.mjs');

const quick = process.argv.includes('--quick');
const only = process.argv.find((a) => a.startsWith('--only='))?.slice(7);
const CONNECTIONS = 64;
const TOTAL = 1_000_000;
const DRAIN_MS = 10_000;
const ROUNDS = quick ? 2 : 3;
const QUICK_SECONDS = 1.5;
const load = path.join(process.env.MZ_BUILD, 'tests', 'bench', 'load');
const rivalNode = process.env.MZ_RIVAL_NODE ?? process.execPath;

const median = (list) => {
  const s = [...list].sort((a, b) => a - b);
  return s.length % 2 ? s[(s.length - 1) / 2] : (s[s.length / 2 - 1] + s[s.length / 2]) / 2;
};

// CPU seconds and peak memory of a process and its children (nginx has workers).
function usage(pid) {
  const all = [pid];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) all.push(Number(entry));
    } catch {
      // it ended meanwhile
    }
  }
  let ticks = 0;
  let rss = 0;
  for (const p of all) {
    const stat = readFileSync(`/proc/${p}/stat`, 'utf8');
    const f = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(f[11]) + Number(f[12]);
    rss += Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${p}/status`, 'utf8'))?.[1] ?? 0);
  }
  return { cpu_s: ticks / 100, rss_mib: rss / 1024 };
}

// Memory is that of the load, not of what the program did before it (a password hash takes 64 MiB for a moment).
function forgetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // not permitted: the peak then counts from the program's start
  }
}

function runLoad(target, dir, seed, limits) {
  const args = ['--port', target.port, '--path', target.path, '--secret-file', target.secret, '--client-key', BUSINESS_KEY,
    '--connections', CONNECTIONS, '--seed', seed, ...limits];
  const out = execFileSync(load, args.map(String), { encoding: 'utf8', timeout: 600_000 });
  return JSON.parse(out);
}

const sqliteCount = (file, table) =>
  Number(execFileSync('sqlite3', ['-readonly', file, `SELECT count(*) FROM ${table}`], { encoding: 'utf8' }));
const postgresCount = (url, table) => Number(execFileSync('psql', ['-XAtc', `SELECT count(*) FROM ${table}`, url], { encoding: 'utf8' }));

// --- what is measured: start() gives { port, path, secret, pid, stop, count } --------------------------------------

const INBOX = 'webhook_inbox';
const WAITING = `${INBOX} WHERE state = 0`;

async function startOurs(dir, db, server) {
  const stack = await startStack({
    dir, db: undefined, demo: false,
    settings: { ...(db ? { 'store.url': db } : {}), 'http.intake_per_second': '0', 'http.max_per_address': '1024', 'http.requests_per_connection': '1000000000' },
  });
  return {
    port: stack.port,
    path: '/webhooks/tiktok/accounts',
    secret: path.join(dir, 'business.secret'),
    pid: stack.daemon.program.pid,
    stop: () => stack.stop(),
    count: () => (db ? postgresCount(server, INBOX) : sqliteCount(path.join(dir, 'daemon', 'mozflow.db'), INBOX)),
    waiting: () => (db ? postgresCount(server, WAITING) : sqliteCount(path.join(dir, 'daemon', 'mozflow.db'), WAITING)),
  };
}

async function startRival(dir, script, env, count) {
  const secret = secretFile(dir, 'business.secret');
  const program = new Program('rival', rivalNode, [path.join(root, 'tests', 'bench', 'rivals', script)], {
    dir, env: { ...env, SECRET_FILE: secret, NODE_ENV: 'production' },
  });
  const ready = await program.ready(() => {
    const line = readFileSync(program.outFile, 'utf8').split('\n')[0];
    return line.endsWith('}') ? JSON.parse(line) : null;
  });
  return { port: ready.port, path: '/webhooks/tiktok/accounts', secret, pid: program.pid, stop: () => program.stop(), count };
}

async function startNginx(dir) {
  const port = await freePort();
  const conf = path.join(dir, 'nginx.conf');
  writeFileSync(conf, `daemon off; worker_processes auto; pid ${dir}/nginx.pid; error_log stderr warn;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p;
  fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
  server { listen 127.0.0.1:${port}; location / { return 200 ""; } } }\n`);
  const program = new Program('nginx', 'nginx', ['-c', conf, '-p', dir, ...(process.getuid() === 0 ? ['-g', 'user root;'] : [])], { dir });
  await program.ready(async () => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' })).status === 200;
    } catch {
      return false;
    }
  });
  return { port, path: '/', secret: secretFile(dir, 'business.secret'), pid: program.pid, stop: () => program.stop(), count: null };
}

// The database of a program on the shared server, empty at the start of each round.
function freshDatabase(server, name) {
  execFileSync('psql', ['-XqAtc', `DROP DATABASE IF EXISTS ${name}`, '-c', `CREATE DATABASE ${name}`, server], { stdio: ['ignore', 'ignore', 'pipe'] });
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.toString();
}

function targets(server) {
  return [
    { name: 'mozflow-tiktok, SQLite', key: 'ours', start: (dir) => startOurs(dir, null, null) },
    { name: 'mozflow-tiktok, PostgreSQL', key: 'ours_pg', start: (dir) => {
      const url = freshDatabase(server, 'bench_ours');
      freshDatabase(server, 'bench_ours_people'); // person keys live apart
      return startOurs(dir, url, url);
    } },
    { name: 'Fastify + better-sqlite3 (WAL, FULL)', key: 'rival_sqlite', start: (dir) => {
      const file = path.join(dir, 'rival.db');
      return startRival(dir, 'sqlite.mjs', { DB_FILE: file }, () => sqliteCount(file, 'inbox'));
    } },
    { name: 'Fastify + pg', key: 'rival_pg', start: (dir) => {
      const url = freshDatabase(server, 'bench_rival');
      return startRival(dir, 'pg.mjs', { DATABASE_URL: url }, () => postgresCount(url, 'rival_inbox'));
    } },
    { name: 'nginx, static 200 (stores nothing)', key: 'nginx', start: (dir) => startNginx(dir) },
  ].filter((t) => !only || only.split(',').includes(t.key));
}

// The daemon routes what it stored while the load runs and after it: how many waited at the end, and how fast they left.
async function backlog(t) {
  const waiting = t.waiting();
  const begun = Date.now();
  let left = waiting;
  while (left > 0 && Date.now() - begun < DRAIN_MS) {
    await new Promise((wake) => setTimeout(wake, 100));
    left = t.waiting();
  }
  return { backlog: waiting, drain_per_second: ((waiting - left) * 1000) / Math.max(Date.now() - begun, 1) };
}

async function measure(target, base, round) {
  const dir = mkdtempSync(path.join(base, `${target.key}-`));
  const t = await target.start(dir);
  try {
    const warm = runLoad(t, dir, `w${round}`, quick ? ['--requests', 2000] : ['--requests', 20000]);
    if (t.waiting) await poll(() => t.waiting() === 0, 60_000, 'idleness after the first requests');
    forgetPeak(t.pid);
    const before = usage(t.pid);
    const r = runLoad(t, dir, `r${round}`, quick ? ['--seconds', QUICK_SECONDS] : ['--requests', Math.ceil(TOTAL / ROUNDS)]);
    const after = usage(t.pid);
    if (r.other || r.lost || warm.other || warm.lost) throw new Error(`${target.name}: ${JSON.stringify(r)}`);
    if (t.count) {
      const want = r.ok + warm.ok;
      let have = -1;
      await poll(() => (have = t.count()) >= want, 5000, `${target.name}: ${want} acknowledged rows`).catch((e) => {
        throw new Error(`${e.message}; the database holds ${have}`);
      });
      if (have !== want) throw new Error(`${target.name}: ${want} acknowledged, ${have} stored`);
    }
    const rest = t.waiting && !quick ? await backlog(t) : {};
    return { ...r, ...rest, cpu_us: ((after.cpu_s - before.cpu_s) * 1e6) / r.ok, rss_mib: after.rss_mib };
  } finally {
    await t.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

function sum(rounds) {
  const pick = (key) => median(rounds.map((r) => r[key]));
  return {
    per_second: pick('per_second'), p50_ms: pick('p50_ms'), p99_ms: pick('p99_ms'), cpu_us: pick('cpu_us'), rss_mib: Math.max(...rounds.map((r) => r.rss_mib)),
    backlog: pick('backlog'), drain_per_second: pick('drain_per_second'),
    bodies: rounds.reduce((n, r) => n + r.ok, 0), spread: rounds.map((r) => Math.round(r.per_second)),
  };
}

function lastLine(by) {
  const f = (v, digits = 2) => (Number.isFinite(v) ? v.toFixed(digits) : 'nan');
  const ours = by.ours ?? {};
  const faster = Math.max(by.rival_sqlite?.per_second ?? NaN, by.rival_pg?.per_second ?? NaN);
  return `intake ratio=${f(ours.per_second / faster)} pg_ratio=${f(by.ours_pg?.per_second / by.rival_pg?.per_second)} ` +
    `nginx_ratio=${f(ours.per_second / by.nginx?.per_second)} p50_ms=${f(ours.p50_ms)} p99_ms=${f(ours.p99_ms)} ` +
    `rss_mib=${f(ours.rss_mib, 1)} cpu_us=${f(ours.cpu_us, 1)}`;
}

// A folder in which PostgreSQL starts: its account cannot reach a repository inside a private home.
function place(parents) {
  for (const parent of parents) {
    const base = mkdtempSync(path.join(parent, 'mz-intake-'));
    try {
      return { base, server: startPostgres(base) };
    } catch (e) {
      rmSync(base, { recursive: true, force: true });
      if (parent === parents.at(-1)) throw e;
    }
  }
  throw new Error('no place given');
}

async function main() {
  // On the repository's own disk: a temporary folder may be memory, where a sync costs nothing.
  mkdirSync(path.join(root, 'build', 'bench'), { recursive: true });
  const { base, server } = place([path.join(root, 'build', 'bench'), '/var/tmp']);
  const results = {};
  console.log(quick
    ? `quick: ${ROUNDS} rounds of ${QUICK_SECONDS} s each, ${CONNECTIONS} connections, unique bodies of about 620 bytes`
    : `${TOTAL.toLocaleString('en')} unique bodies of about 620 bytes per program in ${ROUNDS} rounds, ${CONNECTIONS} connections`);
  try {
    const list = targets(server);
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const target of list) {
        const r = await measure(target, base, round);
        (results[target.key] ??= { name: target.name, rounds: [] }).rounds.push(r);
        console.log(`round ${round}  ${target.name.padEnd(38)} ${String(Math.round(r.per_second)).padStart(7)}/s  p50 ${r.p50_ms.toFixed(2)} ms  p99 ${r.p99_ms.toFixed(2)} ms  ${r.cpu_us.toFixed(1)} us CPU  ${r.rss_mib.toFixed(1)} MiB`);
      }
    }
  } finally {
    stopPostgres(base);
    rmSync(base, { recursive: true, force: true });
  }
  const rows = Object.entries(results).map(([key, { name, rounds }]) => ({ key, name, ...sum(rounds) }));
  const by = Object.fromEntries(rows.map((r) => [r.key, r]));
  const line = lastLine(by);
  const where = quick || only ? path.join(root, 'build', 'bench') : path.join(root, 'docs', 'bench');
  writeReport({ rows, line, where, total: TOTAL, rounds: ROUNDS, connections: CONNECTIONS, machine: `${os.cpus().length} cores, ${os.cpus()[0].model.trim()}, Linux ${os.release().split('.').slice(0, 2).join('.')}`, quick });
  console.log(line);
}

main().catch((e) => {
  console.error(`bench intake: ${e.message}`);
  process.exit(1);
});
