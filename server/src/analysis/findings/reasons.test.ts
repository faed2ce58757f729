/** Why a layer stands out: each reason by what was found, said once, and joined with those of other methods. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rangeOfValues } from '../../formats/index.js';
import type { MeasuredLayerRange } from '../ranges/layer-surroundings.js';
import { layerRangeIn, readBeyond } from '../ranges/ranges.js';
import { ROOT } from '../testing/index.js';
import {
  explain,
  FLAG_CODES,
  flagsOf,
  NOTE_CODES,
  reasonText,
  type LayerEvidence,
  type Reason,
} from './reasons.js';
import { measuredRange, type MeasuredRange } from '../ranges/tensor-range.js';

function tensor(values: readonly number[], kind: MeasuredRange['kind'] = 'output'): MeasuredRange {
  const figures = { ...rangeOfValues(Float64Array.from(values)), largestSquares: [] };
  return measuredRange(kind === 'weight' ? 'w' : 't', kind, figures, kind === 'weight' ? undefined : 1);
}

function rangeOf(parts: Partial<MeasuredLayerRange>): LayerEvidence['range'] {
  const nothing = { tensors: [], inside: undefined, terms: undefined, cancellation: undefined };
  return layerRangeIn({ ...nothing, ...parts }, 'fp16');
}

const error = (value: number) => ({ value, low: value, high: value });
const samples = [{ name: 'first' }, { name: 'walker' }];

/** The flags and the text of what is found. */
function checkExplained(evidence: Partial<LayerEvidence>, flags: readonly string[], text: string): void {
  const reasons = explain({ format: 'fp16', samples, ...evidence });
  expect([flagsOf(reasons), reasonText(reasons)]).toEqual([flags, text]);
}

const squares = { quantity: 'sum of squares', terms: 64, evidence: 'measured', inFp32: false } as const;

describe('a layer', () => {
  it('that does not stand out has no reason', () => {
    checkExplained({}, [], '');
    const range = rangeOf({
      tensors: [tensor([1, 2])],
      inside: { ...squares, value: 60000 },
      cancellation: 2,
    });
    checkExplained({ range, local: error(1e-3), measured: error(1e-3) }, [], '');
  });

  it('whose values overflow: how many, the largest, its sample and index, and the scale that they would fit with', () => {
    checkExplained(
      { range: rangeOf({ tensors: [tensor([1, -2e5, 1e5])] }) },
      ['overflow'],
      '2 of 3 values of "t" beyond fp16, largest 2.00e+5 (sample walker, index 1); times 2^-3 they would fit',
    );
  });

  it('that reads what overflows: how many, the largest, its sample and index, and the scale that it would fit with', () => {
    checkExplained(
      { range: rangeOf({ reads: [tensor([1, -2e5, 1e5], 'input')], tensors: [tensor([1])] }) },
      ['overflow'],
      'reads 2 of 3 values of "t" beyond fp16, largest 2.00e+5 (sample walker, index 1); times 2^-3 they would fit',
    );
    checkExplained({ range: rangeOf({ reads: [tensor([1e4], 'input')] }) }, [], '');
  });

  it('that reads it under a scale: of what the scale is of alone', () => {
    const beyondUnder = (read: MeasuredRange): number => {
      const nothing = { tensors: [], inside: undefined, terms: undefined, cancellation: undefined };
      return readBeyond(layerRangeIn({ ...nothing, reads: [read] }, 'fp16', 2 ** -4)).length;
    };
    const read = tensor([1e5], 'input');
    expect([beyondUnder(read), beyondUnder({ ...read, isUnscaled: true })]).toEqual([0, 1]);
  });

  it('that makes NaN in the original itself; what reads that only notes it', () => {
    const broken = tensor([NaN, 1, NaN, Infinity]);
    checkExplained(
      { range: rangeOf({ tensors: [broken] }) },
      ['original-nan'],
      'the original itself makes 2 of 4 values of "t" NaN, first in sample walker: errors are told of the others',
    );
    checkExplained(
      { range: rangeOf({ tensors: [broken], reads: [broken] }) },
      [],
      'reads NaN from "t" in the original already',
    );
    checkExplained({ range: rangeOf({ tensors: [tensor([Infinity])] }) }, [], '');
  });

  it('that overflows inside: flagged where it was measured, noted where it is a bound', () => {
    const inside = { ...squares, value: 1e5 };
    checkExplained(
      { range: rangeOf({ inside }) },
      ['overflow'],
      'inside, a sum of squares of 64 terms reaches 1.00e+5, beyond fp16',
    );
    checkExplained(
      { range: rangeOf({ inside: { ...inside, inFp32: true } }) },
      ['overflow'],
      "inside, a sum of squares of 64 terms reaches 1.00e+5, beyond fp16; the operator's definition computes it in FP32",
    );
    checkExplained(
      { range: rangeOf({ inside: { ...inside, evidence: 'bounded' } }) },
      [],
      'inside, a sum of squares of 64 terms could reach, by a bound, 1.00e+5, beyond fp16',
    );
    const products = { ...inside, quantity: 'sum of products', evidence: 'bounded' } as const;
    checkExplained({ range: rangeOf({ inside: products }) }, [], '');
  });

  it('whose values underflow, and whose weights are lost', () => {
    checkExplained(
      { range: rangeOf({ tensors: [tensor([1, 1e-5, 1e-9, 0])] }) },
      ['underflow'],
      '67 % of the values of "t" become subnormal or zero (33 % zero); scaled by 2^3, fewer would',
    );
    checkExplained(
      { range: rangeOf({ tensors: [tensor([0.5, 1e-9], 'weight')] }) },
      ['weights-lost', 'underflow'],
      'of the weights "w" 50 % become zero; 50 % of the values of "w" become subnormal or zero (50 % zero)',
    );
    checkExplained(
      { range: rangeOf({ tensors: [tensor([1, 1e6], 'weight')] }) },
      ['overflow', 'weights-lost'],
      '1 of 2 values of "w" beyond fp16, largest 1.00e+6 (weight, index 1); times 2^-5 they would fit; ' +
        'of the weights "w" 50 % are beyond fp16',
    );
  });

  it('that reads what underflows, and what a scale would do where it has one', () => {
    const read = tensor([1, 1e-5, 1e-9, 0], 'input');
    checkExplained(
      { range: rangeOf({ reads: [tensor([1], 'input'), read], tensors: [tensor([1])] }) },
      ['underflow'],
      '67 % of the values of "t" that it reads become subnormal or zero (33 % zero); scaled by 2^3, fewer would',
    );
    checkExplained(
      { range: rangeOf({ reads: [{ ...read, isUnscaled: true }] }) },
      ['underflow'],
      '67 % of the values of "t" that it reads become subnormal or zero (33 % zero)',
    );
    checkExplained({ range: rangeOf({ reads: [tensor([1, 0], 'input')] }) }, [], '');
  });

  it('whose inputs cancel out', () => {
    checkExplained(
      { range: rangeOf({ cancellation: 100 }) },
      ['cancellation'],
      'its inputs cancel out to 1/100 of their size, which loses 6 bits of their digits',
    );
  });

  it('whose error grows or shrinks behind it', () => {
    checkExplained(
      { local: error(0.001), measured: error(0.01) },
      ['amplified'],
      'what follows amplifies its error 10 times: 1.00e-3 of its own output, 0.01 of an output of the model',
    );
    checkExplained(
      { local: error(0.01), measured: error(0.0001) },
      [],
      'what follows attenuates its error 100 times: 0.01 of its own output, 1.00e-4 of an output of the model',
    );
    checkExplained(
      { local: error(0.001), measured: error(0.0021) },
      [],
      'what follows amplifies its error 2.1 times: 1.00e-3 of its own output, 2.10e-3 of an output of the model',
    );
    checkExplained({ local: error(0.001), measured: error(0.0019) }, [], '');
    checkExplained({ local: error(0), measured: error(0.01) }, [], '');
  });

  it('whose error grows behind it, where its own error is told from its roundings', () => {
    const measured = error(0.01);
    checkExplained(
      { own: { ...error(0.001), of: 'about-output' }, measured },
      ['amplified'],
      'what follows amplifies its error about 10 times: about 1.00e-3 of its own output, 0.01 of an output of the model',
    );
    checkExplained(
      { own: { ...error(0.001), of: 'roundings' }, measured },
      ['amplified'],
      'its operator and what follows amplify its error about 10 times: about 1.00e-3 of what it rounds, 0.01 of an output of the model',
    );
    // What cancels out in the layer itself is no work of what follows.
    checkExplained(
      {
        own: { ...error(0.0001), of: 'about-output' },
        measured,
        range: rangeOf({ cancellation: 100 }),
      },
      ['cancellation'],
      'its inputs cancel out to 1/100 of their size, which loses 6 bits of their digits',
    );
  });

  it('that adds up more terms than a sum in FP16 can count', () => {
    const range = rangeOf({ terms: 4608 });
    const long = 'adds up 4608 terms, and a sum in fp16 stands still after 2048 equal ones';
    checkExplained({ range }, [], `${long}, where the target holds sums in it`);
    checkExplained({ range, accumulate: { kind: 'fp16' } }, ['accumulation'], long);
    checkExplained({ range, accumulate: { kind: 'chunked', length: 64 } }, [], '');
    checkExplained({ range, accumulate: { kind: 'chunked', length: 2 } }, ['accumulation'], long);
    checkExplained({ range, accumulate: { kind: 'lanes', count: 4 } }, [], '');
    checkExplained({ range, accumulate: { kind: 'lanes', count: 2 } }, ['accumulation'], long);
    checkExplained({ range, accumulate: { kind: 'fp32' } }, [], '');
    checkExplained({ range: rangeOf({ terms: 2048 }) }, [], '');
  });

  it('outside the range in which errors add up', () => {
    const large = 'rounding inputs and weights moves the output by more than 5 %';
    checkExplained({ local: error(0.06) }, ['large-local-error'], large);
    checkExplained(
      { measured: error(0.3) },
      ['large-error'],
      'this layer alone moves an output by more than 20 %',
    );
    checkExplained({ measured: error(Infinity) }, ['nonfinite'], 'rounding makes an output non-finite');
    checkExplained(
      { local: { ...error(Infinity), ofZero: true } },
      ['zero-output'],
      'the output is exactly 0 in every sample, so that no error is small beside it',
    );
  });

  it('that has another format than the plan asks for, or rounds nothing in it', () => {
    checkExplained({ clamped: 'fp16 is not in the schema' }, ['clamped'], 'fp16 is not in the schema');
    checkExplained(
      { roundsNothing: true },
      [],
      'rounds nothing in this plan: its neighbours round the same tensors',
    );
  });

  it('that another method flags as well is told once of each code', () => {
    const found: readonly Reason[] = [
      { code: 'saturated-output', sentence: 'its outputs are saturated', flags: true },
      { code: 'cancellation', sentence: 'said by another method', flags: true },
    ];
    checkExplained(
      { range: rangeOf({ cancellation: 100 }), found, roundsNothing: true },
      ['cancellation', 'saturated-output'],
      'its inputs cancel out to 1/100 of their size, which loses 6 bits of their digits; its outputs are saturated; ' +
        'rounds nothing in this plan: its neighbours round the same tensors',
    );
  });
});

it('has no code that the schema of what `analyze` prints does not know, and the schema none besides', () => {
  const schema = JSON.parse(
    readFileSync(join(ROOT, 'docs/schemas/analyze.schema.json'), 'utf8'),
  ) as LayersSchema;
  const { flags, notes } = schema.properties.layers.items.properties;
  expect(flags.items.enum.toSorted()).toEqual(FLAG_CODES.toSorted());
  expect(notes.items.enum.toSorted()).toEqual(NOTE_CODES.toSorted());
});

/** Of the schema what tells the codes of a layer. */
interface LayersSchema {
  readonly properties: {
    readonly layers: {
      readonly items: { readonly properties: Readonly<Record<'flags' | 'notes', CodeSchema>> };
    };
  };
}

interface CodeSchema {
  readonly items: { readonly enum: readonly string[] };
}
