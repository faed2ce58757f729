/** What came over the wire is an outcome only where it has the form of one. */
import { describe, expect, it } from 'vitest';
import { readOutcome } from './outcome.js';

describe('the answer to a command', () => {
  it('is read with all its parts', () => {
    const answer = {
      status: 'done',
      severity: 'warning',
      message: 'it holds',
      report: { title: 'Verify', page: '<html></html>' },
      written: 'file:///m.onnx',
      speed: { path: '/p.precision', noGain: 'no faster' },
      result: { more: 'than this' },
    };
    const { result: _, ...read } = answer;
    expect(readOutcome(answer)).toEqual(read);
  });

  it('is read without the parts that are not there, or that are of another kind', () => {
    expect(
      readOutcome({ status: 'refused', message: 'no', severity: 7, report: { title: 1 }, speed: {} }),
    ).toEqual({
      status: 'refused',
      severity: 'information',
      message: 'no',
      report: undefined,
      written: undefined,
      speed: undefined,
    });
  });

  it('is nothing to show where it is of another command', () => {
    for (const other of [
      null,
      undefined,
      'done',
      3,
      {},
      { status: 'done' },
      { status: 'odd', message: 'x' },
    ]) {
      expect(readOutcome(other)).toBeUndefined();
    }
  });
});
