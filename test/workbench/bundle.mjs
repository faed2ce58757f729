/** Bundles the suite's TypeScript to dist/workbench: the runner as suite.js, and one file for each file of tests. */
import { build } from 'esbuild';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { bundleOptions } from '../../scripts/build.mjs';
import { root } from '../../scripts/setup.mjs';

export async function bundleSuite() {
  const folder = 'test/workbench/suite';
  const outdir = 'dist/workbench';
  // The runner takes every file of tests that it finds, so none of an earlier build may stay.
  rmSync(path.join(root, outdir), { recursive: true, force: true });
  const tests = readdirSync(path.join(root, folder)).filter((file) => file.endsWith('.test.ts'));
  await build({
    ...bundleOptions,
    external: [...bundleOptions.external, 'mocha'],
    entryPoints: ['suite.ts', ...tests].map((file) => `${folder}/${file}`),
    outdir,
  });
}
