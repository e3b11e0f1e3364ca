// The browser test on the real thing: starts the binary's demo, opens the page, and checks what an analyst relies on.
//
//   SENTINEL_BINARY=path npm run e2e        against `sentinel demo`
//   npm run e2e -- --mock                   the same checks against the mock server
//
// SENTINEL_SCREENSHOTS names a folder for the pictures; CHROMIUM names another browser.
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import AxeBuilder from '@axe-core/playwright';
import { launchBrowser, startServer } from './surroundings.mjs';

const DECISIONS_MS_MAX = 10_000;
const ALERTS_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;

const results = [];

async function check(name, run) {
  const startedAt = performance.now();
  try {
    await run();
    results.push(true);
    console.log(`  ok    ${name} (${Math.round(performance.now() - startedAt)} ms)`);
    return true;
  } catch (error) {
    results.push(false);
    console.log(
      `  FAIL  ${name}\n        ${String(error?.message ?? error)
        .split('\n')
        .join('\n        ')}`,
    );
    return false;
  }
}

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

/** Collects what must stay empty: console errors, page errors, and requests that leave the page's own origin. */
function watch(context, page, origin) {
  const errors = [];
  const foreign = [];
  const own = (address) => new URL(address.replace(/^ws/, 'http')).origin === origin;
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  context.on('request', (request) => {
    const address = request.url();
    if (/^(https?|wss?):/.test(address) ? !own(address) : !/^(blob|about):/.test(address))
      foreign.push(address);
  });
  page.on('websocket', (socket) => own(socket.url()) || foreign.push(socket.url()));
  return { errors, foreign };
}

async function violations(page) {
  const found = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return found.violations.map(
    (violation) =>
      `${violation.id}: ${violation.help} [${violation.nodes
        .slice(0, 3)
        .map((n) => n.target.join(' '))
        .join(' | ')}]`,
  );
}

const figure = (page, name) =>
  page
    .locator(`[data-kpi="${name}"]`)
    .first()
    .textContent()
    .then((text) => Number(text.replace(/[^\d.]/g, '')));

async function checkLivePage(page, sinceStartMs) {
  const when = sinceStartMs === null ? 'of opening' : 'of start';
  await check(`decisions are in the feed within 10 s ${when}`, () =>
    page
      .locator('.decision-row')
      .first()
      .waitFor({ timeout: Math.max(1000, DECISIONS_MS_MAX - (sinceStartMs ?? 0)) }),
  );
  await check('the transaction count is above zero', async () => {
    await page.waitForFunction(
      () => Number(document.querySelector('[data-kpi="transactions"]')?.textContent?.replace(/\D/g, '')) > 0,
      undefined,
      { timeout: DECISIONS_MS_MAX },
    );
    assert((await figure(page, 'transactions')) > 0, 'the figure is zero');
  });
  await check('the indicator says Live', () =>
    page.locator('.live-indicator', { hasText: 'Live' }).waitFor({ timeout: DECISIONS_MS_MAX }),
  );
  await check('an alert appears within 30 s', () =>
    page.locator('.alert-row').first().waitFor({ timeout: ALERTS_MS_MAX }),
  );
}

async function checkSheet(page, folder, theme) {
  await check('a click on an alert opens its sheet with reasons', async () => {
    await page.locator('.alert-row').first().click();
    const sheet = page.getByRole('dialog');
    await sheet.locator('.reasons li').first().waitFor({ timeout: 10_000 });
    const said = (await sheet.locator('.reasons li').first().textContent())?.trim() ?? '';
    assert(/[+−]\d/.test(said), `the first reason shows no signed contribution: "${said}"`);
    assert((await sheet.getByText('dec_').count()) > 0, 'the decision id is missing');
  });
  await checkAxe(page, `alert sheet, ${theme}`);
  await page.screenshot({ path: join(folder, `sheet-${theme}.png`) });
  await check('Esc closes the sheet', async () => {
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached', timeout: 2000 });
  });
}

async function checkKeyboard(page) {
  await check('space pauses, and the lists stand still while rows wait in the pill', async () => {
    await page.locator('h1').click();
    await page.keyboard.press(' ');
    await page.locator('.live-indicator', { hasText: 'Paused' }).waitFor({ timeout: 2000 });
    const first = () => page.locator('.decision-row .row-open').first().getAttribute('data-decision');
    const before = await first();
    await page.locator('.decision-list .pill').waitFor({ timeout: 10_000 });
    assert((await first()) === before, 'the first row changed while paused');
    await page.keyboard.press(' ');
    await page.locator('.live-indicator', { hasText: 'Live' }).waitFor({ timeout: 2000 });
  });
  await check('j moves to an alert and Enter opens it', async () => {
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').locator('.part').first().waitFor({ timeout: 5000 });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached', timeout: 2000 });
    await page.keyboard.press('Escape');
  });
  await check('? shows the keys', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor({ timeout: 2000 });
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached', timeout: 2000 });
  });
}

function checkAxe(page, where) {
  return check(`no accessibility violations (${where})`, async () => {
    const found = await violations(page);
    assert(found.length === 0, found.join('\n'));
  });
}

async function run(server, folder) {
  const browser = await launchBrowser();
  try {
    for (const theme of ['dark', 'light']) {
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        colorScheme: theme,
      });
      const page = await context.newPage();
      const seen = watch(context, page, server.address);
      await page.goto(server.address, { waitUntil: 'domcontentloaded' });
      await checkLivePage(page, theme === 'dark' ? performance.now() - server.startedAtMs : null);
      await page.waitForTimeout(3000);
      await page.screenshot({ path: join(folder, `live-${theme}.png`) });
      await checkAxe(page, `live page, ${theme}`);
      await checkSheet(page, folder, theme);
      if (theme === 'dark') await checkKeyboard(page);
      await page.setViewportSize({ width: 1100, height: 800 });
      await page.waitForTimeout(500);
      await page.screenshot({ path: join(folder, `live-${theme}-1100.png`) });
      await check(`no console errors (${theme})`, () =>
        assert(seen.errors.length === 0, seen.errors.join('\n')),
      );
      await check(`no request leaves the page's origin (${theme})`, () =>
        assert(seen.foreign.length === 0, seen.foreign.join('\n')),
      );
      await context.close();
    }
  } finally {
    await browser.close();
  }
}

const mock = process.argv.includes('--mock');
const binary = process.env.SENTINEL_BINARY;
if (!mock && !binary) {
  console.error(
    'SENTINEL_BINARY is not set: give the path of the sentinel binary, or --mock for the mock server',
  );
  process.exit(2);
}
const folder = process.env.SENTINEL_SCREENSHOTS ?? (await mkdtemp(join(tmpdir(), 'sentinel-e2e-')));
await mkdir(folder, { recursive: true });

let server;
try {
  server = mock
    ? await startServer(process.execPath, [fileURLToPath(new URL('./mock-server.mjs', import.meta.url))])
    : await startServer(binary, ['demo', '--listen', '127.0.0.1:0']);
  console.log(`server at ${server.address}`);
  await run(server, folder);
} catch (error) {
  results.push(false);
  console.log(`  FAIL  ${error?.stack ?? error}`);
}
if (server) {
  await check('the server stops cleanly within 5 s of SIGINT', async () => {
    const end = await server.stop();
    assert(!end.late, `still running after ${STOP_MS_MAX / 1000} s, killed\n${server.log()}`);
    assert(end.code === 0, `ended with ${end.signal ?? `exit code ${end.code}`}\n${server.log()}`);
  });
}
console.log(`screenshots in ${folder}`);
const failed = results.filter((passed) => !passed).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
