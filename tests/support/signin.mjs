// A small browser for journeys: cookies per origin, forms, redirects one at a time. And a sign-in through the
// simulator's pages as a person would do it.
import { check, equal } from './runner.mjs';

export class Browser {
  constructor() {
    this.jars = new Map();
  }

  jar(url) {
    const origin = new URL(url).origin;
    if (!this.jars.has(origin)) this.jars.set(origin, new Map());
    return this.jars.get(origin);
  }

  cookie(url, name) {
    const jar = this.jar(url);
    return jar.get(`__Host-${name}`) ?? jar.get(name);
  }

  async request(url, { method = 'GET', form, headers = {} } = {}) {
    const jar = this.jar(url);
    const sent = { ...headers, accept: 'text/html', 'sec-fetch-site': method === 'GET' ? 'none' : 'same-origin' };
    if (method !== 'GET') sent.origin = new URL(url).origin;
    if (jar.size) sent.cookie = [...jar].map(([k, v]) => `${k}=${v}`).join('; ');
    const r = await fetch(url, {
      method,
      redirect: 'manual',
      headers: sent,
      body: form && new URLSearchParams(form),
      signal: AbortSignal.timeout(15000),
    });
    for (const line of r.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';');
      const at = pair.indexOf('=');
      const gone = attributes.some((a) => /^\s*max-age=0\s*$/i.test(a));
      if (gone) jar.delete(pair.slice(0, at).trim());
      else jar.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
    }
    const text = await r.text();
    const location = r.headers.get('location');
    return { url, status: r.status, text, headers: r.headers, location: location && new URL(location, url).href };
  }

  get(url) {
    return this.request(url);
  }

  post(url, form) {
    return this.request(url, { method: 'POST', form });
  }
}

const unescape = (s) =>
  s.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (_, n) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" })[n]);

// Hidden and other inputs of the page's forms, by name.
export function fields(html) {
  const out = {};
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    const name = /\bname="([^"]*)"/.exec(tag)?.[1];
    const value = /\bvalue="([^"]*)"/.exec(tag)?.[1];
    if (name && /type="hidden"/.test(tag)) out[name] = unescape(value ?? '');
  }
  return out;
}

export const endOf = (page) => /data-end="([^"]+)"/.exec(page.text)?.[1];

// From the start link to TikTok's page: the URL that TikTok was given.
export async function toTikTok(browser, start) {
  const page = await browser.get(start);
  equal(page.status, 200, `start page ${start}: ${page.text.slice(0, 300)}`);
  const next = await browser.post(new URL('/auth/tiktok/continue', start).href, fields(page.text));
  equal(next.status, 303, `continue: ${next.text.slice(0, 300)}`);
  return next.location;
}

// The person's act on the simulator's consent page; answers the callback URL.
export async function consent(sim, authorize, { person = 'somying', decision = 'allow', scopes } = {}) {
  const cookie = `sim_person=${person}`;
  const page = await fetch(authorize, { redirect: 'manual', headers: { cookie } });
  if (page.status === 302 || page.status === 303) return page.headers.get('location');
  const html = await page.text();
  equal(page.status, 200, `TikTok's page: ${html.slice(0, 400)}`);
  const { q } = fields(html);
  check(q, `no consent form: ${html.slice(0, 400)}`);
  const wanted = scopes ?? new URL(authorize).searchParams.get('scope').split(',');
  const body = new URLSearchParams([['q', q], ['decision', decision], ...wanted.map((s) => ['scope', s])]);
  const r = await fetch(`${sim.url}/sim/consent`, { method: 'POST', redirect: 'manual', headers: { cookie }, body });
  check(r.status === 302 || r.status === 303, `consent answered ${r.status}: ${(await r.text()).slice(0, 300)}`);
  return r.headers.get('location');
}

// The whole way; answers what the callback answered (its location is the return URL when all went well).
export async function signIn(stack, start, { browser = new Browser(), ...who } = {}) {
  const authorize = await toTikTok(browser, start);
  const callback = await consent(stack.sim, authorize, who);
  return browser.get(callback);
}

// From a connection's link to its end, TikTok answering without its page: what the callback answered, and on the way TikTok's
// URL and ours.
export async function connectAccount(stack, url, person) {
  const browser = new Browser();
  const page = await browser.get(url);
  equal(page.status, 200, `page of the link: ${page.text.slice(0, 300)}`);
  const action = /<form method="post" action="([^"]+)"/.exec(page.text)[1];
  const { location: authorize } = await browser.post(new URL(action, url).href, { market: 'th', ...fields(page.text) });
  await stack.sim.switches({ auto_consent: 'allow' });
  const asked = await fetch(authorize, { redirect: 'manual', headers: { cookie: `sim_person=${person}` } });
  await stack.sim.switches({ auto_consent: 'off' });
  const callback = asked.headers.get('location');
  check(callback, `TikTok's page for ${person}: ${asked.status}`);
  const end = await browser.get(callback);
  equal(end.status, 303, `callback of ${person}: ${end.text.slice(0, 300)}`);
  return { authorize, callback, end };
}

// REST with the workspace's API key (or another one).
export function client(stack, key = stack.seed.api_key) {
  return async (method, path, body, headers = {}) => {
    const r = await fetch(stack.daemon.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        'idempotency-key': crypto.randomUUID(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(15000),
    });
    const text = await r.text();
    let json = null;
    try {
      json = text ? JSON.parse(text) : null;
    } catch {
      // a page
    }
    return { status: r.status, json, text, headers: r.headers };
  };
}

export async function attempt(stack, body = {}) {
  const made = await client(stack)('POST', '/v1/login/attempts', {
    purpose: 'sign_in',
    return_url_id: stack.seed.return_url_id,
    language: 'en',
    ...body,
  });
  equal(made.status, 201, `attempt: ${made.text}`);
  return made.json;
}
