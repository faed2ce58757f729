/**
 * `npm run pictures`: takes the pictures of README.md from a real VS Code with the sample, after its inference has
 * ended, and writes them to docs/pictures. Owns what is on them; a picture whose content does not come is an error.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { currentTarget, installedFolderName, writeExtension } from '../../scripts/extension-files.mjs';
import { root, setUp } from '../../scripts/setup.mjs';
import { hosts, installHost } from '../../scripts/workbench/host.mjs';
import { startVscodeServer } from '../../scripts/workbench/vscode-server.mjs';
import { benchmarkReport } from './benchmark-page.mjs';
import { keepScreenshot, openBrowser } from './browser.mjs';
import { lineOf, untilMeasured } from './plan-page.mjs';
import { copyWorkspace } from './workspace.mjs';

const folder = path.join(root, 'docs/pictures');
const plan = 'pose_landmark_lite.precision';
const sizeLimit = 200_000;

/** The plan fills the picture. */
const settings = {
  'breadcrumbs.enabled': false,
  'editor.cursorBlinking': 'solid',
  'editor.folding': false,
  'editor.fontFamily': 'DejaVu Sans Mono',
  'editor.fontSize': 13,
  'editor.hover.above': false,
  'editor.lineHeight': 20,
  'editor.minimap.enabled': false,
  'editor.overviewRulerBorder': false,
  'editor.renderLineHighlight': 'none',
  'editor.scrollBeyondLastLine': false,
  'window.commandCenter': false,
  'window.menuBarVisibility': 'hidden',
  'workbench.activityBar.location': 'hidden',
  'workbench.colorTheme': 'Default Light Modern',
  'workbench.editor.editorActionsLocation': 'hidden',
  'workbench.layoutControl.enabled': false,
  'workbench.navigationControl.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

/** The uppermost `height` pixels of the page. */
async function take(page, name, height) {
  const file = path.join(folder, `${name}.png`);
  const { width } = page.viewportSize();
  await page.screenshot({
    path: file,
    clip: { x: 0, y: 0, width, height },
    caret: 'initial',
    animations: 'disabled',
  });
  const { size } = statSync(file);
  if (size > sizeLimit) throw new Error(`${file} has ${size} bytes; ${sizeLimit} are allowed`);
  console.log(`${path.relative(root, file)}: ${(size / 1000).toFixed(0)} kB`);
}

/** The plan as it ships, measured. */
async function takePlan(page) {
  await untilMeasured(page);
  await take(page, 'plan', 460);
}

/** What is known of a layer, where its name stands. */
async function takeHover(page) {
  await lineOf(page, 'layer ').getByText('convld_3d/Conv').hover();
  await page.locator('.monaco-hover:visible').first().waitFor();
  await take(page, 'hover', 700);
  await page.mouse.move(0, 0);
}

/** What can be done with a statement. */
async function takeActions(page) {
  await lineOf(page, 'between ').click({ position: { x: 20, y: 10 } });
  await page.keyboard.press('Control+.');
  await page.locator('.action-widget .monaco-list-row').first().waitFor();
  await take(page, 'actions', 510);
}

/** The same plan after the first flip that the menu offers: other numbers, and the tolerances that they exceed. */
async function takeProblems(page) {
  await page.locator('.action-widget .monaco-list-row', { hasText: 'fp16' }).first().click();
  await untilMeasured(page);
  await page.keyboard.press('Control+Shift+M');
  await page.locator('.markers-panel .monaco-list-row').first().waitFor();
  await take(page, 'problems', 900);
}

/** What a benchmark found, beside the plan as it was before the flip. */
async function takeBenchmark(page) {
  await page.keyboard.press('Control+Shift+M');
  await lineOf(page, 'between ').click({ position: { x: 20, y: 10 } });
  await page.keyboard.press('Control+z');
  await untilMeasured(page);
  await benchmarkReport(page, 50);
  // The report fills the picture.
  await page.locator('.tab', { hasText: 'Benchmark ' }).dblclick();
  await page.keyboard.press('Escape');
  await take(page, 'benchmark', 640);
}

await setUp();
const host = await installHost(hosts[0]);
const scratch = mkdtempSync(path.join(tmpdir(), 'pictures-'));
let server;
let browser;
try {
  mkdirSync(folder, { recursive: true });
  const extensionsFolder = path.join(scratch, 'extensions');
  writeExtension(path.join(extensionsFolder, installedFolderName()), currentTarget());
  const workspace = copyWorkspace(scratch);
  server = await startVscodeServer(host, {
    settings,
    extensionsFolder,
    // Nothing remembered from other plans.
    environment: { XDG_CACHE_HOME: path.join(scratch, 'cache') },
  });
  browser = await openBrowser({ width: 1200, height: 900 });
  const { page } = browser;
  await page.goto(server.address(workspace, { file: plan }));
  await page.locator('.view-line').first().waitFor();
  await page.keyboard.press('Control+B');
  await takePlan(page);
  await takeHover(page);
  await takeActions(page);
  await takeProblems(page);
  await takeBenchmark(page);
} catch (error) {
  console.error(error.message);
  if (browser !== undefined) await keepScreenshot(browser.page, 'pictures');
  process.exitCode = 1;
} finally {
  await browser?.close();
  await server?.stop();
  rmSync(scratch, { recursive: true, force: true });
}
