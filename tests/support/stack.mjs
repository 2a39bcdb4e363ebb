// The stack for journeys: everything of tools/stack.mjs, ended when the test file ends. Binaries are plain, ports free,
// folders private. `databases` are both, for `for (const db of databases) test(...)`.
import * as tools from '../../tools/stack.mjs';
import { finallyDo, tempDir } from './runner.mjs';

export { root, LOGIN_KEY, BUSINESS_KEY, ADS_KEY, Program, secretFile, writeConfig, daemonConfig, daemonCommand } from '../../tools/stack.mjs';
export const databases = ['sqlite', 'postgres'];

// startStack({ db: 'sqlite' | 'postgres', settings, demo, seed, env }): see tools/stack.mjs.
export async function startStack(o = {}) {
  const stack = await tools.startStack({ dir: tempDir('mz-stack'), ...o });
  finallyDo(() => stack.stop());
  return stack;
}

export async function startSim(o = {}) {
  const sim = await tools.startSim({ dir: tempDir('mz-sim'), ...o });
  finallyDo(() => sim.stop());
  return sim;
}

export async function startDaemon(o) {
  const daemon = await tools.startDaemon(o);
  finallyDo(() => daemon.stop());
  return daemon;
}

// A private PostgreSQL for a test that wires things itself.
export function startPostgres(dir = tempDir('mz-pg')) {
  const url = tools.startPostgres(dir);
  finallyDo(() => tools.stopPostgres(dir));
  return url;
}
