// The calls that Mozflow's server makes to mozflow-tiktok. The API key never reaches a browser.
import { randomUUID } from 'node:crypto';

// An answer that is not 2xx. `problem` is the RFC 9457 document: code, title, means, next, request_id.
export class ApiProblem extends Error {
  constructor(status, problem) {
    super(problem.title ?? `HTTP status ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

export function tiktokApi(base, apiKey) {
  async function call(method, path, body) {
    const headers = { authorization: `Bearer ${apiKey}`, accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    // A new key for each act. When an answer is lost, repeat the call with the same key: it is done once.
    if (method === 'POST') headers['idempotency-key'] = randomUUID();
    const answer = await fetch(new URL(path, base), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(10000),
    });
    const text = await answer.text();
    let data = null;
    try {
      data = text === '' ? null : JSON.parse(text);
    } catch {
      data = null;
    }
    if (!answer.ok) throw new ApiProblem(answer.status, data ?? {});
    return data;
  }

  return {
    // { enabled, public_key, button_script, return_urls: [{ id, url }], ... }
    loginConfig: () => call('GET', '/v1/login/config'),

    // purpose 'sign_in', or 'link' with mozflow_user_id. { attempt_id, start_url, expires_at }
    makeAttempt: (attempt) => call('POST', '/v1/login/attempts', attempt),

    // { result: 'known' | 'new', mozflow_user_id, identity, profile, scopes, consent }
    exchange: (proof) => call('POST', '/v1/login/exchange', proof),

    link: (identityId, userId) => call('POST', '/v1/login/links', { identity_id: identityId, mozflow_user_id: userId }),
    unlink: (identityId) => call('DELETE', `/v1/login/links/${encodeURIComponent(identityId)}`),

    // { url, expires_at }: a one-time link into the console for a user who is already signed in to Mozflow.
    consoleSession: (user) => call('POST', '/v1/console/sessions', user),
  };
}
