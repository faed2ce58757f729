/** A runtime that really crashes while it opens a model, and one that refuses it. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeNode } from '../onnx/index.js';
import { RuntimeFailure, type Runtime, type RuntimeFailureKind } from '../runtime/index.js';
import { folderForTests } from '../testing/index.js';
import { onSurvivingLevel, openOptimized, withOptimized } from './open-session.js';
import { POSE_MODEL, startTestCompute, WIDTH, writeModel } from './testing/index.js';

const folder = folderForTests();
const SETTINGS = { provider: 'cpu', threads: 1 } as const;
const started: Runtime[] = [];

const broken = join(folder, 'broken.onnx');
writeModel(broken, {
  nodes: [makeNode({ opType: 'NoSuchOperator', name: 'none', inputs: ['x'], outputs: ['y'] })],
  inputs: { x: [1, WIDTH] },
  outputs: { y: [1, WIDTH] },
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

  it.each([
    ['is blamed on the runtime where the original loads', POSE_MODEL, /fault is that of ONNX Runtime/],
    [
      'is blamed on nobody’s precision where the original does the same',
      'broken',
      /The original does the same/,
    ],
  ])('%s', async (_, original, blame) => {
    const runtime = await crashing(0);
    const path = original === 'broken' ? broken : original;
    const options = { threads: 1, original: path };
    await expect(openOptimized(runtime, broken, options)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(blame) as string,
    });
  });

  it('under which the process dies in a run is run again one level lower, with everything opened anew', async () => {
    const runtime = await crashing(0);
    const [levels, renewals]: [string[], number[]] = [[], []];
    const { result, notes } = await onSurvivingLevel(runtime, POSE_MODEL, { threads: 1 }, undefined, {
      run: async (level) => {
        levels.push(level);
        if (levels.length < 3) throw new RuntimeFailure('crashed', 'The compute process died during a run.');
        return (await runtime.open({ model: { path: POSE_MODEL }, ...SETTINGS, optimization: level }))
          .outputs;
      },
      renew: () => renewals.push(levels.length),
    });
    expect(levels).toEqual(['all', 'layout', 'extended']);
    expect(renewals).toEqual([1, 2]);
    expect(result).toContain('ld_3d');
    expect(notes[0]).toMatch(/did not survive a run at optimisation level all, the same was done at layout/);
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

describe('a model that loads and does not run', () => {
  /** Runs the pose model where the first `failures` runs end so; gives the level of the run that worked, and what was said. */
  async function ran(failures: number, kind: RuntimeFailureKind): Promise<readonly string[]> {
    let left = failures;
    return await withOptimized(await crashing(0), POSE_MODEL, { threads: 1 }, undefined, (opened) => {
      if (left-- > 0) return Promise.reject(new RuntimeFailure(kind, 'no kernel'));
      return Promise.resolve([opened.optimization, ...opened.notes]);
    });
  }

  it('is run one level lower', async () => {
    expect(await ran(0, 'failed')).toEqual(['all']);
    expect(await ran(2, 'failed')).toEqual([
      'extended',
      'ONNX Runtime failed in a run at optimisation level all: no kernel',
      'ONNX Runtime failed in a run at optimisation level layout: no kernel',
    ]);
  });

  it('at any level is the last failure, and what is no fault of a level is not tried again', async () => {
    await expect(ran(9, 'failed')).rejects.toMatchObject({ kind: 'failed' });
    await expect(ran(1, 'cancelled')).rejects.toMatchObject({ kind: 'cancelled' });
    await expect(ran(1, 'metric')).rejects.toMatchObject({ kind: 'metric' });
  });
});
