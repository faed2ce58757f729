/** Numbers in answers: JSON has no infinities, so they are written as strings, as in the command's documents. */
export type WireNumber = number | 'inf' | '-inf' | 'nan';

export function wireNumber(value: number): WireNumber {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}
