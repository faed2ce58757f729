/**
 * What layers do by themselves with the options that a plan gives them, beside their errors in the plain format, which leave these out. Knows
 * what predicts; neither how options are measured nor where errors are shown.
 */
import { LOW_FORMAT_NAMES } from '../../formats/index.js';
import { bestValue } from '../../metrics/index.js';
import { isStep, type Steps } from '../../onnx/index.js';
import { integerRanges, type BoundPlan, type IntegerRanges, type LayerDecision } from '../../plan/index.js';
import { dearestFirst } from '../findings/findings.js';
import { optionsLeftOut } from '../findings/left-out-options.js';
import { wayText } from '../measurement/measured-plans.js';
import type { Predictor } from '../prediction/index.js';
import type { LayerSensitivity, OptionedError, PlanNumbers } from './numbers.js';
import { toleranceShare } from './tolerance-share.js';

/** Of the plan's layers with options, by name; those are left out of which not all is known. */
export function* optionedErrorSteps(
  { decisions, tolerances }: Pick<BoundPlan, 'decisions' | 'tolerances'>,
  predictor: Predictor,
): Steps<ReadonlyMap<string, OptionedError>> {
  const errors = new Map<string, OptionedError>();
  const ranges = new Map(LOW_FORMAT_NAMES.map((format) => [format, integerRanges(decisions, format)]));
  for (const [at, decision] of decisions.entries()) {
    if (isStep(at)) yield;
    const { format, layer } = decision;
    if (format === 'original' || format === 'fp32') continue;
    if (optionsLeftOut(decision, format, ranges.get(format)).length === 0) continue;
    yield;
    const error = errorOf(decision, tolerances, predictor);
    if (error !== undefined) errors.set(layer.name, error);
  }
  return errors;
}

function errorOf(
  decision: LayerDecision,
  tolerances: BoundPlan['tolerances'],
  predictor: Predictor,
): OptionedError | undefined {
  const { outputs, missing, nonFinite, tolerances: predicted } = predictor.alone(decision, tolerances);
  if (missing.length > 0) return undefined;
  if (nonFinite.length > 0) {
    const share = tolerances.length === 0 ? undefined : Infinity;
    return { decision, value: Infinity, low: Infinity, high: Infinity, share };
  }
  const asked = new Set(tolerances.map(({ output }) => output));
  const judged = outputs
    .filter(({ output }) => asked.size === 0 || asked.has(output))
    .map(({ rootMeanSquare }) => rootMeanSquare);
  const [worst] = judged.toSorted((a, b) => b.value - a.value);
  if (worst === undefined) return undefined;
  const shares = predicted.flatMap(({ tolerance, value }) =>
    value === undefined ? [] : [toleranceShare(tolerance, value.value, bestValue(tolerance.metric.name))],
  );
  return { decision, ...worst, share: shares.length === 0 ? undefined : Math.max(...shares) };
}

/** The sensitivity of a layer, and which of its options it has or leaves out. */
export interface PlannedSensitivity extends LayerSensitivity {
  /** Left out where the plan gives the layer none. */
  readonly options?: { readonly text: string; readonly areIn: boolean };
}

/**
 * What is known of layers as the plan decides them, by name: with their options where that is predicted, otherwise in the plain format, and what
 * that leaves out. Ranks are as in `numbers` unless one of the layers has options: then they are among these layers.
 *
 * @param all the plan's decisions, of which `own` are some.
 * @param numbers those of the format that they are judged in.
 */
export function plannedSensitivities(
  own: readonly LayerDecision[],
  all: readonly LayerDecision[],
  numbers: PlanNumbers,
): ReadonlyMap<string, PlannedSensitivity> {
  const { format, sensitivity } = numbers;
  if (own.every(isPlain)) return sensitivity;
  const ranges = integerRanges(all, format);
  const found = own.flatMap((decision): [string, PlannedSensitivity][] => {
    const one = plannedSensitivity(decision, numbers, ranges);
    return one === undefined ? [] : [[decision.layer.name, one]];
  });
  if (found.every(([, { options }]) => options === undefined)) return sensitivity;
  const ordered = found.toSorted(([, a], [, b]) => dearestFirst(a, b));
  return new Map(ordered.map(([name, one], index) => [name, { ...one, rank: index + 1 }]));
}

/** The same of one layer. Undefined where nothing is known. */
export function plannedSensitivity(
  decision: LayerDecision,
  { format, optioned, sensitivity }: PlanNumbers,
  ranges: IntegerRanges | undefined,
): PlannedSensitivity | undefined {
  const { name } = decision.layer;
  const plain = sensitivity.get(name);
  if (plain === undefined || isPlain(decision)) return plain;
  const options = optionsLeftOut(decision, format, ranges);
  if (options.length === 0) return plain;
  const text = options.join(', ');
  const own = decision.format === format ? optioned.get(name) : undefined;
  if (own === undefined || wayText(own.decision) !== wayText(decision))
    return { ...plain, options: { text, areIn: false } };
  const { value, low, high, share } = own;
  return { ...plain, value, low, high, share, method: 'predicted', options: { text, areIn: true } };
}

/** Most layers have no option at all: this is asked of all of them. */
function isPlain({ numerics, overflow }: LayerDecision): boolean {
  return numerics === undefined && overflow !== 'saturate';
}
