/** The benchmark as a user runs it in the workbench: from the palette, with the number of runs asked for. Knows no numbers. */
import assert from 'node:assert/strict';

/** Models are converted, timed and emulated: a slow machine is not a failure. */
const limitMilliseconds = 120_000;

/** Runs a command of the palette on the plan in the editor. */
async function runCommand(page, title) {
  await page.locator('.view-line').first().click();
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget input').fill(`>${title}`);
  await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
}

/** Answers the box that asks how often each model is timed; `proposed` is what stands in it. */
async function benchmark(page, runs) {
  await runCommand(page, 'ONNX Precision: Benchmark');
  await page.locator('.quick-input-title', { hasText: 'Benchmark' }).waitFor();
  const box = page.locator('.quick-input-widget input');
  assert.equal(await box.inputValue(), '50');
  await box.fill('many');
  await page.locator('.quick-input-message', { hasText: 'A whole number' }).waitFor();
  await box.fill(String(runs));
  await page.keyboard.press('Enter');
}

/** Stops a benchmark that would take minutes by its button: it leaves no report. */
export async function checkCancelled(page) {
  await benchmark(page, 9999);
  const toast = page.locator('.notification-toast', { hasText: 'Benchmarking' });
  await toast.getByText('Cancel', { exact: true }).click({ timeout: limitMilliseconds });
  await toast.waitFor({ state: 'detached', timeout: limitMilliseconds });
  assert.equal(await page.locator('.tab', { hasText: 'Benchmark ' }).count(), 0);
}

/** Benchmarks the plan and gives the frame that shows the report: its table and its chart. */
export async function benchmarkReport(page, runs) {
  await benchmark(page, runs);
  await page.locator('.tab', { hasText: 'Benchmark ' }).waitFor({ timeout: limitMilliseconds });
  const deadline = Date.now() + limitMilliseconds;
  while (Date.now() < deadline) {
    for (const frame of page.frames()) {
      if (
        (await frame
          .locator('.whisker')
          .count()
          .catch(() => 0)) > 0
      )
        return frame;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  throw new Error('no report with a chart came');
}

/** How often the page is looked at. */
const pollMilliseconds = 100;

/** A benchmark that is stopped, then one that is not. */
export async function checkBenchmark(page) {
  await checkCancelled(page);
  const report = await benchmarkReport(page, 3);
  const text = await report.locator('body').innerText();
  for (const wanted of [/FP16 (pays|does not pay) on this machine/, /3 runs each, in turns/, /all FP16/]) {
    assert.match(text, wanted);
  }
}
