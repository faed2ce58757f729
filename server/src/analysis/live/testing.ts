/** For tests of the live analysis: real compute processes, stores that last as long as the test, plans beside their models. */
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { parse } from '../../language/index.js';
import type { Model } from '../../onnx/index.js';
import { bindPlan, type TracedPlan } from '../../plan/index.js';
import { startRuntime, type ComputeRuntime, type RuntimeOptions } from '../../runtime/index.js';
import { openStore } from '../../store/index.js';
import { temporaryFolder } from '../../testing/index.js';
import { testComputeOptions } from '../testing/index.js';
import { LiveAnalysis, type LiveOptions } from './live-analysis.js';
import type { PlanNumbers } from './numbers.js';

/** Live analyses that share one compute process, unless one wants its own. */
class LiveTest {
  private readonly runtimes: ComputeRuntime[] = [];

  /** @param folder for plans, their models and the stores. */
  constructor(readonly folder: string) {}

  /** The process of the analysis that was started last. */
  get runtime(): ComputeRuntime {
    const runtime = this.runtimes.at(-1);
    if (runtime === undefined) throw new Error('no analysis was started');
    return runtime;
  }

  /** An analysis on the store of this name; with `compute` in a process of its own. */
  async start(
    store: string,
    options: Partial<LiveOptions> = {},
    compute?: RuntimeOptions,
  ): Promise<LiveAnalysis> {
    if (compute !== undefined || this.runtimes.length === 0) {
      this.runtimes.push(startRuntime({ ...(await testComputeOptions()), ...compute }));
    }
    return new LiveAnalysis({
      runtime: this.runtime,
      store: openStore({ folder: join(this.folder, 'stores', store) }),
      delayMilliseconds: 1,
      log: () => undefined,
      onModelChanged: () => undefined,
      ...options,
    });
  }

  async dispose(): Promise<void> {
    for (const runtime of this.runtimes) await runtime.dispose();
  }
}

/** Live analyses for the tests of a file. After the last of them the processes end, and then the folder is removed. */
export function liveForTests(): LiveTest {
  const { path, remove } = temporaryFolder();
  const live = new LiveTest(path);
  afterAll(async () => {
    await live.dispose();
    remove();
  });
  return live;
}

/** A plan at `path`, its text without the `model` statement, bound to a model that is open. */
export function boundPlan(path: string, model: Model, text: string): TracedPlan {
  const files = { readText: () => undefined, openModel: () => ({ model }) };
  const plan = bindPlan({ path, tree: parse(`model "model.onnx"\n${text}`), files });
  if (plan.model === undefined) throw new Error('the plan has no model');
  return plan;
}

/** Waits until the numbers of the plan are as wanted. */
export function until(
  live: LiveAnalysis,
  path: string,
  wanted: (numbers: PlanNumbers) => boolean,
): Promise<PlanNumbers> {
  return new Promise((settle) => {
    const look = (): void => {
      const numbers = live.numbers(path);
      if (!wanted(numbers)) return;
      end();
      settle(numbers);
    };
    const end = live.onChange(look);
    look();
  });
}

/** Waits until there is nothing more to be done for the plan. */
export function endOf(live: LiveAnalysis, path: string): Promise<PlanNumbers> {
  return until(live, path, ({ state }) => state === 'idle' || state === 'failed');
}
