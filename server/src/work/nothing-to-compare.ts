/** Models of whose outputs no error can be told. Knows a bound plan; runs nothing. */
import { floatingOutputs } from '../analysis/index.js';
import { noFloats, type BoundPlan } from '../plan/index.js';
import { refused, type Refused } from './problem.js';

/** A model without any floating-point output: figures of none would read as if nothing were wrong. */
export function nothingToCompare({ model, path }: Pick<BoundPlan, 'model' | 'path'>): Refused | undefined {
  if (floatingOutputs(model).length > 0) return undefined;
  const [first] = model.graph.outputs;
  const why = first === undefined ? 'the model has no outputs' : noFloats(model, first.name);
  return refused('input', 'nothing-to-compare', `there is nothing that could be compared: ${why}`, path);
}
