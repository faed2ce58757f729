/** A server that ended by itself is started again, until that happens too often. */
import { describe, expect, it } from 'vitest';
import { CrashHistory } from './crash-history.js';

const MINUTE = 60_000;

/** What is done after crashes at these minutes. */
function checkCrashes(minutes: readonly number[], expected: readonly ('restart' | 'give up')[]): void {
  const history = new CrashHistory();
  expect(minutes.map((minute) => history.crashed(minute * MINUTE))).toEqual(expected);
}

describe('a server that crashes', () => {
  it('is started again four times', () => {
    checkCrashes([0, 0.1, 0.2, 0.3], ['restart', 'restart', 'restart', 'restart']);
  });

  it('is given up at the fifth crash within three minutes', () => {
    checkCrashes([0, 0.7, 1.4, 2.1, 2.9], ['restart', 'restart', 'restart', 'restart', 'give up']);
  });

  it('is started again for ever when it crashes once a minute', () => {
    checkCrashes(
      [0, 1, 2, 3, 4, 5, 6, 7],
      Array.from({ length: 8 }, () => 'restart' as const),
    );
  });

  it('is started again after a long calm that followed a bad time', () => {
    checkCrashes([0, 0, 0, 0, 0, 10], ['restart', 'restart', 'restart', 'restart', 'give up', 'restart']);
  });
});
