/**
 * Shapes as they are in a run: one profiled inference on a sample, for models whose shapes inference cannot find
 * because they depend on the input.
 */
import { numberedSteps } from '../../emulate/index.js';
import { weightsFolder, type Model, type Shape } from '../../onnx/index.js';
import type { Runtime } from '../../runtime/index.js';
import { EMULATION_SETTINGS, putSample, type WorkOptions } from './evaluation.js';
import { inSlices } from './in-slices.js';
import type { Sample } from '../samples/index.js';

/** The shape of every tensor of the main graph that a node computes, and of every input, on `sample`. */
export async function observedShapes(
  runtime: Runtime,
  model: Model,
  sample: Sample,
  { signal, progress }: WorkOptions = {},
): Promise<ReadonlyMap<string, Shape>> {
  const variant = await inSlices(numberedSteps(model));
  const request = { model: { bytes: variant.bytes, weightsFolder: weightsFolder(model) ?? '.' } };
  const session = await runtime.open({ ...request, ...EMULATION_SETTINGS, profile: true }, signal);
  const shapes = new Map(
    Object.entries(sample.inputs).map(([name, { dims }]): [string, Shape] => [name, dims]),
  );
  try {
    const feeds = await putSample(runtime, sample, signal);
    try {
      progress?.(0, 1, 'shapes');
      const outputs = await runtime.run(session, feeds, undefined, signal);
      await runtime.release(Object.values(outputs));
    } finally {
      await runtime.release(Object.values(feeds));
    }
    for (const kernel of await runtime.profile(session, signal)) {
      // Outputs left out have no entry in the profile.
      const present = (variant.outputs.get(kernel.name) ?? []).filter((name) => name !== '');
      for (const [index, name] of present.entries()) {
        const found = kernel.outputShapes[index];
        if (found !== undefined) shapes.set(name, found.dims);
      }
    }
  } finally {
    await runtime.close(session);
  }
  progress?.(1, 1, 'shapes');
  return shapes;
}
