// A real browser for journeys: Debian's Chromium driven by playwright-core (a development dependency of ui/). Background
// networking is off; every page reports console errors, uncaught errors and violations of the content security policy
// into `faults`, and a journey ends with noFaults().
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../../tools/stack.mjs';
import { check, finallyDo, tempDir } from './runner.mjs';

const fromUi = createRequire(path.join(root, 'ui', 'package.json'));
export const chromiumPath = process.env.MZ_CHROMIUM ?? '/usr/bin/chromium';
export const shotDir = process.env.MZ_SHOTS ? path.resolve(process.env.MZ_SHOTS) : tempDir('mz-shots');
mkdirSync(shotDir, { recursive: true });

const quiet = [
  '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-default-apps', '--disable-sync',
  '--disable-domain-reliability', '--disable-client-side-phishing-detection', '--no-first-run', '--no-default-browser-check',
  '--metrics-recording-only', '--disable-features=Translate,OptimizationHints,MediaRouter,AutofillServerCommunication',
];

export const faults = [];
// A refused request is logged by the browser itself as an error; a journey that expects one names it here.
const expected = [
  { status: 401, url: /\/v1\/session$/ }, // how the console learns that nobody is signed in
  { status: 404, url: /\/favicon\.ico$/ }, // browsers ask for it on pages that name no icon
];
export function expectRefusal(status, url) {
  expected.push({ status, url });
}

// The service is away on purpose: what the browser says about that is no fault.
let outage = false;
export function setOutage(on) {
  outage = on;
}

let browser;
export async function launch() {
  check(existsSync(chromiumPath), `${chromiumPath} does not exist`);
  browser ??= await fromUi('playwright-core').chromium.launch({ executablePath: chromiumPath, args: quiet });
  finallyDo(() => browser.close());
  return browser;
}

function watch(page) {
  const where = () => new URL(page.url(), 'http://none').pathname;
  page.on('pageerror', (e) => faults.push(`${where()}: ${e.message}`));
  page.on('console', (m) => {
    if (m.type() !== 'error' && m.type() !== 'warning') return;
    const url = m.location().url ?? '';
    const status = Number(/status of (\d+)/.exec(m.text())?.[1] ?? 0);
    if (status && expected.some((e) => e.status === status && e.url.test(url.split('?')[0]))) return;
    if (outage && /net::ERR_/.test(m.text())) return;
    faults.push(`${where()}: ${m.text()} ${url}`);
  });
}

// A browser of its own: cookies, storage. { width, height, language, dark, state, free } - `free` lifts the content
// security policy, for axe alone.
export async function person({ width = 1440, height = 900, locale = 'en-GB', dark = false, state, free = false } = {}) {
  const context = await (await launch()).newContext({
    viewport: { width, height }, locale, colorScheme: dark ? 'dark' : 'light', storageState: state, bypassCSP: free,
    timezoneId: 'Asia/Bangkok', reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(10000);
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`content security policy: ${e.violatedDirective} ${e.blockedURI}`));
  });
  context.on('page', watch);
  return context;
}

export async function shot(page, name) {
  await page.screenshot({ path: path.join(shotDir, `${name}.png`) });
}

export function noFaults() {
  const found = faults.splice(0);
  check(found.length === 0, `the browser complained: ${found.slice(0, 5).join(' | ')}`);
}

const axeSource = readFileSync(fromUi.resolve('axe-core/axe.min.js'), 'utf8');
// Accessibility by axe-core: WCAG 2.2 A and AA and best practices. Returns a line per violation.
export async function violations(page) {
  if (!(await page.evaluate('typeof window.axe === "object"'))) await page.evaluate(axeSource);
  const { violations: found } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] } }));
  return found.map((v) => `${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? n.all[0]?.message ?? ''}`).join(' ; ')}`);
}
