/** Bytes kept in memory up to a budget: what was used longest ago goes first. */

/** One entry may fill no more than this share of the budget, so that it does not drive out all the others. */
const LARGEST_SHARE = 0.25;
/** What an entry costs beside its bytes: its key, its place in the map, its buffer's objects. */
export const ENTRY_OVERHEAD = 400;

export class RecentlyUsed {
  /** What was used longest ago first. */
  private readonly entries = new Map<string, Uint8Array>();
  private bytes = 0;

  constructor(private readonly budgetBytes: number) {}

  get(key: string): Uint8Array | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry;
  }

  set(key: string, entry: Uint8Array): void {
    this.delete(key);
    const cost = entry.length + ENTRY_OVERHEAD;
    if (cost > this.budgetBytes * LARGEST_SHARE) return;
    this.entries.set(key, entry);
    this.bytes += cost;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.budgetBytes) break;
      this.delete(oldest);
    }
  }

  clear(): void {
    this.entries.clear();
    this.bytes = 0;
  }

  private delete(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.bytes -= entry.length + ENTRY_OVERHEAD;
  }
}
