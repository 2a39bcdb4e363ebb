// ./dev bench jobs [--quick]: what a claim costs with 100,000 jobs waiting on one key against an empty queue, and jobs a
// second through the workers, on both databases (tests/bench/jobs_bench.c). The last line is "jobs key=value ...";
// exit 1 when a hot key makes claims more than twice as slow.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

const quick = process.argv.includes('--quick');
const program = path.join(process.env.MZ_BUILD ?? path.resolve('build', 'release'), 'src', 'jobs', 'jobs_bench');
const out = execFileSync(program, quick ? ['100000', '200', '5000'] : ['100000', '2000', '50000'], { encoding: 'utf8' });
process.stdout.write(out);
const figure = (name) => Number(new RegExp(` ${name}=([0-9.]+)`).exec(out)[1]);
if (!(figure('ratio') <= 2 && figure('pg_ratio') <= 2)) process.exitCode = 1;
