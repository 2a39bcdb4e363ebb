// Connected accounts as people and operators meet them: the list of all three kinds with health and deadlines, the
// timeline in words, refresh and probe on request, what would stop, the end of one, several and all, and the same by command.
import { check, equal, match, run, test, until } from '../support/runner.mjs';
import { daemonCommand, databases, startStack } from '../support/stack.mjs';
import { byKey, enter, sql, workspaceCreate } from '../support/actors.mjs';
import { Browser, fields } from '../support/signin.mjs';
import { connect, makePeople, unlimited } from '../support/grants.mjs';

// The owner's way from a link to the end, TikTok answering without its page.
async function connectBusiness(stack, owner, kind, person) {
  const { url } = await owner.must(201, 'POST', '/v1/connections', { kind, market: 'th' });
  const browser = new Browser();
  const page = await browser.get(url);
  equal(page.status, 200, page.text.slice(0, 300));
  const action = /<form[^>]*action="([^"]+)"/i.exec(page.text)[1].replaceAll('&amp;', '&');
  const out = await browser.post(new URL(action, url).href, { market: 'th', ...fields(page.text) });
  const asked = await fetch(out.location, { redirect: 'manual', headers: { cookie: `sim_person=${person}` } });
  return browser.get(asked.headers.get('location'));
}

const items = async (who, query = '') => (await who.must(200, 'GET', `/v1/accounts?limit=100${query}`)).items;
const cli = (stack, ...words) => daemonCommand(['accounts', ...words, '--state', `${stack.dir}/daemon`]);
const refusedCli = (stack, ...words) => {
  try {
    const out = cli(stack, ...words);
    throw new Error(`not refused: ${out}`);
  } catch (e) {
    if (e.stderr === undefined) throw e;
    return String(e.stderr);
  }
};
const story = async (who, id) => (await who.must(200, 'GET', `/v1/accounts/${id}/timeline?limit=200`)).items;

for (const db of databases) {
  test(`accounts.three_kinds.${db}`, async () => {
    const stack = await startStack({ db, settings: { ...unlimited, 'budget.business_qps': '100000' } });
    const owner = byKey(stack, 'owner', stack.seed.api_key);
    const beta = await enter(stack, 'beta', workspaceCreate(stack, 'Beta', 'owner@beta.invalid').console_url);
    await stack.sim.switches({ auto_consent: 'allow', rate_limits: 'off' });
    const people = await makePeople(stack.sim, 3, 'acc');
    for (const p of people) await connect(stack, p);
    for (const kind of ['business', 'advertiser']) {
      const end = await connectBusiness(stack, owner, kind, 'shopowner');
      equal(end.status, 303, end.text.slice(0, 300));
    }
    const all = await items(owner);
    const of = (kind) => all.filter((a) => a.kind === kind && a.scopes.length > 0);
    equal([of('login').length, of('business').length, of('advertiser').length], [3, 1, 1]);
    equal((await items(owner, '&kind=business')).every((a) => a.kind === 'business'), true);
    const shop = of('business')[0], ads = of('advertiser')[0], person = of('login')[0];
    check(shop.refresh_expires_at && shop.next_refresh_at && shop.access_expires_at, JSON.stringify(shop));
    equal([ads.access_expires_at, ads.refresh_expires_at], [null, null], 'an advertiser does not expire');
    check(ads.advertisers.length > 0 && ads.next_refresh_at, JSON.stringify(ads));
    for (const a of [shop, ads, person]) {
      check(['good', 'warning'].includes(a.health.verdict) && /[\u0e00-\u0e7f]/.test(a.health.th), JSON.stringify(a.health));
      check((await story(owner, a.id)).some((e) => e.what === 'granted' && /[\u0e00-\u0e7f]/.test(e.th)), a.kind);
    }

    // Refresh and probe on request; the foreign workspace sees nothing.
    for (const a of [shop, person]) {
      const before = a.access_expires_at;
      const r = await owner.must(200, 'POST', `/v1/accounts/${a.id}/refresh`);
      check(r.access_expires_at >= before && r.state === 'connected', JSON.stringify(r));
      equal((await story(owner, a.id))[0].what, 'refreshed');
    }
    await owner.must(200, 'POST', `/v1/accounts/${ads.id}/refresh`);
    equal((await story(owner, ads.id))[0].what, 'probed');
    for (const [method, at] of [['GET', ''], ['GET', '/timeline'], ['POST', '/refresh'], ['POST', '/revoke']])
      equal((await beta.ask(method, `/v1/accounts/${shop.id}${at}`)).status, 404, `foreign ${method} ${at}`);
    equal((await connectBusiness(stack, beta, 'business', 'shopowner')).status >= 400, true, 'a business account has one workspace');

    // By command.
    match(cli(stack, 'list'), new RegExp(`${shop.id}.*business.*connected`));
    match(cli(stack, 'show', shop.id), /The tokens were renewed/);
    match(cli(stack, 'refresh', ads.id), /refreshed/);
    match(cli(stack, 'preview', '--workspace', stack.seed.workspace_id, '--kind', 'login'), new RegExp(`${person.id}.*\\n    stops: `));

    // What would stop, then several, then all of a kind.
    const preview = await owner.must(200, 'POST', '/v1/accounts/revocations/preview', { accounts: [shop.id, ads.id, 'acc_00000000000000000000000000'] });
    equal(preview.items.map((i) => i.id).sort(), [ads.id, shop.id].sort());
    check(preview.items.every((i) => i.stops.length > 0 && i.stops.every((s) => s.en && s.th)), JSON.stringify(preview));
    equal(preview.refused.map((r) => r.code), ['accounts.missing']);
    equal((await owner.ask('POST', '/v1/accounts/revocations/preview', {})).status, 422);
    // A filter that is not understood ends nothing: each body is refused, the member named.
    const slips = [
      [{ all: {} }, 'all.kind'], [{ all: { knd: 'login' } }, 'all.knd'], [{ all: { kind: 7 } }, 'all.kind'], [{ all: { kind: null } }, 'all.kind'],
      [{ all: { kind: 'moon' } }, 'all.kind'], [{ all: { kind: '' } }, 'all.kind'], [{ all: { kind: 'any', app: 7 } }, 'all.app'],
      [{ all: { kind: 'any', app: '' } }, 'all.app'], [{ all: { kind: 'any', app: 'nope' } }, 'all.app'], [{ all: { kind: 'login', open: 'x' } }, 'all.open'],
      [{ all: 'login' }, 'all'], [{ al: { kind: 'login' } }, 'al'], [{ accounts: [person.id, 'x'] }, 'accounts[1]'], [{ accounts: [7] }, 'accounts[0]'],
    ];
    for (const at of ['/v1/accounts/revocations/preview', '/v1/accounts/revocations'])
      for (const [body, field] of slips) {
        const said = await owner.ask('POST', at, body);
        equal([said.status, said.json.code, said.json.errors?.[0]?.field], [400, 'input.invalid', field], `${at} ${JSON.stringify(body)}`);
      }
    for (const body of [{ all: null }, { accounts: [shop.id], all: { kind: 'any' } }])
      equal((await owner.ask('POST', '/v1/accounts/revocations', body)).status, 422, JSON.stringify(body));
    for (const words of [['--kind', 'moon'], [], ['--kind', 'any', '--app', 'nope']])
      match(refusedCli(stack, 'revoke-all', '--workspace', stack.seed.workspace_id, ...words), /kind|App not found/);
    match(refusedCli(stack, 'preview', '--workspace', 'ws_x', '--kind', 'any'), /Workspace not found/);
    check((await items(owner)).every((a) => a.state === 'connected'), 'nothing was ended');
    const every = await owner.must(200, 'POST', '/v1/accounts/revocations/preview', { all: { kind: 'any' } });
    check([shop.id, ads.id, person.id].every((id) => every.items.some((i) => i.id === id)), JSON.stringify(every));
    equal((await beta.ask('POST', '/v1/accounts/revocations', { accounts: [shop.id] })).status, 404, 'a foreign id');
    equal((await items(owner)).find((a) => a.id === shop.id).state, 'connected', 'a preview changes nothing');
    await owner.must(202, 'POST', '/v1/accounts/revocations', { accounts: [shop.id, ads.id] });
    const stateOf = async (id) => (await owner.must(200, 'GET', `/v1/accounts/${id}`)).state;
    for (const id of [shop.id, ads.id]) await until(async () => (await stateOf(id)) === 'revoked', 15000, `the end of ${id}`);
    equal((await owner.ask('POST', `/v1/accounts/${shop.id}/refresh`)).json.code, 'accounts.revoked');
    await owner.must(202, 'POST', '/v1/accounts/revocations', { all: { kind: 'login' } });
    await until(async () => (await items(owner, '&kind=login')).every((a) => a.state === 'revoked'), 15000, 'the end of all');
    const told = (await story(owner, shop.id)).map((e) => e.what);
    for (const what of ['revoking', 'revoke_told', 'revoked']) check(told.includes(what), `${what} in ${told}`);
    equal(sql(stack, 'SELECT COUNT(*) FROM account_grants WHERE ended_ms > 0 AND (access_sealed IS NOT NULL OR refresh_sealed IS NOT NULL)').trim(), '0', 'ciphertext of ended grants');
    equal((await connectBusiness(stack, beta, 'business', 'shopowner')).status, 303, 'free for another workspace now');
  }, { deadline_ms: 240000 });
}

await run();
