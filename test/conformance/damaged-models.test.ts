/**
 * Whatever becomes of a model file: what `inspect` and `convert` do with it ends in a description or a model, or in a
 * problem that is told, within the memory that the file itself would explain.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convert } from '../../server/src/convert/index.js';
import { emulated } from '../../server/src/emulate/index.js';
import {
  bufferSource,
  DataType,
  encodeBytes,
  inferShapes,
  inferTypes,
  makeExternalTensor,
  makeGraph,
  modelText,
  openModel,
  readModel,
  type Model,
} from '../../server/src/onnx/index.js';
import { graphBytes } from '../../server/src/onnx/testing/index.js';
import { findLayers } from '../../server/src/plan/index.js';
import { folderForTests } from '../../server/src/testing/index.js';
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
  return exerciseModel(readModel(bufferSource(bytes)));
}

/** The same for a model in a file, with whatever lies beside it. */
function exerciseFile(path: string): boolean {
  const opened = openModel(path);
  try {
    return exerciseModel(opened);
  } finally {
    if ('model' in opened) opened.model.source.close();
  }
}

function exerciseModel(result: ReturnType<typeof readModel>): boolean {
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

describe('a damaged model with graphs and functions in each other', () => {
  const nested = modelOf(`function local.Twice(a) -> b [alpha]
      k = Constant() {"value_float": {"of": "alpha"}}
      c = Mul(a, k)
      b = local.Once(c)
    end
    function local.Once(a) -> b
      b = Add(a, a)
    end
    input x: float[2,4]
    input c: bool[]
    init n: int64[] = 3
    init go: bool[] = 1
    init w: float[4,4] = 0.1 -0.2 0.3
    graph inner
      p = MatMul(v, w)
      t = local.Twice(p) {"alpha": {"float": 0.5}}
      output t: float[2,4]
    end
    graph other
      e = Identity(y)
      output e: float[2,4]
    end
    graph body
      input i: int64[]
      input k: bool[]
      input v: float[2,4]
      k2 = Identity(k)
      v2 = If(c) {"then_branch": {"graph": "inner"}, "else_branch": {"graph": "other"}}
      o = Neg(v2)
      output k2: bool[]
      output v2: float[2,4]
      output o: float[2,4]
    end
    y = Exp(x)
    r, s = Loop(n, go, y) {"body": {"graph": "body"}}
    list = SequenceConstruct(r, y)
    at = Constant() {"value_int": 1}
    z = SequenceAt(list, at)
    q = local.Twice(z) {"alpha": {"float": 2}}
    output q: float[2,4]
    output s: float`);
  const bytes = nested.source.read(0, nested.source.length);

  it('is one that converts while it is whole', () => {
    expect(exercise(bytes)).toBe(true);
  });

  it('may end anywhere, and have any byte changed', () => {
    checkMemory(() => {
      for (let at = 0; at < bytes.length; at += 1) {
        exercise(bytes.subarray(0, at));
        for (const value of [0, 0x7f, 0xff, (bytes[at] ?? 0) ^ 1]) exercise(bytes.with(at, value));
      }
    });
  });

  it('may have names that are those of others, so that things hold and call themselves', () => {
    const names = ['Twice', 'Once', 'local', 'x', 'y', 'v', 'v2', 'p', 't', 'r', 's', 'w', 'c'];
    const swap = fc.tuple(fc.nat(bytes.length - 1), fc.constantFrom(...names));
    checkMemory(() => {
      fc.assert(
        fc.property(fc.array(swap, { minLength: 1, maxLength: 6 }), (swaps) => {
          const edited = Buffer.from(bytes);
          for (const [from, name] of swaps) {
            // A name of the same length, so that all lengths stay right: the model is read, and means something else.
            const other = names.filter(({ length }) => length === name.length);
            const at = edited.indexOf(other[from % other.length] ?? name, from);
            if (at >= 0) edited.write(name, at);
          }
          exercise(edited);
        }),
        { numRuns: 600 },
      );
    });
  });
});

describe('a damaged model with external data', () => {
  const folder = folderForTests();
  const LENGTH = 64;
  const bytes = ((): Uint8Array => {
    const { graph } = modelOf(`input x: float[2,4]
      m = MatMul(x, w)
      y = Add(m, b)
      output y: float[2,4]`);
    const initializers = [
      makeExternalTensor('w', DataType.FLOAT, [4, 4], 'weights.bin', 0, LENGTH),
      makeExternalTensor('b', DataType.FLOAT, [4], 'weights.bin', 16, 16),
    ];
    const { nodes, inputs, outputs } = graph;
    const own = makeGraph({ name: 'external', nodes, inputs, outputs, initializers });
    return graphBytes(own);
  })();

  /** What lies at `weights.bin`: so many bytes, nothing, a folder, or a link to what is outside. */
  type Beside = number | 'nothing' | 'a folder' | 'a link out';

  function exerciseBeside(model: Uint8Array, beside: Beside): boolean {
    const at = mkdtempSync(join(folder, 'model-'));
    const data = join(at, 'weights.bin');
    if (typeof beside === 'number') writeFileSync(data, new Uint8Array(beside).fill(0x3f));
    else if (beside === 'a folder') mkdirSync(data);
    else if (beside === 'a link out') {
      const outside = join(folder, 'outside.bin');
      writeFileSync(outside, new Uint8Array(LENGTH));
      symlinkSync(outside, data);
    }
    const path = join(at, 'model.onnx');
    writeFileSync(path, model);
    const converts = exerciseFile(path);
    rmSync(at, { recursive: true });
    return converts;
  }

  it('is one that converts while it is whole', () => {
    expect(exerciseBeside(bytes, LENGTH)).toBe(true);
    expect(exerciseBeside(bytes, LENGTH + 1)).toBe(true);
  });

  it.each<Beside>([0, 1, LENGTH - 1, 'nothing', 'a folder', 'a link out'])(
    'is refused with %s there',
    (beside) => {
      expect(exerciseBeside(bytes, beside)).toBe(false);
    },
  );

  it('may have any byte changed, whatever lies beside it', () => {
    const beside = fc.oneof(fc.nat(2 * LENGTH), fc.constantFrom<Beside>('nothing', 'a folder', 'a link out'));
    checkMemory(() => {
      fc.assert(
        fc.property(
          fc.nat(bytes.length - 1),
          fc.nat(255),
          fc.nat(bytes.length),
          beside,
          (at, value, length, there) => {
            exerciseBeside(bytes.with(at, value), there);
            exerciseBeside(bytes.subarray(0, length), there);
          },
        ),
        { numRuns: 300 },
      );
    });
  });
});
