/** What features ask of every model, found in advance and a little at a time, so that no request pays for it. */
import type { Model, Steps } from '../onnx/index.js';
import { knowModelSteps, layerNeighboursSteps } from '../plan/index.js';
import { offeredNamesSteps } from './completion-names.js';
import { namesOf } from './model-names.js';

export function* learnModel(model: Model): Steps<void> {
  yield* knowModelSteps(model);
  yield;
  yield* layerNeighboursSteps(model);
  namesOf(model);
  yield;
  yield* offeredNamesSteps(model);
}
