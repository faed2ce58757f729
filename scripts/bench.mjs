/**
 * `npm run bench -- NAME [ARGUMENT...]`: bundles test/bench/NAME.ts and runs it. Without a name it lists what there is.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from './command.mjs';
import { root, setUp } from './setup.mjs';

const folder = path.join(root, 'test/bench');
const [name, ...args] = process.argv.slice(2);
const names = existsSync(folder)
  ? readdirSync(folder).flatMap((file) => (/^[\w-]+\.ts$/.test(file) ? [file.slice(0, -'.ts'.length)] : []))
  : [];

if (name === undefined || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME, where NAME is one of: ${names.join(', ') || '(none yet)'}`);
  process.exit(2);
}

try {
  await setUp();
  const { build } = await import('esbuild');
  const { bundleOptions } = await import('./build.mjs');
  await build({ ...bundleOptions, entryPoints: [`test/bench/${name}.ts`], outdir: 'dist/bench' });
  const { status } = await runCommand(process.execPath, [path.join(root, `dist/bench/${name}.js`), ...args], {
    cwd: root,
  });
  process.exitCode = status;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
