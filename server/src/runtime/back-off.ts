/** How long to wait before a process that crashed is started again. Pure. */

/** Seconds by number of crashes in a row: at once after the first. The last one stands for all that follow. */
export const RESTART_DELAYS: readonly number[] = [0, 1, 5, 30];

/**
 * Milliseconds from now until the next start.
 * @param crashes crashes since the last success
 * @param sinceLast milliseconds since the last of them
 */
export function restartDelay(crashes: number, sinceLast: number, delays: readonly number[]): number {
  if (crashes === 0) return 0;
  const seconds = delays[Math.min(crashes, delays.length) - 1] ?? 0;
  return Math.max(0, seconds * 1000 - sinceLast);
}
