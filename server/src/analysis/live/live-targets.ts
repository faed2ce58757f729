/**
 * The targets of open plans as far as they were looked at, and how they add up: found once while the server lives, and asked for at
 * every keystroke. Knows no plan's decisions.
 */
import type { FoundTarget, PlanTarget } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import { knownTarget, providerOf } from '../targets/index.js';

export class LiveTargets {
  /** Those that are there and whose sums stayed unknown, since the process did not survive them: looked at once more only, it may end again. */
  private doubtful = new Set<string>();
  private known = new Map<string, FoundTarget>();

  constructor(
    private readonly runtime: Runtime,
    private readonly store: Store,
  ) {}

  /** The same object until something else is found. */
  find(target: PlanTarget): FoundTarget | undefined {
    return this.known.get(keyOf(target));
  }

  /** Looks at those of `targets` of which not all is known; tells whether anything was found. */
  async learn(targets: readonly PlanTarget[], signal: AbortSignal | undefined): Promise<boolean> {
    const { runtime, store } = this;
    let isNew = false;
    for (const target of targets) {
      const provider = providerOf(target);
      const key = keyOf(target);
      const isSecondLook = this.doubtful.has(key);
      if (provider === undefined || (this.known.has(key) && !isSecondLook)) continue;
      const found = await knownTarget(runtime, provider, target.options, { store, signal });
      const areSumsUnknown = found.usable && found.accumulation.length === 0;
      if (areSumsUnknown && !isSecondLook) this.doubtful.add(key);
      else this.doubtful.delete(key);
      // As at the first look: plans are not bound again for nothing.
      if (areSumsUnknown && isSecondLook) continue;
      this.known.set(key, found);
      isNew = true;
    }
    return isNew;
  }

  /** For a machine that may have changed: a driver was installed, a device taken away. */
  forget(): void {
    this.known = new Map();
    this.doubtful = new Set();
  }
}

function keyOf({ name, options = {} }: PlanTarget): string {
  return JSON.stringify([name, options]);
}
