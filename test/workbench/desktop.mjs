/**
 * The same suite in a desktop VS Code, which is downloaded: `npm run test:desktop [VERSION]`. Electron's own Node is what
 * this shows and the workbench in a browser cannot.
 */
import { runTests } from '@vscode/test-electron';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../../scripts/setup.mjs';
import { bundleSuite } from './bundle.mjs';
import { copyWorkspace } from './workspace.mjs';

const scratch = mkdtempSync(path.join(tmpdir(), 'desktop-run-'));
try {
  await bundleSuite();
  await runTests({
    version: process.argv[2] ?? 'stable',
    extensionDevelopmentPath: root,
    extensionTestsPath: path.join(root, 'dist/workbench/suite.js'),
    // Results of an earlier run would be found again, and nothing measured.
    extensionTestsEnv: { XDG_CACHE_HOME: path.join(scratch, 'cache') },
    launchArgs: [copyWorkspace(scratch), '--disable-extensions', '--disable-workspace-trust'],
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
