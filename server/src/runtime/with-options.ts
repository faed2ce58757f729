/** A runtime whose sessions on some providers have options, whoever opens them. Knows no plan. */
import type { Provider, ProviderOptions, Runtime } from './types.js';

/** Options that a request has of its own count before these. */
export function withProviderOptions(
  runtime: Runtime,
  options: ReadonlyMap<Provider, ProviderOptions>,
): Runtime {
  if (options.size === 0) return runtime;
  return {
    ...runtime,
    open: (request, signal) => {
      const usual = options.get(request.provider);
      const providerOptions =
        usual === undefined ? request.providerOptions : { ...usual, ...request.providerOptions };
      return runtime.open({ ...request, providerOptions }, signal);
    },
  };
}
