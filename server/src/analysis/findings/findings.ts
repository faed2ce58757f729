/**
 * What analysis found, as diagnostics on the plan: a finding about a layer stands on the statement that decides
 * it, one about a tolerance on the tolerance. Knows no editor and no terminal.
 */
import { metricLabel } from '../../metrics/index.js';
import type { Diagnostic } from '../../language/index.js';
import {
  accumulationReason,
  accumulationWords,
  isFloating,
  isMovement,
  modelFacts,
  usualAccumulation,
  type BoundPlan,
  type DecisionSource,
  type Layer,
  type LayerDecision,
} from '../../plan/index.js';
import { largestNumber, type FormatName } from '../../formats/index.js';
import {
  insideBeyond,
  layerRangeIn,
  lostShare,
  readBeyond,
  readUnderflowing,
  UNDERFLOW_SHARE,
  type LayerRange,
} from '../ranges/ranges.js';
import type { TensorRange } from '../ranges/tensor-range.js';
import type { ToleranceVerdict } from '../measurement/noise.js';

/** A diagnostic with the names of the layers that it is about, those that matter most first. */
export interface LayerFinding extends Diagnostic {
  readonly layers: readonly string[];
  /** The format that the layers run in if they follow the finding; FP32 where it is left out. */
  readonly runIn?: FormatName;
}

/** What a finding says of a sample. */
export interface SampleName {
  readonly name: string;
}

/** Layers named in a message; the others are counted. */
const NAMED = 3;

/** Layers that cost most: as many as one can look at. */
export const DEAREST = 5;

/**
 * `overflow` and `underflow` of the layers that `plan` puts into `format`. What a layer writes or stores beyond the range is an
 * error, and so is what it reads, unless a layer wrote it in that format, of which it is said: to run that one alone in FP32 would
 * only pass the error on, so that the layers of a finding are those that read it, too. What underflows is a warning, told of the same. What a layer only computes inside depends on
 * what the target holds sums in: a warning where the samples reached it, an error where the plan says that sums are held in 16 bits,
 * and no finding where it is only a bound.
 */
export function rangeFindings(
  plan: BoundPlan,
  ranges: readonly LayerRange[],
  format: FormatName,
  samples: readonly SampleName[],
): LayerFinding[] {
  const decided = new Map(plan.decisions.map((decision) => [decision.layer.nodeIndex, decision]));
  const low = ranges.flatMap((range): LayerRange[] => {
    const decision = decided.get(range.layer.nodeIndex);
    if (decision?.format !== format) return [];
    const { scale } = decision.numerics ?? {};
    const own = scale === undefined ? range : { ...range, ...layerRangeIn(range, format, scale) };
    return [withoutHandled(own, decision)];
  });
  const reading = low
    .flatMap((range) => {
      // One error is enough to say that the layer cannot be in the format.
      if (range.overflow > 0) return [];
      const [worst] = readBeyond(range).filter(({ tensor }) => !isWrittenIn(plan, decided, tensor, format));
      return worst === undefined ? [] : [{ layer: range.layer, worst }];
    })
    .toSorted((a, b) => b.worst.maxAbs - a.worst.maxAbs);
  const losing = low
    .flatMap((range) => {
      if (range.underflow > UNDERFLOW_SHARE) return [];
      const [worst] = readUnderflowing(range).filter(
        ({ tensor }) => !isWrittenIn(plan, decided, tensor, format),
      );
      return worst === undefined ? [] : [{ layer: range.layer, worst }];
    })
    .toSorted((a, b) => lostShare(b.worst) - lostShare(a.worst));
  const withNaN = ranges.flatMap(({ layer, tensors, reads = [] }) => {
    const worst = tensors.find(({ nan }) => nan !== undefined);
    const isFirst = reads.every(({ nan }) => nan === undefined);
    // What the plan has in another low format is told of in that one.
    const own = decided.get(layer.nodeIndex)?.format ?? 'original';
    const isOther = own !== format && own !== 'fp32' && own !== 'original';
    return worst === undefined || !isFirst || isOther ? [] : [{ layer, worst }];
  });
  const overflow = low.filter((range) => range.overflow > 0).toSorted((a, b) => b.maxAbs - a.maxAbs);
  const largest = largestNumber(format);
  const inside = low
    .filter((range) => insideBeyond(range, largest)?.evidence === 'measured')
    .toSorted((a, b) => (b.inside?.value ?? 0) - (a.inside?.value ?? 0));
  const [stated, unstated] = [true, false].map((isStated) =>
    inside.filter(({ layer }) => holdsShortSums(plan, decided.get(layer.nodeIndex)) === isStated),
  );
  const readers = low
    .filter(({ overflow: own }) => own === 0)
    .map((range) => ({
      layer: range.layer,
      writers: new Set(readBeyond(range).flatMap(({ tensor }) => [...writersOf(plan, tensor)])),
    }));
  const nodeOf = new Map(overflow.map(({ layer }) => [layer.name, layer.nodeIndex]));
  const withReaders = (finding: LayerFinding): LayerFinding => {
    const writers = finding.layers.flatMap((name) => nodeOf.get(name) ?? []);
    const behind = readers.filter((one) => writers.some((writer) => one.writers.has(writer)));
    return { ...finding, layers: [...finding.layers, ...behind.map(({ layer }) => layer.name)] };
  };
  const underflow = low
    .filter((range) => range.underflow > UNDERFLOW_SHARE)
    .toSorted((a, b) => b.underflow - a.underflow);
  return [
    ...perStatement(plan, decided, overflow, (own) => ({
      code: 'overflow',
      severity: 'error' as const,
      message: `beyond the range of ${format}: ${listed(own, (one) => describeOverflow(one, samples))}`,
    })).map(withReaders),
    ...perStatement(plan, decided, reading, (own) => ({
      code: 'overflow',
      severity: 'error' as const,
      message: `read beyond the range of ${format}: ${listed(own, (one) => describeReading(one, samples))}`,
    })),
    ...perStatement(plan, decided, withNaN, (own) => ({
      code: 'original-nan',
      severity: 'warning' as const,
      message: `the original itself makes NaN, and errors are told of all other values: ${listed(own, (one) => describeNaN(one, samples))}`,
    })),
    ...perStatement(plan, decided, stated ?? [], (own) => ({
      code: 'overflow',
      severity: 'error' as const,
      message: `inside the operator beyond the range of ${format}, in which the plan holds sums: ${listed(own, describeInside)}`,
    })),
    ...perStatement(plan, decided, unstated ?? [], (own) => ({
      code: 'overflow',
      severity: 'warning' as const,
      message: `inside the operator beyond the range of ${format}, where the target holds sums in it: ${listed(own, describeInside)}`,
    })),
    ...perStatement(plan, decided, underflow, (own) => ({
      code: 'underflow',
      severity: 'warning' as const,
      message: `become subnormal or zero in ${format}: ${listed(own, describeUnderflow)}`,
    })),
    ...perStatement(plan, decided, losing, (own) => ({
      code: 'underflow',
      severity: 'warning' as const,
      message: `read, and become subnormal or zero in ${format}: ${listed(own, describeLosing)}`,
    })),
  ];
}

/** `tolerance-exceeded` for each tolerance that does not hold; of emulation with what sums were added up in, where that is not FP32. */
export function toleranceFindings(
  plan: BoundPlan,
  verdicts: readonly ToleranceVerdict[],
  executedOn?: string,
): Diagnostic[] {
  const isPlain = executedOn !== undefined || accumulationWords(plan.decisions) === 'fp32';
  const sums = isPlain ? '' : `, sums in ${accumulationReason(plan)}`;
  return verdicts
    .filter((one) => !one.holds)
    .map((one): Diagnostic => {
      const { source, output, operator, limit, metric, over } = one.tolerance;
      const within = one.verdict === 'exceeded within noise' ? ', exceeded within noise' : '';
      return {
        code: 'tolerance-exceeded',
        severity: 'error',
        range: source.range,
        message:
          `"${output}" ${metricLabel(metric)}${executedOn === undefined ? '' : ` on ${executedOn}`} is ${one.measured.toPrecision(3)} (${over} of the samples, noise ` +
          `${one.noise.toPrecision(2)}${within}${sums}), wanted ${operator} ${limit}; \`tune\` finds a plan that holds`,
        ...(source.path === plan.path ? {} : { path: source.path }),
      };
    });
}

/** What one layer alone does to the outputs. */
export interface LayerCost {
  readonly layer: Layer;
  /** Of the tolerance that it uses most of; undefined where that is not measured. */
  readonly share: number | undefined;
  /** Relative error. */
  readonly value: number;
  /** What the plan asks of it beside its format, and whether the figures have that. */
  readonly options?: { readonly text: string; readonly areIn: boolean } | undefined;
}

/**
 * Information on the low layers that cost most, for a plan that exceeds a tolerance: the worst of `costs`, which are of layers that the plan has
 * in one format, and all measured or all local, on the statements that decide them.
 */
export function costFindings(plan: BoundPlan, costs: readonly LayerCost[]): LayerFinding[] {
  const decided = new Map(plan.decisions.map((decision) => [decision.layer.nodeIndex, decision]));
  const worst = costs.toSorted(dearestFirst).slice(0, DEAREST);
  return perStatement(plan, decided, worst, (own) => {
    const [first] = own;
    const format = first === undefined ? '' : decided.get(first.layer.nodeIndex)?.format;
    return {
      code: 'tolerance-exceeded',
      severity: 'information',
      message: `of the layers in ${format ?? ''} these cost most: ${own.map(describeCost).join('; ')}`,
    };
  });
}

/** By the share of a tolerance where it is known, then by the error; infinities are equal. */
export function dearestFirst(
  a: Pick<LayerCost, 'share' | 'value'>,
  b: Pick<LayerCost, 'share' | 'value'>,
): number {
  const [first, second] = [a.share ?? 0, b.share ?? 0];
  if (first !== second) return second > first ? 1 : -1;
  return a.value === b.value ? 0 : b.value > a.value ? 1 : -1;
}

/** Without the overflow of weights where the plan says what becomes of it. */
function withoutHandled(range: LayerRange, { overflow }: LayerDecision): LayerRange {
  if (overflow === 'error') return range;
  const tensors = range.tensors.map((one) => (one.kind === 'weight' ? { ...one, overflow: 0 } : one));
  return { ...range, tensors, overflow: tensors.reduce((sum, one) => sum + one.overflow, 0) };
}

/** One diagnostic for each statement that decides some of the layers, in the order of the layers. */
export function perStatement<T extends { readonly layer: Layer }>(
  plan: BoundPlan,
  decided: ReadonlyMap<number, LayerDecision>,
  found: readonly T[],
  describe: (own: readonly T[]) => Pick<Diagnostic, 'code' | 'severity' | 'message'>,
): LayerFinding[] {
  const groups = new Map<DecisionSource, T[]>();
  for (const one of found) {
    const source = decided.get(one.layer.nodeIndex)?.source;
    if (source === undefined) continue;
    const group = groups.get(source);
    if (group === undefined) groups.set(source, [one]);
    else group.push(one);
  }
  return [...groups].map(([source, own]) => ({
    ...describe(own),
    range: source.range,
    layers: own.map(({ layer }) => layer.name),
    ...(source.path === plan.path ? {} : { path: source.path }),
  }));
}

/** The first few as `describe` says, the others counted. */
export function listed<T>(found: readonly T[], describe: (one: T) => string): string {
  const named = found.slice(0, NAMED).map(describe).join('; ');
  const more = found.length - NAMED;
  return more > 0 ? `${named}; and ${more} more` : named;
}

function describeCost({ layer, share, value, options }: LayerCost): string {
  const cost = share === undefined ? `errs by ${value.toPrecision(2)} of its output` : describeShare(share);
  return `"${layer.name}" ${cost}${optionText(options)}`;
}

function optionText(options: LayerCost['options']): string {
  if (options === undefined) return '';
  return options.areIn ? ` with ${options.text} (predicted)` : ` without ${options.text}`;
}

function describeShare(share: number): string {
  if (share === Number.POSITIVE_INFINITY) return 'alone errs beyond all bounds';
  return share < 2
    ? `alone takes ${Math.round(100 * share)} % of a tolerance`
    : `alone errs ${share.toPrecision(2)} times as much as a tolerance allows`;
}

function describeOverflow(range: LayerRange, samples: readonly SampleName[]): string {
  const worst = largest(range.tensors.filter((one) => one.overflow > 0));
  if (worst === undefined) return `"${range.layer.name}"`;
  const sample = worst.sample === undefined ? undefined : (samples[worst.sample]?.name ?? worst.sample);
  const where = `${sample === undefined ? `weight "${worst.tensor}"` : `sample ${sample}`}, index ${worst.index}`;
  return `"${range.layer.name}" ${worst.overflow} of ${worst.elements} values, largest ${worst.maxAbs.toPrecision(4)} (${where})`;
}

/** A layer and the tensor that something is said of. */
interface LayerTensor {
  readonly layer: Layer;
  readonly worst: TensorRange;
}

function describeReading({ layer, worst }: LayerTensor, samples: readonly SampleName[]): string {
  const { tensor, overflow, elements, maxAbs, sample = 0, index } = worst;
  const where = `sample ${samples[sample]?.name ?? sample}, index ${index}`;
  return `"${layer.name}" ${overflow} of ${elements} values of "${tensor}", largest ${maxAbs.toPrecision(4)} (${where})`;
}

function describeNaN({ layer, worst }: LayerTensor, samples: readonly SampleName[]): string {
  const { count = 0, sample = 0 } = worst.nan ?? {};
  return `"${layer.name}" ${count} of ${worst.elements} values of "${worst.tensor}" (first in sample ${samples[sample]?.name ?? sample})`;
}

/** Whether all that a tensor's values come from is written by layers in this format, whatever moves them. */
function isWrittenIn(
  plan: BoundPlan,
  decided: ReadonlyMap<number, LayerDecision>,
  tensor: string,
  format: FormatName,
): boolean {
  const writers = writersOf(plan, tensor);
  return writers.size > 0 && [...writers].every((at) => decided.get(at)?.format === format);
}

/** The nodes, by index, that a tensor's values come from, whatever moves them; -1 for what no node writes. Constants are none. */
function writersOf({ model }: BoundPlan, tensor: string): ReadonlySet<number> {
  const facts = modelFacts(model);
  const { index } = facts;
  const writers = new Set<number>();
  const names = new Set([tensor]);
  // A set is walked in the order in which it grows, also while it grows.
  for (const name of names) {
    const at = index.producers.get(name) ?? -1;
    const node = model.graph.nodes[at];
    if (node === undefined || !isMovement(node)) writers.add(at);
    else {
      for (const input of node.inputs) {
        if (isFloating(facts.elementType(input)) && index.constantOf(input) === undefined) names.add(input);
      }
    }
  }
  return writers;
}

function describeInside({ layer, inside }: LayerRange): string {
  if (inside === undefined) return `"${layer.name}"`;
  const { quantity, terms, value, inFp32 } = inside;
  const of = terms === 1 ? '' : ` of ${terms} terms`;
  const definition = inFp32 ? ' (in FP32 by its definition)' : '';
  return `"${layer.name}" a ${quantity}${of} reaches ${value.toPrecision(4)}${definition}`;
}

/** Whether the plan says that the layer's sums are held in fewer bits than FP32. */
function holdsShortSums(plan: BoundPlan, decision: LayerDecision | undefined): boolean {
  const accumulate =
    decision?.numerics?.accumulate ??
    (decision === undefined ? plan.accumulate : usualAccumulation(plan, decision.layer, decision.format));
  return accumulate !== undefined && accumulate.kind !== 'fp32';
}

function describeUnderflow(range: LayerRange): string {
  return `"${range.layer.name}" ${(100 * range.underflow).toFixed(1)} % of its values`;
}

function describeLosing({ layer, worst }: LayerTensor): string {
  return `"${layer.name}" ${(100 * lostShare(worst)).toFixed(1)} % of the values of "${worst.tensor}"`;
}

function largest(tensors: readonly TensorRange[]): TensorRange | undefined {
  return tensors.reduce<TensorRange | undefined>(
    (best, one) => (best === undefined || one.maxAbs > best.maxAbs ? one : best),
    undefined,
  );
}
