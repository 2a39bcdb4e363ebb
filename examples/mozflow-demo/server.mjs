// mozflow-demo plays Mozflow: a page with "Continue with TikTok", the code exchange, linking, and a receiver of signed
// events. It knows mozflow-tiktok only by its public REST API and its webhooks. Built-in modules of Node.js only.
//
// Environment: PORT, MOZFLOW_TIKTOK_URL, MOZFLOW_TIKTOK_API_KEY_FILE, MOZFLOW_TIKTOK_WEBHOOK_SECRET_FILE,
// MOZFLOW_TIKTOK_WORKSPACE_KEY. Optional: MOZFLOW_DEMO_URL (the address under which browsers reach this program).
// State is in memory: a demonstration forgets. What a real Mozflow keeps in its database is said at each place.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { homePage, messagePage } from './pages.mjs';
import { ApiProblem, tiktokApi } from './tiktok-api.mjs';
import { SeenIds, verifyWebhook } from './webhook.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const need = (name) => {
  const value = process.env[name];
  if (!value) {
    console.error(`mozflow-demo: the environment variable ${name} is missing`);
    process.exit(2);
  }
  return value;
};
const secretOf = (name) => readFileSync(need(name), 'utf8').trim();

const port = Number(need('PORT'));
const tiktokUrl = need('MOZFLOW_TIKTOK_URL');
const workspaceKey = process.env.MOZFLOW_TIKTOK_WORKSPACE_KEY ?? '';
const demoUrl = process.env.MOZFLOW_DEMO_URL ?? `http://127.0.0.1:${port}`;
const api = tiktokApi(tiktokUrl, secretOf('MOZFLOW_TIKTOK_API_KEY_FILE'));
// Read at each use, so that a rotation needs no restart. One secret a line: the newest and those still in force.
const webhookSecrets = () => secretOf('MOZFLOW_TIKTOK_WEBHOOK_SECRET_FILE').split(/\s+/).filter(Boolean);

// --- Mozflow's own users and sessions (in memory here) -----------------------------------------------------------

const users = new Map(); // id -> { id, name, email, tiktok: null | { id, name } }
const sessions = new Map(); // cookie value -> { user, attempt, purpose, clientState }
const SESSIONS_MAX = 1000;

function newUser(name, id = `user_${randomBytes(6).toString('hex')}`) {
  const user = { id, name, email: `${id}@mozflow-demo.invalid`, tiktok: null };
  users.set(id, user);
  return user;
}

function sessionOf(req, res) {
  const cookie = /(?:^|;\s*)demo_session=([A-Za-z0-9_-]{43})(?:;|$)/.exec(req.headers.cookie ?? '')?.[1];
  const known = cookie && sessions.get(cookie);
  if (known) return known;
  const value = randomBytes(32).toString('base64url');
  // clientState binds a start from the web component to this browser's session.
  const session = { user: null, attempt: null, purpose: null, clientState: randomBytes(24).toString('base64url') };
  sessions.set(value, session);
  if (sessions.size > SESSIONS_MAX) sessions.delete(sessions.keys().next().value);
  // On https add "; Secure" and the prefix __Host- to the name.
  res.setHeader('set-cookie', `demo_session=${value}; Path=/; HttpOnly; SameSite=Lax`);
  return session;
}

// --- signing in and linking with TikTok --------------------------------------------------------------------------

async function returnUrlId() {
  const { return_urls: urls } = await api.loginConfig();
  const own = urls.find((u) => u.url === `${demoUrl}/tiktok/return`);
  if (!own) throw new ApiProblem(500, { title: `${demoUrl}/tiktok/return is not an allowed return URL of this workspace` });
  return own.id;
}

// The plain link: Mozflow's server makes the attempt, keeps it in its session and sends the browser to the start link.
async function startSignIn(req, res, session) {
  const attempt = await api.makeAttempt({ purpose: 'sign_in', return_url_id: await returnUrlId(), language: 'en' });
  Object.assign(session, { attempt: attempt.attempt_id, purpose: 'sign_in' });
  redirect(res, attempt.start_url);
}

async function startLink(req, res, session) {
  if (!session.user) return redirect(res, '/');
  const attempt = await api.makeAttempt({
    purpose: 'link',
    mozflow_user_id: session.user.id,
    return_url_id: await returnUrlId(),
    language: 'en',
  });
  Object.assign(session, { attempt: attempt.attempt_id, purpose: 'link' });
  redirect(res, attempt.start_url);
}

// The proof that this browser began what now comes back. Without it somebody could plant his own code here.
function proofOf(query, session) {
  const code = query.get('code');
  const attempt = query.get('attempt');
  if (session.attempt && session.attempt === attempt) {
    return {
      code,
      attempt_id: session.attempt,
      ...(session.purpose === 'link' && session.user ? { mozflow_user_id: session.user.id } : {}),
    };
  }
  if (attempt && query.get('client_state') === session.clientState) {
    return { code, attempt_id: attempt, client_state: session.clientState };
  }
  return null;
}

async function takeReturn(req, res, session, query) {
  if (query.get('error')) {
    Object.assign(session, { attempt: null, purpose: null });
    return page(res, 200, messagePage('You are not signed in', `The sign-in ended with: ${query.get('error')}.`));
  }
  const proof = query.get('code') ? proofOf(query, session) : null;
  if (!proof) {
    return page(res, 400, messagePage('This sign-in was not started here', 'Please begin again on the first page.'));
  }
  const linking = session.purpose === 'link' && proof.mozflow_user_id;
  Object.assign(session, { attempt: null, purpose: null, clientState: randomBytes(24).toString('base64url') });
  const who = await api.exchange(proof);
  const name = who.profile.display_name ?? 'TikTok user';
  let user;
  if (linking) user = session.user;
  else if (who.result === 'known') user = users.get(who.mozflow_user_id) ?? newUser(name, who.mozflow_user_id);
  else {
    // New: only now, and only by Mozflow itself, a Mozflow user is made and linked.
    user = newUser(name);
    await api.link(who.identity.id, user.id);
  }
  user.tiktok = { id: who.identity.id, name, missing: who.scopes.missing };
  session.user = user;
  redirect(res, '/');
}

async function unlink(req, res, session) {
  if (session.user?.tiktok) {
    await api.unlink(session.user.tiktok.id);
    session.user.tiktok = null;
  }
  redirect(res, '/');
}

// "Open console": a person who is signed in to Mozflow needs no second password.
async function openConsole(req, res, session) {
  const user = session.user ?? { id: 'demo-operator', name: 'Demo Operator', email: 'operator@mozflow-demo.invalid' };
  const { url } = await api.consoleSession({
    mozflow_user_id: user.id, email: user.email, name: user.name, role: 'admin', language: 'en',
  });
  redirect(res, url);
}

// --- events ------------------------------------------------------------------------------------------------------

const seen = new SeenIds();
const events = []; // newest first
const refused = { count: 0, last: null };
const watchers = new Set();
const EVENTS_MAX = 200;

async function takeEvent(req, res) {
  const body = await bodyOf(req, 1 << 20);
  let verified;
  try {
    verified = verifyWebhook(req.headers, body, webhookSecrets());
  } catch (e) {
    Object.assign(refused, { count: refused.count + 1, last: e.message });
    tell();
    return answer(res, 401, 'text/plain', `${e.message}\n`);
  }
  // Known already: answer as the first time, do nothing.
  if (seen.has(verified.id)) return answer(res, 204, 'text/plain', '');
  const event = JSON.parse(body.toString('utf8'));
  // Here a real Mozflow stores the event durably; only then it answers 2xx. Long work comes later, from the stored row.
  seen.add(verified.id);
  events.unshift({ received_at: new Date().toISOString(), signature: 'checked', ...event });
  events.length = Math.min(events.length, EVENTS_MAX);
  tell();
  return answer(res, 204, 'text/plain', '');
}

const eventsJson = () => JSON.stringify({ items: events, refused });

function tell() {
  for (const res of watchers) res.write(`data: ${eventsJson()}\n\n`);
}

function watch(req, res) {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  res.write(`data: ${eventsJson()}\n\n`);
  watchers.add(res);
  req.on('close', () => watchers.delete(res));
}

// --- the small web server ----------------------------------------------------------------------------------------

function bodyOf(req, most) {
  return new Promise((resolve, reject) => {
    const parts = [];
    let size = 0;
    req.on('data', (part) => {
      size += part.length;
      if (size > most) {
        reject(Object.assign(new Error('the body is too large'), { status: 413 }));
        req.destroy();
      } else parts.push(part);
    });
    req.on('end', () => resolve(Buffer.concat(parts)));
    req.on('error', reject);
  });
}

function answer(res, status, type, body) {
  res.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  res.end(body);
}

function page(res, status, html) {
  const tiktok = new URL(tiktokUrl).origin;
  res.setHeader(
    'content-security-policy',
    `default-src 'none'; script-src 'self' ${tiktok}; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'`,
  );
  res.setHeader('referrer-policy', 'no-referrer');
  answer(res, status, 'text/html; charset=utf-8', html);
}

function redirect(res, to) {
  res.writeHead(303, { location: to, 'cache-control': 'no-store' });
  res.end();
}

const files = { '/demo.css': 'text/css; charset=utf-8', '/demo.js': 'text/javascript; charset=utf-8' };

async function home(req, res, session) {
  let config = null;
  try {
    config = await api.loginConfig();
  } catch {
    // The page says that mozflow-tiktok does not answer; it does not fail.
  }
  const own = config?.return_urls.find((u) => u.url === `${demoUrl}/tiktok/return`);
  page(res, 200, homePage({
    user: session.user,
    clientState: session.clientState,
    workspaceKey: config?.public_key ?? workspaceKey,
    returnUrlId: own?.id ?? '',
    buttonScript: config?.enabled ? config.button_script : null,
    reachable: config !== null,
  }));
}

const routes = {
  'GET /': home,
  'GET /login/tiktok': startSignIn,
  'GET /tiktok/return': takeReturn,
  'POST /link': startLink,
  'POST /unlink': unlink,
  'POST /console': openConsole,
  'POST /sign-in': async (req, res, session) => {
    const name = new URLSearchParams((await bodyOf(req, 4096)).toString('utf8')).get('name')?.trim().slice(0, 60);
    if (name) session.user = newUser(name);
    redirect(res, '/');
  },
  'POST /sign-out': (req, res, session) => {
    session.user = null;
    redirect(res, '/');
  },
};

async function serve(req, res) {
  const url = new URL(req.url, demoUrl);
  const name = `${req.method} ${url.pathname}`;
  if (name === 'POST /tiktok/events') return takeEvent(req, res);
  if (name === 'GET /events') return answer(res, 200, 'application/json', eventsJson());
  if (name === 'GET /events/stream') return watch(req, res);
  if (req.method === 'GET' && files[url.pathname]) {
    return answer(res, 200, files[url.pathname], readFileSync(path.join(here, 'public', url.pathname)));
  }
  if (name === 'GET /favicon.ico') return answer(res, 204, 'image/x-icon', '');
  const route = routes[name];
  if (!route) return page(res, 404, messagePage('Not found', 'There is no such page.'));
  // Forms are taken from this site only.
  if (req.method === 'POST' && !['same-origin', 'none', undefined].includes(req.headers['sec-fetch-site'])) {
    return page(res, 403, messagePage('Refused', 'The form came from another site.'));
  }
  return route(req, res, sessionOf(req, res), url.searchParams);
}

const server = http.createServer((req, res) => {
  serve(req, res).catch((e) => {
    if (res.headersSent) return res.destroy();
    if (e instanceof ApiProblem) {
      const p = e.problem;
      const quote = p.code ? `${p.code}, request ${p.request_id}` : '';
      return page(res, 502, messagePage(p.title ?? 'mozflow-tiktok refused', [p.means, p.next].filter(Boolean).join(' '), quote));
    }
    console.error(e);
    return page(res, e.status ?? 500, messagePage('Something went wrong', 'Please look at the log of mozflow-demo.'));
  });
});

server.listen(port, '127.0.0.1', () => console.log(`mozflow-demo: ${demoUrl}`));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    for (const res of watchers) res.end();
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}
