/** Numbers as people read them, in messages, tables and pages. Pure. */

/** Three digits, in the form that reads best. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value))
    return Number.isNaN(value) ? 'not a number' : value > 0 ? 'infinite' : '-infinite';
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  return magnitude >= 0.01 && magnitude < 100000
    ? String(Number(value.toPrecision(3)))
    : value.toExponential(2);
}

/** A share of 1 in percent. */
export function formatPercent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %` : '–';
}

/** A power of two as plans write it: `2^-5`, `1`. */
export function formatPower(value: number): string {
  return value === 1 ? '1' : `2^${Math.log2(value)}`;
}
