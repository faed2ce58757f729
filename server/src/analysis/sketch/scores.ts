/**
 * Other scores of layers that gradients give, for comparison: those of the Gauss-Newton Hessian of half the squared relative
 * error, and the first order of a loss. They have units of their own and are no errors. Pure.
 */
import type { Layer } from '../../plan/index.js';
import type { Sketch } from './known-sketch.js';

export interface HessianScore {
  readonly layer: Layer;
  /** Of the Hessian with respect to the layer's output, by Hutchinson's estimate. */
  readonly outputTrace: number;
  /** With respect to its constants; 0 for a layer without. */
  readonly weightTrace: number;
  /**
   * The trace with respect to the constants times the squared norm of what rounding changes in them (Z. Dong et al., "HAWQ-V2:
   * Hessian aware trace-weighted quantization of neural networks", 2020, there with the mean trace).
   */
  readonly hawq: number;
}

/** @param sketch with `curvature`; of several outputs it is the sum. */
export function hessianScores({ events, samples }: Sketch): readonly HessianScore[] {
  return events.layers.map((layer, place) => {
    let outputTrace = 0;
    let weightTrace = 0;
    let hawq = 0;
    for (const [event, { kind, layer: of }] of events.events.entries()) {
      if (of !== place) continue;
      for (const { curvature, constants } of samples) {
        const trace = (curvature[event] ?? 0) / samples.length;
        if (kind === 'output') outputTrace += trace;
        if (kind !== 'weight') continue;
        weightTrace += trace;
        hawq += trace * (constants[event] ?? 0);
      }
    }
    return { layer, outputTrace, weightTrace, hawq };
  });
}

/**
 * |g . dw|, mean over samples, where g is the gradient of a loss with respect to the layer's constants, and dw what rounding
 * changes in them.
 *
 * @param sketch with `direction: 'output'`: half the squared norm of the output, relative to which the score is; or with
 *   `direction: 'loss'`: a loss against labels, in its own units.
 */
export function firstOrderScores({ events, samples }: Sketch): ReadonlyMap<Layer, number> {
  const scores = new Map(events.layers.map((layer) => [layer, 0]));
  for (const [event, { kind, layer: place }] of events.events.entries()) {
    const layer = events.layers[place];
    if (kind !== 'weight' || layer === undefined) continue;
    for (const { outputs } of samples) {
      const change = outputs.reduce((sum, { dots }) => sum + Math.abs(dots[event] ?? 0), 0);
      scores.set(layer, (scores.get(layer) ?? 0) + change / samples.length);
    }
  }
  return scores;
}
