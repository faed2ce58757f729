/** A runtime that really crashes while it opens a model, and one that refuses it. */
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeNode } from '../onnx/index.js';
import type { Runtime } from '../runtime/index.js';
import { openOptimized } from './open-session.js';
import { POSE_MODEL, startTestCompute, testFolder, WIDTH, writeModel } from './testing/index.js';

const folder = testFolder();
const started: Runtime[] = [];
let broken: string;

beforeAll(() => {
  broken = join(folder.path, 'broken.onnx');
  writeModel(broken, {
    nodes: [makeNode({ opType: 'NoSuchOperator', name: 'none', inputs: ['x'], outputs: ['y'] })],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, WIDTH] },
  });
  return folder.remove;
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((runtime) => runtime.dispose()));
});

/** A runtime whose process dies at each of the first `crashes` openings. */
async function crashing(crashes: number): Promise<Runtime> {
  let left = crashes;
  const environment: Record<string, string> = {};
  const arm = (): void => {
    environment['ONNX_PRECISION_TEST_CRASH'] = left > 0 ? 'open' : '';
  };
  arm();
  const log = (line: string): void => {
    if (!line.includes('ended')) return;
    left -= 1;
    arm();
  };
  const runtime = await startTestCompute({ environment, log, restartDelays: [0] });
  started.push(runtime);
  return runtime;
}

describe('a model file', () => {
  it('is opened at the highest level', async () => {
    const opened = await openOptimized(await crashing(0), POSE_MODEL, { threads: 1 });
    expect(opened).toMatchObject({ optimization: 'all', notes: [] });
    expect(opened.session.outputs).toEqual(['ld_3d', 'poseflag', 'world_3d']);
  });

  it.each([
    [1, 'layout', ['all']],
    [2, 'extended', ['all', 'layout']],
  ] as const)('is opened lower where the runtime crashes %d times', async (crashes, level, failed) => {
    const opened = await openOptimized(await crashing(crashes), POSE_MODEL, { threads: 1 });
    expect(opened.optimization).toBe(level);
    expect(opened.notes).toHaveLength(crashes);
    for (const [index, note] of opened.notes.entries()) {
      expect(note).toMatch(`ONNX Runtime crashed at optimisation level ${failed[index] ?? ''}: `);
    }
  });

  it('that no level opens is the last failure', async () => {
    const runtime = await crashing(0);
    await expect(openOptimized(runtime, broken, { threads: 1 })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('NoSuchOperator') as string,
    });
  });

  it('is not tried again when the caller gave up', async () => {
    const gone = AbortSignal.abort();
    const opening = openOptimized(await crashing(0), POSE_MODEL, { threads: 1 }, gone);
    await expect(opening).rejects.toMatchObject({ kind: 'cancelled' });
  });
});
