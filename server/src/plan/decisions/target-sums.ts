/**
 * In what sums are added up where the plan says nothing: as its targets were found to add up. Knows what experiments found, not
 * how; a plan must hold on each of its targets, so the one that loses most counts.
 */
import type { Accumulation, FormatName } from '../../formats/index.js';
import { numericsOf } from './decisions.js';
import { accumulationText, accumulationWords } from '../roundings/numerics.js';
import { addsUp, sumProblem } from '../roundings/roundings.js';
import { sumKind } from '../roundings/sum-kinds.js';
import type { BoundPlan, FoundTarget, Layer, LayerDecision, PlanTarget, TargetSums } from '../types.js';
import { counted, listOf } from '../text/wording.js';

/** What experiments found of a target; undefined where none was made. */
export type FindTarget = (target: PlanTarget) => FoundTarget | undefined;

/**
 * In what a layer in `format` adds up where no statement says so for it alone: what the plan says of all, or else how its targets
 * were found to add up; undefined for FP32.
 */
export function usualAccumulation(
  { accumulate, targetSums, model }: Pick<BoundPlan, 'accumulate' | 'targetSums' | 'model'>,
  layer: Layer,
  format: FormatName | 'original',
): Accumulation | undefined {
  if (accumulate !== undefined) return accumulate;
  // The experiments are made in FP16.
  if (format !== 'fp16' || layer.node.domain !== '' || targetSums === undefined) return undefined;
  const { byOperator } = targetSums;
  return byOperator.get(sumKind(model, layer)) ?? byOperator.get(layer.node.opType);
}

/**
 * The plan with its decisions as they are once its targets are known. A plan that says itself how sums are added up, and one
 * whose targets nothing is known of, stay the same.
 */
export function withTargetSums<P extends BoundPlan>(plan: P, found: FindTarget): P {
  if (plan.accumulate !== undefined) return plan;
  const targetSums = sumsOfTargets(plan.targets, found);
  if (targetSums === undefined) return plan;
  const stated = new Set(plan.statedSums);
  const decisions = plan.decisions.map((decision, at): LayerDecision => {
    const { layer, format, numerics } = decision;
    const usual = usualAccumulation({ accumulate: undefined, targetSums, model: plan.model }, layer, format);
    if (usual === undefined || usual.kind === 'fp32' || stated.has(at)) return decision;
    const own = numericsOf(plan.model, layer, format, numerics, usual);
    return own === undefined ? decision : { ...decision, numerics: own };
  });
  return { ...plan, decisions, targetSums };
}

/** Whether the model has a layer whose sums can be told. */
export function addsUpSomewhere({ layers }: Pick<BoundPlan, 'layers'>): boolean {
  return layers.some(({ node }) => addsUp(node));
}

/** Of each operator the sums that lose most, with the targets that they are those of; undefined where nothing is known. */
function sumsOfTargets(targets: readonly PlanTarget[], found: FindTarget): TargetSums | undefined {
  const known = targets.flatMap((target) => {
    // A plan that names no target is judged with sums in FP32, wherever it is judged.
    const sums = target.isAssumed === true ? undefined : found(target)?.sums;
    return sums === undefined || sums.size === 0 ? [] : [{ name: target.name, sums }];
  });
  if (known.length === 0) return undefined;
  const byOperator = new Map<string, Accumulation>();
  for (const { sums } of known) {
    for (const [operator, own] of sums) {
      if (lossOf(own) > lossOf(byOperator.get(operator)) || !byOperator.has(operator))
        byOperator.set(operator, own);
    }
  }
  const decisive = known.filter(({ sums }) =>
    [...sums].some(
      ([operator, own]) => own.kind !== 'fp32' && lossOf(own) === lossOf(byOperator.get(operator)),
    ),
  );
  const from = new Set((decisive.length > 0 ? decisive : known).map(({ name }) => name));
  const unknown = targets.map(({ name }) => name).filter((name) => !known.some((one) => one.name === name));
  return { byOperator, from: [...from], unknown };
}

/** A sum as long as those of large layers. */
const LONG_SUM = 4096;

/** Longer partial sums lose more, whether they follow each other or stand side by side; one that never ends is a whole sum in FP16. */
function lossOf(accumulation: Accumulation | undefined): number {
  switch (accumulation?.kind) {
    case 'chunked':
      return accumulation.length;
    case 'lanes':
      return LONG_SUM / accumulation.count;
    case 'fp16':
      return Number.POSITIVE_INFINITY;
    default:
      return 0;
  }
}

/** What is said of layers that add up in FP32 for no other reason than that emulation cannot do what the targets do. */
function notEmulated(plan: BoundPlan): string {
  const stated = new Set(plan.statedSums);
  const problems = plan.decisions.flatMap(({ layer, format }, at) => {
    const usual = stated.has(at) ? undefined : usualAccumulation(plan, layer, format);
    const problem =
      usual === undefined || usual.kind === 'fp32' || !addsUp(layer.node)
        ? undefined
        : sumProblem(plan.model, layer);
    return problem === undefined ? [] : [problem];
  });
  const [first] = problems;
  return first === undefined
    ? ''
    : `; but ${counted(problems.length, 'layer')} ${problems.length === 1 ? 'adds' : 'add'} up in fp32 here where the target does not: ${first}`;
}

/**
 * What sums were added up in, and why: `fp32 and fp16, as webgpu was found to add up on this machine`. One phrase for every
 * place that shows a verdict or a prediction.
 */
export function accumulationReason(plan: BoundPlan): string {
  const { accumulate, decisions, statedSums, targetSums, targets } = plan;
  const words = accumulationWords(decisions);
  if (accumulate !== undefined)
    return `${words}, as the plan says (\`accumulate: ${accumulationText(accumulate)}\`)`;
  if (targetSums !== undefined) {
    const missing =
      targetSums.unknown.length === 0
        ? ''
        : `; how ${listOf(targetSums.unknown, 'and')} ${targetSums.unknown.length === 1 ? 'does' : 'do'} is not known here`;
    const isStated = (statedSums ?? []).some(
      (at) => (decisions[at]?.numerics?.accumulate?.kind ?? 'fp32') !== 'fp32',
    );
    const stated = isStated ? ', and as the plan says of single layers' : '';
    return `${words}, as ${listOf(targetSums.from, 'and')} ${targetSums.from.length === 1 ? 'was' : 'were'} found to add up on this machine${stated}${missing}${notEmulated(plan)}`;
  }
  if (words !== 'fp32') return `${words}, as the plan says of single layers`;
  const others = targets.map(({ name }) => name).filter((name) => name !== 'cpu');
  return others.length === 0
    ? words
    : `${words}, since how ${listOf(others, 'and')} ${others.length === 1 ? 'adds' : 'add'} up is not known here; \`accumulate\` says it`;
}
