/** The machine that something is timed on, as results are kept under: another one that shares the store has times of its own. */
import { cpus, release, type } from 'node:os';

export function machine(): Readonly<Record<string, unknown>> {
  return { cpu: cpus()[0]?.model ?? '', cores: cpus().length, system: type(), release: release() };
}

/** Threads for timing where nobody says otherwise: one core is left to everyone else. */
export function usualThreads(): number {
  return Math.max(1, cpus().length - 1);
}

/** Threads beyond these bring nothing but a machine that does nothing else; few enough on the smallest one. */
export function mostThreads(): number {
  return Math.max(64, 4 * cpus().length);
}

/** Spread (p90 - p10) over median from which the machine counts as busy, and no small difference is to be trusted. */
export const WIDE_SPREAD = 0.3;
