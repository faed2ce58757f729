/**
 * Starts the tests inside the extension host, on a desktop as in a browser. Writes what came of them to the file that
 * WORKBENCH_RESULT names, since an exit code alone does not show an extension host that died.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

/** VS Code calls this, and takes a rejection for a failure. */
export async function run(): Promise<void> {
  const mocha = new Mocha({
    ui: 'tdd',
    timeout: 60_000,
    color: false,
    forbidOnly: true,
    forbidPending: true,
  });
  for (const file of readdirSync(__dirname).sort()) {
    if (file.endsWith('.test.js')) mocha.addFile(path.join(__dirname, file));
  }
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run((count) => {
      const resultFile = process.env['WORKBENCH_RESULT'];
      if (resultFile !== undefined) writeFileSync(resultFile, JSON.stringify(runner.stats));
      resolve(count);
    });
  });
  if (failures > 0) throw new Error(`${failures} failed`);
}
