/** Layers by the glob of a `layers` statement, for whoever names some outside of a plan. Knows names only. */
import { compileGlob, SCOPE_SEPARATOR } from './glob.js';
import type { Layer } from '../types.js';

/** The layers whose names match, in their order; none for a glob that is unreasonably long. */
export function layersMatching(layers: readonly Layer[], glob: string): readonly Layer[] {
  const compiled = compileGlob(glob);
  if (compiled === undefined) return [];
  return layers.filter(({ name }) => compiled.matches(name.replaceAll(' > ', SCOPE_SEPARATOR)));
}
