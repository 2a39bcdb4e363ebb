// Loaded with `node --import`: sends what is meant for TikTok to the simulator instead. Only host, port and scheme
// change; method, path, headers and body stay as the client made them. Any other host that is not loopback is refused,
// so a client that talks to a stranger fails instead of being believed. MZ_SIM_PORT names the simulator's port.
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';

const port = Number(process.env.MZ_SIM_PORT);
const tiktok = new Set(['www.tiktok.com', 'open.tiktokapis.com']);
const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

// The address to use for this one: the simulator's for TikTok's hosts, itself for loopback.
function turn(url) {
  if (tiktok.has(url.hostname)) {
    const to = new URL(url);
    to.protocol = 'http:';
    to.hostname = '127.0.0.1';
    to.port = String(port);
    return to;
  }
  if (loopback.has(url.hostname)) return url;
  throw new Error(`hook: ${url.hostname} is neither TikTok nor this machine`);
}

const plainFetch = globalThis.fetch;
globalThis.fetch = async function fetch(input, init) {
  if (input instanceof Request) return plainFetch(new Request(turn(new URL(input.url)), input), init);
  return plainFetch(turn(new URL(String(input))), init);
};

// http.request and https.request take (url), (options) or (url, options), each with a callback.
const plainRequest = http.request;
function redirected(scheme) {
  return function request(...args) {
    const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined;
    const given = args[0] instanceof URL || typeof args[0] === 'string' ? new URL(args.shift()) : null;
    const options = { ...args[0] };
    const host = given?.hostname ?? options.hostname ?? options.host ?? 'localhost';
    const to = turn(new URL(`${scheme}//${host}:${given?.port || options.port || (scheme === 'https:' ? 443 : 80)}/`));
    if (tiktok.has(host)) {
      delete options.agent; // an https agent cannot carry a plain connection
      delete options.host;
      options.defaultPort = undefined;
      options.headers ??= {};
    }
    options.protocol = 'http:';
    options.hostname = to.hostname;
    options.port = to.port;
    if (given) options.path ??= `${given.pathname}${given.search}`;
    return plainRequest(options, callback);
  };
}
function got(request) {
  return function get(...args) {
    const r = request(...args);
    r.end();
    return r;
  };
}
http.request = redirected('http:');
https.request = redirected('https:');
http.get = got(http.request);
https.get = got(https.request);
syncBuiltinESMExports();
