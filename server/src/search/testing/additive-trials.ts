/** For tests of the strategies: trials in which each layer has a known harm and a set holds while their sum does. */
import type { Layer } from '../../plan/index.js';
import type { Trials } from '../trial.js';

/** A layer that is nothing but its place in the graph. */
export function bareLayer(nodeIndex: number): Layer {
  const name = `layer_${nodeIndex}`;
  const node = {
    name,
    opType: 'Relu',
    domain: '',
    overload: '',
    inputs: ['x'],
    outputs: ['y'],
    attributes: [],
    message: undefined,
  };
  return { name, node, nodeIndex, weights: [], multiplyAdds: 0 };
}

/** Trials over `harms` (by node index) with the sum allowed up to `budget`; counts how often it was asked. */
export function additiveTrials(
  harms: readonly number[],
  budget: number,
): Pick<Trials, 'holds'> & { readonly asked: number } {
  let asked = 0;
  return {
    holds: (low) => {
      asked += 1;
      let sum = 0;
      for (const layer of low) sum += harms[layer.nodeIndex] ?? 0;
      return Promise.resolve(sum <= budget);
    },
    get asked() {
      return asked;
    },
  };
}
