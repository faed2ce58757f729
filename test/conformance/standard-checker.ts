/** The ONNX standard's own checker, run on models where the Python package `onnx` is installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Reads `[[before, after], ...]` and says which `after` is refused although `before` is not: `[[place, reason], ...]`. */
const PROGRAM = `
import json, sys
import onnx

def refusal(path):
    try:
        onnx.checker.check_model(path, full_check=True)
    except Exception as error:
        return str(error) or type(error).__name__

refused = []
for at, (before, after) in enumerate(json.load(sys.stdin)):
    reason = refusal(after)
    if reason is not None and refusal(before) is None:
        refused.append([at, reason])
print(json.dumps(refused))
`;

export interface Converted {
  readonly name: string;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** A Python that has the package, and its version; undefined where there is none. */
export function findChecker(): { readonly python: string; readonly version: string } | undefined {
  // The first of the path may be one of somebody's environments, which lacks what the system's has.
  for (const python of ['python3', '/usr/bin/python3', 'python']) {
    const { status, stdout } = spawnSync(python, ['-c', 'import onnx; print(onnx.__version__)'], {
      encoding: 'utf8',
    });
    if (status === 0) return { python, version: stdout.trim() };
  }
  return undefined;
}

/** The models that the checker refuses although it accepts what they were made of, each with its reason. */
export function refusedByChecker(python: string, models: readonly Converted[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-'));
  try {
    const paths = models.map(({ before, after }, at) => {
      const pair = [join(folder, `${at}-before.onnx`), join(folder, `${at}-after.onnx`)] as const;
      writeFileSync(pair[0], before);
      writeFileSync(pair[1], after);
      return pair;
    });
    const input = JSON.stringify(paths);
    const { status, stdout, stderr } = spawnSync(python, ['-c', PROGRAM], {
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`The checker did not run: ${stderr}`);
    const refused = JSON.parse(stdout) as readonly (readonly [number, string])[];
    return refused.map(([at, reason]) => `${models[at]?.name ?? at}: ${reason}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
