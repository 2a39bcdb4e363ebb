// The served OpenAPI document, judged twice. problems(doc): by the rules of OpenAPI 3.1 that a structure can break: known
// members only, every $ref leads somewhere, path parameters are those of the path, operation ids are unique, schemas are
// JSON Schema 2020-12 of known words. answerProblems(doc, ...): a real answer against what is published for its route;
// stricter than JSON Schema, for a member that the schema does not name is a failure too.
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const WORDS = ['type', 'enum', 'description', 'properties', 'required', 'additionalProperties', 'items', 'minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'pattern', 'format', 'default', '$ref', 'anyOf'];
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
    if (typeof s.additionalProperties === 'object') schema(`${where}{}`, s.additionalProperties);
    s.anyOf?.forEach((one, i) => schema(`${where}/${i}`, one));
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
    for (const [name, h] of Object.entries(r.headers ?? {})) if (!h.$ref && !h.schema) say(where, `header ${name} without a schema`);
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


const FORMATS = {
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/,
  uri: /^https?:\/\/[^\s]+$/,
};
const typeOf = (v) => (v === null ? 'null' : Array.isArray(v) ? 'array' : Number.isInteger(v) ? 'integer' : typeof v);
const shown = (v) => JSON.stringify(v)?.slice(0, 60);

function against(doc, schema, value, where, bad) {
  if (schema.$ref) return against(doc, schema.$ref.slice(2).split('/').reduce((at, k) => at[k], doc), value, where, bad);
  if (schema.anyOf) {
    const tries = schema.anyOf.map((one) => against(doc, one, value, where, []));
    if (!tries.some((t) => t.length === 0)) bad.push(...(value === null ? [`${where} is null`] : tries[0]));
    return bad;
  }
  const type = typeOf(value);
  if (schema.type && ![schema.type].flat().includes(type)) {
    bad.push(`${where} is ${type} ${shown(value)}, published is ${schema.type}`);
    return bad;
  }
  if (schema.enum && !schema.enum.includes(value)) bad.push(`${where} is ${shown(value)}, none of ${schema.enum}`);
  if (schema.format && type === 'string' && !FORMATS[schema.format].test(value)) bad.push(`${where} is ${shown(value)}, no ${schema.format}`);
  if (type === 'array' && schema.items) value.forEach((v, i) => against(doc, schema.items, v, `${where}[${i}]`, bad));
  if (type === 'object' && (schema.properties || schema.additionalProperties)) {
    for (const name of schema.required ?? []) if (!(name in value)) bad.push(`${where}.${name} is missing`);
    for (const [name, v] of Object.entries(value)) {
      const known = schema.properties?.[name] ?? schema.additionalProperties;
      if (known) against(doc, known, v, `${where}.${name}`, bad);
      else bad.push(`${where}.${name} is not published`);
    }
  }
  return bad;
}

// route: "GET /v1/things/{id}"; r: {status, headers, text, json}. What differs from what is published, as sentences.
export function answerProblems(doc, route, r) {
  const [method, at] = route.split(' ');
  const responses = doc.paths[at]?.[method.toLowerCase()]?.responses;
  if (!responses) return [`${route} is not described`];
  let response = responses[String(r.status)] ?? responses[`${String(r.status)[0]}XX`];
  if (!response) return [`${route}: ${r.status} is not described`];
  if (response.$ref) response = doc.components.responses.Problem;
  const [media, content] = Object.entries(response.content ?? {})[0] ?? [];
  if (!media) return r.text === '' ? [] : [`${route}: ${r.status} should be empty, is ${r.text.slice(0, 60)}`];
  const got = String(r.headers['content-type']).split(';')[0];
  if (r.status >= 400 && got === 'text/html') return []; // a page, where a person asks
  if (media !== got && media !== 'application/octet-stream') return [`${route}: ${r.status} is ${got}, published is ${media}`];
  if (!content.schema) return [];
  return against(doc, content.schema, r.json, `${route}: ${r.status} body`, []);
}
