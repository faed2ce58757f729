// Formats that no operator computes in: their roundings in a real session give the very bits that `formats/` gives.
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { convert, type Conversion } from '../../server/src/convert/index.js';
import { emulated, explicit } from '../../server/src/emulate/index.js';
import {
  decodeSmall,
  FLOAT_FORMAT_NAMES,
  formatInformation,
  neighbours,
  roundArray,
  roundQuantized,
  type FloatFormatName,
  type FormatName,
  type SmallFormatName,
} from '../../server/src/formats/index.js';
import { encodeBytes, encodeFresh, indexGraph, inferTypes, type Model } from '../../server/src/onnx/index.js';
import type { LayerNumerics, NodeRounding, PrecisionGraph } from '../../server/src/plan/index.js';
import { modelOf, modelOfBytes } from './graph-text.js';
import { graphFor, plannedGraph, sameBytes, withScales, type Overflow, type Wish } from './plans.js';
import { floatsOf, randomNumbers, runModel, type Level } from './run-model.js';

const LOW = FLOAT_FORMAT_NAMES.flatMap((name) =>
  name === 'fp32' || name === 'fp16' || name === 'bf16' ? [] : [name],
);

/** A layer that gives back what it is given, so that nothing but its roundings shows. */
const COPY = 'input x: float\ninit one: float[] = 1\ny = Mul(x, one)\noutput y: float';

interface Rounding {
  readonly format: FloatFormatName;
  readonly overflow?: Overflow;
  readonly opset?: number;
  readonly numerics?: LayerNumerics;
}

async function rounded(
  values: Float32Array,
  { format, overflow, opset, numerics }: Rounding,
): Promise<Float32Array> {
  const model = modelOf(COPY, opset === undefined ? {} : { opset });
  const variant = emulated(graphFor(model, { y: format }, overflow, numerics));
  const x = new ort.Tensor('float32', values, [values.length]);
  return floatsOf(await runModel(variant.bytes, { x }), 'y').slice();
}

/** Every number of a format up to 8 bits, all midpoints, and the FP32 numbers on either side of them. */
function tellingValues(format: SmallFormatName): Float32Array {
  const { largest } = formatInformation(format);
  const codes = Uint8Array.from({ length: 2 ** (formatInformation(format).bits - 1) }, (_, code) => code);
  const numbers = [...decodeSmall(format, codes)]
    .filter((value) => Number.isFinite(value))
    .sort((a, b) => a - b);
  numbers.push(2 * largest - (numbers.at(-2) ?? 0), 1.5 * largest, 2 * largest, 5 * largest, 1e20, 3e38);
  const middles = numbers.slice(1).map((value, at) => (value + (numbers[at] ?? 0)) / 2);
  const positive = [...numbers, ...middles].flatMap((value) => [below(value), value, above(value)]);
  const special = [2 ** -149, 2 ** -126, 1e-30, Infinity];
  return Float32Array.from([...positive, ...special].flatMap((value) => [value, -value]).concat(NaN));
}

function moved(value: number, by: number): number {
  const bits = new Int32Array(new Float32Array([value]).buffer);
  return value === 0 ? 0 : (new Float32Array(Int32Array.of((bits[0] ?? 0) + by).buffer)[0] ?? 0);
}
const below = (value: number): number => moved(value, -1);
const above = (value: number): number => moved(value, 1);

function randomBits(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return new Float32Array(Uint32Array.from({ length: count }, () => random() * 2 ** 32).buffer);
}

function checkSame(actual: Float32Array, expected: Float32Array, values: Float32Array): void {
  const wrong = values.findIndex((_, at) => !Object.is(actual[at], expected[at]));
  expect(
    wrong < 0 ? 'equal' : `${values[wrong] ?? 0} becomes ${actual[wrong] ?? 0}, not ${expected[wrong] ?? 0}`,
  ).toBe('equal');
}

describe('a layer in a format of its own', () => {
  for (const format of LOW) {
    for (const overflow of ['inf', 'saturate'] as const) {
      it(`rounds to ${format} as the format does, ${overflow}`, async () => {
        const values = format === 'dlfloat16' ? randomBits(100_000, 3) : tellingValues(format);
        checkSame(
          await rounded(values, { format, overflow }),
          roundArray(format, values, undefined, overflow),
          values,
        );
        const random = randomBits(50_000, 7);
        checkSame(
          await rounded(random, { format, overflow }),
          roundArray(format, random, undefined, overflow),
          random,
        );
      });
    }
  }

  it('rounds the same at every opset', async () => {
    const values = tellingValues('fp8_e4m3');
    const expected = roundArray('fp8_e4m3', values);
    for (const opset of [7, 8, 9, 10, 11, 12, 13, 17, 21, 22]) {
      checkSame(await rounded(values, { format: 'fp8_e4m3', opset }), expected, values);
    }
  });
});

const DENSE = `input x: float[3,4]
init w: float[4,6] = 0.5 -1 2 0.3 -0.7 0.11 1.9 -0.02 0.25 7 -3
init b: float[6] = 0.1 -0.2 0.3
m = MatMul(x, w)
a = Add(m, b)
r = Relu(a)
y = Reshape(r, s)
init s: int64[1] = 18
output y: float[18]`;

async function runDense(bytes: Uint8Array): Promise<Float32Array> {
  const x = new ort.Tensor(
    'float32',
    Float32Array.from({ length: 12 }, (_, at) => Math.sin(at) * 3),
    [3, 4],
  );
  return floatsOf(await runModel(bytes, { x }), 'y').slice();
}

describe('integers', () => {
  it('round what a layer reads and writes by the scales of each tensor', async () => {
    const graph = withScales(graphFor(modelOf(COPY), { y: 'int8' }));
    const values = randomBits(20_000, 5);
    const x = new ort.Tensor('float32', values, [values.length]);
    const actual = floatsOf(await runModel(emulated(graph).bytes, { x }), 'y');
    const [of] = [...graph.quantizations.values()];
    expect(of).toBeDefined();
    if (of !== undefined) checkSame(actual, roundQuantized(of, values), values);
  });

  it('hold each channel of a weight by a scale of its own', async () => {
    const weights = (perChannel: boolean): LayerNumerics =>
      perChannel ? { weights: 'int4', perChannel: true } : { weights: 'int4' };
    const exact = await runDense(emulated(graphFor(modelOf(DENSE), {})).bytes);
    const errorOf = async (perChannel: boolean): Promise<number> => {
      const graph = withScales(graphFor(modelOf(DENSE), { m: 'fp32' }, 'error', weights(perChannel)));
      const values = await runDense(emulated(graph).bytes);
      return values.reduce((sum, value, at) => sum + (value - (exact[at] ?? 0)) ** 2, 0);
    };
    const [whole, channels] = [await errorOf(false), await errorOf(true)];
    expect(whole).toBeGreaterThan(0);
    expect(channels).toBeLessThan(whole);
  });

  it('are refused without scales', () => {
    expect(() => emulated(graphFor(modelOf(COPY), { y: 'int8' }))).toThrow('no scale');
  });
});

describe('stochastic rounding', () => {
  it('takes every number to one of its two neighbours in bf16, of the whole range of fp32', async () => {
    const odd = [0, -0, Infinity, -Infinity, NaN, 2 ** -149, -(2 ** -133), 2 ** 127, -3.4e38, 3.3961e38];
    const values = Float32Array.from([...odd, ...randomBits(20_000, 7)]);
    for (const overflow of ['error', 'saturate'] as const) {
      const drawn = await rounded(values, { format: 'bf16', numerics: { stochastic: true }, overflow });
      const most = overflow === 'saturate' ? formatInformation('bf16').largest : Infinity;
      const wrong = [...values].flatMap((value, at) => {
        const actual = drawn[at] ?? 0;
        const { below, above: up } = neighbours('bf16', value);
        const allowed = [below, up].map((one) => Math.min(Math.max(one, -most), most));
        return allowed.some((one) => Object.is(one, actual)) ? [] : [{ value, actual, allowed }];
      });
      expect(wrong).toEqual([]);
    }
  });

  for (const format of [...LOW, 'fp16', 'bf16'] as const) {
    it(`takes numbers to either neighbour in ${format}, as often as they are near`, async () => {
      const { largest, smallestNormal } = formatInformation(format);
      const share = 0.3;
      // Between two numbers in the middle of the range, and a number itself.
      const number = roundArray(format, Float32Array.of(Math.sqrt(largest * smallestNormal)))[0] ?? 0;
      const up = neighbours(format, above(number)).above;
      const values = new Float32Array(40_000).fill(number + share * (up - number));
      values.fill(number, 20_000);
      const options = { format, numerics: { stochastic: true } } as const;
      const drawn = await rounded(values, options);
      const counts = [number, up].map(
        (one) => drawn.subarray(0, 20_000).filter((value) => value === one).length,
      );
      expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(20_000);
      expect(Math.abs((counts[1] ?? 0) / 20_000 - share)).toBeLessThan(0.03);
      expect(drawn.subarray(20_000).every((value) => value === number)).toBe(true);
      expect([...(await rounded(values, options))]).toEqual([...drawn]);
    });
  }
});

describe('a scale', () => {
  it('is undone after the layer, and lets it hold what was too large', async () => {
    const values = Float32Array.of(100_000, 3, -70_000);
    const plain = await rounded(values, { format: 'fp16' });
    expect([...plain]).toEqual([Infinity, 3, -Infinity]);
    const scaled = await rounded(values, { format: 'fp16', numerics: { scale: 2 ** -3 } });
    expect([...scaled]).toEqual(
      [
        ...roundArray(
          'fp16',
          values.map((value) => value / 8),
        ),
      ].map((value) => value * 8),
    );
  });
});

describe('the exported model', () => {
  const checkExport = async (
    wish: Wish,
    opset: number,
    numerics?: LayerNumerics,
    overflow: Overflow = 'error',
  ): Promise<Model> => {
    const ready = (model: Model): PrecisionGraph => withScales(graphFor(model, wish, overflow, numerics));
    const graph = ready(modelOf(DENSE, { opset }));
    const bytes = bytesOf(graph);
    expect(sameBytes(bytesOf(ready(modelOf(DENSE, { opset }))), bytes)).toBe(true);
    const result = modelOfBytes(bytes);
    const emulation = [...(await runDense(emulated(graph).bytes))];
    expect([...(await runDense(explicit(result).bytes))]).toEqual(emulation);
    // A CPU leaves out roundings to FP16; those to what it has operators for it does.
    if (!Object.values(wish).includes('fp16')) expect([...(await runDense(bytes))]).toEqual(emulation);
    expect(inferTypes(result).problems).toEqual([]);
    expect(indexGraph(result.graph).isSorted).toBe(true);
    expect(sameBytes(bytesOf(ready(result)), bytes)).toBe(true);
    return result;
  };
  const conversionOf = (graph: PrecisionGraph): Conversion => {
    const conversion = convert(graph);
    if ('problems' in conversion)
      throw new Error(conversion.problems.map(({ message }) => message).join('\n'));
    return conversion;
  };
  const bytesOf = (graph: PrecisionGraph): Uint8Array => encodeBytes(conversionOf(graph).pieces);
  const formats: readonly (readonly [FormatName, number])[] = [
    ['int8', 10],
    ['int8', 13],
    ['int8', 17],
    ['fp8_e4m3', 19],
    ['fp8_e5m2', 19],
    ['fp8_e4m3', 22],
    ['int4', 21],
    ['int8', 24],
    ['int4', 23],
    ['fp8_e5m2', 25],
  ];
  for (const [format, opset] of formats) {
    it(`computes in ${format} at opset ${opset} what is emulated`, async () => {
      const all = await checkExport({ '*': format }, opset, undefined, 'saturate');
      expect(all.graph.initializers.some(({ name }) => name === 'w')).toBe(false);
      await checkExport({ m: format, a: 'fp16' }, opset, undefined, 'saturate');
      await checkExport({ m: format }, opset, undefined, 'inf');
      await checkExport({ '*': 'fp32' }, opset, { weights: format }, 'saturate');
      if (opset >= 13) await checkExport({ '*': format }, opset, { perChannel: true }, 'saturate');
      await checkExport({ '*': 'fp16' }, opset, { weights: format }, 'saturate');
      await checkExport({ '*': format }, opset, { weights: 'fp16' }, 'saturate');
    });
  }

  describe('where ONNX Runtime cannot do what the standard says', () => {
    const load = async (bytes: Uint8Array, level: Level): Promise<string> => {
      const x = new ort.Tensor('float32', new Float32Array(12), [3, 4]);
      return await runModel(bytes, { x }, undefined, level).then(
        () => 'runs',
        (error: unknown) => String(error),
      );
    };
    const warningsOf = ({ summary }: Conversion): readonly string[] =>
      summary.warnings.map(({ code, message }) => `${code} ${message}`);

    it('says of fp4_e2m1 that there is no kernel, and writes a valid model', async () => {
      for (const opset of [23, 25]) {
        const model = modelOf(DENSE, { opset, irVersion: 11 });
        const weightsAlone = { weights: 'fp4_e2m1' } as const;
        for (const graph of [
          withScales(graphFor(model, { '*': 'fp4_e2m1' }, 'saturate')),
          withScales(graphFor(model, { m: 'fp32' }, 'saturate', weightsAlone)),
        ]) {
          const conversion = conversionOf(graph);
          const bytes = encodeBytes(conversion.pieces);
          const result = modelOfBytes(bytes);
          expect(inferTypes(result).problems).toEqual([]);
          expect(indexGraph(result.graph).isSorted).toBe(true);
          expect(sameBytes(encodeBytes(encodeFresh(result)), bytes)).toBe(true);
          // Should a later runtime run it, the warning has to go.
          expect(await load(bytes, 'disabled')).toContain('Could not find an implementation');
          expect(warningsOf(conversion)).toEqual([
            expect.stringMatching(/^runtime-limited .*has no kernel that rounds to fp4_e2m1/),
          ]);
        }
      }
    });

    it('says of 8-bit floats, and of some operators in integers, at which level they load', async () => {
      const clip = 'input x: float[3,4]\nm = Clip(x)\noutput m: float[3,4]';
      const moved =
        'input x: float[3,4]\ninit s: int64[1] = 12\nm = Relu(x)\ny = Reshape(m, s)\noutput y: float[12]';
      for (const [text, format] of [
        [DENSE, 'fp8_e4m3'],
        [DENSE, 'fp8_e5m2'],
        [clip, 'int4'],
        [moved, 'int8'],
      ] as const) {
        const model = modelOf(text, { opset: 21, irVersion: 10 });
        const conversion = conversionOf(withScales(graphFor(model, { m: format }, 'saturate')));
        const bytes = encodeBytes(conversion.pieces);
        expect(await load(bytes, 'basic')).toBe('runs');
        expect(await load(bytes, 'all')).not.toBe('runs');
        expect(warningsOf(conversion)).toEqual([
          expect.stringMatching(/^runtime-limited .*at optimisation level `basic`/),
        ]);
      }
    });

    it('says nothing of what loads at every level', async () => {
      for (const [format, choice, opset] of [
        ['int8', 'minmax', 19],
        ['int4', 'minmax', 21],
        ['int8', 'sawb', 19],
        ['int4', 'sawb', 21],
      ] as const) {
        const model = modelOf(DENSE, { opset, irVersion: 10 });
        const numerics = { quantize: { name: choice } };
        const conversion = conversionOf(withScales(graphFor(model, { '*': format }, 'saturate', numerics)));
        expect(await load(encodeBytes(conversion.pieces), 'all')).toBe('runs');
        expect(warningsOf(conversion)).toEqual([]);
      }
    });
  });

  it('has a scale before the layer and takes it back after', async () => {
    await checkExport({ m: 'fp16' }, 17, { scale: 2 ** -3 });
    await checkExport({ m: 'fp8_e4m3' }, 19, { scale: 2 ** 2 }, 'saturate');
  });

  it('has what a plan says beyond a scale and a format that the graph has already', () => {
    const scaled = 'layer "m": fp8_e4m3 { scale: 4, overflow: saturate }';
    const first = plannedGraph(modelOf(DENSE, { opset: 21 }), scaled);
    const result = modelOfBytes(encodeBytes(conversionOf(first).pieces));
    const roundings = (plan: string): readonly NodeRounding[] => [
      ...plannedGraph(result, plan).roundings.values(),
    ];
    expect(roundings(scaled)).toEqual([]);
    const summed = roundings(scaled.replace(' }', ', accumulate: fp16 }'));
    expect(summed).toEqual([
      { inputs: [undefined, undefined], outputs: [undefined], accumulate: { kind: 'fp16' } },
    ]);
    const [other] = roundings(scaled.replace('e4m3', 'e5m2'));
    const formats = [...(other?.inputs ?? []), ...(other?.outputs ?? [])].map((one) => one?.format);
    expect([formats, other?.scale]).toEqual([['fp8_e5m2', 'fp8_e5m2', 'fp8_e5m2'], undefined]);
  });

  it('is refused where ONNX has no type, or has it only later', () => {
    const messages = (wish: Wish, opset: number, numerics?: LayerNumerics): readonly string[] => {
      const conversion = convert(withScales(graphFor(modelOf(DENSE, { opset }), wish, 'inf', numerics)));
      return 'problems' in conversion ? conversion.problems.map(({ message }) => message) : [];
    };
    expect(messages({ m: 'dlfloat16' }, 17)[0]).toContain('ONNX has no type for dlfloat16 of layer "m"');
    expect(messages({ m: 'fp8_e4m3' }, 17)[0]).toContain('needs opset 19, and the model has opset 17');
    expect(messages({ m: 'int8' }, 12, { perChannel: true })[0]).toContain('needs opset 13');
    expect(messages({ m: 'fp8_e4m3' }, 19, { stochastic: true })[0]).toContain('no stochastic rounding');
  });

  it('is refused where weights are beyond the range, unless the plan says what to do', () => {
    const text = 'input x: float[2]\ninit w: float[2] = 500 1\ny = Mul(x, w)\noutput y: float[2]';
    const conversion = convert(graphFor(modelOf(text, { opset: 19 }), { y: 'fp8_e4m3' }));
    expect(conversion).toMatchObject({
      problems: [{ code: 'weight-overflow', index: 0, value: 500, layer: 'y' }],
    });
    expect(convert(graphFor(modelOf(text, { opset: 19 }), { y: 'fp8_e4m3' }, 'saturate'))).toHaveProperty(
      'pieces',
    );
  });
});
