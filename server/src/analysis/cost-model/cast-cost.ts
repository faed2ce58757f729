/** What a cast costs: a constant plus its bytes, fitted to runs. Pure arithmetic; knows no model. */

/** The casts of one plan, and the milliseconds that they took together. */
export interface CastRun {
  readonly casts: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Milliseconds; neither is negative. */
export interface CastCost {
  readonly perCast: number;
  readonly perByte: number;
}

/**
 * The least-squares fit of `perCast * casts + perByte * bytes` with both at least 0: of the fit with both and of the two with one, the
 * best that is allowed (with two unknowns all active sets can be tried; C. L. Lawson and R. J. Hanson, "Solving Least Squares
 * Problems", 1974, chapter 23).
 */
export function fitCastCost(runs: readonly CastRun[]): CastCost {
  const sum = (of: (run: CastRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const nn = sum(({ casts }) => casts * casts);
  const nb = sum(({ casts, bytes }) => casts * bytes);
  const bb = sum(({ bytes }) => bytes * bytes);
  const nt = sum(({ casts, milliseconds }) => casts * milliseconds);
  const bt = sum(({ bytes, milliseconds }) => bytes * milliseconds);
  const determinant = nn * bb - nb * nb;
  const candidates: CastCost[] = [
    { perCast: nn > 0 ? Math.max(0, nt / nn) : 0, perByte: 0 },
    { perCast: 0, perByte: bb > 0 ? Math.max(0, bt / bb) : 0 },
  ];
  // Plans whose casts all have the same mean size do not tell the two apart.
  if (determinant > 1e-9 * nn * bb) {
    const both = { perCast: (nt * bb - bt * nb) / determinant, perByte: (bt * nn - nt * nb) / determinant };
    if (both.perCast >= 0 && both.perByte >= 0) candidates.unshift(both);
  }
  const misfit = ({ perCast, perByte }: CastCost): number =>
    sum(({ casts, bytes, milliseconds }) => (perCast * casts + perByte * bytes - milliseconds) ** 2);
  return candidates.reduce((best, one) => (misfit(one) < misfit(best) ? one : best));
}
