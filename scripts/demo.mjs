/** `npm run demo`: everything from a fresh clone to the demonstration, which is a program of its own (dist/demo.js). */
import path from 'node:path';
import { runCommand } from './command.mjs';
import { root, setUp } from './setup.mjs';

try {
  await setUp();
  const { status } = await runCommand(
    process.execPath,
    [path.join(root, 'dist/demo.js'), ...process.argv.slice(2)],
    {
      cwd: root,
    },
  );
  process.exitCode = status;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
