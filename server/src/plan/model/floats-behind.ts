/**
 * What an output that holds no floating-point numbers was computed from: the nearest tensor of which an error can be told. Knows
 * graphs and types; no plan.
 */
import { quote } from '../../language/index.js';
import type { Model } from '../../onnx/index.js';
import { isFloating, modelFacts } from './model-facts.js';

/** The first floating-point tensor on the way back from a tensor of the main graph, no constant; undefined for none. */
export function floatsBehind(model: Model, name: string): string | undefined {
  const facts = modelFacts(model);
  const { producers, constantOf } = facts.index;
  const seen = new Set([name]);
  // Grows while it is walked through, so that what is nearer comes first.
  const tensors = [name];
  for (const tensor of tensors) {
    if (isFloating(facts.elementType(tensor))) return tensor;
    const by = model.graph.nodes[producers.get(tensor) ?? -1];
    for (const input of by?.inputs ?? []) {
      if (input === '' || seen.has(input) || constantOf(input) !== undefined) continue;
      seen.add(input);
      tensors.push(input);
    }
  }
  return undefined;
}

/** Why an output that holds no floating-point numbers cannot be judged, and what to do about it; no full stop. */
export function noFloats(model: Model, output: string): string {
  const behind = floatsBehind(model, output);
  const wayOut =
    behind === undefined
      ? ''
      : `: let the model give out ${quote(behind)} too, from which it is computed, and judge that`;
  return `${quote(output)} is no floating-point output, and metrics compare floating-point numbers${wayOut}`;
}
