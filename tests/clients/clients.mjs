// Each client signs in as an application would use it: its own way to the authorize link, the browser step, its own way
// through the token call and the profile. Runs under hook.mjs: `node --import ./hook.mjs clients.mjs NAME`, with the app
// in MZ_CLIENT_KEY and MZ_CLIENT_SECRET. Prints one JSON line: { steps: [...], profile } or { steps, error }.
import { randomBytes } from 'node:crypto';
import { consent } from './browser.mjs';

const site = 'https://shop.example';
const key = process.env.MZ_CLIENT_KEY;
const secret = process.env.MZ_CLIENT_SECRET;
const steps = [];

async function browse(link) {
  const { location, page } = await consent(link);
  if (!location) throw new Error(`no way back from the consent page: ${page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 300)}`);
  if (location.searchParams.get('error')) throw new Error(`authorize: ${location.searchParams}`);
  steps.push('authorize');
  return location;
}

// The cookies of the application itself.
class Jar {
  #cookies = new Map();
  take(response) {
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      this.#cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    return response;
  }
  get header() {
    return [...this.#cookies].map(([k, v]) => `${k}=${v}`).join('; ');
  }
}

async function arctic() {
  const { TikTok, generateState, generateCodeVerifier } = await import('arctic');
  const client = new TikTok(key, secret, `${site}/cb`);
  const [state, verifier] = [generateState(), generateCodeVerifier()];
  const back = await browse(client.createAuthorizationURL(state, verifier, ['user.info.basic']));
  if (back.searchParams.get('state') !== state) throw new Error('the state came back changed');
  const tokens = await client.validateAuthorizationCode(back.searchParams.get('code'), verifier);
  const accessToken = tokens.accessToken(); // TikTok refuses with HTTP 200: arctic notices it here
  steps.push('token');
  const r = await fetch('https://open.tiktokapis.com/v2/user/info/?fields=open_id,union_id,avatar_url,display_name', {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  const profile = (await r.json()).data.user;
  steps.push('profile');
  const fresh = await client.refreshAccessToken(tokens.refreshToken());
  steps.push('refresh');
  await client.revokeToken(fresh.accessToken());
  steps.push('revoke');
  return { id: profile.open_id, name: profile.display_name };
}

async function authCore() {
  const { Auth } = await import('@auth/core');
  const { default: TikTok } = await import('@auth/core/providers/tiktok');
  let failure;
  const config = {
    trustHost: true, secret: randomBytes(32).toString('hex'), basePath: '/auth',
    providers: [TikTok({ clientId: key, clientSecret: secret })],
    logger: { error: (e) => (failure = e), warn() {}, debug() {} },
  };
  const jar = new Jar();
  const call = async (path, init = {}) =>
    jar.take(await Auth(new Request(`${site}${path}`, { ...init, headers: { ...init.headers, cookie: jar.header } }), config));
  const { csrfToken } = await (await call('/auth/csrf')).json();
  const start = await call('/auth/signin/tiktok', {
    method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ csrfToken, callbackUrl: `${site}/` }),
  });
  const back = await browse(start.headers.get('location'));
  const end = await call(`${back.pathname}${back.search}`);
  if (/error/.test(end.headers.get('location') ?? '')) throw new Error(`${failure?.message ?? ''} ${failure?.cause?.err ?? ''} ${end.headers.get('location')}`);
  steps.push('token', 'profile');
  const session = await (await call('/auth/session')).json();
  return { id: 'in the session', name: session.user.name };
}

async function betterAuth() {
  const { betterAuth: open } = await import('better-auth');
  const { memoryAdapter } = await import('better-auth/adapters/memory');
  const db = { user: [], session: [], account: [], verification: [] };
  const auth = open({
    baseURL: site, secret: randomBytes(32).toString('hex'), database: memoryAdapter(db), telemetry: { enabled: false }, logger: { disabled: true },
    socialProviders: { tiktok: { clientKey: key, clientSecret: secret, scope: ['user.info.basic'] } },
  });
  const jar = new Jar();
  const call = async (path, init = {}) =>
    jar.take(await auth.handler(new Request(`${site}${path}`, { ...init, headers: { origin: site, ...init.headers, cookie: jar.header } })));
  const start = await call('/api/auth/sign-in/social', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ provider: 'tiktok', callbackURL: `${site}/home` }),
  });
  const back = await browse((await start.json()).url);
  const end = await call(`${back.pathname}${back.search}`);
  const to = end.headers.get('location') ?? '';
  if (!to.endsWith('/home')) throw new Error(`callback: ${end.status} ${to} ${(await end.text()).slice(0, 200)}`);
  steps.push('token', 'profile');
  const session = await (await call('/api/auth/get-session')).json();
  return { id: db.account[0].accountId, name: session.user.name };
}

async function passport() {
  const { default: module } = await import('passport-tiktok-auth');
  const Strategy = module.Strategy ?? module;
  const session = {};
  // One request through the strategy, with the five answers that passport gives it.
  const authenticate = (query) =>
    new Promise((resolve, reject) => {
      const strategy = new Strategy(
        { clientID: key, clientSecret: secret, callbackURL: `${site}/cb`, scope: ['user.info.basic'], state: true, passReqToCallback: false },
        (accessToken, refreshToken, profile, done) => done(null, profile),
      );
      const run = Object.create(strategy);
      run.redirect = (url) => resolve({ url });
      run.success = (user) => resolve({ user });
      run.fail = (challenge) => reject(new Error(`fail ${JSON.stringify(challenge)}`));
      run.error = (e) => reject(new Error(`${e.message} ${JSON.stringify(e.oauthError ?? '')}`));
      run.pass = () => reject(new Error('pass'));
      run.authenticate({ query, session, headers: {}, url: '/cb', connection: {}, app: { get: () => false } }, {});
    });
  const { url } = await authenticate({});
  const back = await browse(url);
  const { user } = await authenticate(Object.fromEntries(back.searchParams));
  steps.push('token', 'profile');
  return { id: user.id, name: user.displayName };
}

async function simpleOauth2() {
  const { AuthorizationCode } = await import('simple-oauth2');
  const client = new AuthorizationCode({
    client: { id: key, secret, idParamName: 'client_key', secretParamName: 'client_secret' },
    auth: {
      tokenHost: 'https://open.tiktokapis.com', tokenPath: '/v2/oauth/token/', revokePath: '/v2/oauth/revoke/',
      authorizeHost: 'https://www.tiktok.com', authorizePath: '/v2/auth/authorize/',
    },
    options: { authorizationMethod: 'body', scopeSeparator: ',' },
  });
  const state = randomBytes(16).toString('hex');
  const back = await browse(client.authorizeURL({ redirect_uri: `${site}/cb`, scope: ['user.info.basic'], state }));
  if (back.searchParams.get('state') !== state) throw new Error('the state came back changed');
  const token = await client.getToken({ code: back.searchParams.get('code'), redirect_uri: `${site}/cb` });
  if (!token.token.access_token) throw new Error(`token: ${JSON.stringify(token.token)}`);
  steps.push('token');
  const r = await fetch('https://open.tiktokapis.com/v2/user/info/?fields=open_id,display_name', {
    headers: { authorization: `Bearer ${token.token.access_token}` },
  });
  const profile = (await r.json()).data.user;
  steps.push('profile');
  const fresh = await token.refresh();
  if (!fresh.token.access_token) throw new Error(`refresh: ${JSON.stringify(fresh.token)}`);
  steps.push('refresh');
  await fresh.revoke('access_token');
  steps.push('revoke');
  return { id: profile.open_id, name: profile.display_name };
}

const all = { 'arctic': arctic, '@auth/core': authCore, 'better-auth': betterAuth, 'passport-tiktok-auth': passport, 'simple-oauth2': simpleOauth2 };
try {
  const profile = await all[process.argv[2]]();
  console.log(JSON.stringify({ steps, profile }));
} catch (e) {
  console.log(JSON.stringify({ steps, error: `${e?.name}: ${e?.message} ${e?.code ?? ''} ${e?.description ?? ''} ${JSON.stringify(e?.data?.payload ?? '')}`.slice(0, 600) }));
}
process.exit(0);
