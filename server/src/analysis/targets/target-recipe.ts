/** What determines what an experiment on a target gives, whatever is tried. Knows no experiment and no store. */
import type { Provider, ProviderOptions, RuntimeInformation } from '../../runtime/index.js';

/** Raised when an experiment changes what it tries, or how it is written down. */
const EXPERIMENTS_VERSION = 7;

export type TargetRecipe = Readonly<Record<string, unknown>>;

/** The runtime and its version, the provider with its options, the processor and, of others than it, the graphics devices with their drivers. */
export function targetRecipe(
  { onnxRuntime, platform, device, graphics }: RuntimeInformation,
  provider: Provider,
  options: ProviderOptions = {},
): TargetRecipe {
  const own = { experiments: EXPERIMENTS_VERSION, onnxRuntime, platform, device, provider, options };
  return provider === 'cpu' ? own : { ...own, graphics };
}
