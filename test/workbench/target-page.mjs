/** The status item of targets in the page, as a person uses it: what it shows, and what choosing from its list does to the plan. */
import assert from 'node:assert/strict';
import { lineOf, plain } from './plan-page.mjs';

/** Looking at all targets starts a process of its own. */
const limitMilliseconds = 60_000;

/** One that ONNX Runtime for Node has on Windows alone; these tests run elsewhere. */
const missing = 'dml';

/**
 * Chooses a target that this machine lacks, for a plan in view that names none, and then one that it has.
 *
 * @param {import('playwright-core').Page} page
 */
export async function checkTargetItem(page) {
  const item = page.locator('.statusbar-item[id$="onnxPrecision.target"]');
  await shows(item, /cpu/);
  await choose(page, item, missing);
  await lineOf(page, `target ${missing}`).waitFor({ timeout: limitMilliseconds });
  await shows(item, new RegExp(missing));
  await page.locator('.statusbar-item.warning-kind[id$="onnxPrecision.target"]').waitFor({
    timeout: limitMilliseconds,
  });
  const said = await item.locator('[aria-label]').first().getAttribute('aria-label');
  assert.match(said ?? '', /has no dml provider/);
  await choose(page, item, 'cpu');
  await lineOf(page, 'target cpu').waitFor({ timeout: limitMilliseconds });
  await shows(item, /cpu/);
  assert.equal(await lineOf(page, `target ${missing}`).count(), 0);
}

async function choose(page, item, target) {
  await item.click();
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: new RegExp(`^\\s*${target}`) });
  await row.first().click({ timeout: limitMilliseconds });
}

/** Waits for the text of an item. */
async function shows(item, wanted) {
  const deadline = Date.now() + limitMilliseconds;
  let text = '';
  while (Date.now() < deadline) {
    text = plain((await item.allInnerTexts()).join(' '));
    if (wanted.test(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the status item of targets does not show ${wanted}; it was: ${text}`);
}
