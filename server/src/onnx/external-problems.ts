/** Whether the files of external data that a model names are there and long enough. Reads none of them. */
import { externalTensors, type ExternalTensor } from './external-locations.js';
import type { TensorProblem } from './external-files.js';
import type { Model } from './model.js';
import { tensorLocation } from './tensor-bytes.js';

/** One problem at most for each file: of the tensor that reaches furthest into it. */
export function externalProblems(model: Model): readonly TensorProblem[] {
  const furthest = new Map<string, ExternalTensor>();
  for (const tensor of externalTensors(model)) {
    const other = furthest.get(tensor.data.location);
    if (other === undefined || endOf(tensor) > endOf(other)) furthest.set(tensor.data.location, tensor);
  }
  return [...furthest.values()].flatMap((tensor) => {
    const located = tensorLocation(tensor, model);
    return 'problem' in located ? [located.problem] : [];
  });
}

function endOf({ data }: ExternalTensor): number {
  return data.offset + (data.length ?? 0);
}
