/** The compute process as the rooms above see it: started here, passed back in. */
import { startRuntime, type Runtime, type RuntimeOptions } from '../../runtime/index.js';

export {
  PROVIDERS,
  RuntimeFailure,
  type Provider,
  type Runtime,
  type RuntimeFailureKind,
  type RuntimeOptions,
} from '../../runtime/index.js';

/** A compute process for this product's own work; it starts with the first call that needs it. */
export function startCompute(options: RuntimeOptions = {}): Runtime {
  return startRuntime(options);
}
