/** What is found once for a model, which never changes, and remembered as long as it lives. */
import { finish, type Model, type Steps } from '../../onnx/index.js';

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

/** The same for what takes long: at once, or a little at a time; either way it is found once. */
export function oncePerModelInSteps<Found extends object>(
  find: (model: Model) => Steps<Found>,
): { readonly at: (model: Model) => Found; readonly steps: (model: Model) => Steps<Found> } {
  const remembered = new WeakMap<Model, Found>();
  function* steps(model: Model): Steps<Found> {
    const known = remembered.get(model);
    if (known !== undefined) return known;
    const made = yield* find(model);
    // Someone who could not wait may have found it meanwhile, and holds on to that one.
    const found = remembered.get(model) ?? made;
    remembered.set(model, found);
    return found;
  }
  return { at: (model) => remembered.get(model) ?? finish(steps(model)), steps };
}
