/**
 * Runs the suite (suite/, bundled to dist/workbench) inside the extension host of one VS Code, in the way that
 * `@vscode/test-electron` runs it on a desktop, and gives back what its result file says.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { format } from 'node:util';
import { root } from '../../scripts/setup.mjs';
import { startVscodeServer } from '../../scripts/workbench/vscode-server.mjs';
import { keepScreenshot, openBrowser } from './browser.mjs';
import { copyWorkspace } from './workspace.mjs';

/** From the page's first request to the end of the last test; beyond it the run counts as hung. */
const limitSeconds = 300;

/** What VS Code itself logs in this setting, whatever the extension does. */
const noise =
  /Service Worker|open-vsx|authentication provider 'github'|Creating a socket|connection token|reconnection-grace|AccountPolicyGate|AgentHost|builtin extensions cache|^Creation of workbench contribution/;

/**
 * @param {{ node: string, serverMain: string, builtins: string }} host
 * @param {{ name: string }} options
 * @returns {Promise<{ passed: number, failed: number, problem: string | undefined }>}
 */
export async function runSuite(host, { name }) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'workbench-run-'));
  const resultFile = path.join(scratch, 'result.json');
  const workspace = copyWorkspace(scratch);
  let server;
  let browser;
  try {
    server = await startVscodeServer(host, {
      // Results of an earlier run would be found again, and nothing measured.
      environment: { WORKBENCH_RESULT: resultFile, XDG_CACHE_HOME: path.join(scratch, 'cache') },
      // A test says when a file is written.
      settings: { 'files.autoSave': 'off' },
      takesTests: true,
    });
    browser = await openBrowser();
    const { page } = browser;
    const { code, lost } = await openAndWait(page, server.address, workspace);
    const result = readResult(resultFile);
    const problem = problemOf(code, result, lost);
    if (problem !== undefined) await keepScreenshot(page, name);
    return {
      passed: result?.passes ?? 0,
      failed: Math.max(result?.failures ?? 0, problem === undefined ? 0 : 1),
      problem,
    };
  } finally {
    await browser?.close();
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Resolves with the code that the workbench gives at the end of the suite, or a word for how it never came. */
async function openAndWait(page, address, workspace) {
  let lost = '';
  const ended = new Promise((resolve, reject) => {
    page.on('crash', () => resolve('the page crashed'));
    setTimeout(() => resolve(`no end after ${limitSeconds} s`), limitSeconds * 1000).unref();
    const listen = async () => {
      await page.exposeFunction('codeAutomationLog', (_type, args) => {
        const line = format(...args);
        if (/ExtensionHost\].*(received socket close event|permanent error)/.test(line)) lost = line;
        if (!noise.test(line)) console.log(line);
      });
      await page.exposeFunction('codeAutomationExit', (code) => resolve(code));
      await page.goto(
        address(workspace, {
          payload: [
            ['extensionDevelopmentPath', root],
            ['extensionTestsPath', path.join(root, 'dist/workbench/suite.js')],
          ],
        }),
      );
    };
    listen().catch(reject);
  });
  return { code: await ended, lost };
}

function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The code alone proves nothing: it is 0 as well when the extension host dies in the middle of the suite. */
function problemOf(code, result, lost) {
  if (typeof code === 'string') return code;
  if (result === undefined)
    return `the suite wrote no result (code ${code}); ${lost || 'the extension host died?'}`;
  if (result.failures > 0) return `${result.failures} failed`;
  if (result.pending > 0) return `${result.pending} skipped`;
  if (result.passes === 0) return 'no test ran';
  return code === 0 ? undefined : `all tests passed, yet the workbench gave ${code}`;
}
