/** In which format each layer of a plan runs, as other tools know formats: there is no "as in the model". Knows no tool. */
import type { RunFormat } from '../formats/index.js';
import { DataType } from '../onnx/index.js';
import {
  allowedFormats,
  elementFormat,
  formatOfType,
  isInMainGraph,
  isRunFormat,
  presentType,
  type Layer,
  type LayerDecision,
  type TracedPlan,
} from '../plan/index.js';
import type { ImportedDecision, Loss } from './kind.js';

export interface LayerFormat {
  readonly layer: Layer;
  readonly decision: LayerDecision;
  /** The format that it runs in; undefined for one that no tool here chooses among, such as FP64. */
  readonly format: RunFormat | undefined;
  /** The format that it has in the model. */
  readonly present: RunFormat | undefined;
  readonly isInMainGraph: boolean;
}

export function layerFormats(plan: TracedPlan): readonly LayerFormat[] {
  return plan.decisions.map((decision) => {
    const { layer } = decision;
    const decided = elementFormat(decision);
    const type = presentType(plan.model, layer);
    const present = type === undefined ? undefined : formatOfType(type);
    return {
      layer,
      decision,
      // A format that other tools do not choose among is FP32 between roundings.
      format: decided === 'original' ? present : decided,
      present,
      isInMainGraph: isInMainGraph(plan.model, layer.nodeIndex),
    };
  });
}

/** What no other tool takes from a plan: formats that are not run yet, and what becomes of weights beyond the range. */
export function commonLosses(formats: readonly LayerFormat[]): readonly Loss[] {
  const notRun = formats.filter(({ decision: { wanted, format } }) =>
    format === 'original' ? wanted !== 'original' : !isRunFormat(format),
  );
  const overflowing = formats.filter(
    ({ decision }) =>
      decision.overflow !== 'error' && (decision.format === 'fp16' || decision.format === 'bf16'),
  );
  return [
    ...lossOf(
      'format-not-run',
      notRun,
      (count) =>
        `${count} in formats that other tools do not choose among: they are written as what they compute in`,
    ),
    ...lossOf(
      'overflow-option',
      overflowing,
      (count) =>
        `${count} with \`overflow\`: what becomes of weights beyond the range is the tool's own choice`,
    ),
  ];
}

/** A loss about some layers; none where there are none. */
export function lossOf(
  code: string,
  layers: readonly (LayerFormat | Layer)[],
  say: (counted: string) => string,
): readonly Loss[] {
  if (layers.length === 0) return [];
  const names = layers.map((one) => ('layer' in one ? one.layer.name : one.name));
  const message = `${say(`${names.length} ${names.length === 1 ? 'layer' : 'layers'}`)}.`;
  return [{ code, message, layers: names }];
}

/** The decision that puts a layer into a low format, or leaves it in FP32 where its operator does not allow that. */
export function lowDecision(plan: TracedPlan, layer: Layer, low: 'fp16' | 'bf16'): ImportedDecision {
  return { format: allowedFormats(plan.model, layer).includes(low) ? low : 'fp32' };
}

/** Whether the layer computes in FP32 in the model: only of those do converters choose. */
export function isFp32(plan: TracedPlan, layer: Layer): boolean {
  return presentType(plan.model, layer) === DataType.FLOAT;
}
