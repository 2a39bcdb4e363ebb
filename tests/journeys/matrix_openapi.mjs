// The served OpenAPI document by the rules of OpenAPI 3.1 that a structure can break: known members only, every $ref leads
// somewhere, path parameters are those of the path, operation ids are unique, schemas are JSON Schema 2020-12 of known words.
import { check, equal, run, test } from '../support/runner.mjs';
import { startStack } from '../support/stack.mjs';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const WORDS = ['type', 'enum', 'description', 'properties', 'required', 'additionalProperties', 'items', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern', 'format', 'default', '$ref'];
const TYPES = ['string', 'integer', 'number', 'boolean', 'object', 'array', 'null'];

export function problems(doc) {
  const bad = [];
  const say = (where, what) => bad.push(`${where}: ${what}`);
  const only = (where, o, names) => Object.keys(o).filter((k) => !names.includes(k) && !k.startsWith('x-')).forEach((k) => say(where, `unknown member ${k}`));
  const schema = (where, s) => {
    only(where, s, WORDS);
    if (s.type !== undefined && ![s.type].flat().every((t) => TYPES.includes(t))) say(where, `type ${s.type}`);
    if (s.enum && (!Array.isArray(s.enum) || new Set(s.enum).size !== s.enum.length || s.enum.length === 0)) say(where, 'enum');
    for (const name of s.required ?? []) if (!s.properties?.[name]) say(where, `requires ${name}, which it has not`);
    for (const [a, b] of [['minimum', 'maximum'], ['minLength', 'maxLength']]) if (s[a] > s[b]) say(where, `${a} over ${b}`);
    for (const [name, p] of Object.entries(s.properties ?? {})) schema(`${where}.${name}`, p);
    if (s.items) schema(`${where}[]`, s.items);
  };
  const content = (where, c) => Object.entries(c ?? {}).forEach(([type, m]) => {
    if (!/^[\w*.+-]+\/[\w*.+-]+$/.test(type)) say(where, `media type ${type}`);
    only(where, m, ['schema', 'example', 'examples', 'encoding']);
    if (m.schema) schema(where, m.schema);
  });
  const parameter = (where, p) => {
    if (p.$ref) return;
    only(where, p, ['name', 'in', 'required', 'description', 'schema', 'deprecated', 'style', 'explode', 'example']);
    if (!['path', 'query', 'header', 'cookie'].includes(p.in)) say(where, `in ${p.in}`);
    if (p.in === 'path' && p.required !== true) say(where, 'a path parameter is required');
    if (!p.schema) say(where, 'no schema'); else schema(where, p.schema);
  };
  const response = (where, r) => {
    if (r.$ref) return;
    only(where, r, ['description', 'headers', 'content', 'links']);
    if (typeof r.description !== 'string') say(where, 'no description');
    content(where, r.content);
  };
  only('document', doc, ['openapi', 'info', 'servers', 'paths', 'components', 'security', 'tags', 'externalDocs', 'webhooks', 'jsonSchemaDialect']);
  if (!/^3\.1\.\d+$/.test(doc.openapi)) say('openapi', doc.openapi);
  if (!doc.info?.title || !doc.info?.version) say('info', 'title and version');
  const ids = new Set(), shapes = new Set();
  for (const [route, item] of Object.entries(doc.paths)) {
    if (!route.startsWith('/')) say(route, 'a path begins with /');
    const shape = route.replace(/\{[^}]+\}/g, '{}');
    if (shapes.has(shape)) say(route, 'equal to another path but for names');
    shapes.add(shape);
    only(route, item, [...METHODS, 'parameters', 'summary', 'description']);
    for (const method of METHODS.filter((m) => item[m])) {
      const op = item[method], where = `${method} ${route}`;
      only(where, op, ['operationId', 'summary', 'description', 'tags', 'parameters', 'requestBody', 'responses', 'security', 'deprecated']);
      if (!op.operationId || ids.has(op.operationId)) say(where, `operationId ${op.operationId}`);
      ids.add(op.operationId);
      op.parameters?.forEach((p) => parameter(where, p));
      const named = (op.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name).sort();
      const wanted = [...route.matchAll(/\{([^}]+)\}/g)].map((m) => m[1]).sort();
      if (JSON.stringify(named) !== JSON.stringify(wanted)) say(where, `path parameters ${named}, the path has ${wanted}`);
      const keys = (op.parameters ?? []).map((p) => p.$ref ?? `${p.in} ${p.name}`);
      if (new Set(keys).size !== keys.length) say(where, 'a parameter twice');
      if (op.requestBody) { only(where, op.requestBody, ['required', 'content', 'description']); content(where, op.requestBody.content); }
      if (Object.keys(op.responses ?? {}).length === 0) say(where, 'no response');
      for (const [status, r] of Object.entries(op.responses ?? {})) {
        if (!/^([1-5]\d\d|[1-5]XX|default)$/.test(status)) say(where, `status ${status}`);
        response(where, r);
      }
      for (const need of op.security ?? []) for (const scheme of Object.keys(need)) if (!doc.components.securitySchemes[scheme]) say(where, `scheme ${scheme}`);
    }
  }
  const walk = (o, where) => {
    if (o === null || typeof o !== 'object') return;
    if (typeof o.$ref === 'string') {
      const target = o.$ref.startsWith('#/') && o.$ref.slice(2).split('/').reduce((at, k) => at?.[k.replaceAll('~1', '/').replaceAll('~0', '~')], doc);
      if (!target) say(where, `$ref ${o.$ref} leads nowhere`);
    }
    for (const [k, v] of Object.entries(o)) walk(v, `${where}/${k}`);
  };
  walk(doc, '#');
  for (const [name, s] of Object.entries(doc.components?.schemas ?? {})) schema(name, s);
  for (const [name, r] of Object.entries(doc.components?.responses ?? {})) response(name, r);
  return bad;
}

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
  // The judge can fail.
  const broken = structuredClone(doc);
  broken.paths['/v1/contacts/{id}'].get.parameters = [];
  broken.paths['/v1/keys'].post.responses = {};
  broken.paths['/v1/contacts'].get.operationId = 'listKeys';
  broken.components.responses.Problem.content['application/problem+json'].schema.$ref = '#/components/schemas/Nothing';
  equal(problems(broken).length >= 4, true, problems(broken).join('; '));
});

await run();
