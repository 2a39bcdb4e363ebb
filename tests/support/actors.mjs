// Who acts in the security journeys: workspaces made by the operator's command, members by invitation, API keys with one
// scope, and one small HTTP client that says what a browser would say. Also: the routes, as the server describes them,
// and SQL on the daemon's database for what a clock or a rare failure would otherwise have to bring about.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import http from 'node:http';
import path from 'node:path';
import { check, equal } from './runner.mjs';
import { daemonCommand } from './stack.mjs';

const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });

// One request, its target taken as written (fetch would tidy it). An event stream ends with its head. `cookies` are the
// Set-Cookie lines.
export function call(base, method, target, { headers = {}, body, json, timeout = 15000 } = {}) {
  const { hostname, port } = new URL(base);
  const bytes = json === undefined ? body : JSON.stringify(json);
  const sent = { ...headers };
  if (json !== undefined) sent['content-type'] ??= 'application/json';
  if (bytes !== undefined && !sent['transfer-encoding']) sent['content-length'] = Buffer.byteLength(bytes);
  return new Promise((resolve, reject) => {
    const rq = http.request({ hostname, port, method, path: target, headers: sent, agent, timeout }, (rs) => {
      const parts = [];
      const done = () => {
        const text = Buffer.concat(parts).toString('utf8');
        let parsed = null;
        try {
          parsed = text ? JSON.parse(text) : null;
        } catch {
          // a page
        }
        resolve({ method, target, status: rs.statusCode, headers: rs.headers, cookies: rs.headers['set-cookie'] ?? [], text, json: parsed });
      };
      if (String(rs.headers['content-type']).startsWith('text/event-stream')) {
        done();
        rs.on('error', () => {});
        rq.destroy();
        return;
      }
      rs.on('data', (d) => parts.push(d));
      rs.on('end', done);
      rs.on('error', reject);
    });
    rq.on('timeout', () => rq.destroy(new Error(`${method} ${target}: no answer in ${timeout} ms`)));
    rq.on('error', reject);
    rq.end(bytes);
  });
}

// Somebody with a credential: .ask(method, path, json, more headers).
export class Actor {
  constructor(stack, name, credential) {
    this.base = stack.daemon.url;
    this.name = name;
    this.headers = credential;
  }

  ask(method, target, json, headers = {}) {
    const once = method === 'POST' ? { 'idempotency-key': crypto.randomUUID() } : {};
    return call(this.base, method, target, { headers: { ...this.headers, ...once, ...headers }, json });
  }

  async must(status, method, target, json) {
    const r = await this.ask(method, target, json);
    equal(r.status, status, `${this.name}: ${method} ${target} answered ${r.text.slice(0, 300)}; status`);
    return r.json;
  }
}

export const byKey = (stack, name, key) => new Actor(stack, name, { authorization: `Bearer ${key}` });
export const byCookie = (stack, name, token) =>
  new Actor(stack, name, { cookie: `__Host-mz_session=${token}`, 'sec-fetch-site': 'same-origin' });

export function sessionIn(answer) {
  const line = answer.cookies.find((c) => /^__Host-mz_session=[A-Za-z0-9_-]{43};/.test(c));
  check(line, `no session cookie in ${answer.method} ${answer.target}: ${answer.status} ${answer.text.slice(0, 200)}`);
  return /^[^=]+=([^;]*)/.exec(line)[1];
}

// The button of a one-time link's page.
export function press(stack, url, headers = {}) {
  const body = `token=${new URL(url).searchParams.get('token')}`;
  return call(stack.daemon.url, 'POST', '/console/enter', { headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body });
}

// A one-time link, taken.
export async function enter(stack, name, url) {
  return byCookie(stack, name, sessionIn(await press(stack, url)));
}

export function workspaceCreate(stack, name, email, more = []) {
  const line = daemonCommand(['workspace', 'create', '--name', name, '--owner-email', email, '--state', stack.daemon.state, ...more]);
  return JSON.parse(line.trim().split('\n').pop());
}

// The owner of a workspace whose link is at hand, and a member of every other role by invitation.
export async function staff(stack, label, link, roles) {
  const owner = await enter(stack, `${label} owner`, link);
  const self = await owner.must(200, 'GET', '/v1/session');
  owner.id = self.member.id;
  owner.workspace = self.workspace.id;
  const members = { owner };
  for (const role of roles.filter((r) => r !== 'owner')) members[role] = await invited(stack, owner, label, role);
  return members;
}

export async function invited(stack, owner, label, role) {
  const email = `${role}.${crypto.randomUUID().slice(0, 8)}@${label.toLowerCase()}.invalid`;
  const { link } = await owner.must(201, 'POST', '/v1/invitations', { email, name: `${label} ${role}`, role });
  const token = new URL(link).hash.slice(1);
  const password = `${label}-${role}-${crypto.randomUUID()}`;
  const taken = await call(stack.daemon.url, 'POST', '/v1/invitations/accept', { json: { token, password } });
  equal(taken.status, 201, `invitation of ${role}: ${taken.text}`);
  const member = byCookie(stack, `${label} ${role}`, sessionIn(taken));
  return Object.assign(member, { id: taken.json.id, role, email, password, invitation: token, token: sessionIn(taken) });
}

// A session without a password, quickly made: for what ends it.
export async function passing(stack, owner, role) {
  const user = crypto.randomUUID();
  const made = await owner.must(201, 'POST', '/v1/console/sessions', { mozflow_user_id: user, email: `${user.slice(0, 8)}@pass.invalid`, name: 'Passing', role });
  return Object.assign(await enter(stack, `passing ${role}`, made.url), { id: made.member_id, link: made.url });
}

export async function keyWith(stack, owner, scopes, more = {}) {
  const made = await owner.must(201, 'POST', '/v1/keys', { name: `only ${scopes.join(' ')}`.slice(0, 100), scopes, ...more });
  return Object.assign(byKey(stack, `key ${scopes.join(' ')}`, made.key), { id: made.id, key: made.key });
}

// Routes as the server itself describes them.
export async function routesOf(stack) {
  const { json } = await call(stack.daemon.url, 'GET', '/openapi.json');
  const rows = [];
  for (const [at, operations] of Object.entries(json.paths)) {
    for (const [method, o] of Object.entries(operations)) {
      const [type, content] = Object.entries(o.requestBody?.content ?? {})[0] ?? [];
      rows.push({
        id: `${method.toUpperCase()} ${at}`,
        method: method.toUpperCase(),
        path: at,
        permission: o['x-permission'] ?? null,
        flag: o['x-flag'] ?? null,
        params: (o.parameters ?? []).filter((p) => p.name),
        once: (o.parameters ?? []).some((p) => p.$ref?.endsWith('IdempotencyKey')),
        bodyType: type ?? null,
        body: content?.schema ?? null,
      });
    }
  }
  check(rows.length > 50, `only ${rows.length} routes are described`);
  return rows;
}

// A value that the described schema allows.
function sample(schema) {
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'integer') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  if (schema.type === 'array') return ['x'];
  if (schema.type === 'object') return {};
  if (schema.format === 'uri') return 'https://example.invalid/x';
  return 'x'.repeat(Math.max(1, schema.minLength ?? 1));
}

// A well-formed body with the required members only; undefined where the route takes none.
export function sampleBody(route) {
  if (!route.body?.properties) return undefined;
  return Object.fromEntries(route.body.required.map((name) => [name, sample(route.body.properties[name])]));
}

export function fill(route, values = {}) {
  const named = route.path.replace(/\{([^}]+)\}/g, (_, name) => encodeURIComponent(values[name] ?? 'x'));
  const query = route.params
    .filter((p) => p.in === 'query' && p.required)
    .map((p) => `${p.name}=${encodeURIComponent(values[p.name] ?? sample(p.schema))}`);
  return query.length ? `${named}?${query.join('&')}` : named;
}

// SQL on the daemon's main database, beside the running daemon.
export function sql(stack, text) {
  if (stack.dbUrl) return execFileSync('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', stack.dbUrl, '-c', text], { encoding: 'utf8', maxBuffer: 1 << 28 }).trim();
  return execFileSync('sqlite3', ['-bail', '-cmd', '.timeout 5000', path.join(stack.daemon.state, 'mozflow.db')], { input: `${text}\n`, encoding: 'utf8', maxBuffer: 1 << 28 }).trim();
}

const quote = (s) => `'${String(s).replaceAll("'", "''")}'`;
export { quote };

// What all tables hold but those named, one hash per table: to see that nothing was written.
export function digest(stack, without = []) {
  const query = stack.dbUrl
    ? "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1";
  const tables = sql(stack, query).split('\n').filter((t) => t && !without.includes(t));
  check(tables.length > 15, `only ${tables.length} tables: ${tables}`);
  const out = {};
  if (stack.dbUrl) {
    const one = (t) => `SELECT '${t}', count(*), md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM ${t} r`;
    for (const line of sql(stack, tables.map(one).join(' UNION ALL ')).split('\n')) out[line.split('|')[0]] = line;
    return out;
  }
  for (const t of tables) out[t] = createHash('sha256').update(sql(stack, `.mode quote\nSELECT * FROM ${t}`).split('\n').sort().join('\n')).digest('hex');
  return out;
}

// Names of the tables that differ.
export const changed = (before, after) => Object.keys({ ...before, ...after }).filter((t) => before[t] !== after[t]);
