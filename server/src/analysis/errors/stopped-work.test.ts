// Work that is stopped ends at the run that is under way, keeps what it was done with, and goes on from there to the same result.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findLayers } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import { memoryStore, type Store } from '../../store/index.js';
import { openEvaluation, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { knownLocalErrors, knownMeasuredErrors } from './known-errors.js';
import { withStore, type Results } from '../remembered.js';
import { knownSketch } from '../sketch/index.js';
import { knownSpectra } from '../spectrum/index.js';
import { computeForTests, randomSamples, writeChain } from '../testing/index.js';

const { runtime, folder } = await computeForTests();
const model = writeChain(join(folder, 'chain.onnx'), 4);
const samples = randomSamples(4);

/** What is found, and the runs that it took. */
type WorkToStop = (results: Results, options: WorkOptions) => Promise<unknown>;

const layers = () => findLayers(model);
const WORK: Readonly<Record<string, WorkToStop>> = {
  'a sketch': async (results, options) =>
    (await knownSketch(results, model, layers(), 'fp16', ['y'], { ...options, probes: 4 })).samples,
  'a measured run': async (results, options) =>
    (await knownMeasuredErrors(results, layers(), 'fp16', [], options)).errors.map(({ value }) => value),
  'local errors': async (results, options) =>
    (await knownLocalErrors(results, layers(), 'fp16', options)).errors.map(({ value }) => value),
  'a spectrum': async (results, options) =>
    (await knownSpectra(results, layers().slice(0, 2), ['y'], { ...options, steps: 2 })).spectra.map(
      ({ output, weights }) => ({ output, weights }),
    ),
};

/**
 * A runtime that counts its runs and stops the work in the `nth` one. All nodes take as long, far longer than a session
 * takes to open: where a graph is cut, and with it the number of runs, does not depend on how busy the machine is.
 */
function stoppingAt(nth: number, stop: AbortController) {
  const seen = { runs: 0, after: 0 };
  const counting: Runtime = {
    ...runtime,
    run: (...given) => {
      seen.runs += 1;
      if (stop.signal.aborted) seen.after += 1;
      const answer = runtime.run(...given);
      if (seen.runs === nth) stop.abort();
      return answer;
    },
    profile: async (...given) =>
      (await runtime.profile(...given)).map((kernel) => ({ ...kernel, milliseconds: 60_000 })),
  };
  return { counting, seen };
}

function resultsIn(store: Store, through: Runtime): Results {
  let opened: Promise<Evaluation> | undefined;
  const evaluation = (): Promise<Evaluation> =>
    // The samples are put there by the runtime itself, so that only the work's own runs count.
    (opened ??= openEvaluation(runtime, model, samples).then((one) => ({ ...one, runtime: through })));
  return withStore(
    { runtime: through, samples, evaluation },
    store,
    { evaluation: 'chain', recipe: {} },
    model,
  );
}

describe.each(Object.keys(WORK))('%s that is stopped', (name) => {
  const work: WorkToStop = (results, options) =>
    WORK[name]?.(results, options) ?? Promise.reject(new Error(name));

  it('starts no further run, and comes to the same result when it goes on', async () => {
    const whole = stoppingAt(0, new AbortController());
    const expected = await work(resultsIn(memoryStore({}), whole.counting), {});
    const { runs } = whole.seen;
    expect(runs).toBeGreaterThan(1);
    for (const nth of new Set([1, Math.ceil(runs / 2), runs])) {
      const store = memoryStore({});
      const stop = new AbortController();
      const { counting, seen } = stoppingAt(nth, stop);
      await expect(work(resultsIn(store, counting), { signal: stop.signal })).rejects.toThrow();
      expect([seen.runs, seen.after]).toEqual([nth, 0]);
      const rest = stoppingAt(0, new AbortController());
      expect(await work(resultsIn(store, rest.counting), {})).toEqual(expected);
      expect(rest.seen.runs).toBeLessThanOrEqual(runs);
    }
  });
});

describe('what was learnt', () => {
  it('of a sketch is kept sample by sample', async () => {
    const store = memoryStore({});
    const stop = new AbortController();
    const { counting, seen } = stoppingAt(20, stop);
    const sketch = WORK['a sketch'];
    await expect(sketch?.(resultsIn(store, counting), { signal: stop.signal })).rejects.toThrow();
    const rest = stoppingAt(0, new AbortController());
    await sketch?.(resultsIn(store, rest.counting), {});
    // Nine runs for a sample, eight of which show where the output errs: two of the four were done with.
    expect([seen.runs, rest.seen.runs]).toEqual([20, 18]);
  });
});
