/** Values as they are in a run: one inference on a sample, for whoever needs what a model computes and not only how large it is. */
import { exposedSteps } from '../../emulate/index.js';
import { weightsFolder, type Model } from '../../onnx/index.js';
import { modelFacts } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import { EMULATION_SETTINGS, putSample } from './evaluation.js';
import { inSlices } from './in-slices.js';
import type { Sample, SampleTensor } from '../samples/index.js';

/** Those of `tensors` of the main graph that are an input or that a node computes, on `sample`. */
export async function observedValues(
  runtime: Runtime,
  model: Model,
  sample: Sample,
  tensors: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, SampleTensor>> {
  const values = new Map<string, SampleTensor>();
  const computed = new Set<string>();
  for (const name of tensors) {
    const fed = sample.inputs[name];
    if (fed !== undefined) values.set(name, fed);
    else if (modelFacts(model).elementType(name) !== undefined) computed.add(name);
  }
  if (computed.size === 0) return values;
  const variant = await inSlices(exposedSteps(model, [...computed]));
  const request = { model: { bytes: variant.bytes, weightsFolder: weightsFolder(model) ?? '.' } };
  const session = await runtime.open({ ...request, ...EMULATION_SETTINGS }, signal);
  try {
    const feeds = await putSample(runtime, sample, signal);
    try {
      const outputs = await runtime.run(session, feeds, [...computed], signal);
      for (const [name, handle] of Object.entries(outputs)) {
        const bytes = await runtime.read(handle, signal);
        const { dataType, dims } = handle;
        values.set(name, {
          ...{ dataType, dims, content: { kind: 'bytes', bytes } },
          ...{ origin: `a run on ${sample.name}`, sha256: '' },
        });
      }
      await runtime.release(Object.values(outputs));
    } finally {
      await runtime.release(Object.values(feeds));
    }
  } finally {
    await runtime.close(session);
  }
  return values;
}
