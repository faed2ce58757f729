/**
 * Layers that a target of the plan does not run in the format that the plan gives them, as diagnostics on the statements that
 * decide. Pure; how a target runs a layer was found by experiment.
 */
import { writeOperatorType, type BoundPlan, type LayerDecision } from '../../plan/index.js';
import { finish, isStep, type Steps } from '../../onnx/index.js';
import { perStatement, type LayerFinding } from '../findings/findings.js';
import type { SupportOutcome, TriedLayer } from './layer-trial.js';
import type { LayerSupport } from './operator-support.js';

/** What a target does with layers in a format, by the name of the layer. */
export interface SupportOnTarget {
  readonly target: string;
  readonly format: 'fp16' | 'bf16';
  readonly layers: ReadonlyMap<string, TriedLayer>;
}

/** The same from what an experiment gave. */
export function supportOnTarget(
  target: string,
  format: SupportOnTarget['format'],
  found: readonly LayerSupport[],
): SupportOnTarget {
  return {
    target,
    format,
    layers: new Map(found.map(({ layer, outcome, detail }) => [layer.name, { outcome, detail }])),
  };
}

/** Operators that a message names. */
const NAMED = 4;
/** The gravest first. */
const GRAVITY: readonly SupportOutcome[] = ['refused', 'elsewhere', 'through casts', 'unknown', 'native'];

/** Whether the target is known to do something else than to run it in the format. */
export function isLacking({ outcome }: Pick<TriedLayer, 'outcome'>): boolean {
  return outcome !== 'native' && outcome !== 'unknown';
}

/** `unsupported-on-target` for each target and each statement that decides layers which it does not run as they are decided. */
export function supportFindings(plan: BoundPlan, found: readonly SupportOnTarget[]): readonly LayerFinding[] {
  return finish(supportFindingSteps(plan, found));
}

/** The same a little at a time. */
export function* supportFindingSteps(
  plan: BoundPlan,
  found: readonly SupportOnTarget[],
): Steps<readonly LayerFinding[]> {
  const findings: LayerFinding[] = [];
  for (const { target, format, layers } of found) {
    const lacking: (LayerDecision & { readonly tried: TriedLayer })[] = [];
    for (const [index, decision] of plan.decisions.entries()) {
      if (isStep(index)) yield;
      const tried = decision.format === format ? layers.get(decision.layer.name) : undefined;
      if (tried !== undefined && isLacking(tried)) lacking.push({ ...decision, tried });
    }
    lacking.sort(
      (a, b) =>
        GRAVITY.indexOf(a.tried.outcome) - GRAVITY.indexOf(b.tried.outcome) ||
        (b.layer.multiplyAdds ?? 0) - (a.layer.multiplyAdds ?? 0),
    );
    const decided = new Map(lacking.map((one) => [one.layer.nodeIndex, one]));
    yield;
    findings.push(
      ...perStatement(plan, decided, lacking, (own) => ({
        code: 'unsupported-on-target',
        severity: 'warning',
        message: `${target} does not run ${own.length === 1 ? 'this layer' : `${own.length} layers`} in ${format}: ${describe(own, target, format)}`,
      })),
    );
    yield;
  }
  return findings;
}

/** By what would be done instead, the operators with how many layers. */
function describe(
  own: readonly { readonly layer: LayerDecision['layer']; readonly tried: TriedLayer }[],
  target: string,
  format: string,
): string {
  return GRAVITY.flatMap((outcome) => {
    const these = own.filter(({ tried }) => tried.outcome === outcome);
    const [first] = these;
    if (first === undefined) return [];
    const counts = new Map<string, number>();
    for (const { layer } of these) {
      const operator = writeOperatorType(layer.node);
      counts.set(operator, (counts.get(operator) ?? 0) + 1);
    }
    const operators = [...counts].map(([operator, count]) =>
      count === 1 ? operator : `${operator} (${count})`,
    );
    const more = operators.length > NAMED ? ` and ${operators.length - NAMED} more operators` : '';
    return [`${operators.slice(0, NAMED).join(', ')}${more} ${insteadOf(first.tried, target, format)}`];
  }).join('; ');
}

/** What would run, in the words that follow the operators. */
export function insteadOf({ outcome, detail }: TriedLayer, target: string, format: string): string {
  switch (outcome) {
    case 'native':
      return `on a kernel of ${target} for ${format}`;
    case 'through casts':
      return `in FP32 between casts, since ${target} has no kernel for ${format}`;
    case 'elsewhere':
      return `on ${detail === 'CPUExecutionProvider' ? 'the CPU' : detail}, since ${target} has no kernel at all: the data goes there and back`;
    case 'refused':
      return `not at all: ${detail}`;
    case 'unknown':
      return `in a way that is not known, since what it was tried with does not run on the CPU either: ${detail}`;
  }
}
