// Standard Webhooks, the receiving side. A function without state: give it the headers and the raw bytes of the body.
//
// Signed is `${webhook-id}.${webhook-timestamp}.${body}` with HMAC-SHA-256; the key is what stands after "whsec_" in
// base64. The header webhook-signature may hold several signatures, because a secret that is being replaced still signs.
import { createHmac, timingSafeEqual } from 'node:crypto';

export const TOLERANCE_S = 300;

function keyOf(secret) {
  const text = secret.trim();
  if (!text.startsWith('whsec_')) throw new Error('a signing secret begins with whsec_');
  return Buffer.from(text.slice('whsec_'.length), 'base64');
}

function sameBytes(a, b) {
  return a.length === b.length && timingSafeEqual(a, b);
}

// Returns { id, timestamp } or throws an Error that says what is wrong. `secrets`: all that may sign at the moment.
// `body` is the Buffer as it came; a body that was parsed and written again has another signature.
export function verifyWebhook(headers, body, secrets, nowMs = Date.now()) {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const given = headers['webhook-signature'];
  if (!id || !timestamp || !given) throw new Error('webhook-id, webhook-timestamp or webhook-signature is missing');
  if (!/^\d{1,12}$/.test(timestamp)) throw new Error('webhook-timestamp is not a number of seconds');
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > TOLERANCE_S) throw new Error('webhook-timestamp is too far from now');

  const expected = secrets.map((secret) =>
    createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest(),
  );
  const signatures = given
    .split(' ')
    .filter((part) => part.startsWith('v1,'))
    .map((part) => Buffer.from(part.slice(3), 'base64'));
  // Every pair is compared, so that the time says nothing about which one fits.
  let good = false;
  for (const want of expected) for (const have of signatures) if (sameBytes(want, have)) good = true;
  if (!good) throw new Error('no signature fits');
  return { id, timestamp: Number(timestamp) };
}

// Remembers the last ids, because a delivery may come twice. A real receiver keeps them in its database, in the same
// transaction as the effect of the event.
export class SeenIds {
  #ids = new Set();
  #most;

  constructor(most = 10000) {
    this.#most = most;
  }

  has(id) {
    return this.#ids.has(id);
  }

  add(id) {
    this.#ids.add(id);
    if (this.#ids.size > this.#most) this.#ids.delete(this.#ids.values().next().value);
  }
}
