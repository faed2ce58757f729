/**
 * For tests of the command: whole command lines in this process, with real inference, on a small model in a folder of
 * their own. No user's cache is read or written. Not part of the product.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, vi } from 'vitest';
import { startCompute, type Runtime, type RuntimeOptions } from '../../analysis/index.js';
import { testComputeOptions, writeChain } from '../../analysis/testing/index.js';
import { folderForTests } from '../../testing/index.js';
import { runCommand } from '../run.js';

/** On a chain of six layers, all of which FP16 bears. */
export const PLAN = `model "m.onnx"
input "x" = normal(0, 1) { count: 3, seed: 5 }
objective layers
tolerance "y" relative_l2 <= 0.5
default: fp16
`;

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

export interface Circumstances extends RuntimeOptions {
  readonly signal?: AbortSignal;
  /** What stands between the command and its compute process. */
  readonly pretending?: (runtime: Runtime) => Runtime;
  /** Told of all that is written to standard error so far. */
  readonly watch?: (error: string) => void;
}

/** A folder that each test of the file finds with `m.onnx` and `p.precision`, and nothing kept of earlier tests. */
export function commandFolder() {
  const folder = join(folderForTests(), 'work');
  let compute: RuntimeOptions;
  beforeAll(async () => {
    compute = await testComputeOptions();
  });
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    writeChain(join(folder, 'm.onnx'), 3);
    writePlan(PLAN);
    const caches = join(folder, 'caches');
    for (const name of ['HOME', 'XDG_CACHE_HOME', 'LOCALAPPDATA']) vi.stubEnv(name, caches);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  /** Writes the plan and gives its path. */
  const writePlan = (text: string): string => {
    const path = join(folder, 'p.precision');
    writeFileSync(path, text);
    return path;
  };

  /** Runs a command line, in which names of files that begin with `m.`, `p.`, `out.` or `caches` lie in the folder. */
  const run = async (line: string, circumstances: Circumstances = {}): Promise<Ran> => {
    const { signal = new AbortController().signal, watch, pretending, ...options } = circumstances;
    const written = { out: '', error: '' };
    const words = line
      .split(' ')
      .map((word) => (/^[mp]\.|^out\.|^caches/.test(word) ? join(folder, word) : word));
    const status = await runCommand(
      words,
      {
        out: { write: (text: string) => (written.out += text) },
        error: {
          write: (text: string) => {
            written.error += text;
            watch?.(written.error);
          },
        },
      },
      signal,
      () => {
        const runtime = startCompute({ ...compute, ...options });
        return pretending?.(runtime) ?? runtime;
      },
    );
    return { status, ...written };
  };

  /** The document of `line` with `--json`. */
  const runJson = async <T>(line: string, circumstances: Circumstances = {}): Promise<T> =>
    JSON.parse((await run(`${line} --json`, circumstances)).out) as T;

  return { path: folder, writePlan, run, runJson };
}

/** Lines of standard error that are no progress. */
export function problems(error: string): string[] {
  return error.split('\n').filter((line) => line !== '' && !/^[\w ,]+: \d+\/\d+$/.test(line));
}
