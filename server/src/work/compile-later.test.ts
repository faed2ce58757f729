// How often a function runs before V8 optimizes it, in a process of its own.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { expect, it } from 'vitest';

const { code } = transformSync(readFileSync(join(import.meta.dirname, 'compile-later.ts'), 'utf8'), {
  loader: 'ts',
  format: 'cjs',
});
/** The bit of `%GetOptimizationStatus` that says that it runs code of the optimizing compiler. */
const OPTIMIZED = 1 << 6;
const MOST_CALLS = 1_000_000;

/** The calls of a small function until V8 has optimized it, found out every ten calls. */
function callsUntilOptimized(before: string): number {
  const script = `${code}
    ${before}
    const add = (a, b) => { let sum = 0; for (let i = 0; i < 10; i++) sum += a * i + b; return sum; };
    let calls = 0;
    while (calls < ${MOST_CALLS} && (%GetOptimizationStatus(add) & ${OPTIMIZED}) === 0)
      for (let i = 0; i < 10; i++, calls++) add(calls, i);
    console.log(calls);`;
  // Compiled on the spot: on a thread of its own, its end would be a matter of chance.
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation', '--no-use-osr'];
  return Number(execFileSync(process.execPath, [...flags, '-e', script], { encoding: 'utf8' }));
}

it('lets a function run several times as often before it is compiled once more', () => {
  const usual = callsUntilOptimized('');
  expect(usual).toBeLessThan(MOST_CALLS);
  expect(callsUntilOptimized('compileLater();') / usual).toBeGreaterThan(4);
});
