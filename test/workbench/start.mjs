/** `npm start`, as a person sees it: an address, a plan with its lenses and targets behind it, and nothing left after Ctrl-C. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { keepScreenshot, openBrowser } from './browser.mjs';
import { untilLensesMatch } from './plan-page.mjs';
import { checkTargetItem } from './target-page.mjs';

/** Whether what started does not end by itself once it is interrupted. */
const endLimitSeconds = 30;

/** Every process that stems from one, by its id. */
function descendantsOf(ancestor) {
  const lines = spawnSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).stdout.trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  const found = [ancestor];
  for (const one of found) found.push(...pairs.flatMap(([pid, parent]) => (parent === one ? [pid] : [])));
  return found;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with the address that is printed; rejects with all that was said when it ends before. */
function printedAddress(child) {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (data) => {
      output += String(data);
      const match = /http:\/\/127\.0\.0\.1:\S+/.exec(output);
      if (match !== null) resolve(match[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`ended with ${code}:\n${output}`)));
  });
}

export async function checkStart() {
  const scratch = mkdtempSync(path.join(tmpdir(), 'start-test-'));
  const sample = path.join(scratch, 'pose');
  const plan = path.join(sample, 'pose_landmark_lite.precision');
  // As an earlier start left it.
  const edited = 'model "pose_landmark_lite.onnx"\ndefault: fp32\n';
  mkdirSync(sample);
  writeFileSync(plan, edited);
  const args = [path.join(root, 'scripts/start.mjs'), '--no-open', '--sample', sample];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, XDG_CACHE_HOME: path.join(scratch, 'cache') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
  const ended = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), endLimitSeconds * 1000);
    const status = await exit;
    clearTimeout(timer);
    return status;
  };
  let browser;
  let started = [];
  try {
    const url = await printedAddress(child);
    browser = await openBrowser();
    const withoutToken = await fetch(new URL('/', url));
    assert.equal(withoutToken.status, 403, 'the address works without its token');
    try {
      await browser.page.goto(url);
      await untilLensesMatch(browser.page, /^0 of 133 layers in low precision/);
      assert.equal(readFileSync(plan, 'utf8'), edited, 'the plan of an earlier start was overwritten');
      await checkTargetItem(browser.page);
    } catch (error) {
      await keepScreenshot(browser.page, 'start');
      throw error;
    }
    started = descendantsOf(child.pid);
    // Itself, VS Code's server, its extension host, the language server.
    assert.ok(started.length >= 4, `only ${started.length} processes`);
    child.kill('SIGINT');
    assert.equal(await ended(), 130, 'the interrupt did not end it');
    assert.deepEqual(started.filter(isAlive), [], 'processes are left');
    await assert.rejects(fetch(url), 'the port is still open');
  } finally {
    await browser?.close();
    child.kill('SIGINT');
    await ended();
    for (const pid of started.filter(isAlive)) process.kill(pid, 'SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  }
}
