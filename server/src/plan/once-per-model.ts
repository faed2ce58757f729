/** What is found once for a model, which never changes, and remembered as long as it lives. */
import type { Model } from '../onnx/index.js';

/** The same function, which does its work at the first call for each model. */
export function oncePerModel<Found extends object>(find: (model: Model) => Found): (model: Model) => Found {
  const remembered = new WeakMap<Model, Found>();
  return (model) => {
    let found = remembered.get(model);
    if (found === undefined) {
      found = find(model);
      remembered.set(model, found);
    }
    return found;
  };
}
