// Unit, conformance and end-to-end tests that need no editor. Stages with a real editor are in scripts/test.mjs.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['server/src/**/*.test.ts', 'client/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/workbench/**', 'node_modules/**'],
    setupFiles: ['test/fixed-seed.ts'],
    // Inference shares the machine with other tests: a slow machine is not a failure.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
