/** What a profile that was taken elsewhere says of the plan's model. Knows the profile of a statement; not how it is led back to layers. */
import { knownMapping } from '../analysis/index.js';
import type { LatencySource, TracedPlan } from '../plan/index.js';
import { milliseconds } from './measured-words.js';
import { type Block, paragraph } from './rich-text.js';

/** Of whom it is, how long a run took there, and what of it belongs to which layers, as far as that is found. */
export function describeProfile(source: LatencySource, plan: TracedPlan): readonly Block[] {
  const { profile } = source;
  const runs = profile.runs.length;
  const mapped = knownMapping(plan.model, plan.layers, source);
  const kind = profile.kind === 'tensorrt' ? 'A file of trtexec' : 'A profile of ONNX Runtime';
  const counted = runs === 0 ? '' : ` of ${runs} ${runs === 1 ? 'run' : 'runs'}`;
  if (mapped === undefined) return [paragraph(`${kind}${counted}.`)];
  const { layers, whole, p10, p90, casts, unmapped } = mapped;
  const spread = p10 < p90 ? ` (${milliseconds(p10)} to ${milliseconds(p90)})` : '';
  const formats = new Map<string, number>();
  for (const { format } of layers.values()) formats.set(format, (formats.get(format) ?? 0) + 1);
  const found =
    layers.size === 0
      ? 'None of it belongs to a layer of this model.'
      : `It has ${layers.size} of ${plan.layers.length} layers: ${[...formats].map(([format, count]) => `${count} in ${format}`).join(', ')}. ` +
        `Casts take ${milliseconds(casts)} ms, what belongs to no layer ${milliseconds(unmapped)} ms.`;
  return [paragraph(`${kind}${counted}: ${milliseconds(whole)} ms${spread}, warm-up left out. ${found}`)];
}
