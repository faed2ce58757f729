/**
 * The tuner: ranks the layers, lets a strategy choose a set, verifies the choice by emulated inference over all
 * samples and gives it its noise floor. What is returned was measured, never only predicted.
 */
import { isFloatFormat, type LowFormatName } from '../formats/index.js';
import {
  effortOf,
  inSlices,
  knownBeyondRange,
  knownLocalErrors,
  knownMeasuredErrors,
  knownNoise,
  USUAL_DRAWS,
  withRanges,
  type LocalErrors,
  type MeasuredErrors,
  type Measurement,
  type Results,
  type ToleranceVerdict,
  type WorkOptions,
} from '../analysis/index.js';
import {
  allowsFormat,
  integerRanges,
  precisionGraphSteps,
  type BoundPlan,
  type Layer,
  type LayerDecision,
  type TracedPlan,
} from '../plan/index.js';
import { amp, ampChoice } from './amp.js';
import { bisect } from './bisect.js';
import { cheapestSet } from './cheapest-set.js';
import { greedy } from './greedy.js';
import type { Prices } from './prices.js';
import { rank, type Objective } from './ranking.js';
import type { StrategyOptions } from './strategy.js';
import { prepareTrials, type Trials } from './trial.js';

export type Strategy = 'greedy' | 'bisect' | 'amp';

export interface TuneOptions extends WorkOptions {
  readonly strategy: Strategy;
  readonly objective: Objective;
  /** What plans cost, for the objectives `latency` and `energy`: those gain nothing without. */
  readonly prices?: Prices | undefined;
  /** Whether a plan really is no slower than the original; asked once, of the plan that was found. */
  readonly isFaster?: ((decisions: readonly LayerDecision[]) => Promise<boolean>) | undefined;
  /** The low format; FP16 unless the user wants another. */
  readonly format?: LowFormatName;
  /** Seconds after which the best set so far is taken. */
  readonly time?: number;
  /** Jitters for the noise floor of the verdict. */
  readonly draws?: number;
  /** What the ranking goes by: errors in a layer's own output, or, slower and truer, in the model's outputs. */
  readonly rank?: 'local' | 'measured';
}

export interface Tuning {
  readonly strategy: Strategy;
  readonly objective: Objective;
  readonly decisions: readonly LayerDecision[];
  /** Least harm per gain first. */
  readonly ranking: readonly Layer[];
  readonly local: LocalErrors;
  /** Where the ranking went by them. */
  readonly measured: MeasuredErrors | undefined;
  /** By `prices`: of the plan with nothing lowered but what is pinned, and of the plan that was found. */
  readonly price: { readonly exact: number; readonly found: number } | undefined;
  /** Why nothing was lowered although tolerances would bear it: by its prices, or by what it took when it was timed. */
  readonly notWorth: 'predicted' | 'timed' | undefined;
  readonly measurement: Measurement;
  readonly verdicts: readonly ToleranceVerdict[];
  /** Sessions and inferences of the search alone: those of the evaluation count elsewhere. What was known took none. */
  readonly sessions: number;
  readonly inferences: number;
  readonly seconds: number;
  /** The time was up before the strategy was done. */
  readonly expired: boolean;
}

/**
 * Why there is no result: not even the plan with nothing in low precision (but what is pinned) holds, or, of `amp`, the plan of
 * its lists does not.
 */
export interface TuningProblem {
  readonly code: 'tolerance-exceeded';
  readonly message: string;
  readonly measurement: Measurement;
}

/** Finds which layers may run in the low format within the plan's tolerances. What `results` know is not measured again. */
export async function tune(
  results: Results,
  plan: TracedPlan,
  options: TuneOptions,
): Promise<Tuning | TuningProblem> {
  const { strategy, objective, format = 'fp16', draws = USUAL_DRAWS } = options;
  const start = performance.now();
  const deadline = options.time === undefined ? Number.POSITIVE_INFINITY : start + options.time * 1000;
  const allowed = plan.decisions
    .filter((decision) => !decision.pinned && allowsFormat(plan.model, decision.layer, format))
    .map((decision) => decision.layer);
  // No tolerance tells every such case: a variance that becomes infinite just silences its channel.
  // Integers hold the range that is chosen for them.
  const beyond = isFloatFormat(format)
    ? await knownBeyondRange(results, plan.model, allowed, format, options)
    : new Set<Layer>();
  const possible = allowed.filter((layer) => !beyond.has(layer));
  const { prices } = options;
  // What does not pay even with every error allowed never does.
  const paying = prices && (await inSlices(cheapestSet(plan, new Set(possible), prices, format)));
  const candidates = paying === undefined ? possible : possible.filter((layer) => paying.has(layer));
  // Of an integer format with the ranges that the plan asks for: those of another quantizer rank layers otherwise.
  const trials = prepareTrials(results, plan, format, options);
  const own = withRanges(results, integerRanges(trials.decisions(new Set(candidates)), format));
  const local = await knownLocalErrors(own, candidates, format, options);
  const measured =
    options.rank === 'measured'
      ? await knownMeasuredErrors(own, candidates, format, plan.tolerances, options)
      : undefined;
  const errorOf = new Map((measured ?? local).errors.map((one) => [one.layer.nodeIndex, one.value]));
  const ranking = rank(
    candidates.map((layer) => ({
      layer,
      error: errorOf.get(layer.nodeIndex) ?? Number.POSITIVE_INFINITY,
    })),
    objective,
    prices,
  );
  let cutShort = false;
  const strategyOptions: StrategyOptions = {
    step: (decided) => options.progress?.(decided, ranking.length, `layers decided, ${strategy}`),
    expired: () => (cutShort ||= performance.now() > deadline),
  };
  const fromLists = strategy === 'amp' ? ampChoice(plan, candidates, format) : new Set<Layer>();
  const chosen =
    strategy === 'amp'
      ? await amp(trials, fromLists)
      : await STRATEGIES[strategy](trials, ranking, strategyOptions);
  if (chosen === undefined) return nothingHolds(strategy, await trials.measured(fromLists));
  options.progress?.(ranking.length, ranking.length, `layers decided, ${strategy}`);
  const worth = await worthwhile(plan, trials, chosen, format, options);
  const measurement = await trials.measured(worth.low);
  // The plan with nothing lowered holds, unless only the lists were asked.
  if (!measurement.holds) return nothingHolds(strategy, measurement);
  const decisions = trials.decisions(worth.low);
  const noise = await knownNoise(results, plan, decisions, measurement, draws, options);
  return {
    strategy,
    objective,
    decisions,
    ranking,
    local,
    measured,
    price: worth.price,
    notWorth: worth.notWorth ?? (candidates.length === 0 && possible.length > 0 ? 'predicted' : undefined),
    measurement,
    verdicts: noise.verdicts,
    ...effortOf(local, measured, trials, noise),
    seconds: (performance.now() - start) / 1000,
    expired: cutShort,
  };
}

/** What of a set that holds is worth its price: never a plan that costs more than the one with nothing lowered. */
async function worthwhile(
  plan: BoundPlan,
  trials: Trials,
  chosen: ReadonlySet<Layer>,
  format: LowFormatName,
  { prices, isFaster }: Pick<TuneOptions, 'prices' | 'isFaster'>,
): Promise<{ readonly low: ReadonlySet<Layer> } & Partial<Pick<Tuning, 'price' | 'notWorth'>>> {
  if (prices === undefined) return { low: chosen, price: undefined };
  const priceOf = async (low: ReadonlySet<Layer>): Promise<number> => {
    const decisions = trials.decisions(low);
    return prices.total(await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, decisions)));
  };
  const nothing = new Set<Layer>();
  const exact = await priceOf(nothing);
  let low = chosen;
  let found = await priceOf(chosen);
  // What errors keep out may leave islands that casts do not pay for.
  const cheaper = await inSlices(cheapestSet(plan, chosen, prices, format));
  if (cheaper.size < low.size) {
    const lower = await priceOf(cheaper);
    if (lower < found && (await trials.holds(cheaper))) [low, found] = [cheaper, lower];
  }
  if (low.size === 0) return { low, price: { exact, found: exact } };
  if (found >= exact) return { low: nothing, price: { exact, found: exact }, notWorth: 'predicted' };
  if (isFaster !== undefined && !(await isFaster(trials.decisions(low)))) {
    return { low: nothing, price: { exact, found: exact }, notWorth: 'timed' };
  }
  return { low, price: { exact, found } };
}

const STRATEGIES = { greedy, bisect } satisfies Record<Exclude<Strategy, 'amp'>, unknown>;

function nothingHolds(strategy: Strategy, measurement: Measurement): TuningProblem {
  const failing = measurement.tolerances.filter((one) => !one.holds);
  const list = failing
    .map((one) => `${one.tolerance.text} (measured ${one.measured.toPrecision(3)})`)
    .join(', ');
  const plan =
    strategy === 'amp'
      ? 'the plan of the amp lists does not hold (greedy and bisect look for one that does)'
      : 'even with no further layer in low precision the plan does not hold';
  return {
    code: 'tolerance-exceeded',
    message: `${plan}: ${list}`,
    measurement,
  };
}
