/** Which layers of a plan can run in a format. Asked when a job begins, of thousands of layers. */
import type { LowFormatName } from '../../formats/index.js';
import { isStep, type Steps } from '../../onnx/index.js';
import { allowsFormat, type BoundPlan, type Layer } from '../../plan/index.js';

/** The layers whose operators allow `format`, in the plan's order, a few at a time. */
export function* layersAllowingSteps(
  { model, layers }: BoundPlan,
  format: LowFormatName,
): Steps<readonly Layer[]> {
  const allowing: Layer[] = [];
  for (const [index, layer] of layers.entries()) {
    if (isStep(index)) yield;
    if (allowsFormat(model, layer, format)) allowing.push(layer);
  }
  return allowing;
}
