/** Where the kernels of a model file run, found in one profiled run of it. Knows no plan. */
import type { OptimizationLevel, Provider, ProviderOptions, Runtime } from '../../runtime/index.js';
import { runSample } from '../sessions/evaluation.js';
import { withOptimized } from '../sessions/open-session.js';
import type { Sample } from '../samples/index.js';
import { placementOf, type Placement } from './placement.js';

export interface PlacementOptions {
  readonly provider: Provider;
  readonly providerOptions?: ProviderOptions | undefined;
  readonly threads: number;
  /** The level at which the model is run otherwise; a lower one where the profiled run fails there. */
  readonly optimization: OptimizationLevel;
  /** The compute process was lost with all that was opened in it. */
  readonly renew?: (() => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs the model at `path` once on `sample`.
 *
 * @throws {RuntimeFailure} where it does not run at any level while it is profiled
 */
export async function modelPlacement(
  runtime: Runtime,
  path: string,
  sample: Sample,
  { provider, providerOptions, threads, optimization, renew, signal }: PlacementOptions,
): Promise<Placement> {
  const settings = { provider, providerOptions, threads, highest: optimization, renew, profile: true };
  return await withOptimized(runtime, path, settings, signal, async ({ session }) => {
    await runSample(runtime, session, sample, signal);
    return placementOf(await runtime.profile(session, signal), provider);
  });
}
