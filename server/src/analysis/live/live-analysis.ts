/**
 * Analysis behind an editor: one job at a time over the open plans, those that are seen first, superseded by a newer version of
 * its plan. Numbers are published as they arrive and stay until better ones replace them. Knows no protocol; what is
 * measured is `plan-job`'s.
 */
import type { FoundTarget, PlanTarget, TracedPlan } from '../../plan/index.js';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import { JobContext } from './job-context.js';
import { judgedNow } from './judged-now.js';
import { NOTHING_KNOWN, type PlanNumbers } from './numbers.js';
import { ModelChanged } from './job-steps.js';
import { runPlanJob } from './plan-job.js';
import { planKeys } from './plan-keys.js';
import type { Predictor } from '../prediction/index.js';
import { predictedNow } from './predicted.js';

export interface LiveOptions {
  readonly runtime: Runtime;
  readonly store: Store;
  /** Quiet time after a change before work begins. */
  readonly delayMilliseconds: number;
  readonly log: (line: string) => void;
  /** Told of a plan whose model was changed while it was analysed: it has to be bound again and given to `update`. */
  readonly onModelChanged: (path: string) => void;
  /** Told when something was found of targets: open plans have to be bound again, with `findTarget`, and given to `update`. */
  readonly onTargetsFound?: () => void;
}

interface Entry {
  plan: TracedPlan;
  numbers: PlanNumbers;
  timer: NodeJS.Timeout | undefined;
  /** Work on it was given up since its files have changed: it begins again with the next update, whatever that says. */
  isOutdated: boolean;
  /** Once the model is sketched. */
  predictor: Predictor | undefined;
}

interface Running {
  readonly path: string;
  readonly abort: AbortController;
  /** Its turn comes again: it was stopped for somebody else. */
  isPostponed: boolean;
}

/** The work that begins anew when it begins. */
const NOT_BEGUN = { progress: undefined, measured: undefined } as const;

export class LiveAnalysis {
  private readonly entries = new Map<string, Entry>();
  private readonly queue: string[] = [];
  private readonly listeners = new Set<(path: string) => void>();
  private readonly context: JobContext;
  private running: Running | undefined;
  private visible: ReadonlySet<string> = new Set();
  private pauses = 0;
  private disposed = false;

  constructor(private readonly options: LiveOptions) {
    this.context = new JobContext(options.runtime, options.store, options.onTargetsFound);
  }

  /** What a target of this machine was found to be; undefined while it was not looked at. */
  findTarget(target: PlanTarget): FoundTarget | undefined {
    return this.context.targets.find(target);
  }

  /** Looks at targets that no plan names yet, for somebody who asks which there are. */
  async learnTargets(targets: readonly PlanTarget[], signal?: AbortSignal): Promise<void> {
    if (await this.context.targets.learn(targets, signal)) this.options.onTargetsFound?.();
  }

  /** Takes note of what a plan says now; work begins after a moment of quiet, if anything changed that matters. */
  update(plan: TracedPlan): void {
    const entry = this.entries.get(plan.path);
    if (entry === undefined) {
      const fresh = {
        plan,
        numbers: NOTHING_KNOWN,
        timer: undefined,
        isOutdated: false,
        predictor: undefined,
      };
      this.entries.set(plan.path, fresh);
      this.schedule(plan.path);
      return;
    }
    const before = planKeys(entry.plan);
    const keys = planKeys(plan);
    // Layers of another model may have the same names: nothing that is known of them holds.
    if (entry.plan.model !== plan.model) {
      entry.numbers = NOTHING_KNOWN;
      entry.predictor = undefined;
    }
    entry.plan = plan;
    if (before.job === keys.job && !entry.isOutdated) return;
    entry.isOutdated = false;
    const { verdict, verdictIsStale, latency, latencyIsStale } = entry.numbers;
    const isVerdictOld = verdict !== undefined && (verdictIsStale || before.verdict !== keys.verdict);
    const isLatencyOld = latency !== undefined && (latencyIsStale || before.latency !== keys.latency);
    entry.numbers = {
      ...entry.numbers,
      // A limit that has changed is compared with what was measured at once.
      verdict: verdict === undefined || isVerdictOld ? verdict : judgedNow(plan, verdict),
      verdictIsStale: isVerdictOld,
      prediction: entry.predictor && predictedNow(entry.predictor, plan),
      latencyIsStale: isLatencyOld,
    };
    this.schedule(plan.path);
  }

  /** The plans that the user sees: their turn comes before that of the other open ones. */
  setVisible(paths: ReadonlySet<string>): void {
    this.visible = paths;
  }

  /**
   * Leaves the machine to somebody else: what runs is stopped, and nothing begins until the function that this gives is called,
   * by everyone who paused. What was measured of layers so far is kept.
   */
  pause(): () => void {
    this.pauses += 1;
    this.postpone('paused');
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.pauses -= 1;
      this.next();
    };
  }

  /** Files beside the plans changed: samples are read again and what depends on them is measured again. */
  filesChanged(): void {
    this.context.forgetSamples();
    for (const path of this.entries.keys()) this.schedule(path);
  }

  /** Stops the work on a plan; it begins again at the next change, or when `restart` asks for it. */
  cancel(path: string): void {
    this.withdraw(path);
    this.publish(path, { ...NOT_BEGUN, state: 'idle', message: 'stopped' });
  }

  /** Begins the work on a plan again, with everything that was given up. */
  restart(path: string): void {
    this.context.attempts.forget();
    this.context.targets.forget();
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
    this.publish(path, { ...NOT_BEGUN, state: 'waiting', message: '' });
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
    if (this.running?.path !== path) return;
    this.running.isPostponed = false;
    this.running.abort.abort();
  }

  /** Stops what runs until its turn comes again, which is before that of others like it. */
  private postpone(message: string): void {
    const { running } = this;
    if (running === undefined || running.abort.signal.aborted) return;
    running.isPostponed = true;
    this.publish(running.path, { ...NOT_BEGUN, state: 'waiting', message });
    running.abort.abort();
  }

  private next(): void {
    if (this.running !== undefined || this.disposed || this.pauses > 0) return;
    const path = this.takeNext();
    const entry = path === undefined ? undefined : this.entries.get(path);
    if (path === undefined || entry === undefined) return;
    const running: Running = { path, abort: new AbortController(), isPostponed: false };
    this.running = running;
    void this.work(entry, running).finally(() => {
      this.running = undefined;
      if (running.isPostponed && this.entries.has(path)) this.queue.unshift(path);
      this.next();
    });
  }

  /** The plan that has waited longest, of those that are seen if there is one. */
  private takeNext(): string | undefined {
    const seen = this.queue.findIndex((path) => this.visible.has(path));
    return this.queue.splice(Math.max(0, seen), 1)[0];
  }

  /** Whether a plan that the user sees waits for one that nobody sees. */
  private isOvertaken(path: string): boolean {
    return !this.visible.has(path) && this.queue.some((waiting) => this.visible.has(waiting));
  }

  private async work(entry: Entry, { path, abort: { signal } }: Running): Promise<void> {
    const publish = (change: Partial<PlanNumbers>): void => {
      if (signal.aborted) return;
      this.publish(path, change);
      // Between two runs, where stopping loses neither the process nor what is in it.
      if (change.state === 'working' && this.isOvertaken(path)) this.postpone('');
    };
    const learnt = (predictor: Predictor): void => {
      if (signal.aborted) return;
      entry.predictor = predictor;
      publish({ prediction: predictedNow(predictor, entry.plan) });
    };
    const fail = (message: string): void => {
      this.options.log(`analysis of ${path}: ${message}`);
      publish({ ...NOT_BEGUN, state: 'failed', message });
    };
    try {
      const [problem] = await runPlanJob(
        this.context,
        entry.plan,
        { publish, learnt, shown: () => entry.numbers },
        signal,
      );
      if (problem === undefined) publish({ ...NOT_BEGUN, state: 'idle', message: '' });
      else fail(problem);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ModelChanged) {
        // Nothing is wrong. Weights may have changed while the model's own file is the same.
        entry.isOutdated = true;
        publish({ ...NOT_BEGUN, state: 'waiting', message: 'the model changed, starting again' });
        this.options.onModelChanged(path);
        return;
      }
      if (error instanceof RuntimeFailure && error.kind !== 'refused') this.context.forgetEvaluations();
      fail(error instanceof Error ? error.message : String(error));
    }
  }

  private publish(path: string, change: Partial<PlanNumbers>): void {
    const entry = this.entries.get(path);
    if (entry === undefined) return;
    entry.numbers = { ...entry.numbers, ...change };
    for (const listener of this.listeners) listener(path);
  }
}
