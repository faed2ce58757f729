/** The values that were used last, by key: those that no plan asks for any more go. */

/** Enough for the plans that somebody works on at once. */
const KEPT = 8;

export class Recent<T> {
  /** The value used longest ago first. */
  private readonly values = new Map<string, T>();

  get(key: string): T | undefined {
    const value = this.values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: T): void {
    this.values.delete(key);
    this.values.set(key, value);
    for (const oldest of this.values.keys()) {
      if (this.values.size <= KEPT) break;
      this.values.delete(oldest);
    }
  }
}
