// The test runner of every journey: names tests, runs them in order with a deadline each, prints one line per test
// ("ok NAME", "not ok NAME: why", "SKIPPED: why NAME") and exits non-zero when one failed. Built-in modules only.
//
//   import { test, run, until, equal, check } from '../support/runner.mjs';
//   test('login.denied', async (t) => { ... t.cleanup(() => server.close()); ... }, { deadline_ms: 20000 });
//   await run();
//
// Environment: MZ_ONLY=part-of-a-name runs some tests, MZ_SKIP=part leaves some out, MZ_LONG=1 asks for full figures (exported as `long`).
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual, inspect } from 'node:util';

export const long = process.env.MZ_LONG === '1';
const tests = [];
const atEnd = [];
let started = false;

class Skip extends Error {}

// Registers a test. fn gets { skip(why), cleanup(fn), signal }.
export function test(name, fn, { deadline_ms = 30000 } = {}) {
  tests.push({ name, fn, deadline_ms });
}

// Runs once, after all tests of the file, in reverse order (stacks, databases, folders).
export function finallyDo(fn) {
  atEnd.push(fn);
}

// Polls fn until it returns something truthy, and returns that. Errors thrown on the way count as "not yet";
// the last one is part of the message when the time is over.
export async function until(fn, ms = 5000, what = 'the condition') {
  const end = Date.now() + ms;
  let last;
  for (let pause = 5; ; pause = Math.min(pause * 2, 100)) {
    try {
      const value = await fn();
      if (value) return value;
      last = undefined;
    } catch (e) {
      if (e instanceof Skip) throw e;
      last = e;
    }
    if (Date.now() + pause > end) break;
    await new Promise((wake) => setTimeout(wake, pause));
  }
  throw new Error(`${what} did not come within ${ms} ms${last ? ` (last: ${last.message})` : ''}`);
}

export function check(cond, what) {
  if (!cond) throw new Error(what ?? 'a check failed');
}

export function equal(got, want, what = 'value') {
  if (!isDeepStrictEqual(got, want)) {
    throw new Error(`${what}: got ${inspect(got, { depth: 6 })}, want ${inspect(want, { depth: 6 })}`);
  }
}

export function match(text, pattern, what = 'text') {
  if (!pattern.test(text)) throw new Error(`${what}: ${JSON.stringify(String(text).slice(0, 400))} does not match ${pattern}`);
}

export async function throws(fn, pattern, what = 'call') {
  try {
    await fn();
  } catch (e) {
    match(e.message, pattern, `${what}'s error`);
    return e;
  }
  throw new Error(`${what} did not fail`);
}

// A port that was free a moment ago. Whoever can should bind port 0 instead.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// A private folder, removed at the end unless MZ_KEEP=1.
export function tempDir(prefix = 'mz') {
  const dir = mkdtempSync(path.join(os.tmpdir(), `${prefix}-`));
  finallyDo(() => process.env.MZ_KEEP === '1' || rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function runOne({ name, fn, deadline_ms }) {
  const cleanups = [];
  const abort = new AbortController();
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${deadline_ms} ms`)), deadline_ms);
  });
  const begun = Date.now();
  let outcome = 'ok';
  let why = '';
  try {
    const t = {
      signal: abort.signal,
      cleanup: (f) => cleanups.push(f),
      skip: (reason) => {
        throw new Skip(reason);
      },
    };
    await Promise.race([Promise.resolve().then(() => fn(t)), late]);
  } catch (e) {
    outcome = e instanceof Skip ? 'skipped' : 'not ok';
    why = e instanceof Skip ? e.message : `${e?.message ?? e}`;
    if (outcome === 'not ok' && process.env.MZ_TRACE === '1') console.error(e);
  }
  clearTimeout(timer);
  abort.abort();
  for (const f of cleanups.reverse()) {
    try {
      await f();
    } catch (e) {
      if (outcome === 'ok') [outcome, why] = ['not ok', `clean-up: ${e.message}`];
    }
  }
  const oneLine = why.replace(/\s+/g, ' ').slice(0, 1000);
  if (outcome === 'ok') console.log(`ok ${name} (${Date.now() - begun} ms)`);
  else if (outcome === 'skipped') console.log(`SKIPPED: ${oneLine} ${name}`);
  else console.log(`not ok ${name}: ${oneLine}`);
  return outcome;
}

// Runs what was registered, cleans up, and ends the process.
export async function run() {
  if (started) return;
  started = true;
  const only = process.env.MZ_ONLY;
  const without = process.env.MZ_SKIP;
  let failed = 0;
  let ran = 0;
  for (const t of tests) {
    if ((only && !t.name.includes(only)) || (without && t.name.includes(without))) continue;
    ran += 1;
    if ((await runOne(t)) === 'not ok') failed += 1;
  }
  if (ran === 0 && !only) {
    console.log(`not ok ${path.basename(process.argv[1])}: the file holds no test`);
    failed += 1;
  }
  for (const f of atEnd.reverse()) {
    try {
      await f();
    } catch (e) {
      console.log(`not ok ${path.basename(process.argv[1])} clean-up: ${e.message}`);
      failed += 1;
    }
  }
  process.exit(failed ? 1 : 0);
}

// A file that forgot `await run()` still runs; a process that dies on the way says so as a failed test.
process.on('beforeExit', () => void run());
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.on(event, (e) => {
    console.log(`not ok ${path.basename(process.argv[1])}: ${event}: ${String(e?.stack ?? e).replace(/\s+/g, ' ').slice(0, 600)}`);
    for (const f of atEnd.reverse()) {
      try {
        f();
      } catch {
        // the process ends anyway
      }
    }
    process.exit(1);
  });
}
