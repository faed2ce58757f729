/**
 * Why a layer that was measured changes no output at all: none depends on it, or those that do are saturated. Knows no figures but these;
 * what it was measured with is not known here.
 */
import type { Model } from '../../onnx/index.js';
import { valueDependenceSteps, type Layer } from '../../plan/index.js';
import type { Evaluation } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { floatsOf } from '../sessions/session-tensors.js';
import { saturatingOperator } from '../sketch/index.js';
import { isSaturated } from '../sketch/saturation.js';
import type { Reason } from './reasons.js';

/** Said of a layer whatever way found it. */
export const SATURATED = 'the output is a Softmax or Sigmoid that hardly moves any more: judge the logits';

/**
 * Reasons of `layers`, each of which was measured to change nothing in `outputs`. Those that neither explains have none.
 *
 * @param evaluation asked for only where an output could be saturated
 */
export async function reasonsWithoutEffect(
  model: Model,
  layers: readonly Layer[],
  outputs: readonly string[],
  evaluation: () => Promise<Evaluation>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<Layer, readonly Reason[]>> {
  const found = new Map<Layer, readonly Reason[]>();
  if (layers.length === 0) return found;
  const saturated = await saturatedOutputs(model, outputs, evaluation, signal);
  const dependences = new Map<string, ReadonlySet<number>>();
  for (const output of outputs) dependences.set(output, await inSlices(valueDependenceSteps(model, output)));
  for (const layer of layers) {
    const reached = outputs.filter((output) => dependences.get(output)?.has(layer.nodeIndex) === true);
    if (reached.length === 0) {
      const sentence = 'no output that is judged depends on it';
      found.set(layer, [{ code: 'unused', sentence, flags: true }]);
    } else if (reached.some((output) => saturated.has(output))) {
      found.set(layer, [{ code: 'saturated-output', sentence: SATURATED, flags: true }]);
    }
  }
  return found;
}

/** Those that are saturated in some sample. */
async function saturatedOutputs(
  model: Model,
  outputs: readonly string[],
  evaluation: () => Promise<Evaluation>,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const output of outputs) {
    const operator = saturatingOperator(model, output);
    if (operator === undefined) continue;
    const { runtime, references } = await evaluation();
    for (const sample of references) {
      const reference = sample[output];
      if (reference === undefined || found.has(output)) continue;
      const values = floatsOf(await runtime.read(reference, signal));
      if (isSaturated(operator, values, reference.dims)) found.add(output);
    }
  }
  return found;
}
