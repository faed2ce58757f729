/** A runtime that refuses a correct model or really crashes under it, when it opens it or in a run: what is done then, and whom it blames. */
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { RuntimeFailure, type OptimizationLevel, type Runtime } from '../../runtime/index.js';
import { putSample } from './evaluation.js';
import { originalFile, withOptimized, type OpenedSession } from './open-session.js';
import {
  computeForTests,
  failingWhere,
  randomSamples,
  startTestCompute,
  WIDTH,
  writeChain,
  writeModel,
  type SessionFault,
} from '../testing/index.js';

const { runtime, folder } = await computeForTests();
const started: Runtime[] = [];
const [ORIGINAL, MODEL, BROKEN] = ['m.onnx', 'low.onnx', 'broken.onnx'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
writeChain(ORIGINAL, 1);
writeChain(MODEL, 1);
writeModel(BROKEN, {
  nodes: [makeNode({ opType: 'NoSuchOperator', name: 'none', inputs: ['x'], outputs: ['y'] })],
  inputs: { x: [1, WIDTH] },
  outputs: { y: [1, WIDTH] },
});
const [SAMPLE] = randomSamples(1);

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.dispose()));
});

/** A runtime whose process dies at each of the first `crashes` requests of a kind. */
async function crashing(crashes: number, request: 'open' | 'run'): Promise<Runtime> {
  let left = crashes;
  const environment: Record<string, string> = {};
  const arm = (): void => {
    environment['ONNX_PRECISION_TEST_CRASH'] = left > 0 ? request : '';
  };
  arm();
  const log = (line: string): void => {
    if (!line.includes('ended')) return;
    left -= 1;
    arm();
  };
  const made = await startTestCompute({ environment, log, restartDelays: [0] });
  started.push(made);
  return made;
}

/** What is said of a model that was opened and run once on `on`, and how often all had to be opened anew. */
async function ranOn(
  on: Runtime,
  model = MODEL,
  original = ORIGINAL,
): Promise<
  Omit<OpenedSession, 'session'> & { readonly renewals: number; readonly outputs: readonly string[] }
> {
  if (SAMPLE === undefined) throw new Error('no sample');
  let renewals = 0;
  const renew = (): void => void (renewals += 1);
  const options = { threads: 1, renew, original: originalFile(on, original, [SAMPLE], undefined) };
  return await withOptimized(on, model, options, undefined, async ({ session, ...opened }) => {
    const outputs = await on.run(session, await putSample(on, SAMPLE, undefined));
    return { ...opened, renewals, outputs: Object.keys(outputs) };
  });
}

/** Levels of `MODEL` that fail so; of every model with `alsoTheOriginal`. */
function failing(
  fault: SessionFault,
  levels: readonly OptimizationLevel[] | 'all of them',
  { alsoTheOriginal = false, message = 'no kernel' } = {},
): Runtime {
  return failingWhere(
    runtime,
    ({ model, optimization }) => {
      const isMeant = alsoTheOriginal || ('path' in model && model.path === MODEL);
      return isMeant && (levels === 'all of them' || levels.includes(optimization)) ? fault : undefined;
    },
    message,
  );
}

const CASES = [
  { during: 'opening', kind: 'crashed', does: 'crashed when it opened the model' },
  { during: 'opening', kind: 'refused', does: 'refused the model' },
  { during: 'run', kind: 'crashed', does: 'crashed in a run' },
  { during: 'run', kind: 'failed', does: 'failed in a run' },
] as const;

describe('a correct model', () => {
  it('is run at the highest level', async () => {
    expect(await ranOn(runtime)).toEqual({ optimization: 'all', notes: [], renewals: 0, outputs: ['y'] });
  });

  it.each(CASES)(
    'that the runtime $kind ($during) at two levels is run at the third, and it is said that the fault is the runtime’s',
    async ({ during, kind, does }) => {
      const on =
        kind === 'crashed'
          ? await crashing(2, during === 'run' ? 'run' : 'open')
          : failing({ during, kind }, ['all', 'layout']);
      const { onnxRuntime } = await runtime.information();
      const { optimization, notes, renewals } = await ranOn(on);
      expect(optimization).toBe('extended');
      expect(renewals).toBe(kind === 'crashed' ? 2 : 0);
      expect(notes).toHaveLength(2);
      const name = `ONNX Runtime ${onnxRuntime} on cpu`;
      for (const [index, level] of ['all', 'layout'].entries()) {
        const note = notes[index] ?? '';
        expect(note.startsWith(`${name} ${does} at optimisation level ${level}: `)).toBe(true);
        expect(note).toContain('The model is valid, since it runs at level extended');
        expect(note).toContain(`the fault is that of ${name} at level ${level}, not of the model`);
        expect(note).toMatch(/set the session option graphOptimizationLevel to extended\.$/);
      }
    },
  );

  it.each(CASES)(
    'that the runtime $kind ($during) at every level is a failure of the runtime where the original runs',
    async ({ during, kind, does }) => {
      await expect(ranOn(failing({ during, kind }, 'all of them'))).rejects.toMatchObject({
        kind,
        message: expect.stringMatching(
          new RegExp(
            `${does} at optimisation level disabled.*The original runs there.*fault is that of ONNX Runtime`,
          ),
        ) as string,
      });
    },
  );

  it.each(CASES)(
    'that the runtime $kind ($during) as it does the original is not blamed for its precision',
    async ({ during, kind }) => {
      const on = failing({ during, kind }, 'all of them', { alsoTheOriginal: true });
      await expect(ranOn(on)).rejects.toThrow(/The original does the same, so precision has nothing to do/);
      await expect(ranOn(on, ORIGINAL)).rejects.toThrow(/It is the original as it stands, so precision/);
    },
  );

  it('is begun again where the process ended in somebody else’s call, and no level is blamed', async () => {
    let losses = 2;
    const losing: Runtime = {
      ...runtime,
      run: async (...call) => {
        if (losses-- <= 0) return await runtime.run(...call);
        throw new RuntimeFailure('stale', 'The compute process has ended.');
      },
    };
    expect(await ranOn(losing)).toMatchObject({ optimization: 'all', notes: [], renewals: 2 });
    losses = 99;
    await expect(ranOn(losing)).rejects.toMatchObject({ kind: 'stale' });
  });

  it('for which there is not enough memory is nobody’s fault', async () => {
    const fault = { during: 'run', kind: 'failed' } as const;
    const message = 'Failed to allocate memory for requested buffer';
    const { notes } = await ranOn(failing(fault, ['all'], { message }));
    expect(notes[0]).toMatch(/Failed to allocate memory.* It runs at level layout\.$/);
    expect(notes[0]).not.toMatch(/fault/);
    const everywhere = ranOn(failing(fault, 'all of them', { message }));
    await expect(everywhere).rejects.toMatchObject({ message });
  });
});

describe('a model that nothing runs', () => {
  it('is what the runtime says of it, and another precision would not help where it is the original', async () => {
    await expect(ranOn(runtime, BROKEN, BROKEN)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/NoSuchOperator.*original as it stands/) as string,
    });
  });

  it.each([
    ['opening', 'cancelled'],
    ['opening', 'unavailable'],
    ['run', 'cancelled'],
    ['run', 'metric'],
  ] as const)(
    'is not tried at another level for what no level is to blame for (%s: %s)',
    async (during, kind) => {
      await expect(ranOn(failing({ during, kind }, ['all']))).rejects.toMatchObject({
        kind,
        message: 'no kernel',
      });
    },
  );

  it('is not tried again when the caller gave up', async () => {
    const gone = withOptimized(runtime, MODEL, { threads: 1 }, AbortSignal.abort(), () => Promise.resolve());
    await expect(gone).rejects.toMatchObject({ kind: 'cancelled' });
  });

  it('is the end where a crash leaves nothing to begin again with', async () => {
    const on = failing({ during: 'run', kind: 'crashed' }, ['all']);
    const ran = withOptimized(on, MODEL, { threads: 1 }, undefined, ({ session }) => on.run(session, {}));
    await expect(ran).rejects.toMatchObject({ kind: 'crashed', message: 'no kernel' });
  });
});
