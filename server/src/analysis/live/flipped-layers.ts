/**
 * What the flips that an editor offers make of each layer, so that they can be predicted before anyone flips: into the format that most
 * low layers have, or back to FP32, and of layers with a line of their own into the formats that such a line is offered. A line keeps its
 * options. Knows statements and decisions; nothing of what flips do to outputs.
 */
import { LOW_FORMAT_NAMES, type FormatName, type LowFormatName } from '../../formats/index.js';
import { isStep, type Steps } from '../../onnx/index.js';
import {
  allowsFormat,
  layerInFormat,
  numericsOf,
  usualAccumulation,
  type BoundStatement,
  type Layer,
  type LayerDecision,
  type TracedPlan,
} from '../../plan/index.js';

/** What a low layer with a line of its own can be flipped to, beside FP32 and the plan's own format. */
export const LINE_FORMATS = ['fp16', 'bf16'] as const satisfies readonly LowFormatName[];

/** The decisions that flips make of single layers, a few layers at a time. */
export function* flippedLayersSteps(
  plan: TracedPlan,
  format: LowFormatName,
): Steps<readonly LayerDecision[]> {
  const deciders: (BoundStatement | undefined)[] = plan.layers.map(() => undefined);
  for (const statement of plan.statements) for (const at of statement.decides) deciders[at] = statement;
  yield;
  const flipped: LayerDecision[] = [];
  for (const [at, decision] of plan.decisions.entries()) {
    if (isStep(at)) yield;
    const { layer } = decision;
    const isLow = LOW_FORMAT_NAMES.some((low) => low === decision.format);
    const to = isLow ? 'fp32' : format;
    const decider = deciders[at];
    if (decider !== undefined) flipped.push(...decided(plan, layer, to, decider));
    if (decider === undefined || !isOwnLine(decider)) flipped.push(...decided(plan, layer, to));
    else if (isLow) for (const other of LINE_FORMATS) flipped.push(...decided(plan, layer, other, decider));
  }
  return flipped;
}

/** A line that names one layer and nothing else is changed by a flip of the layer; any other one gets a line behind it. */
function isOwnLine({ statement, include }: BoundStatement): boolean {
  return include === undefined && statement.kind === 'layer' && statement.names.length === 1;
}

/** The layer in `format`, by a statement with the options of `line`; nothing where it cannot run in it. */
function decided(
  plan: TracedPlan,
  layer: Layer,
  format: FormatName,
  line?: Pick<BoundStatement, 'numerics' | 'overflow'>,
): readonly LayerDecision[] {
  if (format !== 'fp32' && !allowsFormat(plan.model, layer, format)) return [];
  const usual = usualAccumulation(plan, layer, format);
  const numerics = numericsOf(plan.model, layer, format, line?.numerics, usual);
  const overflow = line?.overflow ?? 'error';
  return [{ ...layerInFormat(layer, format), overflow, ...(numerics === undefined ? {} : { numerics }) }];
}
