/** What was found last, kept for as long as what it was found from lives and is the same. Knows nothing of what is found. */
import type { Steps } from '../../onnx/index.js';

/** The last value found for a key, which is looked for again only where something else that it depends on is another. */
export class LastFound<Key extends object, Found> {
  private readonly last = new WeakMap<Key, { readonly from: readonly unknown[]; readonly found: Found }>();

  *steps(key: Key, from: readonly unknown[], find: () => Steps<Found>): Steps<Found> {
    const known = this.last.get(key);
    if (known?.from.every((part, index) => part === from[index]) === true) return known.found;
    const found = yield* find();
    this.last.set(key, { from, found });
    return found;
  }
}
