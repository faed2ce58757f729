/** The lists of automatic mixed precision: complete, and followed along the graph. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Graph,
} from '../../onnx/index.js';
import { ampLayers } from './amp-layers.js';
import { ampEntry, isOnAmpList } from './amp.js';
import { makeModel } from '../testing/fixture.js';
import { findLayers } from '../model/layers.js';

const DATA = join(import.meta.dirname, '../../../data');

interface SchemaRecord {
  readonly domain: string;
  readonly name: string;
  readonly outputs: readonly { readonly type: string }[];
  readonly types: Readonly<Record<string, readonly string[] | undefined>>;
}

/** `domain.Type` of every operator of the schemas that can give floating-point numbers. */
function operatorsOfFloats(): readonly (readonly [domain: string, opType: string])[] {
  const files = readdirSync(DATA).filter((name) => name.endsWith('operator-schemas.json'));
  expect(files.length).toBeGreaterThanOrEqual(2);
  const schemas = files.flatMap(
    (name) => JSON.parse(readFileSync(join(DATA, name), 'utf8')) as readonly SchemaRecord[],
  );
  const found = new Map<string, readonly [string, string]>();
  for (const { domain, name, outputs, types } of schemas) {
    const given = outputs.flatMap(({ type }) => types[type] ?? [type]);
    if (given.some((type) => /\((float|float16|bfloat16|double)\)/u.test(type))) {
      found.set(`${domain}.${name}`, [domain, name]);
    }
  }
  return [...found.values()];
}

describe('the lists', () => {
  it('have every operator that gives floating-point numbers, with a reason', () => {
    const operators = operatorsOfFloats();
    expect(operators.length).toBeGreaterThan(240);
    const missing = operators.filter((operator) => !isOnAmpList(...operator));
    expect(missing.map((operator) => operator.join('.'))).toEqual([]);
    for (const operator of operators) expect(ampEntry(...operator).reason).not.toBe('');
  });

  it('are those of the field where it agrees', () => {
    expect(ampEntry('', 'Conv').list).toBe('allow');
    expect(ampEntry('ai.onnx', 'Softmax').list).toBe('deny');
    expect(ampEntry('', 'Relu').list).toBe('infer');
    expect(ampEntry('', 'Reshape').list).toBe('clear');
    expect(ampEntry('com.microsoft', 'SkipLayerNormalization').list).toBe('deny');
    expect(ampEntry('com.microsoft', 'Gelu').list).toBe('infer');
    expect(ampEntry('ai.onnx.ml', 'TreeEnsembleRegressor').list).toBe('deny');
  });

  it('let what they do not know infer', () => {
    for (const opType of ['Softmax', 'toString']) expect(ampEntry('elsewhere', opType).list).toBe('infer');
    expect(isOnAmpList('', 'toString')).toBe(false);
  });
});

/** The layers that are low, of a network in which all may be but `not`. */
function checkLow(network: string, low: readonly string[], not: readonly string[] = []): void {
  const model = makeModel(network);
  const choices = ampLayers(model, findLayers(model), ({ name }) => (not.includes(name) ? 'kept' : 'open'));
  expect([...choices].flatMap(([{ name }, { isLow }]) => (isLow ? [name] : []))).toEqual(low);
}

describe('a layer that infers', () => {
  const stem = 'input x float 1 4\nweight w 4 4\nweight c 4\nMul scale x c -> s\nMatMul first s w -> a\n';

  it('is low behind a low one, beside constants and through movement', () => {
    checkLow(
      `${stem}Relu relu a -> b\nAdd plus b c -> d\nFlatten flat d -> e\nSigmoid last e -> y\noutput y float 1 4`,
      ['first', 'relu', 'plus', 'last'],
    );
  });

  it('is kept behind one that is kept, and behind the inputs of the model', () => {
    checkLow(
      `${stem}Softmax soft a -> b\nMul half b c -> d\nMatMul second d w -> e\nRelu relu e -> y\noutput y float 1 4`,
      ['first', 'second', 'relu'],
    );
  });

  it('is kept where it reads both', () => {
    checkLow(
      `${stem}Softmax soft a -> b\nAdd both a b -> d\nConcat join a b -> e axis=0\nTanh of_join e -> y\noutput d float 1 4\noutput y float 2 4`,
      ['first'],
    );
  });

  it('is kept behind a layer that cannot be low, whatever its list', () => {
    checkLow(`${stem}Relu relu a -> y\noutput y float 1 4`, [], ['first']);
  });
});

describe('a layer that is decided already', () => {
  it('counts as what it is, whatever its list', () => {
    const model = makeModel('input x float 1 4\nSoftmax soft x -> a\nRelu relu a -> y\noutput y float 1 4');
    const choices = ampLayers(model, findLayers(model), ({ name }) => (name === 'soft' ? 'low' : 'open'));
    expect([...choices.values()].map(({ isLow }) => isLow)).toEqual([true, true]);
  });
});

describe('a sub-graph', () => {
  it('takes what is low from outside, and hands on what both branches give', () => {
    const branch = (name: string, opType: string): Graph =>
      makeGraph({
        name,
        nodes: [makeNode({ opType, name: `${name}_inner`, inputs: ['m'], outputs: [name] })],
        inputs: [],
        outputs: [makeValueInfo(name, makeTensorType(DataType.FLOAT, [1, 4]))],
        initializers: [],
      });
    const withBranches = (elseOperator: string) => (graph: Graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) =>
        node.opType !== 'If'
          ? node
          : {
              ...node,
              attributes: [
                makeAttribute('then_branch', { kind: 'graph', value: branch('t', 'Relu') }),
                makeAttribute('else_branch', { kind: 'graph', value: branch('e', elseOperator) }),
              ],
            },
      ),
    });
    const network =
      'input x float 1 4\ninput c bool\nweight w 4 4\nMatMul first x w -> m\nIf branch c -> i\nTanh last i -> y\noutput y float 1 4';
    const low = (elseOperator: string): readonly string[] => {
      const model = makeModel(network, withBranches(elseOperator));
      const choices = ampLayers(model, findLayers(model), () => 'open');
      return [...choices].flatMap(([{ node }, { isLow }]) => (isLow ? [node.name] : [])).sort();
    };
    expect(low('Neg')).toEqual(['e_inner', 'first', 'last', 't_inner']);
    expect(low('Exp')).toEqual(['first', 't_inner']);
  });
});
