// The served OpenAPI document is well formed, describes an answer for every route, and what public routes really answer is what
// it says. The answers of all other routes are checked where they are all asked: s_matrix.
import { check, equal, match, run, test } from '../support/runner.mjs';
import { startStack } from '../support/stack.mjs';
import { call } from '../support/actors.mjs';
import { answerProblems, problems } from '../support/openapi.mjs';

// Routes that answer nothing but a status.
const EMPTY = ['POST /webhooks/tiktok/{app}', 'DELETE /v1/login/links/{id}', 'DELETE /v1/login/return-urls/{id}'];

test('matrix.openapi', async (t) => {
  const stack = await startStack({});
  t.cleanup(() => stack.stop());
  const r = await fetch(`${stack.daemon.url}/openapi.json`);
  equal([r.status, r.headers.get('content-type').split(';')[0]], [200, 'application/json']);
  const doc = await r.json();
  equal(problems(doc), []);
  check(Object.keys(doc.paths).length > 50, 'all routes are there');
  const posts = Object.entries(doc.paths).filter(([, item]) => item.post?.['x-permission']);
  check(posts.length > 8 && posts.every(([, item]) => item.post.parameters.some((p) => p.$ref === '#/components/parameters/IdempotencyKey')),
    `every POST of the API names Idempotency-Key: ${posts.filter(([, i]) => !i.post.parameters.some((p) => p.$ref)).map(([p]) => p)}`);
  const dumb = Object.entries(doc.paths).flatMap(([at, item]) => Object.entries(item).filter(([, o]) => !o.responses['2XX']?.content).map(([m]) => `${m.toUpperCase()} ${at}`));
  equal(dumb.sort(), [...EMPTY].sort(), 'routes that publish an empty answer');
  // The judge can fail.
  const broken = structuredClone(doc);
  broken.paths['/v1/contacts/{id}'].get.parameters = [];
  broken.paths['/v1/keys'].post.responses = {};
  broken.paths['/v1/contacts'].get.operationId = 'listKeys';
  broken.components.responses.Problem.content['application/problem+json'].schema.$ref = '#/components/schemas/Nothing';
  equal(problems(broken).length >= 4, true, problems(broken).join('; '));
});

test('matrix.openapi.public_answers', async (t) => {
  const print = Array(32).fill('AB').join(':');
  const settings = { 'login.ios_app_ids': 'ABCDE12345.th.mozflow.app', 'login.android_package': 'th.mozflow.app', 'login.android_sha256': print };
  const stack = await startStack({ settings });
  t.cleanup(() => stack.stop());
  const { url } = stack.daemon;
  const doc = (await call(url, 'GET', '/openapi.json')).json;
  const asked = [
    ['GET /livez'], ['GET /errors'], ['GET /errors/{code}', '/errors/input.invalid'], ['GET /static/pages.css'], ['GET /openapi.json'],
    ['GET /'], ['GET /console', '/console/'], ['GET /embed/login-qr.js'], ['GET /.well-known/apple-app-site-association'], ['GET /.well-known/assetlinks.json'],
    ['GET /embed/login-button.js', `/embed/login-button.js?workspace=${stack.seed.workspace_public_key}`],
    ['POST /v1/session', '/v1/session', { email: 'nobody@example.invalid', password: 'wrong' }, 401],
    ['POST /v1/session', '/v1/session', { email: 'x' }, 400],
    ['GET /console/assets/{name}', '/console/assets/none.js', undefined, 404],
  ];
  for (const [route, at = route.split(' ')[1], json, status = 0] of asked) {
    const r = await call(url, route.split(' ')[0], at, { json });
    check(status ? r.status === status : r.status < 400, `${route} answered ${r.status}`);
    equal(answerProblems(doc, route, r), [], route);
  }
  // The judge can fail.
  const bad = { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' };
  const key = { id: 'key_1', name: 'n', scopes: [], created_by: 'mem_1', created_at: '2026-11-22T20:00:00.000Z', expires_at: null, revoked_at: null, used_at: null };
  const list = (row) => answerProblems(doc, 'GET /v1/keys', { ...bad, json: { items: [row], next_cursor: null } }).join('; ');
  equal(list(key), '');
  match(list({ ...key, more: 1 }), /items\[0\]\.more is not published/);
  match(list({ ...key, id: undefined, name: 3 }), /name is integer/);
  match(list({ ...key, created_at: 'yesterday' }), /no date-time/);
  match(list({ ...key, created_at: null }), /created_at is null/);
  const { id, ...rest } = key;
  match(list(rest), /id is missing/);
});

await run();
