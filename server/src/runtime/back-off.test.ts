import { describe, expect, it } from 'vitest';
import { restartDelay, RESTART_DELAYS } from './back-off.js';

describe('delay of a restart', () => {
  it('grows with the crashes in a row: 0, 1, 5 and 30 seconds', () => {
    const delays = [0, 1, 2, 3, 4, 5, 100].map((crashes) => restartDelay(crashes, 0, RESTART_DELAYS));
    expect(delays).toEqual([0, 0, 1000, 5000, 30_000, 30_000, 30_000]);
  });

  it('counts from the crash and not from the next call', () => {
    expect(restartDelay(3, 4200, RESTART_DELAYS)).toBe(800);
    expect(restartDelay(3, 60_000, RESTART_DELAYS)).toBe(0);
  });
});
