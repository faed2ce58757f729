/** A page of a headless browser that shows a workbench and reaches nothing but this machine. Knows no tests. */
import { chromium } from 'playwright-core';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { installChromium } from './chromium.mjs';

/** @param {{ width?: number, height?: number }} [viewport] */
export async function openBrowser({ width = 1280, height = 800 } = {}) {
  const browser = await chromium.launch({
    executablePath: await installChromium(),
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ],
  });
  const page = await browser.newPage({ viewport: { width, height } });
  // VS Code asks its gallery in spite of the settings; nothing leaves the machine.
  await page.route(
    (url) => /^https?:$/.test(url.protocol) && url.hostname !== '127.0.0.1',
    (route) => route.abort(),
  );
  return { page, close: () => browser.close() };
}

/** What a page showed when a test failed, in dist/screenshots. */
export async function keepScreenshot(page, name) {
  const folder = path.join(root, 'dist/screenshots');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.png`);
  try {
    await page.screenshot({ path: file, timeout: 10_000 });
    console.log(`Screenshot: ${file}`);
  } catch (error) {
    console.log(`No screenshot: ${error.message}`);
  }
}
