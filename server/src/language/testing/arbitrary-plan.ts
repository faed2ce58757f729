/**
 * For tests: random plans that are valid, in every layout that the language allows, and plans that are damaged. Knows
 * the grammar from the reference, not from the parser.
 */
import fc from 'fast-check';

/** Parts of a statement; between two of them any blanks may stand. `,` and `{` allow a line break after them. */
type Parts = readonly string[];

const names = fc
  .oneof(
    fc.constantFrom(
      'conv1',
      '/model/layers.0/MatMul',
      'If_0 > then_branch > Conv_3',
      'a "b" \\ c',
      'ä/ü',
      '\u0001\t',
    ),
    fc.string(),
  )
  .map((name) => JSON.stringify(name));

const paths = fc.constantFrom('"m.onnx"', '"../a b/m.onnx"', '"inputs/*.npy"');
const words = fc.constantFrom('batch', 'N', 'batch-size', 'a.b_c', 'default', 'from', 'inf2');
const formats = fc.constantFrom('fp32', 'fp16', 'bf16', 'original', 'int8', 'fp4_radix4');
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom('1/255', '2^-3', '0', '1e-3'),
);
const naturals = fc.nat({ max: 1000 }).map(String);

function separated(items: fc.Arbitrary<string>): fc.Arbitrary<Parts> {
  return fc
    .array(items, { minLength: 1, maxLength: 3 })
    .map((list) => list.flatMap((item, index) => (index === 0 ? [item] : [',', item])));
}

function call(name: string, items: Parts): Parts {
  return [name, '(', ...items.flatMap((item, index) => (index === 0 ? [item] : [',', item])), ')'];
}

const accumulations: readonly Parts[] = [['fp16'], call('chunked', ['64']), call('lanes', ['64'])];

const decisionOptions = fc.constantFrom(...accumulations).chain((sums) =>
  fc.subarray<Parts>([
    ['weights', ':', 'int8'],
    ['accumulate', ':', ...sums],
    ['rounding', ':', 'stochastic'],
    ['quantize', ':', ...call('percentile', ['99.9'])],
    ['per', ':', 'channel'],
    ['overflow', ':', 'inf'],
    ['scale', ':', '2^-3'],
    ['pinned', ':', 'true'],
    ['reason', ':', '"a # no comment, { no brace"'],
  ]),
);

function braces(options: fc.Arbitrary<readonly Parts[]>): fc.Arbitrary<Parts> {
  return options.map((list) =>
    list.length === 0
      ? []
      : ['{', ...list.flatMap((option, index) => (index === 0 ? option : [',', ...option])), '}'],
  );
}

const landmarks: readonly Parts[] = [
  ['points', ':', '0..32'],
  ['stride', ':', '5'],
  ['dims', ':', '2'],
  ['normalize', ':', ...call('torso', ['11', '12', '23', '24'])],
];
const over = fc.subarray<Parts>([['over', ':', 'worst']]);

const tolerance = fc.oneof(
  fc.tuple(fc.constantFrom<Parts>(['relative_l2', '<='], ['cosine', '>='], ['top1', '>=']), braces(over)),
  fc.tuple(
    fc.constantFrom<Parts>(['nme', '<='], [...call('pck', ['0.05']), '>=']),
    braces(over.map((list) => [...landmarks, ...list])),
  ),
);

const subject: fc.Arbitrary<Parts> = fc.oneof(
  fc.constant<Parts>(['default']),
  separated(names).map((list) => ['layer', ...list]),
  separated(names).map((list) => ['layers', ...list]),
  separated(fc.constantFrom('"conv\\\\d+"', '"(a|b).*"')).map((list) => ['layers', 'matching', ...list]),
  separated(fc.constantFrom('Conv', 'com.microsoft.Gelu', 'layer')).map((list) => ['op', ...list]),
  fc.tuple(names, names).map(([from, to]) => ['between', from, 'and', to]),
);

const statement: fc.Arbitrary<Parts> = fc.oneof(
  paths.map((path) => ['model', path]),
  paths.map((path) => ['include', path]),
  fc
    .tuple(
      names,
      paths,
      braces(
        fc.subarray<Parts>([
          ['layout', ':', 'nchw'],
          ['mean', ':', '[', '0.5', ',', '1', ']'],
        ]),
      ),
    )
    .map(([name, path, options]) => ['input', name, 'from', path, ...options]),
  fc
    .tuple(
      names,
      fc.constantFrom<Parts>(['zeros'], call('constant', ['3']), call('uniform', ['-1', '1'])),
      braces(
        fc.subarray<Parts>([
          ['seed', ':', '7'],
          ['count', ':', '8'],
        ]),
      ),
    )
    .map(([name, generator, options]) => ['input', name, '=', ...generator, ...options]),
  fc.tuple(words, naturals).map(([name, size]) => ['dim', name, '=', size]),
  fc.tuple(names, naturals, naturals).map(([name, axis, size]) => ['dim', name, '[', axis, ']', '=', size]),
  fc.constantFrom<Parts>(['target', 'webgpu'], ['target', 'cpu', '{', 'threads', ':', '4', '}']),
  fc.constantFrom<Parts>(['objective', 'size'], ['accumulate', ':', 'fp16'], ['latency', 'from', '"p.json"']),
  fc
    .tuple(fc.option(names), tolerance, numbers)
    .map(([output, [metric, options], limit]) => [
      'tolerance',
      ...(output === null ? [] : [output]),
      ...metric,
      limit,
      ...options,
    ]),
  fc
    .tuple(subject, formats, braces(decisionOptions))
    .map(([what, format, options]) => [...what, ':', format, ...options]),
  fc.constantFrom<Parts>(['metric', 'mine', 'from', '"m.mjs"'], ['labels', '"l/*.json"']),
  fc.tuple(names, names).map(([input, output]) => ['state', input, 'from', output]),
);

const blanks = fc.constantFrom('', ' ', '  ', '\t');
const comment = fc.constantFrom('', '', '', '# why', '#', '# "quoted" { ');

/** One statement as text: any blanks between parts, line breaks where the language allows them. */
function laidOut(parts: Parts, breaks: readonly boolean[], blank: string, note: string): string {
  let text = '';
  let depth = 0;
  parts.forEach((part, index) => {
    const before = parts[index - 1];
    const tight = before === undefined || /^[,:{}[\]()]$/u.test(part) || /^[,:{}[\]()]$/u.test(before);
    const mayBreak = before !== undefined && (before === ',' || depth > 0);
    if (mayBreak && (breaks[index % Math.max(1, breaks.length)] ?? false)) {
      text += `${blank}${note}\n${blank}`;
    } else {
      text += tight ? blank : ` ${blank}`;
    }
    text += part;
    if (part === '{') depth++;
    if (part === '}') depth--;
  });
  return text;
}

const line = fc
  .tuple(statement, fc.array(fc.boolean(), { maxLength: 7 }), blanks, comment, comment)
  .map(([parts, breaks, blank, note, tail]) => `${laidOut(parts, breaks, blank, note)}${blank}${tail}`);

/** A text whose every statement is correct; duplicates may be warned of. */
export const validPlans: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: line }, { weight: 1, arbitrary: comment }), { maxLength: 8 }),
    fc.constantFrom('\n', '\r\n'),
    fc.boolean(),
  )
  .map(([lines, end, closed]) => (lines.join('\n') + (closed ? '\n' : '')).replaceAll('\n', end));

const shards = fc.constantFrom(
  '{',
  '}',
  '[',
  '(',
  ')',
  ',',
  ':',
  '"',
  "'",
  '\\',
  '\n',
  '\r',
  '#',
  '..',
  '<',
  '≤',
  '\0',
  '\ud800',
  ' ',
  'layer',
  'default:',
  'inf',
);

/** A valid plan in which pieces were cut out, doubled or put in. */
export const damagedPlans: fc.Arbitrary<string> = fc
  .tuple(
    validPlans,
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 6 }), fc.oneof(shards, fc.string())), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([plan, wounds]) =>
    wounds.reduce((text, [place, length, shard]) => {
      const at = place % (text.length + 1);
      return text.slice(0, at) + shard + text.slice(at + length);
    }, plan),
  );

/** Anything at all: texts of no language, texts of the language's characters, plans and what is left of plans. */
export const anyTexts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(shards).map((list) => list.join('')),
  validPlans,
  damagedPlans,
);
