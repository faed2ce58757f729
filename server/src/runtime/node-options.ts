/** Options of providers that name nodes of a model, where the model has other names for them. Knows no session. */
import type { ProviderOptions, SessionRequest } from './types.js';

/** WebGPU's: these nodes run on the CPU. */
const NAMING_NODES: ReadonlySet<string> = new Set(['forceCpuNodeNames']);

/** The options with nodes by the names that `model` has for them. */
export function inNamesOf(
  model: SessionRequest['model'],
  options: ProviderOptions | undefined,
): ProviderOptions | undefined {
  const nodeNames = 'bytes' in model ? model.nodeNames : undefined;
  if (options === undefined || nodeNames === undefined) return options;
  return Object.fromEntries(
    Object.entries(options).map(([option, value]) => [
      option,
      NAMING_NODES.has(option) && isList(value) ? value.flatMap((name) => nodeNames(name)) : value,
    ]),
  );
}

function isList(value: ProviderOptions[string]): value is readonly string[] {
  return Array.isArray(value);
}
