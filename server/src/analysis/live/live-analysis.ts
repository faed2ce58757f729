/**
 * Analysis behind an editor: one job at a time over the open plans, superseded by a newer version of its plan. Numbers are published as they arrive and stay until better ones replace them. Knows no
 * protocol; what is measured is `plan-job`'s.
 */
import type { BoundPlan } from '../../plan/index.js';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import { NOTHING_KNOWN, type PlanNumbers } from './numbers.js';
import { forgetEvaluations, planKeys, runPlanJob, type JobContext, type PlanKeys } from './plan-job.js';

export interface LiveOptions {
  readonly runtime: Runtime;
  readonly store: Store;
  /** Quiet time after a change before work begins. */
  readonly delayMilliseconds: number;
  readonly log: (line: string) => void;
}

interface Entry {
  plan: BoundPlan;
  keys: PlanKeys;
  numbers: PlanNumbers;
  timer: NodeJS.Timeout | undefined;
}

export class LiveAnalysis {
  private readonly entries = new Map<string, Entry>();
  private readonly queue: string[] = [];
  private readonly listeners = new Set<(path: string) => void>();
  private readonly context: JobContext;
  private running: { readonly path: string; readonly abort: AbortController } | undefined;
  private disposed = false;

  constructor(private readonly options: LiveOptions) {
    this.context = {
      runtime: options.runtime,
      store: options.store,
      evaluations: new Map(),
      samples: new Map(),
    };
  }

  /** Takes note of what a plan says now; work begins after a moment of quiet, if anything changed that matters. */
  update(plan: BoundPlan): void {
    const keys = planKeys(plan);
    const entry = this.entries.get(plan.path);
    if (entry === undefined) {
      this.entries.set(plan.path, { plan, keys, numbers: NOTHING_KNOWN, timer: undefined });
      this.schedule(plan.path);
      return;
    }
    entry.plan = plan;
    if (entry.keys.verdict === keys.verdict) return;
    entry.keys = keys;
    if (entry.numbers.verdict !== undefined) entry.numbers = { ...entry.numbers, verdictIsStale: true };
    this.schedule(plan.path);
  }

  /** Files beside the plans changed: samples are read again and what depends on them is measured again. */
  filesChanged(): void {
    this.context.samples.clear();
    for (const path of this.entries.keys()) this.schedule(path);
  }

  /** Stops the work on a plan; it begins again at the next change, or when `restart` asks for it. */
  cancel(path: string): void {
    this.withdraw(path);
    this.publish(path, { state: 'idle', message: 'stopped', progress: undefined });
  }

  restart(path: string): void {
    this.schedule(path);
  }

  close(path: string): void {
    this.withdraw(path);
    this.entries.delete(path);
  }

  numbers(path: string): PlanNumbers {
    return this.entries.get(path)?.numbers ?? NOTHING_KNOWN;
  }

  /** Called with the path of a plan whose numbers changed; gives a function that ends that. */
  onChange(listener: (path: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    for (const path of [...this.entries.keys()]) this.close(path);
    await this.options.runtime.dispose();
  }

  private schedule(path: string): void {
    const entry = this.entries.get(path);
    if (entry === undefined || this.disposed) return;
    this.withdraw(path);
    this.publish(path, { state: 'waiting', message: '', progress: undefined });
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      this.queue.push(path);
      this.next();
    }, this.options.delayMilliseconds);
    entry.timer.unref();
  }

  /** Takes a plan out of the queue and stops its job. */
  private withdraw(path: string): void {
    const entry = this.entries.get(path);
    clearTimeout(entry?.timer);
    const queued = this.queue.indexOf(path);
    if (queued >= 0) this.queue.splice(queued, 1);
    if (this.running?.path === path) this.running.abort.abort();
  }

  private next(): void {
    if (this.running !== undefined || this.disposed) return;
    const path = this.queue.shift();
    const entry = path === undefined ? undefined : this.entries.get(path);
    if (path === undefined || entry === undefined) return;
    const abort = new AbortController();
    this.running = { path, abort };
    void this.work(path, entry, abort.signal).finally(() => {
      this.running = undefined;
      this.next();
    });
  }

  private async work(path: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const publish = (change: Partial<PlanNumbers>): void => {
      if (!signal.aborted) this.publish(path, change);
    };
    try {
      await runPlanJob(this.context, entry.plan, entry.keys, publish, signal);
      publish({ state: 'idle', message: '', progress: undefined });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof RuntimeFailure && error.kind !== 'refused') forgetEvaluations(this.context);
      const message = error instanceof Error ? error.message : String(error);
      this.options.log(`analysis of ${path}: ${message}`);
      publish({ state: 'failed', message, progress: undefined });
    }
  }

  private publish(path: string, change: Partial<PlanNumbers>): void {
    const entry = this.entries.get(path);
    if (entry === undefined) return;
    entry.numbers = { ...entry.numbers, ...change };
    for (const listener of this.listeners) listener(path);
  }
}
