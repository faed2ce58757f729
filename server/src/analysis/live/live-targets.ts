/**
 * The targets of open plans as far as they were looked at, and how they add up: found once while the server lives, and asked for at
 * every keystroke. Knows no plan's decisions.
 */
import type { FoundTarget, PlanTarget } from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import { knownTarget, providerOf } from '../targets/index.js';

export class LiveTargets {
  private known = new Map<string, FoundTarget>();

  constructor(
    private readonly runtime: Runtime,
    private readonly store: Store,
  ) {}

  /** The same object until something else is found. */
  find(target: PlanTarget): FoundTarget | undefined {
    return this.known.get(keyOf(target));
  }

  /** Looks at those of `targets` that nothing is known of; tells whether there were any. */
  async learn(targets: readonly PlanTarget[], signal: AbortSignal | undefined): Promise<boolean> {
    const { runtime, store } = this;
    let isNew = false;
    for (const target of targets) {
      const provider = providerOf(target);
      if (provider === undefined || this.known.has(keyOf(target))) continue;
      this.known.set(keyOf(target), await knownTarget(runtime, provider, target.options, { store, signal }));
      isNew = true;
    }
    return isNew;
  }

  /** For a machine that may have changed: a driver was installed, a device taken away. */
  forget(): void {
    this.known = new Map();
  }
}

function keyOf({ name, options = {} }: PlanTarget): string {
  return JSON.stringify([name, options]);
}
