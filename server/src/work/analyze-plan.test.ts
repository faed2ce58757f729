/** What an analysis refuses to give an answer to, and in which order it gives its answers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bindTo,
  computeForTests,
  floatTensor,
  WIDTH,
  writeChain,
  writeModel,
} from '../analysis/testing/index.js';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Model,
} from '../onnx/index.js';
import { analyzePlan, type AnalysisMethod, type AnalyzedPlan } from './analyze-plan.js';
import { openWork, type Work } from './open-work.js';
import { predictPlan } from './predict-plan.js';
import type { Refused } from './problem.js';

const { runtime, folder } = await computeForTests();

it('refuses labels that fit no output, where the plan names them', async () => {
  const model = writeChain(join(folder, 'chain.onnx'), 2);
  writeFileSync(join(folder, 'truth.txt'), `${WIDTH}`);
  const head = 'input "x" = normal(0, 1) { count: 1, seed: 5 }\n';
  const text = `${head}labels "truth.txt"\ndefault: fp16\n`;
  const bound = bindTo(model, text);
  const plan = { ...bound.plan, path: join(folder, 'p.precision') };
  const { signal } = new AbortController();
  const work = await openWork(plan, { runtime, signal, store: undefined });
  if ('problem' in work) throw new Error(work.problem.message);
  try {
    const refused = await analyzePlan(work, { method: 'first-order', format: 'fp16' });
    if (!('problem' in refused)) throw new Error('scores of nothing');
    const [found] = refused.problem.diagnostics;
    expect(found).toMatchObject({ code: 'input-shape', severity: 'error' });
    expect(found?.message).toMatch(/^sample .*: its label, the number 16, fits none of the outputs "y"/u);
    const { start = 0, end = 0 } = found?.range ?? {};
    expect(bound.text.slice(start, end)).toBe('"truth.txt"');
  } finally {
    await work.dispose();
  }
});

/** What `work` makes of a chain under this plan, all of whose layers have one format. */
async function doneWith<T extends object>(
  decision: string,
  layers: number,
  work: (opened: Work) => Promise<T | Refused>,
): Promise<T> {
  return await doneIn(writeChain(join(folder, `chain-${layers}.onnx`), layers), decision, work);
}

/** What `work` makes of a model under this plan, all of whose layers have one format. */
async function doneIn<T extends object>(
  model: Model,
  decision: string,
  work: (opened: Work) => Promise<T | Refused>,
  output = 'y',
): Promise<T> {
  const { plan } = bindTo(
    model,
    `input "x" = normal(0, 1) { count: 2, seed: 5 }\ntolerance "${output}" relative_l2 <= 1\ndefault: ${decision}\n`,
  );
  const { signal } = new AbortController();
  const opened = await openWork(
    { ...plan, path: join(folder, 'q.precision') },
    { runtime, signal, store: undefined },
  );
  if ('problem' in opened) throw new Error(opened.problem.message);
  try {
    const found = await work(opened);
    if ('problem' in found) throw new Error(found.problem.message);
    return found;
  } finally {
    await opened.dispose();
  }
}

const analyzed = (method: AnalysisMethod, layers: number): Promise<AnalyzedPlan> =>
  doneWith('fp16', layers, (work) => analyzePlan(work, { method, format: 'fp16' }));

describe('a plan that chooses the ranges of its integers', () => {
  it('is analysed and predicted as it chooses them', async () => {
    const localOf = async (decision: string): Promise<readonly (readonly [string, number])[]> => {
      const { reports } = await doneWith(decision, 2, (work) =>
        analyzePlan(work, { method: 'local', format: 'int8' }),
      );
      return reports.map(({ name, error }) => [name, error.value] as const);
    };
    const chosen = 'int8 { per: channel, quantize: percentile(99) }';
    expect(await localOf(chosen)).not.toEqual(await localOf('int8'));
    const { prediction } = await doneWith(chosen, 2, (work) => predictPlan(work));
    expect(prediction.missing.map(({ name }) => name)).toEqual([]);
    expect(prediction.tolerances[0]?.value?.value).toBeGreaterThan(0);
  });
});

describe('layers are listed worst first', () => {
  const falling = (values: readonly number[]): void => {
    expect(values.length).toBeGreaterThan(4);
    expect(values).toEqual(values.toSorted((a, b) => b - a));
    expect(new Set(values).size).toBeGreaterThan(2);
  };

  it('by their measured errors where all methods are asked for, each of which says how it ranks them', async () => {
    const { reports, rankCorrelations } = await analyzed('all', 4);
    falling(reports.map(({ error }) => error.value));
    expect([...rankCorrelations.keys()]).toEqual([
      'sketch',
      'local',
      'hessian',
      'hessian-weights',
      'first-order',
    ]);
    for (const correlation of rankCorrelations.values()) expect(correlation).toBeGreaterThan(-1);
    expect(rankCorrelations.get('hessian')).toBeGreaterThan(0.6);
  });

  it.each(['hessian', 'first-order'] as const)('by the score that is asked for: %s', async (method) => {
    const { reports } = await analyzed(method, 3);
    falling(reports.map(({ scores }) => scores?.[method] ?? Number.NaN));
  });
});

it('tells of a layer what becomes of its error, whichever way that was found', async () => {
  const model = writeModel(join(folder, 'cancelling.onnx'), {
    nodes: [
      makeNode({ opType: 'Add', name: 'plus', inputs: ['x', 'c'], outputs: ['p'] }),
      makeNode({ opType: 'Sub', name: 'minus', inputs: ['p', 'c'], outputs: ['y'] }),
    ],
    weights: [floatTensor('c', [1], Float32Array.of(1000))],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, WIDTH] },
  });
  for (const method of ['auto', 'sketch', 'measured', 'all'] as const) {
    const { reports } = await doneIn(model, 'fp16', (work) => analyzePlan(work, { method, format: 'fp16' }));
    const of = new Map(reports.map((one) => [one.name, one]));
    expect([method, of.get('plus')?.flags]).toEqual([method, expect.arrayContaining(['amplified'])]);
    expect(of.get('plus')?.reason).toMatch(/what follows amplifies its error (about )?[\de.+]+ times/);
    expect([method, of.get('minus')?.flags]).toEqual([method, expect.arrayContaining(['cancellation'])]);
    expect(of.get('minus')?.flags).not.toContain('amplified');
  }
});

it('says why a layer that was measured changes nothing', async () => {
  const node = (opType: string, inputs: readonly string[], to: string) =>
    makeNode({ opType, name: to, inputs, outputs: [to] });
  const model = writeModel(join(folder, 'silent.onnx'), {
    nodes: [
      node('Mul', ['x', 'nothing'], 'zero'),
      node('Sigmoid', ['x'], 'dead'),
      node('Exp', ['x'], 'e'),
      node('Add', ['e', 'far'], 'logits'),
      node('Sigmoid', ['logits'], 's'),
    ],
    weights: [
      floatTensor('nothing', [1], Float32Array.of(0)),
      floatTensor('far', [1], Float32Array.of(-2000)),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: { s: [1, WIDTH], zero: [1, WIDTH] },
  });
  for (const method of ['auto', 'measured'] as const) {
    const { reports } = await doneIn(
      model,
      'fp16',
      (work) => analyzePlan(work, { method, format: 'fp16' }),
      's',
    );
    const of = new Map(reports.map(({ name, flags, reason, error }) => [name, { flags, reason, error }]));
    const checkSilent = (name: string, flag: string, words: string): void => {
      expect(of.get(name)?.error.value).toBe(0);
      expect([name, of.get(name)?.flags]).toEqual([name, expect.arrayContaining([flag])]);
      expect(of.get(name)?.reason).toContain(words);
    };
    checkSilent('zero', 'only-zeros', 'writes nothing but 0');
    checkSilent('dead', 'unused', 'no output that is judged depends on it');
    checkSilent('e', 'saturated-output', 'judge the logits');
    checkSilent('logits', 'saturated-output', 'judge the logits');
  }
});

it('says what the original itself makes NaN, in the layer where it begins, and what it could not look at', async () => {
  const branch = (name: string, opType: string) =>
    makeAttribute(name, {
      kind: 'graph',
      value: makeGraph({
        name,
        nodes: [makeNode({ opType, name: opType, inputs: ['l'], outputs: [`${name}_out`] })],
        inputs: [],
        outputs: [makeValueInfo(`${name}_out`, makeTensorType(DataType.FLOAT, undefined))],
      }),
    });
  const model = writeModel(join(folder, 'unseen.onnx'), {
    nodes: [
      makeNode({ opType: 'Log', name: 'log', inputs: ['x'], outputs: ['l'] }),
      makeNode({ opType: 'ReduceSum', name: 'sum', inputs: ['x'], outputs: ['s'] }),
      makeNode({ opType: 'IsNaN', name: 'nan', inputs: ['s'], outputs: ['n'] }),
      makeNode({ opType: 'Squeeze', name: 'one', inputs: ['n'], outputs: ['c'] }),
      makeNode({
        ...{ opType: 'If', name: 'if', inputs: ['c'], outputs: ['i'] },
        attributes: [branch('then_branch', 'Neg'), branch('else_branch', 'Exp')],
      }),
      makeNode({ opType: 'Mul', name: 'mul', inputs: ['i', 'i'], outputs: ['y'] }),
    ],
    inputs: { x: [1, WIDTH] },
    outputs: { y: [1, WIDTH] },
  });
  const { reports, findings } = await doneIn(model, 'fp16', (work) =>
    analyzePlan(work, { method: 'measured', format: 'fp16' }),
  );
  const of = new Map(reports.map((one) => [one.name, one]));
  expect(of.get('log')?.flags).toContain('original-nan');
  expect(of.get('log')?.reason).toMatch(
    /the original itself makes \d+ of 32 values of "l" NaN, first in sample /,
  );
  expect(of.get('mul')?.flags).not.toContain('original-nan');
  expect(of.get('mul')?.reason).toContain('reads NaN from "i" in the original already');
  const nan = findings.filter(({ code }) => code === 'original-nan');
  expect(
    nan.map(({ severity, message }) => [severity, /: ("log" .*) \(first in/.exec(message)?.[1]]),
  ).toEqual([['warning', expect.stringMatching(/^"log" \d+ of 32 values of "l"$/)]]);
  const inner = reports.filter(({ name }) => name.includes('branch'));
  expect(inner).toHaveLength(2);
  for (const { range } of inner) {
    expect(range).toMatchObject({ maxAbs: null, overflow: null, underflow: null, tensors: [] });
  }
  expect(of.get('log')?.range.maxAbs).toBeGreaterThan(0);
});
