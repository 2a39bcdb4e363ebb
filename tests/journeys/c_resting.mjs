// The router rests in a burst (decision 0009) and is killed there: what it left waiting is routed after the restart without
// any new webhook, each row once. On PostgreSQL the statement that reads what waits uses its index in order, whatever
// the planner believes about a backlog that came faster than its statistics.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { check, equal, run, test, until } from '../support/runner.mjs';
import { BUSINESS_KEY, databases, root, startDaemon, startStack } from '../support/stack.mjs';
import { sql } from '../support/actors.mjs';

const build = process.env.MZ_BUILD ?? path.join(root, 'build', 'dev');
const load = path.join(build, 'tests', 'bench', 'load');
const number = (stack, text) => Number(sql(stack, text));
const WAITING = 'SELECT count(*) FROM webhook_inbox WHERE state = 0';

// The texts of the room's own statements, by name.
function statement(name) {
  const source = readFileSync(path.join(root, 'src', 'webhook', 'webhook_db.c'), 'utf8');
  const at = source.indexOf(`"${name}"`);
  check(at > 0, `no statement ${name}`);
  const [, literals] = /^"[^"]*",\s*((?:"[^"]*"\s*)+)\}/.exec(source.slice(at)) ?? [];
  check(literals, `the text of ${name} was not found`);
  return [...literals.matchAll(/"([^"]*)"/g)].map((m) => m[1]).join('');
}

function explain(stack, analyzed) {
  if (analyzed) sql(stack, 'ANALYZE webhook_inbox');
  const lines = sql(stack, `BEGIN; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE waiting (text, bigint) AS ${statement('webhook.waiting')};
    ${statement('webhook.in_order')}; EXPLAIN EXECUTE waiting ('accounts', 256); ROLLBACK`);
  check(lines.includes('Index Scan using webhook_inbox_waiting'), `the drain does not use its index: ${lines}`);
  check(!/Sort|Seq Scan|Bitmap/.test(lines), `the drain sorts or scans: ${lines}`);
}

for (const db of databases) {
  test(`webhooks.${db}.killed_while_the_router_rests`, async () => {
    const stack = await startStack({ db, settings: { 'http.intake_per_second': '0', 'http.max_per_address': '1024' } });
    // The load generator's shop belongs to this workspace.
    sql(stack, "UPDATE accounts SET open_id = '-000MzBizOpenIdBench_aB3dE5fG7hJ9kL1m' WHERE role = 'business'");
    const args = ['--port', stack.port, '--secret-file', path.join(stack.dir, 'business.secret'), '--client-key', BUSINESS_KEY,
      '--connections', 64, '--seconds', 20, '--seed', db];
    const burst = promisify(execFile)(load, args.map(String), { encoding: 'utf8', timeout: 60000 }).catch((e) => e);
    const backlog = await until(() => {
      const n = number(stack, WAITING);
      return n >= 700 && n;
    }, 19000, 'a backlog: the router rests');
    if (db === 'postgres') explain(stack, false);
    await stack.daemon.kill();
    burst.child?.kill();
    const left = number(stack, WAITING);
    check(left >= 500, `only ${left} rows waited at the kill (${backlog} before)`);
    if (db === 'postgres') explain(stack, true);
    const stored = number(stack, 'SELECT count(*) FROM webhook_inbox');
    stack.daemon = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config });
    await until(() => number(stack, WAITING) === 0, 90000, `the end of a backlog of ${left}`);
    equal(number(stack, 'SELECT count(*) FROM webhook_inbox WHERE state = 1'), stored, 'rows that were routed');
    // Each routed row is a message or a job that will make it; one statement sees both.
    const effects = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM jobs WHERE kind = 'messaging.inbound')";
    equal(number(stack, effects), stored, 'messages and jobs that will make them');
    equal(number(stack, 'SELECT count(*) - count(DISTINCT external_id) FROM messages'), 0, 'doubled messages');
    if (db === 'postgres') explain(stack, false);
    await burst;
    await stack.daemon.stop();
    console.log(`# ${db}: killed with ${left} of ${stored} rows waiting; all routed after the restart`);
  }, { deadline_ms: 180000 });
}

await run();
