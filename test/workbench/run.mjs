/**
 * The tests in a real VS Code workbench, on the newest and the oldest VS Code that the extension supports. Installs what
 * is missing. `node test/workbench/run.mjs [--json FILE] [VERSION...]`; the counts go to FILE. Ends with 1 when anything
 * fails or cannot run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundleSuite } from './bundle.mjs';
import { installChromium } from './chromium.mjs';
import { hosts, installHost } from './host.mjs';
import { runSuite } from './run-suite.mjs';

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });

async function runOn(host) {
  try {
    const browserPath = await installChromium();
    const paths = await installHost(host);
    return await runSuite(paths, { name: `vscode-${host.vscode}`, browserPath });
  } catch (error) {
    return { passed: 0, failed: 1, problem: error.message };
  }
}

await bundleSuite();
const chosen = hosts.filter(({ version, vscode }) => {
  return positionals.length === 0 || positionals.includes(version) || positionals.includes(vscode);
});
let passed = 0;
let failed = chosen.length === 0 ? 1 : 0;
for (const host of chosen) {
  console.log(`VS Code ${host.vscode}`);
  const result = await runOn(host);
  passed += result.passed;
  failed += result.failed;
  if (result.problem !== undefined) console.error(`VS Code ${host.vscode}: ${result.problem}`);
}
console.log(`workbench: ${passed} passed, ${failed} failed`);
if (values.json !== undefined) {
  mkdirSync(path.dirname(values.json), { recursive: true });
  writeFileSync(values.json, JSON.stringify({ passed, failed }));
}
process.exit(failed === 0 ? 0 : 1);
