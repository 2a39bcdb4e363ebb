// The virtual clock that simulator and daemon share through MZ_CLOCK: both move together, on both databases, also the
// commands and a daemon that joins later; sockets and their deadlines do not notice. Test builds only.
import { readFileSync } from 'node:fs';
import { check, equal, run, test, until } from '../support/runner.mjs';
import { databases, daemonCommand, startDaemon, startSim, startStack } from '../support/stack.mjs';

const day = 86400000;
const dateOf = async (url) => Date.parse((await fetch(`${url}/livez`)).headers.get('date'));
const near = (a, b, what) => check(Math.abs(a - b) < 3000, `${what}: ${new Date(a).toISOString()}, want ${new Date(b).toISOString()}`);

for (const db of databases)
  test(`sim.clock.${db}: daemon and simulator share the virtual time`, async () => {
    const stack = await startStack({ db, clock: true });
    const { url } = stack.daemon;
    equal((await stack.sim.control('GET', 'clock')).shared, true, 'shared');
    near(await dateOf(url), Date.now(), 'at the start');
    await stack.clock.shift(400 * day);
    const want = Date.now() + 400 * day;
    near(await dateOf(url), want, 'the daemon');
    near(await stack.clock.now(), want, 'the simulator');
    equal(Number(readFileSync(stack.env.MZ_CLOCK).readBigInt64LE()), 400 * day, 'the file');
    // The database's clock moves with it: a node whose clocks differed would claim no job and not be ready.
    await until(async () => (await fetch(`${stack.privateUrl}/readyz`)).status === 200, 8000, 'readiness after a year');
    // And its schedules: what was due within the year runs at once.
    await until(() => stack.daemon.program.tail(200).split('\n').some((l) => l.includes('"webhook.retained"') && JSON.parse(l).ts > new Date(want - day).toISOString()), 15000, 'a scheduled job of the new time');
    await stack.daemon.stop();
    stack.daemon = await startDaemon({ dir: stack.dir, port: stack.port, config: stack.config, env: stack.env });
    near(await dateOf(url), want, 'a daemon that joins later');
    // Commands join with the same environment; without it they live in the real time.
    check(JSON.parse(daemonCommand(['demo', '--state', stack.daemon.state, '--config', stack.config, '--demo-url', url], { env: stack.env }).trim().split('\n').pop()).workspace_id, 'a command');
    await stack.clock.set(0);
    near(await dateOf(url), Date.now(), 'back');
  }, { deadline_ms: 90000 });

test('sim.clock.own: without MZ_CLOCK only the simulator moves', async () => {
  const sim = await startSim();
  equal(await sim.control('POST', 'clock', { shift_ms: day }).then((c) => [c.shared, c.offset_ms]), [false, day], 'own offset');
});

await run();
