/** How long each node of a model takes at the emulation's own settings: one profiled run, to plan longer work by. */
import { numberedSteps } from '../../emulate/index.js';
import { modelFacts } from '../../plan/index.js';
import { EMULATION_SETTINGS, type Evaluation } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';

export interface NodeTimes {
  /** By node index of the main graph: milliseconds in one run. Nodes that were not run have none. */
  readonly nodes: ReadonlyMap<number, number>;
  /** Milliseconds to open a session of the whole model. */
  readonly open: number;
}

/** Profiles one run on the first sample. One session, one inference; rough, as a first run is. */
export async function nodeTimes(
  { runtime, model, folder, feeds }: Evaluation,
  signal: AbortSignal | undefined,
): Promise<NodeTimes> {
  const variant = await inSlices(numberedSteps(model));
  const { producers } = modelFacts(model).index;
  const request = { model: { bytes: variant.bytes, weightsFolder: folder }, ...EMULATION_SETTINGS };
  const start = performance.now();
  const session = await runtime.open({ ...request, profile: true }, signal);
  const open = performance.now() - start;
  const nodes = new Map<number, number>();
  try {
    const outputs = await runtime.run(session, feeds[0] ?? {}, undefined, signal);
    await runtime.release(Object.values(outputs));
    for (const { name, milliseconds } of await runtime.profile(session, signal)) {
      const output = variant.outputs.get(name)?.find((one) => one !== '');
      const node = output === undefined ? undefined : producers.get(output);
      if (node !== undefined) nodes.set(node, (nodes.get(node) ?? 0) + milliseconds);
    }
  } finally {
    await runtime.close(session);
  }
  return { nodes, open };
}
