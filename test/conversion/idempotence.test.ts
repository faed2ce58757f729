// "Converting the result again by the same plan changes nothing": random small networks, opsets and plans with every format
// that is exported and every option, bound from their text as a user's would be; the second conversion gives the same bytes.
import * as ort from 'onnxruntime-node';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { convert } from '../../server/src/convert/index.js';
import { emulated, explicit } from '../../server/src/emulate/index.js';
import { encodeBytes, inferTypes, type Model } from '../../server/src/onnx/index.js';
import type { PrecisionGraph } from '../../server/src/plan/index.js';
import { listing, modelOf, modelOfBytes } from './graph-text.js';
import { plannedGraph, sameBytes, withScales } from './plans.js';
import { fakeInput, floatsOf, runModel } from './run-model.js';

/** Lines that give `@` of `float[4,4]` from `%`: operators alone, with constants, in branches, and what spells out roundings. */
const UNARY = [
  '@ = Relu(%)',
  '@ = Tanh(%)',
  '@ = Neg(%)',
  '@ = Clip(%, low, high)',
  '@ = Clip(%, least, most)',
  '@ = Mul(%, eighth)',
  '@ = Mul(%, eight)',
  '@ = Mul(row, %)',
  '@ = Add(%, row)',
  '@ = Softmax(%)',
  '@ = Transpose(%)',
  '@ = Identity(%)',
  '@ = MatMul(%, w)',
  '@ = MatMul(%, v)',
  '@ = MatMul(w, %)',
  '@ = MatMul(%, derived)',
  '@ = Gemm(%, w, row)',
  '@ = Gemm(%, v, row) {"transB": 1}',
  '@h = Cast(%) {"to": 10}\n@f = Cast(@h) {"to": 1}\n@ = Neg(@f)',
  '@q = QuantizeLinear(%, tenth, zero)\n@ = DequantizeLinear(@q, tenth, zero)',
  '@c = Constant() {"value": {"tensor": "float[4,4] = 0.1 2 -3"}}\n@ = Sub(%, @c)',
  `graph @g
    @a = Neg(%)
    @b = MatMul(@a, w)
    output @b: float[4,4]
  end
  graph @k
    @e = Abs(%)
    output @e: float[4,4]
  end
  @ = If(flag) {"then_branch": {"graph": "@g"}, "else_branch": {"graph": "@k"}}`,
];
const BINARY = ['Add', 'Mul', 'MatMul', 'Max', 'Sub'].map((operator) => `@ = ${operator}(%, $)`);

const network = fc
  .array(
    fc.record({
      template: fc.constantFrom(...UNARY, ...UNARY, ...BINARY, '@ = Where(flag, %, $)'),
      reads: fc.tuple(fc.nat(2), fc.nat(4)),
      isOutput: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((nodes) => {
    const lines = nodes.map(({ template, reads }, at) => {
      const [one = '', other = ''] = reads.map((back) => `t${Math.max(0, at - back)}`);
      return template
        .replaceAll('%', one)
        .replaceAll('$', other)
        .replaceAll('@', `t${at + 1}`);
    });
    const outputs = nodes.flatMap(({ isOutput }, at) =>
      isOutput || at === nodes.length - 1 ? [`output t${at + 1}: float[4,4]`] : [],
    );
    return networkText(lines, outputs);
  });

/** A chain of templates. */
function networkOf(templates: readonly string[]): string {
  const lines = templates.map((template, at) =>
    template.replaceAll('%', `t${at}`).replaceAll('@', `t${at + 1}`),
  );
  return networkText(lines, [`output t${templates.length}: float[4,4]`]);
}

function networkText(lines: readonly string[], outputs: readonly string[]): string {
  return `input t0: float[4,4]
      input flag: bool[]
      init w: float[4,4] = 0.5 -1.25 3 0.01 -0.7
      init v: float[4,4] = 0.11 0.5 -2.25
      init row: float[4] = 0.1 0.2 -0.3 90
      init low: float[] = -0.3
      init high: float[] = 0.7
      init least: float[] = -65504
      init most: float[] = 65504
      init eighth: float[] = 0.125
      init eight: float[] = 8
      init huge: float[] = 3.4028e38
      init tenth: float[] = 0.1
      init zero: uint8[] = 120
      derived = Transpose(w)
      ${lines.join('\n')}
      ${outputs.join('\n')}`;
}

const FORMATS = ['fp32', 'fp16', 'fp16', 'bf16', 'int8', 'int8', 'int4', 'fp8_e4m3', 'fp8_e5m2', 'fp4_e2m1'];
const format = fc.constantFrom(...FORMATS);
const none = fc.constant('');
const options = fc
  .tuple(
    fc.oneof(
      { weight: 3, arbitrary: none },
      format.map((name) => `weights: ${name}`),
    ),
    fc.oneof(
      none,
      fc.constantFrom('minmax', 'percentile(99)', 'mse', 'sawb', 'learned').map((way) => `quantize: ${way}`),
    ),
    fc.oneof(none, fc.constant('per: channel')),
    fc.constantFrom('overflow: saturate', 'overflow: inf'),
    fc.oneof({ weight: 3, arbitrary: none }, fc.constantFrom('scale: 2^-3', 'scale: 8')),
  )
  .map((all) => `{ ${all.filter((one) => one !== '').join(', ')} }`);
const decision = fc.tuple(format, options).map((parts) => parts.join(' '));
const place = fc.constantFrom(
  'default',
  'default',
  'op MatMul',
  'op Relu, Tanh',
  'op Clip, Mul',
  'layers "**"',
  'layers "*1"',
  'layers matching ".*[0-9]"',
);
const plan = fc
  .array(fc.tuple(place, decision), { minLength: 1, maxLength: 3 })
  .map((statements) => statements.map((parts) => parts.join(': ')).join('\n'));

/** The converted model; undefined where the plan cannot be exported. */
function converted(graph: PrecisionGraph): Uint8Array | undefined {
  const conversion = convert(graph);
  if (!('problems' in conversion)) return encodeBytes(conversion.pieces);
  for (const { code } of conversion.problems) expect(code).not.toBe('type-problem');
  return undefined;
}

function scaled(model: Model, text: string): PrecisionGraph {
  return withScales(plannedGraph(model, text));
}

const opset = fc.constantFrom(11, 13, 17, 19, 21, 23);
const runs = Number(process.env['IDEMPOTENCE_RUNS'] ?? 200);

function networkModel(text: string, opset: number): Model {
  return modelOf(text, { opset, irVersion: opset > 17 ? 10 : 8 });
}

/** What random plans seldom meet. */
const rare: [string, string, number][] = [
  // Codes of a weight are found for what is not scaled.
  [
    networkOf(['@ = MatMul(w, %)']),
    'default: fp16 { weights: int8, per: channel, scale: 2^-3, overflow: inf }',
    17,
  ],
  // One reader multiplies the constant that another one stores in another type.
  [
    networkOf(['@ = Gemm(%, v, row)', '@ = Gemm(%, w, row)']),
    'layers "*1": bf16\ndefault: fp16 { overflow: saturate, scale: 2^-3 }',
    19,
  ],
  // A name for what one layer rounds, and for a cast of it.
  [
    networkOf(['@ = Relu(%)', '@ = Relu(%)']),
    'default: fp16\nlayers "*1": fp16 { weights: fp32, overflow: saturate }',
    11,
  ],
  // Codes without the least, held by a node of its own.
  [networkOf(['@ = Relu(%)']), 'default: int8 { quantize: sawb, overflow: saturate }', 13],
  // Numbers that only a Clip keeps from becoming infinite.
  [networkOf(['@ = Mul(%, huge)']), 'default: bf16 { weights: fp32, overflow: saturate }', 13],
];

it('a converted model is converted to itself', () => {
  let exported = 0;
  fc.assert(
    fc.property(network, plan, opset, (text, statements, version) => {
      const first = converted(scaled(networkModel(text, version), statements));
      if (first === undefined) return;
      exported += 1;
      const result = modelOfBytes(first);
      expect(inferTypes(result).problems).toEqual([]);
      const again = converted(scaled(result, statements));
      expect(again === undefined ? [] : listing(modelOfBytes(again))).toEqual(listing(result));
      expect(again !== undefined && sameBytes(first, again)).toBe(true);
    }),
    { numRuns: runs, examples: rare },
  );
  expect(exported).toBeGreaterThan(runs / 4);
});

it('a converted model computes what is emulated', async () => {
  // ONNX Runtime has no kernel that rounds to FP4, and what becomes of NaN as an integer is said nowhere.
  const runnable = plan
    .filter((text) => !text.includes('fp4'))
    .map((text) => text.replaceAll('overflow: inf', 'overflow: saturate'));
  await fc.assert(
    fc.asyncProperty(network, runnable, opset, async (text, statements, version) => {
      const graph = scaled(networkModel(text, version), statements);
      const bytes = converted(graph);
      if (bytes === undefined) return;
      const flag = new ort.Tensor('bool', Uint8Array.of(1), []);
      const feeds = { t0: fakeInput([4, 4]), flag };
      const emulation = await runModel(emulated(graph).bytes, feeds);
      const casts = await runModel(explicit(modelOfBytes(bytes)).bytes, feeds);
      // All NaN are one.
      for (const name of Object.keys(emulation.outputs))
        expect([...floatsOf(casts, name)]).toEqual([...floatsOf(emulation, name)]);
    }),
    { numRuns: runs / 4, examples: rare },
  );
});
