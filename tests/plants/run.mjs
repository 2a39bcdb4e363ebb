// Runs tests/plants/list.tsv: each test passes without its planted defect and fails with it. A test that ends by
// deadline, or that never ran, proves nothing and counts as failed. Two run at a time.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const build = path.join(root, 'build', 'dev');
let failed = 0;
const bad = (line) => {
  failed += 1;
  console.log(`not ok plant.${line.replace(/\s+/g, ' ').slice(0, 500)}`);
};

function rows() {
  const text = readFileSync(path.join(root, 'tests', 'plants', 'list.tsv'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => {
      const [name, kind, target, env, deadline] = line.split('\t');
      return { name, kind, target, env: env && env !== '-' ? env : '', deadline_ms: Number(deadline) * 1000 };
    });
}

// Every planted("name") of the sources.
function plantedNames() {
  const found = new Set();
  const walk = (dir) => {
    for (const e of existsSync(dir) ? readdirSync(dir, { withFileTypes: true }) : []) {
      const file = path.join(dir, e.name);
      if (e.isDirectory()) walk(file);
      else if (/\.(c|cpp|h)$/.test(e.name) && !file.endsWith('src/base/base.h')) {
        const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
        for (const m of text.matchAll(/\bplanted\("([^"]+)"\)/g)) if (!/\/test_/.test(file)) found.add(m[1]);
      }
    }
  };
  walk(path.join(root, 'src'));
  walk(path.join(root, 'sim'));
  return found;
}

// Meson's tests by name: command line, environment and folder.
function mesonTests() {
  const list = JSON.parse(execFileSync('meson', ['introspect', '--tests', build], { encoding: 'utf8', maxBuffer: 1 << 26 }));
  return new Map(list.map((t) => [t.name, t]));
}

function execute(command, args, env, cwd, deadline_ms) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    const keep = (chunk) => (out = (out + chunk).slice(-20000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, 'SIGKILL');
    }, deadline_ms);
    child.on('error', (e) => resolve({ code: -1, late, out: e.message }));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, signal, late, out });
    });
  });
}

function pairs(text) {
  return Object.fromEntries(text.split(' ').filter(Boolean).map((p) => [p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)]));
}

function commandOf(row, tests) {
  if (row.kind === 'unit') {
    const t = tests.get(row.target);
    if (!t) throw new Error(`build/dev has no meson test ${row.target}`);
    return { command: t.cmd[0], args: t.cmd.slice(1), env: { ...t.env, ...pairs(row.env) }, cwd: t.workdir ?? build };
  }
  if (row.kind === 'journey') {
    const [file, part] = row.target.split(':');
    const full = path.join(root, 'tests', 'journeys', file);
    if (!existsSync(full)) throw new Error(`${file} does not exist`);
    return { command: process.execPath, args: [full], env: { ...pairs(row.env), ...(part ? { MZ_ONLY: part } : {}) }, cwd: root };
  }
  throw new Error(`unknown kind ${row.kind}`);
}

const plainRuns = new Map();

async function judge(row, tests) {
  const { command, args, env, cwd } = commandOf(row, tests);
  const key = JSON.stringify([command, args, env]);
  if (!plainRuns.has(key)) plainRuns.set(key, execute(command, args, env, cwd, row.deadline_ms));
  const plain = await plainRuns.get(key);
  if (plain.code !== 0 || plain.late) {
    return bad(`${row.name}: ${row.target} does not pass without the defect either: ${plain.out.slice(-300)}`);
  }
  const planted = await execute(command, args, { ...env, MZ_PLANT: row.name }, cwd, row.deadline_ms);
  if (planted.late) return bad(`${row.name}: ${row.target} did not end within ${row.deadline_ms} ms`);
  if (planted.code === 0) return bad(`${row.name}: ${row.target} passes although the defect is planted`);
  if (!/not ok |\[  FAILED  \]|broken invariant|Assertion|ERROR/.test(planted.out)) {
    return bad(`${row.name}: ${row.target} ended with ${planted.code ?? planted.signal} but names no failed test: ${planted.out.slice(-300)}`);
  }
  console.log(`ok plant.${row.name} (noticed by ${row.target})`);
}

async function main() {
  const list = rows();
  const names = plantedNames();
  for (const name of names) if (!list.some((r) => r.name === name)) bad(`${name}: planted in the sources, but no row of tests/plants/list.tsv names a test that notices it`);
  const work = [];
  for (const row of list) {
    if (!row.name || !row.kind || !row.target || !(row.deadline_ms > 0)) bad(`${row.name}: a row needs name, kind, target, environment, deadline`);
    else if (!names.has(row.name)) bad(`${row.name}: no planted("${row.name}") in the sources`);
    else work.push(row);
  }
  const tests = mesonTests();
  const worker = async () => {
    for (let row; (row = work.shift()); ) {
      try {
        await judge(row, tests);
      } catch (e) {
        bad(`${row.name}: ${e.message}`);
      }
    }
  };
  await Promise.all([worker(), worker()]);
  process.exit(failed ? 1 : 0);
}

await main();
