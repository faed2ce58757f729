/** One line of JSON for each measurement, for people and for what compares runs. */

interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Nearest-rank percentiles, to a hundredth. */
function percentiles(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => rounded(sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Prints how long something took, in milliseconds. */
export function reportTimes(name: string, milliseconds: readonly number[], more: object = {}): void {
  const runs = milliseconds.length;
  console.log(JSON.stringify({ name, ...percentiles(milliseconds), unit: 'ms', runs, ...more }));
}

/** Prints one number. */
export function reportValue(name: string, value: number, unit: string, more: object = {}): void {
  console.log(JSON.stringify({ name, value: rounded(value), unit, ...more }));
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}
