/** What a page of the workbench shows of a plan, as text. Knows the workbench's own elements and no numbers. */

/** From the first request to the numbers: a slow machine is not a failure, a product that never answers is one. */
const limitMilliseconds = 120_000;
/** How often the page is looked at. */
const pollMilliseconds = 100;

/** What the code lens at the top writes once the tolerances are measured. */
export const measuredVerdict = /\d tolerances (hold|exceeded)/;
/** What the lens says beside it while the figure is not the last word. */
const pending = /before the last change|waiting|not measured| · stop/;

/** The editor writes spaces that do not break. */
export const plain = (text) => text.replaceAll('\u00a0', ' ').trim();

/** Every code lens that is drawn, from the top, each in a line. */
async function lensesOf(page) {
  return plain((await page.locator('.codelens-decoration').allInnerTexts()).join('\n'));
}

/** Waits until the code lenses are as `accept` wants them. Throws an `Error` with what they were. */
async function untilLenses(page, what, accept) {
  const deadline = Date.now() + limitMilliseconds;
  let lenses = '';
  while (Date.now() < deadline) {
    lenses = await lensesOf(page);
    if (accept(lenses)) return;
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  throw new Error(`no code lenses with ${what}; they were:\n${lenses}`);
}

/**
 * Waits until the code lenses together match.
 *
 * @param {import('playwright-core').Page} page
 * @param {RegExp} wanted
 */
export async function untilLensesMatch(page, wanted) {
  await untilLenses(page, String(wanted), (lenses) => wanted.test(lenses));
}

/** Waits until the tolerances are measured for the plan as it is now, and nothing more comes. */
export async function untilMeasured(page) {
  let before = '';
  let since = Date.now();
  await untilLenses(page, 'settled figures', (lenses) => {
    if (lenses !== before) since = Date.now();
    before = lenses;
    const settled = measuredVerdict.test(lenses) && !pending.test(lenses);
    return settled && Date.now() - since > settledMilliseconds;
  });
}

/** Numbers arrive at most every tenth of a second. */
const settledMilliseconds = 2000;

/** The line of the editor that begins so. */
export function lineOf(page, beginning) {
  const spaces = beginning.replaceAll(' ', '[\\u00a0 ]');
  return page.locator('.view-line', { hasText: new RegExp(`^${spaces}`) }).first();
}
