/**
 * The tests in a real VS Code workbench: the suite on the newest and the oldest VS Code that the extension supports, then
 * the packages and `npm start` on the newest. Installs what is missing.
 * `node test/workbench/run.mjs [--json FILE] [NAME...]`: NAME is a version, or one of the checks below; the counts go to
 * FILE. Ends with 1 when anything fails or cannot run.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { hosts, installHost } from '../../scripts/workbench/host.mjs';
import { bundleSuite } from './bundle.mjs';
import { checkPackage, checkUniversalPackage } from './installed.mjs';
import { runSuite } from './run-suite.mjs';
import { checkStart } from './start.mjs';

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });

/** A run of the suite counts its own tests. */
const suites = hosts.map((host) => ({
  names: [host.version, host.vscode],
  title: `VS Code ${host.vscode}`,
  run: async () => {
    await bundleSuite();
    return runSuite(await installHost(host), { name: `vscode-${host.vscode}` });
  },
}));

/** A check holds or throws, and counts as one test. */
function check(name, title, action) {
  return {
    names: [name],
    title,
    run: async () => {
      await action(await installHost(hosts[0]));
      return { passed: 1, failed: 0, problem: undefined };
    },
  };
}

const runs = [
  ...suites,
  check('package', 'the package is installed and measures', checkPackage),
  check('universal', 'the package without ONNX Runtime says what it lacks', checkUniversalPackage),
  check('start', 'npm start shows the sample and leaves nothing behind', checkStart),
];

const chosen = runs.filter(({ names }) => {
  return positionals.length === 0 || names.some((name) => positionals.includes(name));
});
let passed = 0;
let failed = chosen.length === 0 ? 1 : 0;
for (const { title, run } of chosen) {
  console.log(title);
  const result = await run().catch((error) => ({ passed: 0, failed: 1, problem: error.message }));
  passed += result.passed;
  failed += result.failed;
  if (result.problem !== undefined) console.error(`${title}: ${result.problem}`);
}
console.log(`workbench: ${passed} passed, ${failed} failed`);
if (values.json !== undefined) {
  mkdirSync(path.dirname(values.json), { recursive: true });
  writeFileSync(values.json, JSON.stringify({ passed, failed }));
}
process.exit(failed === 0 ? 0 : 1);
