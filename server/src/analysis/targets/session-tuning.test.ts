/** Settings with which the runtime fails on a model: they are left out and said, and the others are timed all the same. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Runtime, RuntimeFailureKind, SessionRequest } from '../../runtime/index.js';
import { computeForTests, failingInRuns, randomSamples, writeChain } from '../testing/index.js';
import { isFaster } from './session-gain.js';
import { threadCounts } from './session-settings.js';
import { MOST_OPEN, timedMachine, tuneSession, type SessionTuning } from './session-tuning.js';

const { runtime, folder } = await computeForTests();
const MODEL = join(folder, 'low.onnx');
const ORIGINAL = join(folder, 'm.onnx');
writeChain(MODEL, 2);
writeChain(ORIGINAL, 2);

/** The tuning of a model whose sessions fail in their first run so, and the steps of its progress by phase. */
async function tunedWhere(
  failureOf: (level: SessionRequest['optimization']) => RuntimeFailureKind | undefined,
): Promise<{ readonly tuning: SessionTuning; readonly steps: ReadonlyMap<string, readonly number[]> }> {
  const failing = failingInRuns(runtime, ({ model, optimization }) =>
    'path' in model && model.path === MODEL ? failureOf(optimization) : undefined,
  );
  const [sample] = randomSamples(1);
  if (sample === undefined) throw new Error('no sample');
  const steps = new Map<string, number[]>();
  const progress = (done: number, _total: number, phase: string): void => {
    steps.set(phase, [...(steps.get(phase) ?? []), done]);
  };
  return {
    tuning: await tuneSession(failing, MODEL, ORIGINAL, sample, { provider: 'cpu', runs: 3, progress }),
    steps,
  };
}

it.each(['failed', 'crashed'] as const)('leaves out a level that loads and %s in a run', async (kind) => {
  const { tuning, steps } = await tunedWhere((level) => (level === 'basic' ? kind : undefined));
  const levels = new Set(tuning.tried.map(({ optimization }) => optimization));
  expect(levels).toEqual(new Set(['all', 'extended', 'disabled']));
  expect(tuning.usual.optimization).toBe('all');
  expect(tuning.notes).toEqual([
    expect.stringMatching(`${kind} in a run at optimisation level basic: no kernel.*fault is that of`),
  ]);
  for (const [phase, done] of steps) expect(done, phase).toEqual(done.toSorted((a, b) => a - b));
});

it('has the highest level that runs as the usual one, and the original at all optimisations', async () => {
  const { tuning } = await tunedWhere((level) => (level === 'all' ? 'failed' : undefined));
  expect(tuning.usual.optimization).toBe('extended');
  expect(tuning.original.optimization).toBe('all');
  expect(tuning.tried.map(({ optimization }) => optimization)).not.toContain('all');
});

it('fails as the model does where no level runs it', async () => {
  await expect(tunedWhere(() => 'failed')).rejects.toMatchObject({
    kind: 'failed',
    message: expect.stringMatching(/no kernel\. The original runs there.*fault is that of/) as string,
  });
});

it('holds few sessions at once, however many settings there are', async () => {
  const open = new Set<number>();
  let most = 0;
  const counting: Runtime = {
    ...runtime,
    open: async (request, signal) => {
      const session = await runtime.open(request, signal);
      open.add(session.id);
      most = Math.max(most, open.size);
      return session;
    },
    close: async (session) => {
      open.delete(session.id);
      await runtime.close(session);
    },
  };
  const [sample] = randomSamples(1);
  if (sample === undefined) throw new Error('no sample');
  const { tried, usual } = await tuneSession(counting, MODEL, ORIGINAL, sample, { provider: 'cpu', runs: 3 });
  expect(new Set(tried.map(({ threads, optimization }) => `${threads} ${optimization}`)).size).toBe(
    tried.length,
  );
  expect(tried).toHaveLength(4 * threadCounts(usual.threads).length);
  expect(most).toBeLessThanOrEqual(MOST_OPEN);
  expect(open.size).toBe(0);
});

it('calls settings faster where runs beside each other and the medians that are told both say so', () => {
  const gain = { median: 1.5, p10: 1.2, p90: 2, beyondSpread: true };
  expect(isFaster({ median: 3 }, { median: 2 }, gain)).toBe(true);
  expect(isFaster({ median: 2 }, { median: 3 }, gain)).toBe(false);
  expect(isFaster({ median: 3 }, { median: 2 }, { ...gain, beyondSpread: false })).toBe(false);
  expect(isFaster({ median: 3 }, { median: 2 }, { ...gain, median: 0.9, p90: 0.95 })).toBe(false);
});

it('names the device that the target computes on', () => {
  const machine = {
    device: 'a processor',
    graphics: 'a card',
    platform: 'linux',
    cores: 2,
    onnxRuntime: '1',
  };
  const llvmpipe = { name: 'llvmpipe', isSoftware: true };
  const devices = ([undefined, llvmpipe] as const).flatMap((adapter) =>
    (['cpu', 'webgpu', 'cuda'] as const).map((provider) => timedMachine(machine, adapter, provider).device),
  );
  const words = 'llvmpipe, software (no graphics card)';
  expect(devices).toEqual(['a processor', 'a card', 'a card', 'a processor', words, 'a card']);
});
