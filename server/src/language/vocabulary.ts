/**
 * Every name that the plan language knows, as data: keywords, formats, metrics, options, targets, objectives and
 * generators. The parser's checks, completion, hovers, the grammar's tests and the reference all read these
 * tables. Knows nothing of a model, nor of how anything here is computed.
 */
import {
  words,
  type FormatTerm,
  type GeneratorTerm,
  type MetricTerm,
  type OptionTerm,
  type StatementTerm,
  type Term,
  type ValueShape,
} from './term.js';
import { TARGET_OPTIONS } from './target-options.js';

export type * from './term.js';
export { MOST_THREADS, optionsOfTarget, providerOptions, TARGET_OPTIONS } from './target-options.js';

const FLAG = words('true', 'false');

export const FORMATS: readonly FormatTerm[] = [
  { name: 'fp32', runs: true, summary: 'IEEE 754 single precision: 24 bits of significand, up to 3.4e38.' },
  { name: 'fp16', runs: true, summary: 'IEEE 754 half precision: 11 bits of significand, up to 65504.' },
  { name: 'bf16', runs: true, summary: 'bfloat16: 8 bits of significand, the range of fp32.' },
  { name: 'original', runs: true, summary: 'As it is in the model.' },
  { name: 'fp8_e4m3', runs: false, summary: '8 bits: 4 of exponent, 3 of fraction, up to 448.' },
  { name: 'fp8_e5m2', runs: false, summary: '8 bits: 5 of exponent, 2 of fraction, up to 57344.' },
  { name: 'fp4_e2m1', runs: false, summary: '4 bits: 2 of exponent, 1 of fraction, up to 6.' },
  { name: 'int8', runs: false, summary: '8-bit integers with a scale.' },
  { name: 'int4', runs: false, summary: '4-bit integers with a scale.' },
  {
    name: 'dlfloat16',
    runs: false,
    summary: 'DLFloat: 16 bits, 6 of exponent, 9 of fraction. Emulation only.',
  },
  {
    name: 'fp8_143',
    runs: false,
    summary: '8 bits: 4 of exponent, 3 of fraction (hybrid FP8). Emulation only.',
  },
  {
    name: 'fp8_152',
    runs: false,
    summary: '8 bits: 5 of exponent, 2 of fraction (hybrid FP8). Emulation only.',
  },
  { name: 'fp4_radix4', runs: false, summary: '4 bits, powers of four. Emulation only.' },
];

/** Names that people write for formats, metrics and targets, and what they mean here. Only for suggestions. */
export const FAMILIAR_NAMES: ReadonlyMap<string, string> = new Map([
  ['float', 'fp32'],
  ['float32', 'fp32'],
  ['single', 'fp32'],
  ['f32', 'fp32'],
  ['half', 'fp16'],
  ['float16', 'fp16'],
  ['f16', 'fp16'],
  ['bfloat16', 'bf16'],
  ['fp8', 'fp8_e4m3'],
  ['e4m3', 'fp8_e4m3'],
  ['e5m2', 'fp8_e5m2'],
  ['fp4', 'fp4_e2m1'],
  ['keep', 'original'],
  ['mae', 'mean_abs'],
  ['snr', 'sqnr'],
  ['l2', 'relative_l2'],
  ['accuracy', 'top1'],
  ['gpu', 'webgpu'],
  ['directml', 'dml'],
  ['trt', 'tensorrt'],
]);

const REASON: OptionTerm = {
  name: 'reason',
  value: { kind: 'string' },
  summary: 'Why the decision is as it is; shown in hovers and reports.',
};

/** Sums side by side, of which emulation keeps each. */
export const MOST_LANES = 4096;

/** The options of every statement that decides layers. */
export const DECISION_OPTIONS: readonly OptionTerm[] = [
  { name: 'weights', value: { kind: 'format' }, summary: 'A format of their own for the weights.' },
  {
    name: 'accumulate',
    value: {
      kind: 'choice',
      words: ['fp32', 'fp16'],
      calls: [
        { name: 'chunked', parameters: ['n'], whole: true, least: 1 },
        { name: 'lanes', parameters: ['n'], whole: true, least: 1, most: MOST_LANES },
      ],
      code: 'unknown-format',
    },
    summary: 'In what long sums are added up; emulated, since ONNX cannot express it.',
  },
  {
    name: 'rounding',
    value: words('nearest', 'stochastic'),
    summary: 'How values are rounded to the format.',
  },
  {
    name: 'quantize',
    value: {
      kind: 'choice',
      words: ['minmax', 'mse', 'output_mse', 'sawb', 'learned'],
      calls: [{ name: 'percentile', parameters: ['percent'], whole: false, least: 0, most: 100 }],
      code: 'option-unknown',
    },
    summary: 'How the scale of an integer format is chosen.',
  },
  {
    name: 'per',
    value: words('tensor', 'channel'),
    summary: 'One scale for the tensor, or one for each channel.',
  },
  {
    name: 'overflow',
    value: words('error', 'saturate', 'inf'),
    summary: 'What becomes of a weight beyond the range of the format; an error unless said otherwise.',
  },
  {
    name: 'scale',
    value: { kind: 'power-of-two' },
    summary: 'A power of two that the input is multiplied by and that is undone in fp32 after.',
  },
  { name: 'pinned', value: FLAG, summary: 'The tuner leaves this decision alone.' },
  REASON,
];

/** The options of `input "NAME" from "GLOB"`. */
export const INPUT_FILE_OPTIONS: readonly OptionTerm[] = [
  {
    name: 'axis',
    value: { kind: 'integer', least: 0 },
    summary: 'Takes the samples from this axis of one file.',
  },
  {
    name: 'layout',
    value: words('nchw', 'nhwc'),
    summary: 'The order of the axes that a picture is laid out in.',
  },
  {
    name: 'mean',
    value: { kind: 'numbers' },
    summary: 'Taken from each channel of a picture, after the scale.',
  },
  { name: 'std', value: { kind: 'numbers' }, summary: 'Each channel of a picture is divided by this, last.' },
  {
    name: 'scale',
    value: { kind: 'number' },
    summary: 'What the 0 to 255 of a picture is multiplied by, first.',
  },
];

/** The options of `input "NAME" = GENERATOR`. */
export const INPUT_GENERATOR_OPTIONS: readonly OptionTerm[] = [
  { name: 'seed', value: { kind: 'integer', least: 0 }, summary: 'The seed of the generator.' },
  { name: 'count', value: { kind: 'integer', least: 1 }, summary: 'How many samples are made.' },
];

const OVER: OptionTerm = {
  name: 'over',
  value: words('worst', 'mean', 'pooled'),
  summary: 'How the figures of the samples become one.',
};

const AXIS: OptionTerm = {
  name: 'axis',
  value: { kind: 'integer' },
  summary: 'The axis of the classes; the last one if left out.',
};

/** What says where the landmarks of `nme` and `pck` lie in an output. All four are needed. */
export const LANDMARK_OPTIONS: readonly OptionTerm[] = [
  { name: 'points', value: { kind: 'range' }, summary: 'The landmarks that count, first and last included.' },
  { name: 'stride', value: { kind: 'integer', least: 1 }, summary: 'Values from one landmark to the next.' },
  {
    name: 'dims',
    value: { kind: 'integer', least: 1 },
    summary: 'How many of these values are coordinates.',
  },
  {
    name: 'normalize',
    value: {
      kind: 'choice',
      words: ['bbox', 'diagonal'],
      calls: [{ name: 'torso', parameters: ['a', 'b', 'c', 'd'], whole: true, least: 0 }],
      number: true,
      code: 'option-unknown',
    },
    summary: 'What distances are divided by: a size taken from the reference landmarks, or a number.',
  },
];

function metric(
  name: string,
  operator: '<=' | '>=',
  over: 'worst' | 'pooled',
  summary: string,
  more: { threshold?: true; landmarks?: true; options?: readonly OptionTerm[] } = {},
): MetricTerm {
  return {
    name,
    operator,
    over,
    summary,
    threshold: more.threshold ?? false,
    landmarks: more.landmarks ?? false,
    options: more.options ?? [],
  };
}

export const METRICS: readonly MetricTerm[] = [
  metric('max_abs', '<=', 'worst', 'The largest absolute difference.'),
  metric('mean_abs', '<=', 'worst', 'The mean absolute difference.'),
  metric('relative_l2', '<=', 'worst', 'The norm of the difference, divided by the norm of the reference.'),
  metric('cosine', '>=', 'worst', 'The cosine of the angle between output and reference.'),
  metric('sqnr', '>=', 'worst', 'The power of the reference over that of the difference, in dB.'),
  metric('psnr', '>=', 'worst', 'The squared peak of the reference over the mean squared difference, in dB.'),
  metric('ulp_fp16', '<=', 'worst', 'The largest difference in units in the last place of fp16.'),
  metric('top1', '>=', 'pooled', 'How often the largest class is the same, from 0 to 1.', {
    options: [AXIS],
  }),
  metric('top5', '>=', 'pooled', 'How often the largest class is among the five largest, from 0 to 1.', {
    options: [AXIS],
  }),
  metric('kl', '<=', 'worst', 'The Kullback-Leibler divergence from the reference distribution.', {
    options: [{ name: 'softmax', value: FLAG, summary: 'The outputs are logits.' }, AXIS],
  }),
  metric('nme', '<=', 'pooled', 'The mean distance of landmarks, divided by a size.', {
    landmarks: true,
    options: LANDMARK_OPTIONS,
  }),
  metric('pck', '>=', 'pooled', 'The share of landmarks whose normalised distance is at most T.', {
    threshold: true,
    landmarks: true,
    options: LANDMARK_OPTIONS,
  }),
  metric('iou', '>=', 'pooled', 'The overlap of masks: intersection over union of what is above T.', {
    threshold: true,
  }),
];

/** The options of a tolerance whatever its metric; a metric adds its own. */
export const TOLERANCE_OPTIONS: readonly OptionTerm[] = [OVER];

export const TARGETS: readonly Term[] = [
  { name: 'cpu', summary: 'The CPU provider of ONNX Runtime.' },
  { name: 'webgpu', summary: 'WebGPU: browsers, and native through Dawn.' },
  { name: 'cuda', summary: 'NVIDIA GPUs through CUDA and cuDNN.' },
  { name: 'tensorrt', summary: 'NVIDIA GPUs through TensorRT.' },
  { name: 'dml', summary: 'DirectML: any GPU on Windows.' },
  { name: 'coreml', summary: 'Core ML: Apple CPU, GPU and Neural Engine.' },
];

/** The options of `latency from "FILE"`. */
export const LATENCY_OPTIONS: readonly OptionTerm[] = [
  {
    name: 'format',
    value: { kind: 'choice', words: ['fp32', 'fp16', 'bf16', 'int8'], code: 'unknown-format' },
    summary: 'The format in which the layers ran there; needed where the file does not tell.',
  },
];

export const OBJECTIVES: readonly Term[] = [
  { name: 'latency', summary: 'Time of one inference on the target.' },
  { name: 'macs', summary: 'Multiply-adds in low precision.' },
  { name: 'size', summary: 'Bytes of the exported model.' },
  { name: 'energy', summary: 'Energy of the arithmetic, from published figures per operation.' },
  { name: 'layers', summary: 'Layers in low precision.' },
];

export const GENERATORS: readonly GeneratorTerm[] = [
  { name: 'zeros', parameters: [], summary: 'Every element is 0.' },
  { name: 'ones', parameters: [], summary: 'Every element is 1.' },
  { name: 'constant', parameters: ['v'], summary: 'Every element is v.' },
  { name: 'uniform', parameters: ['lo', 'hi'], summary: 'Evenly between lo and hi.' },
  { name: 'normal', parameters: ['mean', 'std'], summary: 'The normal distribution.' },
  { name: 'integers', parameters: ['lo', 'hi'], summary: 'Whole numbers from lo to hi, both included.' },
];

function statement(
  kind: StatementTerm['kind'],
  form: string,
  summary: string,
  options: readonly OptionTerm[] = [],
): StatementTerm {
  return { kind, keyword: kind === 'layers matching' ? 'layers' : kind, form, summary, options };
}

export const STATEMENTS: readonly StatementTerm[] = [
  statement('model', 'model "PATH"', 'The model, relative to this file.'),
  statement('include', 'include "FILE.precision"', 'The statements of a fragment, as if they stood here.'),
  statement('input', 'input "NAME" from "GLOB"', 'What calibration samples an input is fed with.', [
    ...INPUT_FILE_OPTIONS,
    ...INPUT_GENERATOR_OPTIONS,
  ]),
  statement('dim', 'dim NAME = INT', 'Binds a symbolic or unnamed dimension.'),
  statement(
    'target',
    'target NAME',
    'Where the model will run. A plan must hold on each target.',
    TARGET_OPTIONS,
  ),
  statement('objective', 'objective NAME', 'What the tuner gains.'),
  statement(
    'tolerance',
    'tolerance "OUTPUT" METRIC <= NUMBER',
    'What must stay true against the original; without a name, for every floating-point output.',
    TOLERANCE_OPTIONS,
  ),
  statement('accumulate', 'accumulate: FORMAT', 'The accumulation that tolerances are judged with.'),
  statement(
    'default',
    'default: FORMAT',
    'The format of layers that nothing else decides. Always weakest.',
    DECISION_OPTIONS,
  ),
  statement('layer', 'layer "NAME", ...: FORMAT', 'Decides exactly these layers.', DECISION_OPTIONS),
  statement(
    'layers',
    'layers "GLOB", ...: FORMAT',
    'Decides the layers whose names match.',
    DECISION_OPTIONS,
  ),
  statement(
    'layers matching',
    'layers matching "REGEX", ...: FORMAT',
    'Decides the layers whose whole names match a regular expression.',
    DECISION_OPTIONS,
  ),
  statement('op', 'op TYPE, ...: FORMAT', 'Decides the layers of these operator types.', DECISION_OPTIONS),
  statement(
    'between',
    'between "A" and "B": FORMAT',
    'Decides the layers on any path from A to B, both included.',
    DECISION_OPTIONS,
  ),
  statement(
    'latency',
    'latency from "FILE"',
    'A profile taken elsewhere as the source of latencies: of ONNX Runtime, or of `trtexec --exportProfile`.',
    LATENCY_OPTIONS,
  ),
  statement('metric', 'metric NAME from "FILE.mjs"', 'A metric of your own.'),
  statement('labels', 'labels "GLOB"', 'The truth of each sample, for a metric of your own.'),
  statement(
    'state',
    'state "INPUT" from "OUTPUT"',
    'The samples are one sequence: this output feeds that input.',
  ),
];

/** The words that a statement begins with, each once. */
export const STATEMENT_KEYWORDS: readonly string[] = [...new Set(STATEMENTS.map((term) => term.keyword))];

/** The words that join the parts of a statement. */
export const JOINING_WORDS: readonly string[] = ['from', 'and', 'matching'];

/** The forms of a whole-plan `accumulate:`, which are those of the option. */
export const ACCUMULATIONS: ValueShape =
  DECISION_OPTIONS.find((option) => option.name === 'accumulate')?.value ?? words('fp32');
