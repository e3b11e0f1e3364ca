// Takes pictures of every state of the page against the mock server, for looking at: node e2e/shots.mjs FOLDER
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, startServer } from './surroundings.mjs';

const folder = process.argv[2];
if (!folder) {
  console.error('usage: node e2e/shots.mjs FOLDER');
  process.exit(2);
}
await mkdir(folder, { recursive: true });
const mock = fileURLToPath(new URL('./mock-server.mjs', import.meta.url));
const browser = await launchBrowser();

async function shoot(
  name,
  { scenario = 'normal', theme = 'dark', size = [1440, 900], settle = 1500, act, rate = '140' },
) {
  const server = await startServer(process.execPath, [mock, '--scenario', scenario, '--rate', rate]);
  const context = await browser.newContext({
    viewport: { width: size[0], height: size[1] },
    colorScheme: theme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && console.log(name, message.text()));
  await page.goto(server.address);
  await page.waitForTimeout(settle);
  await act?.(page);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
  await server.stop();
  console.log(join(folder, `${name}.png`));
}

const openAlert = async (page) => {
  await page.locator('.alert-row').first().click();
  await page.locator('.reasons, .part').first().waitFor();
};
const only = process.argv.slice(3);
const wanted = {
  'dark-1440': { settle: 22_000 },
  'light-1440': { theme: 'light', settle: 12_000 },
  'dark-1100': { size: [1100, 800], settle: 8_000 },
  'light-1000': { theme: 'light', size: [1000, 800], settle: 4_000 },
  'dark-sheet': { settle: 4_000, act: openAlert },
  'light-sheet': { theme: 'light', settle: 4_000, act: openAlert },
  'dark-keys': { settle: 2_000, act: (page) => page.keyboard.press('?') },
  'dark-paused': {
    settle: 5_000,
    act: async (page) => {
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.locator('.decision-list').hover();
      await page.waitForTimeout(2000);
    },
  },
  'light-table': {
    theme: 'light',
    settle: 25_000,
    act: async (page) => {
      await page.getByRole('button', { name: 'Throughput by verdict as a table' }).click();
      await page.keyboard.press('Escape');
      await page.locator('h1').click();
      await page.keyboard.press(' ');
      await page.waitForTimeout(1000);
    },
  },
  'dark-empty': { scenario: 'empty' },
  'light-error': { scenario: 'error', theme: 'light' },
  'dark-loading': {
    settle: 0,
    act: async (page) => {
      await page.route('**/api/v1/statistics', () => undefined);
      await page.routeWebSocket('**/api/v1/ws', () => undefined);
      await page.reload();
      await page.waitForTimeout(1000);
    },
  },
  'dark-stale': { scenario: 'drop', settle: 18_000 },
};
for (const [name, how] of Object.entries(wanted)) {
  if (only.length === 0 || only.includes(name)) await shoot(name, how);
}
await browser.close();
