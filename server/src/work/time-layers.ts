/** How long each layer of a plan takes on the plan's target, and what keeps the plan from being faster. */
import {
  calibrated,
  observedShapes,
  isLacking,
  layerSupport,
  planLatency,
  type LayerLatency,
  type LayerSupport,
} from '../analysis/index.js';
import type { BoundPlan } from '../plan/index.js';
import type { Work } from './open-work.js';
import { guarded, refused, type Refused } from './problem.js';
import { supportSubject } from './target-support.js';

export interface TimedLayers {
  readonly latency: LayerLatency;
  /** The plan's FP16 and BF16 layers that the target was found to have no kernel for in the format. */
  readonly withoutKernel: readonly LayerSupport[];
}

/**
 * Profiles the original and the plan in turns. Refused on targets whose profiles do not tell how long a device took: only the processor's
 * and those of WebGPU do.
 */
export async function timeLayers(work: Work, plan: BoundPlan): Promise<TimedLayers | Refused> {
  const { runtime, samples, target: provider, threads, signal, progress } = work;
  const [sample] = samples;
  if (sample === undefined)
    return refused('input', 'samples-unusable', 'there is no sample to time', plan.path);
  if (provider !== 'cpu' && provider !== 'webgpu') {
    const way = 'take a profile on the device and name it with `latency from "FILE"`';
    return refused(
      'input',
      'target-unavailable',
      `layers are timed on cpu and webgpu, not on ${provider}; ${way}`,
    );
  }
  return await guarded(work, async () => {
    const latency = await planLatency(runtime, plan, sample, {
      ...{ threads, target: provider, signal, progress },
      withScales: (graph) => calibrated(graph, () => work.evaluation(), { signal }),
    });
    if ('problem' in latency) return refused('shortfall', 'not-timed', latency.problem, plan.path);
    const shapes = await observedShapes(runtime, plan.model, sample, { signal, progress });
    const withoutKernel: LayerSupport[] = [];
    for (const format of ['fp16', 'bf16'] as const) {
      const layers = plan.decisions.flatMap((one) => (one.format === format ? [one.layer] : []));
      const options = { ...supportSubject(work, provider), shapes, sample, signal, progress };
      const support = await layerSupport(runtime, plan.model, layers, format, options);
      withoutKernel.push(...support.filter(isLacking));
    }
    return { latency, withoutKernel };
  });
}
