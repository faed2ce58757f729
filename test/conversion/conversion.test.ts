// What conversion does to constants, names and declarations, and when it refuses.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../server/src/convert/index.js';
import { decodeBf16, decodeFp16 } from '../../server/src/formats/index.js';
import {
  DataType,
  encodeBytes,
  indexGraph,
  openModel,
  tensorValues,
  type Model,
  type Tensor,
} from '../../server/src/onnx/index.js';
import { folderForTests } from '../../server/src/testing/index.js';
import { modelOf, modelOfBytes } from './graph-text.js';
import { checkConversion, graphFor, sameBytes, type Overflow } from './plans.js';

const folder = folderForTests();

/** The weight `w` of `y = OP(x, w)` as it is stored when the layer is FP16. */
function storedWeight(values: string, overflow: Overflow, operator = 'Add'): readonly number[] {
  const count = values.split(' ').length;
  const model = modelOf(
    `input x: float[${count}]
     init w: float[${count}] = ${values}
     y = ${operator}(x, w)
     output y: float[${count}]`,
  );
  return floats(checkConversion(model, { y: 'fp16' }, overflow).model.graph.initializers[0]);
}

function floats(tensor: Tensor | undefined): readonly number[] {
  if (tensor === undefined) throw new Error('no tensor');
  const read = tensorValues(tensor, undefined);
  if ('problem' in read) throw new Error(read.problem.message);
  if (read.values instanceof Uint16Array) {
    return [...(tensor.dataType === DataType.BFLOAT16 ? decodeBf16 : decodeFp16)(read.values)];
  }
  if (read.values instanceof Float32Array) return [...read.values];
  throw new Error('no floats');
}

describe('weights', () => {
  it('are rounded to the nearest, ties to even', () => {
    expect(storedWeight('2049 2051 -2049 0.1', 'error')).toEqual([2048, 2052, -2048, 0.0999755859375]);
  });

  it('keep subnormals, and their sign when they become zero', () => {
    expect(storedWeight('6e-8 -6e-8 1e-8 -1e-8 -0', 'error')).toEqual([2 ** -24, -(2 ** -24), 0, -0, -0]);
  });

  it('keep infinities and NaN', () => {
    expect(storedWeight('Infinity -Infinity NaN', 'error')).toEqual([Infinity, -Infinity, NaN]);
  });

  it('round 65519 down and are beyond the range from 65520 on', () => {
    expect(storedWeight('65519', 'error')).toEqual([65504]);
    expect(storedWeight('65520 -70000', 'saturate')).toEqual([65504, -65504]);
    expect(storedWeight('65520 -70000', 'inf')).toEqual([Infinity, -Infinity]);
  });

  it('beyond the range are refused by layer, tensor, place and value, and nothing is converted', () => {
    const model = modelOf(
      `input x: float[3]
       init w: float[3] = 1 98000000 7e4
       "stem/scale": y = Mul(x, w)
       output y: float[3]`,
    );
    const result = convert(graphFor(model, { '*': 'fp16' }));
    expect(result).toMatchObject({
      problems: [
        { code: 'weight-overflow', layer: 'stem/scale', tensor: 'w', index: 1, count: 2, value: 98000000 },
      ],
    });
  });

  it('of double precision are rounded once', () => {
    // Halfway between two FP16 numbers after rounding to FP32, above it before.
    const value = 1 + 2 ** -11 + 2 ** -40;
    const model = modelOf(
      `input x: double[1]
       init w: double[1] = ${value}
       y = Add(x, w)
       output y: double[1]`,
    );
    const { model: result } = checkConversion(model, { y: 'fp16' });
    expect(floats(result.graph.initializers[0])).toEqual([1 + 2 ** -10]);
  });

  it('of double precision beyond the range of FP32 are never made infinite in silence', () => {
    const model = modelOf(
      `input x: double[4]
       init w: double[4] = 1 1e300 2e300 -65519.9999999
       y = Add(x, w)
       output y: double[4]`,
    );
    expect(convert(graphFor(model, { y: 'fp16' }))).toMatchObject({
      problems: [{ code: 'weight-overflow', index: 1, count: 2, value: 1e300 }],
    });
    const saturated = convert(graphFor(model, { y: 'fp16' }, 'saturate'));
    if ('problems' in saturated) throw new Error(saturated.problems[0]?.message);
    const { graph } = modelOfBytes(encodeBytes(saturated.pieces));
    expect(floats(graph.initializers[0])).toEqual([1, 65504, 65504, -65504]);
  });

  it.each(['float', 'double', 'bfloat16'] as const)(
    'of %s are saturated in emulation as in the export',
    (type) => {
      // The codes of BF16: 1, the largest number and the lowest.
      const values = type === 'bfloat16' ? '16256 32639 65407' : '1 3e38 -3e38';
      const model = modelOf(
        `input x: ${type}[3]
       init w: ${type}[3] = ${values}
       y = Add(x, w)
       output y: ${type}[3]`,
        { opset: 14 },
      );
      const { model: result } = checkConversion(model, { y: 'fp16' }, 'saturate');
      expect(floats(result.graph.initializers[0])).toEqual([1, 65504, -65504]);
    },
  );

  it('of double precision beyond the range of FP32 are saturated there, too', () => {
    const model = modelOf(
      `input x: double[3]
       init w: double[3] = 1 1e300 -1e39
       y = Add(x, w)
       output y: double[3]`,
    );
    const largest = 3.4028234663852886e38;
    for (const [format, wanted] of [
      ['fp16', [1, 65504, -65504]],
      ['bf16', [1, 3.3895313892515355e38, -3.3895313892515355e38]],
      ['fp32', [1, largest, -largest]],
    ] as const) {
      const { model: result } = checkConversion(model, { y: format }, 'saturate');
      expect(floats(result.graph.initializers[0])).toEqual(wanted);
    }
  });
});

describe('constants that stand for infinity', () => {
  it('become infinite where they are added or selected', () => {
    expect(storedWeight('0 -3.4028234663852886e38 0', 'error')).toEqual([0, -Infinity, 0]);
    expect(storedWeight('-1e9 0', 'error')).toEqual([-Infinity, 0]);
  });

  it('become the lowest number where they are multiplied, because zero times infinity is no number', () => {
    expect(storedWeight('-1e9', 'error', 'Mul')).toEqual([-65504]);
  });

  it('may be bounds that nothing reaches', () => {
    expect(storedWeight('3.4028234663852886e38', 'error', 'Min')).toEqual([Infinity]);
    expect(storedWeight('100000', 'error', 'Min')).toEqual([Infinity]);
  });

  it('are masks of any size, and emulated as they are exported', () => {
    const tokens = 128;
    const causal = Array.from({ length: tokens * tokens }, (_, at) =>
      at % tokens > Math.floor(at / tokens) ? -3.4028234663852886e38 : 0,
    );
    const text = `input x: float[1,128,128]
      init mask: float[128,128] = ${causal.join(' ')}
      "score": a = Add(x, mask)
      y = Softmax(a) {"axis": 2}
      output y: float[1,128,128]`;
    const { model: result } = checkConversion(modelOf(text), { '*': 'fp16' });
    expect(floats(result.graph.initializers[0])).toEqual(causal.map((value) => (value < 0 ? -Infinity : 0)));
    const scaled = checkConversion(modelOf(text.replace('Add', 'Mul')), { '*': 'fp16' });
    expect(floats(scaled.model.graph.initializers[0])).toEqual(
      causal.map((value) => (value < 0 ? -65504 : 0)),
    );
  });

  it('are told of', () => {
    const model = modelOf(
      `input x: float[2]
       init w: float[2] = 0 -1e9
       y = Add(x, w)
       output y: float[2]`,
    );
    const { conversion } = checkConversion(model, { y: 'fp16' });
    expect(conversion.summary.warnings).toMatchObject([
      { code: 'infinity-constant', tensor: 'w', layer: 'y' },
    ]);
  });
});

describe('what is not concerned', () => {
  it('is the file itself where the plan changes nothing', () => {
    const model = modelOf(
      `input x: float[2]
       y = Exp(x)
       output y: float[2]`,
    );
    const original = model.source.read(0, model.source.length);
    for (const wish of [{}, { '*': 'fp32' }] as const) {
      expect(sameBytes(checkConversion(model, wish).bytes, original)).toBe(true);
    }
  });

  it('keeps the name of a layer that went by its output', () => {
    const model = modelOf(
      `input x: float[2]
       y = Exp(x)
       output y: float[2]`,
    );
    const { model: result } = checkConversion(model, { y: 'fp16' });
    expect(result.graph.nodes.map(({ name, opType, outputs }) => [name, opType, ...outputs])).toEqual([
      ['Cast_x_to_fp16', 'Cast', 'x_fp16'],
      ['y', 'Exp', 'y_fp16'],
      ['Cast_y_to_fp32', 'Cast', 'y'],
    ]);
  });

  it('has declarations of tensors that say what is true now', () => {
    const model = modelOf(
      `input x: float[2,4]
       value y: float[2,4]
       value z: float[2,4]
       y = Exp(x)
       z = Neg(y)
       w = Abs(z)
       output w: float[2,4]`,
    );
    const { model: result } = checkConversion(model, { y: 'fp16', z: 'fp16' });
    const declared = result.graph.valueInfo.map(({ name, type }) => [name, type]);
    expect(declared).toEqual([
      ['y', { kind: 'tensor', elementType: 10, shape: [2, 4] }],
      ['z', { kind: 'tensor', elementType: 10, shape: [2, 4] }],
      ['z_fp32', { kind: 'tensor', elementType: 1, shape: [2, 4] }],
      ['x_fp16', { kind: 'tensor', elementType: 10, shape: [2, 4] }],
    ]);
  });
});

describe('external data', () => {
  it('can be written beside the model, and read from there again', () => {
    const model = modelOf(
      `input x: float[1,512]
       init w: float[512,4] = 0.1 -0.2 0.3
       init v: float[4,300] = 0.7
       y = MatMul(x, w)
       z = MatMul(y, v)
       output z: float[1,300]`,
    );
    const conversion = convert(graphFor(model, { y: 'fp16' }), { externalLocation: 'model.data' });
    if ('problems' in conversion || conversion.external === undefined) throw new Error('not converted');
    const bytes = encodeBytes(conversion.pieces);
    expect(bytes.length).toBeLessThan(1000);
    withFiles({ 'model.onnx': bytes, 'model.data': encodeBytes(conversion.external.pieces) }, (result) => {
      const inside = checkConversion(model, { y: 'fp16' }).model;
      expect(weights(result)).toEqual(weights(inside));
      expect(indexGraph(result.graph).isSorted).toBe(true);
      // The weights of a converted model in external files are read when it is converted once more.
      const back = convert(graphFor(result, { '*': 'fp32' }));
      if ('problems' in back) throw new Error(back.problems[0]?.message);
      expect(weights(modelOfBytes(encodeBytes(back.pieces))).map(([, type]) => type)).toEqual([1, 1]);
    });
  });
});

function weights(model: Model): readonly (readonly [string, number, readonly number[]])[] {
  const folder = model.source.path === undefined ? undefined : join(model.source.path, '..');
  return model.graph.initializers.map((tensor) => {
    if (tensor.data.kind === 'external' && folder === undefined) return [tensor.name, tensor.dataType, []];
    const read = tensorValues(tensor, folder);
    if ('problem' in read) throw new Error(read.problem.message);
    return [tensor.name, tensor.dataType, [...(read.values as Float32Array | Uint16Array)]];
  });
}

function withFiles(files: Readonly<Record<string, Uint8Array>>, use: (model: Model) => void): void {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  const opened = openModel(join(folder, 'model.onnx'));
  if ('problem' in opened) throw new Error(opened.problem.message);
  use(opened.model);
  opened.model.source.close();
}
