/** The scales of layers that are all in one integer format, whatever a plan says. Knows layers; not how a range is chosen. */
import { unchanged } from '../../emulate/index.js';
import { isFloatFormat, type LowFormatName, type Quantization } from '../../formats/index.js';
import { allowsFormat, nodeRoundingOf, type Layer, type NodeRounding } from '../../plan/index.js';
import { calibrated } from './calibration.js';
import type { Evaluation, WorkOptions } from '../sessions/evaluation.js';

/** The scales that layers need in an integer format; none for any other. */
export async function ownQuantizations(
  evaluation: Evaluation,
  layers: readonly Layer[],
  format: LowFormatName,
  options: WorkOptions,
): Promise<ReadonlyMap<string, Quantization>> {
  if (isFloatFormat(format)) return new Map();
  const { model } = evaluation;
  const roundings = layers.flatMap((layer): [number, NodeRounding][] => {
    const rounding = allowsFormat(model, layer, format)
      ? nodeRoundingOf(model, layer, format, evaluation.ranges)
      : undefined;
    return rounding === undefined ? [] : [[layer.nodeIndex, rounding]];
  });
  const graph = { ...unchanged(model), roundings: new Map(roundings) };
  return (await calibrated(graph, () => Promise.resolve(evaluation), options)).quantizations;
}
