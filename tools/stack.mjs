// The stack of ./dev run and of the journeys: simulator, daemon and mozflow-demo as child processes on loopback.
//
// Everything lives in one state folder: sim/, daemon/, demo/, pg/, the configuration, generated secrets, one log per
// program, and stack.json (process ids with their start times, so that `stop` never ends a stranger's process).
// Command line:  node tools/stack.mjs run [--background] [--state DIR] [--port N] [--sim-port M] [--db sqlite|postgres]
//                node tools/stack.mjs stop --state DIR
import { spawn, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, openSync, closeSync, readFileSync, writeFileSync, rmSync, mkdtempSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const build = process.env.MZ_BUILD ?? path.join(root, 'build', 'dev');
export const daemonBinary = process.env.MZ_DAEMON ?? path.join(build, 'src', 'app', 'mozflow-tiktok');
export const simBinary = process.env.MZ_SIM ?? path.join(build, 'sim', 'tiktok-sim');
const demoScript = path.join(root, 'examples', 'mozflow-demo', 'server.mjs');
const pgScript = path.join(root, 'tests', 'support', 'pg.sh');

const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

export async function poll(fn, ms, what) {
  const end = Date.now() + ms;
  for (let wait = 10; ; wait = Math.min(wait * 2, 200)) {
    const value = await fn();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what} did not come within ${ms} ms`);
    await pause(wait);
  }
}

export function freePort(wanted = 0) {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', (e) => (wanted ? resolve(freePort()) : reject(e)));
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The environment of a child: the daemon reads MZ_<SETTING> and refuses what it does not know, so the tooling's own
// variables stay behind. MZ_PLANT names a planted defect.
export function childEnv(more = {}) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('MZ_') || name === 'MZ_PLANT');
  return { ...Object.fromEntries(own), ...more };
}

// The start time of a process in clock ticks, or null when there is none (field 22 of /proc/PID/stat).
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : fields[19];
  } catch {
    return null;
  }
}

// One child process whose output goes to a file in the state folder. It outlives this one when `detached`; with 'group' it
// only has a process group of its own, so that Ctrl-C reaches this program alone, which then ends the others in order.
export class Program {
  constructor(name, command, args, { dir, env = {}, detached = false } = {}) {
    this.name = name;
    this.logFile = path.join(dir, `${name}.log`);
    this.outFile = path.join(dir, `${name}.out`);
    const out = openSync(this.outFile, 'w');
    const err = openSync(this.logFile, 'a');
    this.child = spawn(command, args, { stdio: ['ignore', out, err], env: childEnv(env), detached: Boolean(detached), cwd: root });
    closeSync(out);
    closeSync(err);
    this.pid = this.child.pid;
    this.exit = new Promise((resolve) => {
      this.child.once('error', (e) => resolve({ code: null, signal: null, error: e }));
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    void this.exit.then((how) => (this.ended = how));
    this.started = this.pid ? startTime(this.pid) : null;
    if (detached === true) this.child.unref();
  }

  tail(lines = 15) {
    const read = (f) => (existsSync(f) ? readFileSync(f, 'utf8') : '');
    return `${read(this.outFile)}${read(this.logFile)}`.trimEnd().split('\n').slice(-lines).join('\n');
  }

  // Polls until fn answers; a program that ends meanwhile is an error that quotes its log.
  async ready(fn, ms = 20000) {
    try {
      return await poll(async () => {
        if (this.ended) throw new Error(`ended with ${this.ended.error?.message ?? this.ended.code ?? this.ended.signal}`);
        return fn();
      }, ms, `${this.name}'s readiness`);
    } catch (e) {
      throw new Error(`${this.name}: ${e.message}\n${this.tail()}`);
    }
  }

  signal(name) {
    if (!this.ended && this.pid) this.child.kill(name);
  }

  // SIGTERM, and SIGKILL when it has not ended by then. Returns how it ended; a sanitizer's report is an error, and so
  // is a bad end: an exit code other than 0 (a leak's), another signal, too late. What had ended before is not judged.
  async stop(ms = 12000) {
    const before = this.ended;
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), ms);
    const how = await this.exit;
    clearTimeout(timer);
    this.checkReport();
    if (!before && how.signal === 'SIGKILL') throw new Error(`${this.name} did not end within ${ms} ms of SIGTERM\n${this.tail()}`);
    if (!before && how.code !== 0 && how.signal !== 'SIGTERM')
      throw new Error(`${this.name} ended with ${how.code ?? how.signal} on SIGTERM\n${this.tail()}`);
    return how;
  }

  async kill() {
    this.signal('SIGKILL');
    const how = await this.exit;
    this.checkReport();
    return how;
  }

  // Sanitizer builds and broken invariants speak on standard error; a journey that saw one must not pass.
  checkReport() {
    const text = readFileSync(this.logFile, 'utf8');
    const at = text.search(/ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|broken invariant:/);
    if (at >= 0) throw new Error(`${this.name} reported: ${text.slice(at, at + 1500)}`);
  }
}

async function answers(url, status = 200) {
  try {
    const r = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await r.arrayBuffer();
    return r.status === status;
  } catch {
    return false;
  }
}

// A secret of its own per state folder, kept over restarts. Mode 0600, as the configuration demands.
export function secretFile(dir, name, make = () => randomBytes(32).toString('base64url')) {
  const file = path.join(dir, name);
  if (!existsSync(file)) writeFileSync(file, make(), { mode: 0o600 });
  return file;
}

// --- simulator ---------------------------------------------------------------------------------------------------

// Starts tiktok-sim. Options: port, scenario (file), set ({NAME: value} for ${NAME} in the scenario), fresh, args.
export async function startSim({ dir, port = 0, scenario, set = {}, fresh = false, args = [], detached = false, env } = {}) {
  const state = path.join(dir, 'sim');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const line = ['serve', '--port', String(port), '--state', state, ...args];
  if (scenario) line.push('--scenario', scenario);
  if (fresh) line.push('--fresh');
  for (const [name, value] of Object.entries(set)) line.push('--set', `${name}=${value}`);
  const program = new Program('sim', simBinary, line, { dir, detached, env });
  const ready = await program.ready(() => {
    const first = readFileSync(program.outFile, 'utf8').split('\n')[0];
    return first.endsWith('}') ? JSON.parse(first) : null;
  });
  const control = async (method, pathAndQuery, body) => {
    const r = await fetch(`${ready.url}/control/${pathAndQuery}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(10000),
    });
    const text = await r.text();
    if (!r.ok) throw new Error(`simulator: ${method} /control/${pathAndQuery}: ${r.status} ${text.slice(0, 300)}`);
    return text ? JSON.parse(text) : null;
  };
  return {
    program,
    url: ready.url,
    port: ready.port,
    control,
    log: async (after = 0, under = '') =>
      (await control('GET', `log?after=${after}${under ? `&path=${encodeURIComponent(under)}` : ''}&limit=2000`)).entries,
    switches: (values) => control('PUT', 'switches', values),
    stop: () => program.stop(),
  };
}

// --- PostgreSQL --------------------------------------------------------------------------------------------------

// A private server in DIR/pg by tests/support/pg.sh; returns its URL.
export function startPostgres(dir) {
  // The server does not run as root; its other account must reach the folder below this private one.
  if (process.getuid() === 0) chmodSync(dir, 0o711);
  const server = execFileSync(pgScript, ['start', path.join(dir, 'pg')], { encoding: 'utf8', timeout: 60000 }).trim().split('\n').pop();
  // The main database, and the one of the person keys, which backups of the main one must not copy.
  for (const name of ['mozflow', 'mozflow_people']) execFileSync('psql', ['-XAtqc', `CREATE DATABASE ${name}`, server]);
  return server.replace(/[^/]*$/, 'mozflow');
}

export function stopPostgres(dir) {
  execFileSync(pgScript, ['stop', path.join(dir, 'pg')], { stdio: 'ignore', timeout: 60000 });
}

// --- daemon ------------------------------------------------------------------------------------------------------

export const LOGIN_KEY = 'awsimlogin0000000001';
export const BUSINESS_KEY = '7600000000000000001';
export const ADS_KEY = '7600000000000000002';
// What the demo's apps hold: the daemon asks for no other scopes.
const businessScopes =
  'user.info.basic,user.info.username,user.info.profile,user.info.stats,user.account.type,message.list.read,' +
  'message.list.send,message.list.manage,comment.list,comment.list.manage,video.list,video.insights,user.insights';

// The settings of a demo or test daemon. `settings` of the caller come last and win.
export function daemonConfig({ dir, port, privatePort, simUrl, dbUrl, settings = {} }) {
  return {
    'http.listen': `127.0.0.1:${port}`,
    'http.private_listen': `127.0.0.1:${privatePort}`,
    'public.base_url': `http://127.0.0.1:${port}`,
    'store.url': dbUrl ?? `sqlite:${path.join(dir, 'daemon', 'mozflow.db')}`,
    'keys.kek_file': secretFile(dir, 'kek.secret', () => randomBytes(32).toString('hex')),
    'tiktok.authorize_url': simUrl,
    'tiktok.api_url': simUrl,
    'tiktok.ads_authorize_url': simUrl,
    'tiktok.business_api_url': `${simUrl}/open_api/v1.3`,
    'tiktok.login.client_key': LOGIN_KEY,
    'tiktok.login.client_secret_file': secretFile(dir, 'login.secret'),
    'tiktok.accounts.client_key': BUSINESS_KEY,
    'tiktok.accounts.client_secret_file': secretFile(dir, 'business.secret'),
    'tiktok.accounts.scopes': businessScopes,
    'tiktok.ads.client_key': ADS_KEY,
    'tiktok.ads.client_secret_file': secretFile(dir, 'ads.secret'),
    'fetch.tiktok_hosts': '127.0.0.1',
    'fetch.allow_private': '127.0.0.0/8',
    ...settings,
  };
}

export function writeConfig(file, settings) {
  const lines = Object.entries(settings).map(([k, v]) => `${k} = ${v}\n`);
  writeFileSync(file, `# Made by tools/stack.mjs for a demonstration or a test.\n${lines.join('')}`, { mode: 0o600 });
}

// Starts the daemon on a written configuration and waits for /livez. Can be called again after stop or kill.
export async function startDaemon({ dir, port, config, detached = false, env = {}, args = [], binary = daemonBinary } = {}) {
  const state = path.join(dir, 'daemon');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const program = new Program('daemon', binary, ['serve', '--state', state, '--config', config, ...args], { dir, detached, env });
  const url = `http://127.0.0.1:${port}`;
  await program.ready(() => answers(`${url}/livez`));
  return { program, url, port, state, config, stop: () => program.stop(), kill: () => program.kill() };
}

// Runs a command of the daemon's program; returns its standard output.
export function daemonCommand(args, { env = {}, timeout = 20000 } = {}) {
  return execFileSync(daemonBinary, args, { encoding: 'utf8', timeout, env: childEnv(env) });
}

// The clock that simulator and daemon share: the simulator writes the file that MZ_CLOCK names.
function virtualClock(sim) {
  const set = (body) => sim.control('POST', 'clock', body);
  return { now: async () => (await sim.control('GET', 'clock')).now_ms, shift: (ms) => set({ shift_ms: ms }), set: (ms) => set({ offset_ms: ms }) };
}

// --- the whole ---------------------------------------------------------------------------------------------------

// Starts everything. Options: dir, port, simPort, db ('sqlite' | 'postgres'), settings, demo (start mozflow-demo),
// seed (make the demo workspace), detached, env (of the daemon), clock (true: simulator and daemon share a virtual clock,
// in test builds; stack.clock.shift(ms) moves both; more daemons and commands join with env: stack.env).
// Returns { dir, sim, daemon, demo, seed, env, clock, stop }.
export async function startStack(o = {}) {
  const dir = o.dir ?? mkdtempSync(path.join(os.tmpdir(), 'mz-stack-'));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  mkdirSync(path.join(dir, 'daemon'), { recursive: true, mode: 0o700 });
  const parts = [];
  const stop = async () => {
    // One that does not end must not leave the others behind.
    const failed = [];
    for (const part of parts.reverse()) await Promise.resolve().then(part).catch((e) => failed.push(e));
    parts.length = 0;
    if (!o.dir && process.env.MZ_KEEP !== '1') rmSync(dir, { recursive: true, force: true });
    if (failed.length > 0) throw failed[0];
  };
  try {
    const port = o.port || (await freePort());
    const demoPort = o.demoPort || (await freePort());
    const env = { ...(o.clock ? { MZ_CLOCK: path.join(dir, 'clock') } : {}), ...o.env };
    const privatePort = o.privatePort || (await freePort());
    const sim = await startSim({
      dir,
      port: o.simPort || 0,
      scenario: o.scenario ?? path.join(root, 'sim', 'scenarios', 'demo.json'),
      set: {
        base: `http://127.0.0.1:${port}`,
        login_secret: secretFile(dir, 'login.secret'),
        business_secret: secretFile(dir, 'business.secret'),
        ads_secret: secretFile(dir, 'ads.secret'),
        ...o.set,
      },
      detached: o.detached,
      env: o.clock ? { MZ_CLOCK: env.MZ_CLOCK } : undefined,
    });
    parts.push(() => sim.stop());
    let dbUrl;
    if (o.db === 'postgres') {
      // This server is private and made anew each time: what a daemon kept of an earlier one is void.
      rmSync(path.join(dir, 'daemon'), { recursive: true, force: true });
      mkdirSync(path.join(dir, 'daemon'), { mode: 0o700 });
      dbUrl = startPostgres(dir);
      parts.push(() => stopPostgres(dir));
    }
    const config = path.join(dir, 'mozflow-tiktok.conf');
    writeConfig(config, daemonConfig({ dir, port, privatePort, simUrl: sim.url, dbUrl, settings: o.settings }));
    const stack = { dir, sim, port, demoPort, privateUrl: `http://127.0.0.1:${privatePort}`, config, dbUrl, env, demo: null, seed: null, stop };
    if (o.clock) stack.clock = virtualClock(sim);
    stack.daemon = await startDaemon({ dir, port, config, detached: o.detached, env });
    parts.push(() => stack.daemon.stop());
    if (o.seed !== false) {
      const demoUrl = `http://127.0.0.1:${demoPort}`;
      stack.seed = JSON.parse(daemonCommand(['demo', '--state', stack.daemon.state, '--config', config, '--demo-url', demoUrl], { env }).trim().split('\n').pop());
    }
    if (o.demo) {
      stack.demo = await startDemo({ dir, stack, detached: o.detached });
      parts.push(() => stack.demo.stop());
    }
    return stack;
  } catch (e) {
    await stop();
    throw e;
  }
}

// mozflow-demo: a separate program that knows the daemon's public address, its API key and its webhook secret only.
async function startDemo({ dir, stack, detached }) {
  const env = {
    PORT: String(stack.demoPort),
    MOZFLOW_TIKTOK_URL: stack.daemon.url,
    MOZFLOW_TIKTOK_API_KEY_FILE: path.join(dir, 'demo.api-key'),
    MOZFLOW_TIKTOK_WEBHOOK_SECRET_FILE: path.join(dir, 'demo.webhook-secret'),
    MOZFLOW_TIKTOK_WORKSPACE_KEY: stack.seed?.workspace_public_key ?? '',
  };
  writeFileSync(env.MOZFLOW_TIKTOK_API_KEY_FILE, stack.seed?.api_key ?? '', { mode: 0o600 });
  writeFileSync(env.MOZFLOW_TIKTOK_WEBHOOK_SECRET_FILE, stack.seed?.webhook_secret ?? '', { mode: 0o600 });
  const program = new Program('demo', process.execPath, [demoScript], { dir, env, detached });
  const url = `http://127.0.0.1:${stack.demoPort}`;
  await program.ready(() => answers(`${url}/`));
  return { program, url, stop: () => program.stop() };
}

// --- command line ------------------------------------------------------------------------------------------------

function writeNote(stack) {
  const processes = [stack.demo?.program, stack.daemon.program, stack.sim.program]
    .filter(Boolean)
    .map((p) => ({ name: p.name, pid: p.pid, started: p.started }));
  writeFileSync(path.join(stack.dir, 'stack.json'), JSON.stringify({ processes, postgres: Boolean(stack.dbUrl) }), { mode: 0o600 });
}

// Ends what stack.json names, in its order; a process id that now belongs to another program is left alone.
export async function stopNoted(dir) {
  const file = path.join(dir, 'stack.json');
  if (!existsSync(file)) throw new Error(`${file} does not exist: nothing was started there`);
  const note = JSON.parse(readFileSync(file, 'utf8'));
  for (const { name, pid, started } of note.processes) {
    const mine = () => started !== null && startTime(pid) === started;
    if (!mine()) continue;
    process.kill(pid, 'SIGTERM');
    try {
      await poll(() => !mine(), 12000, `the end of ${name}`);
    } catch {
      if (mine()) process.kill(pid, 'SIGKILL');
    }
  }
  if (note.postgres) stopPostgres(dir);
  rmSync(file);
}

// Two stacks in one folder would fight over it.
function refuseSecond(dir) {
  const file = path.join(dir, 'stack.json');
  if (!existsSync(file)) return;
  const alive = JSON.parse(readFileSync(file, 'utf8')).processes.filter((p) => p.started !== null && startTime(p.pid) === p.started);
  if (alive.length > 0) throw new Error(`${alive.map((p) => p.name).join(', ')} already run in ${dir}: ./dev stop --state ${dir}`);
}

function addresses(stack) {
  return {
    url: stack.daemon.url,
    console_url: stack.seed?.console_url ?? `${stack.daemon.url}/console/`,
    sim_url: stack.sim.url,
    phone_url: `${stack.sim.url}/phone`,
    demo_url: stack.demo?.url ?? null,
    workspace_id: stack.seed?.workspace_id ?? null,
    api_key: stack.seed?.api_key ?? null,
    state: stack.dir,
    pids: { daemon: stack.daemon.program.pid, sim: stack.sim.program.pid, demo: stack.demo?.program.pid ?? null },
  };
}

function portNumber(text) {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`${text} is no port`);
  return port;
}

function parseArguments(argv) {
  const o = { command: argv[0], detached: false, db: 'sqlite' };
  const names = { '--state': 'dir', '--port': 'port', '--sim-port': 'simPort', '--demo-port': 'demoPort', '--db': 'db' };
  for (let i = 1; i < argv.length; i += 1) {
    if (argv[i] === '--background') o.detached = true;
    else if (names[argv[i]] && i + 1 < argv.length) {
      const value = argv[i + 1];
      o[names[argv[i]]] = argv[i].endsWith('port') ? portNumber(value) : value;
      i += 1;
    }
    else throw new Error(`unknown argument ${argv[i]}`);
  }
  if (!['sqlite', 'postgres'].includes(o.db)) throw new Error(`--db is sqlite or postgres, not ${o.db}`);
  if (o.dir) o.dir = path.resolve(process.env.DEV_CALLED_FROM ?? process.cwd(), o.dir);
  return o;
}

// A person who tries it should see scopes to grant and to leave out.
const runSettings = { 'tiktok.login.scopes': 'user.info.basic,user.info.profile,user.info.stats' };

async function foreground(o) {
  const dir = o.dir ?? path.join(root, '.state');
  refuseSecond(dir);
  // Addresses that stay the same from run to run, where they are free.
  const usual = { port: await freePort(8080), simPort: await freePort(8090), demoPort: await freePort(8070) };
  for (const [name, port] of Object.entries(usual)) o[name] ||= port;
  const stack = await startStack({ ...o, dir, demo: true, detached: 'group', settings: runSettings });
  writeNote(stack);
  const a = addresses(stack);
  console.log(`
  Console        ${a.console_url}
  Mozflow demo   ${a.demo_url}
  Phone          ${a.phone_url}
  Simulator      ${a.sim_url}
  API            ${a.url}   (workspace ${a.workspace_id}, key ${a.api_key})
  Logs, data     ${a.state}

  Ctrl-C ends everything.`);
  let stopping = false;
  await new Promise((resolve) => {
    for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(s, resolve);
    for (const p of [stack.sim.program, stack.daemon.program, stack.demo.program]) {
      void p.exit.then(() => {
        if (!stopping) console.error(`${p.name} ended:\n${p.tail()}`);
        resolve();
      });
    }
  });
  stopping = true;
  await stack.stop();
  rmSync(path.join(stack.dir, 'stack.json'), { force: true });
}

async function main() {
  const o = parseArguments(process.argv.slice(2));
  if (o.command === 'stop') {
    if (!o.dir) throw new Error('stop needs --state DIR');
    await stopNoted(o.dir);
  } else if (o.command === 'run' && o.detached) {
    if (!o.dir) throw new Error('run --background needs --state DIR');
    refuseSecond(o.dir);
    const stack = await startStack({ ...o, demo: true, settings: runSettings });
    writeNote(stack);
    console.log(JSON.stringify(addresses(stack)));
    process.exit(0);
  } else if (o.command === 'run') {
    await foreground(o);
  } else throw new Error(`unknown command ${o.command}`);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().then(
    () => process.exit(0),
    (e) => {
      console.error(`dev: ${e.message}`);
      process.exit(1);
    },
  );
}
