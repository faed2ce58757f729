/**
 * What analysis found, as diagnostics on the plan: a finding about a layer stands on the statement that decides
 * it, one about a tolerance on the tolerance. Knows no editor and no terminal.
 */
import type { Diagnostic } from '../language/index.js';
import type { BoundPlan, DecisionSource, LayerDecision } from '../plan/index.js';
import { UNDERFLOW_SHARE, type LayerRange } from './ranges.js';
import type { TensorRange } from './tensor-range.js';
import type { ToleranceVerdict } from './noise.js';
import type { Sample } from './samples/index.js';

/** Layers named in a message; the others are counted. */
const NAMED = 3;

/** `overflow` and `underflow` of the layers that `plan` puts into `format`. */
export function rangeFindings(
  plan: BoundPlan,
  ranges: readonly LayerRange[],
  format: 'fp16' | 'bf16',
  samples: readonly Sample[],
): Diagnostic[] {
  const decided = new Map(plan.decisions.map((decision) => [decision.layer.nodeIndex, decision]));
  const low = ranges.flatMap((range): LayerRange[] => {
    const decision = decided.get(range.layer.nodeIndex);
    return decision?.format === format ? [withoutHandled(range, decision)] : [];
  });
  const overflow = low.filter((range) => range.overflow > 0).toSorted((a, b) => b.maxAbs - a.maxAbs);
  const underflow = low
    .filter((range) => range.underflow > UNDERFLOW_SHARE)
    .toSorted((a, b) => b.underflow - a.underflow);
  return [
    ...perStatement(plan, decided, overflow, (own) => ({
      code: 'overflow',
      severity: 'error' as const,
      message: `beyond the range of ${format}: ${listed(own, (one) => describeOverflow(one, samples))}`,
    })),
    ...perStatement(plan, decided, underflow, (own) => ({
      code: 'underflow',
      severity: 'warning' as const,
      message: `become subnormal or zero in ${format}: ${listed(own, describeUnderflow)}`,
    })),
  ];
}

/** `tolerance-exceeded` for each tolerance that does not hold. */
export function toleranceFindings(plan: BoundPlan, verdicts: readonly ToleranceVerdict[]): Diagnostic[] {
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
          `"${output}" ${metric.name} is ${one.measured.toPrecision(3)} (${over} of the samples, noise ` +
          `${one.noise.toPrecision(2)}${within}), wanted ${operator} ${limit}; \`tune\` finds a plan that holds`,
        ...(source.path === plan.path ? {} : { path: source.path }),
      };
    });
}

/** Without the overflow of weights where the plan says what becomes of it. */
function withoutHandled(range: LayerRange, { overflow }: LayerDecision): LayerRange {
  if (overflow === 'error') return range;
  const tensors = range.tensors.map((one) => (one.kind === 'weight' ? { ...one, overflow: 0 } : one));
  return { ...range, tensors, overflow: tensors.reduce((sum, one) => sum + one.overflow, 0) };
}

function perStatement(
  plan: BoundPlan,
  decided: ReadonlyMap<number, LayerDecision>,
  ranges: readonly LayerRange[],
  describe: (own: readonly LayerRange[]) => Pick<Diagnostic, 'code' | 'severity' | 'message'>,
): Diagnostic[] {
  const groups = new Map<DecisionSource, LayerRange[]>();
  for (const range of ranges) {
    const source = decided.get(range.layer.nodeIndex)?.source;
    if (source === undefined) continue;
    const group = groups.get(source);
    if (group === undefined) groups.set(source, [range]);
    else group.push(range);
  }
  return [...groups].map(([source, own]) => ({
    ...describe(own),
    range: source.range,
    ...(source.path === plan.path ? {} : { path: source.path }),
  }));
}

function listed(ranges: readonly LayerRange[], describe: (range: LayerRange) => string): string {
  const named = ranges.slice(0, NAMED).map(describe).join('; ');
  const more = ranges.length - NAMED;
  return more > 0 ? `${named}; and ${more} more` : named;
}

function describeOverflow(range: LayerRange, samples: readonly Sample[]): string {
  const worst = largest(range.tensors.filter((one) => one.overflow > 0));
  if (worst === undefined) return `"${range.layer.name}"`;
  const sample = worst.sample === undefined ? undefined : (samples[worst.sample]?.name ?? worst.sample);
  const where = `${sample === undefined ? `weight "${worst.tensor}"` : `sample ${sample}`}, index ${worst.index}`;
  return `"${range.layer.name}" ${worst.overflow} of ${worst.elements} values, largest ${worst.maxAbs.toPrecision(4)} (${where})`;
}

function describeUnderflow(range: LayerRange): string {
  return `"${range.layer.name}" ${(100 * range.underflow).toFixed(1)} % of its values`;
}

function largest(tensors: readonly TensorRange[]): TensorRange | undefined {
  return tensors.reduce<TensorRange | undefined>(
    (best, one) => (best === undefined || one.maxAbs > best.maxAbs ? one : best),
    undefined,
  );
}
