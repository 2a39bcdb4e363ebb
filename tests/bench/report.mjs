// Writes a bench's table (Markdown) and its plot (SVG bars, readable on light and dark ground) into a folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const number = (v) => Math.round(v).toLocaleString('en');
const escape = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function plot(rows) {
  const left = 270;
  const width = 860;
  const bar = 26;
  const step = 40;
  const most = Math.max(...rows.map((r) => r.per_second));
  const scale = (width - left - 110) / most;
  const lines = rows.map((r, i) => {
    const y = 50 + i * step;
    const w = Math.max(2, r.per_second * scale);
    const colour = r.key.startsWith('ours') ? '#0a7a5c' : r.key === 'nginx' ? '#8a8a8a' : '#b4642d';
    return `  <text x="${left - 10}" y="${y + 18}" text-anchor="end">${escape(r.name)}</text>
  <rect x="${left}" y="${y}" width="${w.toFixed(1)}" height="${bar}" rx="3" fill="${colour}"/>
  <text x="${(left + w + 8).toFixed(1)}" y="${y + 18}">${number(r.per_second)}</text>`;
  });
  const height = 70 + rows.length * step;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Acknowledged webhooks a second by program">
  <style>text{font:14px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
  <text x="${left}" y="28">Acknowledged webhooks a second (median of the rounds)</text>
${lines.join('\n')}
</svg>
`;
}

const behind = (r) => r.backlog >= 0
  ? `${r.name}: ${number(r.backlog)} rows waited for the router at the end of a round and left at ${number(r.drain_per_second)} a second (medians).`
  : null;

// What was aimed at, beside what came out: a missed aim stands in the report like a reached one.
function aims(line) {
  const value = (key) => Number(new RegExp(` ${key}=([\\d.]+|nan)`).exec(line)?.[1]);
  const list = [['ratio', '>=', 4], ['pg_ratio', '>=', 2], ['p99_ms', '<=', 20], ['rss_mib', '<=', 64]];
  const good = (v, op, aim) => (op === '>=' ? v >= aim : v <= aim);
  return `| Figure | Aim | Measured | |\n|---|---:|---:|---|\n${list.map(([key, op, aim]) =>
    `| ${key} | ${op} ${aim} | ${value(key)} | ${good(value(key), op, aim) ? 'reached' : '**missed**'} |`).join('\n')}`;
}

export function writeReport({ rows, line, where, total, rounds, connections, machine, quick }) {
  mkdirSync(where, { recursive: true });
  const table = rows.map((r) =>
    `| ${r.name} | ${number(r.per_second)} | ${r.p50_ms.toFixed(2)} | ${r.p99_ms.toFixed(2)} | ${r.cpu_us.toFixed(1)} | ${r.rss_mib.toFixed(1)} | ${number(r.bodies)} | ${r.spread.map(number).join(', ')} |`);
  const after = rows.map(behind).filter(Boolean).map((t) => `\n${t}`).join('');
  const size = quick ? 'time-bounded rounds' : `${number(total)} bodies per program`;
  writeFileSync(path.join(where, 'intake.md'), `# Webhook intake

Made by \`./dev bench intake\` on ${new Date().toISOString().slice(0, 10)}: ${machine}. ${size}, ${rounds} rounds in turn, ${connections} keep-alive
connections, unique signed bodies of about 620 bytes from one load generator on the same machine. "Acknowledged" is a 200
after the signature was proved over the raw bytes and the row was committed durably (SQLite: WAL, synchronous=FULL;
PostgreSQL: synchronous_commit=on). After each round every acknowledged body was counted in the database. nginx
proves and stores nothing; it shows what the machine and the load generator allow. CPU and memory are those of the program
itself, without the database server.

What is not the same for all: the daemon also seals each body (AEAD), writes the index of what waits, and routes events
(opens, parses, finds the owner, marks the row) while the load runs; the rivals store the body in the clear and do nothing
else. The load is one burst of events of an account that no workspace has connected, so routing marks rows and puts no job.
While commits are full the router rests most of the time, at most until a row has waited for 10 s: that is how the daemon is
set up, and what it leaves behind is told below. The daemon's key begins with the event's time in ms, the rivals' with
create_time in seconds, as one would write it first.
${after}

| Program | acks/s (median) | p50 ms | p99 ms | CPU us per ack | peak RSS MiB | bodies | rounds, acks/s |
|---|---:|---:|---:|---:|---:|---:|---|
${table.join('\n')}

![Acknowledged webhooks a second](intake.svg)

\`${line}\`

${aims(line)}

\`ratio\`: SQLite against the faster of both rivals. \`pg_ratio\`: PostgreSQL against Fastify + pg. \`nginx_ratio\`: SQLite against
nginx. The other figures are those of the SQLite daemon.
`);
  writeFileSync(path.join(where, 'intake.svg'), plot(rows));
}
