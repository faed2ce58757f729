/** JSON a little at a time is the JSON that everybody makes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finish } from '../onnx/index.js';
import { jsonSteps } from './json-slices.js';

function json(record: object): string {
  return Buffer.from(finish(jsonSteps(record, 'utf-8'))).toString('utf-8');
}

/** An outline of so many statements, as an answer. */
function outline(members: number): object {
  const range = { start: { line: 1, character: 0 }, end: { line: 1, character: 10 } };
  const children = Array.from({ length: members }, (_, index) => ({
    name: `layer ${index}`,
    kind: 7,
    range,
  }));
  return { jsonrpc: '2.0', id: 1, result: [{ name: 'Decisions', kind: 3, range, children }] };
}

describe('JSON in steps', () => {
  it('is what is made at once', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything({ withDate: true })), (record) => {
        expect(json(record)).toBe(JSON.stringify(record));
      }),
    );
    for (const length of [63, 64, 65, 5000]) {
      const numbers = Array.from({ length }, (_, index) => index / 3);
      const message = {
        data: numbers,
        list: numbers.map((value) => ({ value, text: 'ü"\n', none: undefined })),
      };
      expect(json(message)).toBe(JSON.stringify(message));
    }
    expect(json(outline(1000))).toBe(JSON.stringify(outline(1000)));
  });

  it('takes steps as many as the message is long', () => {
    const count = (members: number): number => [...jsonSteps(outline(members), 'utf-8')].length;
    const few = count(1000);
    expect(few).toBeGreaterThanOrEqual(Math.floor(JSON.stringify(outline(1000)).length / 30_000));
    expect(count(3000)).toBeGreaterThanOrEqual(3 * few - 2);
    expect(count(3)).toBe(0);
  });
});
