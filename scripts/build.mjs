/**
 * Bundles each program of the product into one file under dist/. Types are not checked here (`npm run types`).
 * `node scripts/build.mjs [NAME...]` builds the named programs only.
 */
import { build } from 'esbuild';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const programs = {
  extension: 'client/src/extension.ts',
  server: 'server/src/main.ts',
  cli: 'server/src/cli/main.ts',
  'runtime-process': 'server/src/runtime/process.ts',
  demo: 'server/src/cli/demo-main.ts',
};

/** What every bundle of ours has in common; benchmarks and workbench suites are bundled the same way. */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  // VS Code provides the first; the second has native parts that cannot be bundled.
  external: ['vscode', 'onnxruntime-node'],
  logLevel: 'warning',
};

/** The command starts the server from the server's own bundle: what it is made of is not to be loaded by anything else. */
const serverApart = {
  name: 'server-apart',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\.\/stdio\.js$/ }, () => ({ path: './server.js', external: true }));
  },
};

/** @param {readonly string[]} names */
async function buildPrograms(names) {
  const unknown = names.filter((name) => !(name in programs));
  if (unknown.length > 0) {
    throw new Error(`Unknown program ${unknown.join(', ')}; there are ${Object.keys(programs).join(', ')}.`);
  }
  const entryPoints = Object.fromEntries(names.map((name) => [name, programs[name]]));
  await build({ ...bundleOptions, entryPoints, outdir: 'dist', plugins: [serverApart] });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  try {
    await buildPrograms(names.length > 0 ? names : Object.keys(programs));
  } catch (error) {
    // esbuild has shown its own messages already.
    if (!('errors' in error)) console.error(error.message);
    process.exitCode = 1;
  }
}
