/** What the names of the language mean: formats, metrics, options and the rest. Knows the vocabulary, no plan's model. */
import {
  DECISION_OPTIONS,
  FORMATS,
  GENERATORS,
  INPUT_FILE_OPTIONS,
  INPUT_GENERATOR_OPTIONS,
  LATENCY_OPTIONS,
  METRICS,
  OBJECTIVES,
  optionsOfTarget,
  type OptionTerm,
  type Statement,
  type Term,
  TOLERANCE_OPTIONS,
  type ValueShape,
} from '../language/index.js';
import { exactNumber, floatFormat, integerFormat } from './format-figures.js';
import type { Part } from './parts.js';
import { type Block, bold, code, type Inline, paragraph, table } from './rich-text.js';

export function describeFormat(name: string): readonly Block[] {
  const term = FORMATS.find((format) => format.name === name);
  if (term === undefined) return [];
  const blocks = [paragraph(bold(name), ': ', term.summary)];
  const information = floatFormat(name);
  if (information !== undefined) {
    const {
      bits,
      exponentBits,
      significandBits,
      radix,
      largest,
      smallestNormal,
      smallestSubnormal,
      epsilon,
    } = information;
    const { hasSubnormals, ties } = information;
    blocks.push(
      table(
        ['', name],
        [
          [
            'bits',
            `${bits}: 1 sign, ${exponentBits} exponent${radix === 2 ? '' : ' of 4'}, ${significandBits} fraction`,
          ],
          ['largest', code(exactNumber(largest))],
          ['smallest normal', code(exactNumber(smallestNormal))],
          ['smallest subnormal', hasSubnormals ? code(exactNumber(smallestSubnormal)) : 'none'],
          ['step at 1', code(exactNumber(epsilon))],
          [
            'beyond the largest',
            information.hasInfinity
              ? 'infinity'
              : information.hasNaN
                ? 'no infinity, but NaN'
                : 'neither infinity nor NaN',
          ],
          ['halfway between two', ties === 'even' ? 'to the one whose last bit is 0' : 'away from zero'],
        ],
      ),
    );
  }
  const integers = integerFormat(name);
  if (integers !== undefined) {
    const { lowest, highest } = integers;
    blocks.push(paragraph(`Codes from ${lowest} to ${highest}, times a scale, from a zero point.`));
  }
  if (!term.runs) {
    blocks.push(paragraph('No operator computes in it: layers compute in FP32 between roundings to it.'));
  }
  return blocks;
}

/** What there is to say of a word of the language by itself; nothing for texts and paths. */
export function describeTerm(part: Part): readonly Block[] {
  switch (part.role) {
    case 'metric':
      return describeMetric(part.text);
    case 'option':
      return describeOption(part);
    case 'generator':
      return describe(GENERATORS, part.text);
    case 'objective':
      return describe(OBJECTIVES, part.text);
    case 'choice': {
      const option = optionsOf(part.statement).find(({ name }) => name === part.option);
      return option === undefined ? [] : optionBlocks(option);
    }
    default:
      return [];
  }
}

function describe(terms: readonly Term[], name: string): readonly Block[] {
  const term = terms.find((candidate) => candidate.name === name);
  return term === undefined ? [] : [paragraph(bold(name), ': ', term.summary)];
}

function describeMetric(name: string): readonly Block[] {
  const metric = METRICS.find((term) => term.name === name);
  if (metric === undefined) return [];
  const better = metric.operator === '<=' ? 'Less is better' : 'More is better';
  const options = metric.options.length === 0 ? [] : [' Options: ', ...listed(metric.options), '.'];
  return [
    paragraph(bold(`${name}${metric.threshold ? '(T)' : ''}`), ': ', metric.summary),
    paragraph(
      `${better}, so a tolerance is written with `,
      code(metric.operator),
      '. The figures of the samples are taken ',
      code(metric.over),
      ' unless ',
      code('over'),
      ' says otherwise.',
      ...options,
    ),
  ];
}

/** Names with commas between them. */
export function listed(terms: readonly Term[]): readonly Inline[] {
  return terms.flatMap(({ name }, index) => (index === 0 ? [code(name)] : [', ', code(name)]));
}

function describeOption({ text, statement }: Part): readonly Block[] {
  const option = optionsOf(statement).find(({ name }) => name === text);
  return option === undefined ? [] : optionBlocks(option);
}

function optionBlocks({ name, summary, value, source }: OptionTerm): readonly Block[] {
  return [
    paragraph(bold(name), ': ', summary),
    paragraph('Takes ', ...takes(value), '.'),
    ...(source === undefined ? [] : [paragraph(`From ${source}`)]),
  ];
}

function takes(shape: ValueShape): readonly Inline[] {
  switch (shape.kind) {
    case 'choice': {
      const calls = (shape.calls ?? []).map(({ name, parameters }) => `${name}(${parameters.join(', ')})`);
      const names = [...shape.words, ...calls].map((name) => ({ name, summary: '' }));
      return [...listed(names), ...(shape.number === true ? [' or a number'] : [])];
    }
    case 'format':
      return ['a number format'];
    case 'integer':
      if (shape.least === undefined) return ['a whole number'];
      if (shape.most !== undefined) return [`a whole number from ${shape.least} to ${shape.most}`];
      return [`a whole number, ${shape.least} or more`];
    case 'number':
      return ['a number'];
    case 'power-of-two':
      return ['a power of two, such as ', code('2^-3')];
    case 'numbers':
      return ['a list of numbers, such as ', code('[0.5, 0.5, 0.5]')];
    case 'strings':
      return ['a list of texts, such as ', code('["a/Conv", "b/Add"]')];
    case 'range':
      return ['a range, such as ', code('0..32')];
    case 'string':
      return ['text in double quotes'];
  }
}

function optionsOf(statement: Statement): readonly OptionTerm[] {
  switch (statement.kind) {
    case 'input':
      return statement.generator === undefined ? INPUT_FILE_OPTIONS : INPUT_GENERATOR_OPTIONS;
    case 'target':
      return optionsOfTarget(statement.name?.text);
    case 'latency':
      return LATENCY_OPTIONS;
    case 'tolerance': {
      const { metric } = statement;
      const name = metric?.kind === 'call' ? metric.name.text : metric?.text;
      return [...TOLERANCE_OPTIONS, ...(METRICS.find((term) => term.name === name)?.options ?? [])];
    }
    default:
      return DECISION_OPTIONS;
  }
}
