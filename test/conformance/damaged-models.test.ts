/**
 * Whatever becomes of a model file: what `inspect` and `convert` do with it ends in a description or a model, or in a
 * problem that is told, within the memory that the file itself would explain.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convert } from '../../server/src/convert/index.js';
import { emulated } from '../../server/src/emulate/index.js';
import {
  bufferSource,
  encodeBytes,
  inferShapes,
  inferTypes,
  modelText,
  readModel,
  type Model,
} from '../../server/src/onnx/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { modelOf } from '../conversion/graph-text.js';
import { graphFor } from '../conversion/plans.js';
import { standardData } from './standard-data.js';

/** Far more than these small models take, and far less than what a length that lies could ask for. */
const MOST_BYTES = 512 * 2 ** 20;

/** All that inspection shows. */
function inspect(model: Model): void {
  inferTypes(model);
  inferShapes(model);
  findLayers(model);
  modelText(model);
}

/** Inspects and converts what the bytes are; true if they are a model that can be converted. */
function exercise(bytes: Uint8Array): boolean {
  const result = readModel(bufferSource(bytes));
  if ('problem' in result) {
    expect(result.problem.message.length).toBeGreaterThan(10);
    return false;
  }
  const { model } = result;
  inspect(model);
  const graph = graphFor(model, (_name, at) => (at % 2 === 0 ? 'fp16' : 'fp32'), 'inf');
  const conversion = convert(graph);
  if ('problems' in conversion) {
    for (const { message } of conversion.problems) expect(message.length).toBeGreaterThan(10);
    return false;
  }
  expect('problem' in readModel(bufferSource(encodeBytes(conversion.pieces)))).toBe(false);
  emulated(graph);
  return true;
}

function checkMemory(work: () => void): void {
  const before = process.memoryUsage.rss();
  work();
  expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_BYTES);
}

const branches =
  '{"then_branch": {"graph": "t = Neg(y);output t: float[2,4]"}, "else_branch": {"graph": "e = Abs(y);output e: float[2,4]"}}';
const small = modelOf(`input x: float[2,4]
  input c: bool[]
  init w: float[4,4] = 0.5 -1 2
  init s: int64[2] = 4 2
  k = Constant() {"value": {"tensor": "float[4] = 3"}}
  y = MatMul(x, w)
  z = If(c) ${branches}
  a, b = Split(z) {"axis": 1}
  d = Concat(a, b) {"axis": 1}
  f = Add(d, k)
  g = Reshape(f, s)
  output g: float[4,2]`);
const whole = small.source.read(0, small.source.length);

describe('a damaged model', () => {
  it('is one that converts while it is whole', () => {
    expect(exercise(whole)).toBe(true);
  });

  it('may end anywhere', () => {
    checkMemory(() => {
      for (let length = 0; length < whole.length; length += 1) exercise(whole.subarray(0, length));
    });
  });

  it('may have any byte changed', () => {
    checkMemory(() => {
      for (let at = 0; at < whole.length; at += 1) {
        for (const value of [0, 1, 0x7f, 0x80, 0xff, (whole[at] ?? 0) ^ 1, (whole[at] ?? 0) ^ 0x10]) {
          exercise(whole.with(at, value));
        }
      }
    });
  });

  it('may have parts put in, taken out and repeated', () => {
    const edit = fc.record({
      at: fc.nat(whole.length),
      remove: fc.nat(30),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 12 }),
        fc.tuple(fc.nat(whole.length), fc.nat(60)).map(([from, length]) => whole.slice(from, from + length)),
      ),
    });
    checkMemory(() => {
      fc.assert(
        fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
          let bytes = Buffer.from(whole);
          for (const { at, remove, insert } of edits) {
            bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
          }
          exercise(bytes);
        }),
        { numRuns: 1500 },
      );
    });
  });

  it('may be one of the standard, with loops and functions', () => {
    const names = [
      'test_loop11',
      'test_scan_sum',
      'test_celu_expanded',
      'test_lstm_with_peepholes',
      'test_range_float_type_positive_delta_expanded',
    ];
    checkMemory(() => {
      for (const name of names) {
        const bytes = new Uint8Array(readFileSync(join(standardData(), 'node', name, 'model.onnx')));
        fc.assert(
          fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
            exercise(bytes.with(at, value));
            exercise(bytes.subarray(0, length));
          }),
          { numRuns: 200 },
        );
      }
    });
  });
});
