// ./dev bench http [--quick]: what room http costs by itself. A server with three tiny routes (tests/bench/http_bench.c):
// answered on the event thread, by a ticket from another thread (as intake is), and on a worker; nginx answering a
// static 200 in the same run; wrk with 64 connections. Then 10,000 idle keep-alive connections and the memory they
// take. The last line is "http key=value ...".
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const quick = process.argv.includes('--quick');
const SECONDS = quick ? 3 : 10;
const ROUNDS = quick ? 2 : 3;
const IDLE = quick ? 4000 : 10000;
const CONNECTIONS = 64;
const program = path.join(process.env.MZ_BUILD ?? path.resolve('build', 'release'), 'src', 'http', 'http_bench');
const dir = mkdtempSync(path.join(os.tmpdir(), 'mz-http-bench-'));
const running = [];

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const rssKib = (pid) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

function freePort() {
  return new Promise((resolve) => {
    const s = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

async function reachable(port) {
  for (const end = Date.now() + 10000; Date.now() < end;) {
    const ok = await new Promise((resolve) => {
      const c = net.connect(port, '127.0.0.1', () => resolve(true) || c.destroy());
      c.on('error', () => resolve(false));
    });
    if (ok) return;
  }
  throw new Error(`nothing listens on ${port}`);
}

function startOurs() {
  const child = spawn(program, ['2', '2'], { stdio: ['pipe', 'pipe', 'inherit'] });
  running.push(child);
  return new Promise((resolve, reject) => {
    child.stdout.once('data', (d) => resolve({ child, port: Number(String(d)) }));
    child.once('error', reject);
  });
}

async function startNginx() {
  const port = await freePort();
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${dir}/${n};`).join(' ');
  writeFileSync(path.join(dir, 'nginx.conf'), `daemon off; pid ${dir}/pid; error_log ${dir}/error.log crit; worker_processes 2;
events { worker_connections 1024; }
http { access_log off; ${temp} keepalive_requests 1000;
  server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 "{}"; } } }
`);
  running.push(spawn('nginx', ['-p', dir, '-c', path.join(dir, 'nginx.conf')], { stdio: 'ignore' }));
  await reachable(port);
  return port;
}

function wrk(port, where, post) {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${SECONDS}s`, '--latency'];
  if (post) args.push('-s', path.join(dir, 'post.lua'));
  const out = execFileSync('wrk', [...args, `http://127.0.0.1:${port}${where}`], { encoding: 'utf8' });
  if (/Non-2xx/.test(out)) throw new Error(out);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]);
}

async function idleBytes(ours) {
  const before = rssKib(ours.child.pid);
  const sockets = [];
  for (let i = 0; i < IDLE; i++) {
    sockets.push(await new Promise((resolve, reject) => {
      const s = net.connect(ours.port, '127.0.0.1', () => s.write('GET /inline HTTP/1.1\r\nHost: a\r\n\r\n'));
      s.once('data', () => resolve(s));
      s.once('error', reject);
    }));
  }
  const each = ((rssKib(ours.child.pid) - before) * 1024) / IDLE;
  for (const s of sockets) s.destroy();
  return each;
}

try {
  writeFileSync(path.join(dir, 'post.lua'), 'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = string.rep("x", 630)\n');
  const ours = await startOurs();
  const nginx = await startNginx();
  const runs = { inline: [], ticket: [], worker: [], nginx: [], nginx_post: [] };
  for (let i = 0; i < ROUNDS; i++) {
    runs.inline.push(wrk(ours.port, '/inline', false));
    runs.nginx.push(wrk(nginx, '/', false));
    runs.ticket.push(wrk(ours.port, '/defer', true));
    runs.nginx_post.push(wrk(nginx, '/', true));
    runs.worker.push(wrk(ours.port, '/work', false));
  }
  const idle = await idleBytes(ours);
  const m = Object.fromEntries(Object.entries(runs).map(([k, v]) => [k, Math.round(median(v))]));
  console.log(`${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections, wrk on the same machine; requests a second (median):`);
  for (const [name, rounds] of Object.entries(runs)) console.log(`  ${name.padEnd(11)} ${m[name]}   (${rounds.map(Math.round).join(', ')})`);
  console.log(`http inline_rps=${m.inline} ticket_rps=${m.ticket} worker_rps=${m.worker} nginx_rps=${m.nginx} nginx_post_rps=${m.nginx_post} nginx_ratio=${(m.inline / m.nginx).toFixed(2)} idle_bytes=${Math.round(idle)} idle_connections=${IDLE}`);
} finally {
  for (const child of running) child.kill('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
}
