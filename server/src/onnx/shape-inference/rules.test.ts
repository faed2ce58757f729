import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphText } from '../testing/text-models.js';
import { floats, integers, model, node, shapeText } from '../testing/text-models.js';
import { inferShapes } from './infer-shapes.js';

type Attributes = Parameters<typeof node>[1];

/**
 * One node on inputs of these shapes; an input written as a list of numbers in brackets is a constant of
 * integers: `[1 2]`. `undefined` expects that nothing is known, a `?` that a dimension is not.
 */
function checkNode(
  operator: string,
  inputs: readonly string[],
  attributes: Attributes,
  outputs: readonly (string | undefined)[],
  opset = 17,
): void {
  const initializers = inputs.flatMap((text, index) => {
    const constant = /^\[(.*)\]$/.exec(text)?.[1];
    if (constant === undefined) return [];
    return [integers(`i${String(index)}`, constant === '' ? [] : constant.split(' ').map(Number))];
  });
  const constants = new Set(initializers.map((tensor) => tensor.name));
  const names = inputs.map((text, index) => (text === '' ? '' : `i${String(index)}`));
  const results = outputs.map((_, index) => `o${String(index)}`);
  const shapes = inferShapes(
    model(
      {
        inputs: names.flatMap((name, index) =>
          name === '' || constants.has(name)
            ? []
            : [`${name}: float[${(inputs[index] ?? '').replace('()', '')}]`],
        ),
        initializers,
        nodes: [node(`${results.join(', ')} = ${operator}(${names.join(', ')})`, attributes)],
      },
      opset,
    ),
  );
  const call = `${operator}(${inputs.join('; ')}) ${JSON.stringify(attributes)}`;
  expect(
    results.map((name) => shapeText(shapes.get(name))),
    call,
  ).toEqual(outputs);
}

/** A table of one family: operator, inputs, attributes, outputs, opset. */
function table(rows: readonly Parameters<typeof checkNode>[]): void {
  for (const row of rows) checkNode(...row);
}

describe('shapes of', () => {
  it('attention, with and without what came before', () => {
    table([
      ['Attention', ['1,2,3,4', '1,2,5,4', '1,2,5,6'], {}, ['1,2,3,6', '1,2,5,4', '1,2,5,6'], 23],
      [
        'Attention',
        ['1,3,8', '1,5,4', '1,5,6'],
        { q_num_heads: 4, kv_num_heads: 2 },
        ['1,3,12', '1,2,5,2', '1,2,5,3'],
        23,
      ],
      [
        'Attention',
        ['1,2,3,4', '1,2,5,4', '1,2,5,6', '', '1,2,7,4', '1,2,7,6'],
        {},
        ['1,2,3,6', '1,2,12,4', '1,2,12,6'],
        23,
      ],
      ['Attention', ['1,3,8', '1,5,4', '1,5,6'], {}, [undefined], 23],
      ['RotaryEmbedding', ['1,2,3,4', '3,2', '3,2'], {}, ['1,2,3,4'], 23],
      ['TensorScatter', ['1,2,8,4', '1,2,3,4'], {}, ['1,2,8,4'], 24],
      ['CumProd', ['2,N', '[0]'], {}, ['2,N'], 26],
    ]);
  });

  it('element-wise operators broadcast', () => {
    table([
      ['Add', ['2,1,4', '3,1'], {}, ['2,3,4']],
      ['Mul', ['N,4', '4'], {}, ['N,4']],
      ['Mul', ['N,4', 'N,1'], {}, ['N,4']],
      ['Sub', ['N,4', 'M,4'], {}, ['?,4']],
      ['Sub', ['?,4', '7,1'], {}, ['7,4']],
      ['Where', ['2,1', '1,3', '4,1,1'], {}, ['4,2,3']],
      ['Sum', ['2,1', '1,3', '2,3'], {}, ['2,3']],
      ['Add', ['2,3,4,5', '3'], { axis: 1, broadcast: 1 }, ['2,3,4,5'], 6],
      ['Relu', ['N,?,3'], {}, ['N,?,3']],
      ['PRelu', ['2,3,4', '3,1'], {}, ['2,3,4']],
      ['Dropout', ['2,3'], {}, ['2,3', '2,3'], 13],
    ]);
  });

  it('normalizations keep the shape, and reduce their statistics', () => {
    table([
      ['BatchNormalization', ['2,3,4', '3', '3', '3', '3'], {}, ['2,3,4']],
      ['LayerNormalization', ['2,3,4', '4'], {}, ['2,3,4', '2,3,1', '2,3,1']],
      ['LayerNormalization', ['2,3,4', '3,4'], { axis: 1 }, ['2,3,4', '2,1,1', '2,1,1']],
      ['InstanceNormalization', ['2,3,4', '3', '3'], {}, ['2,3,4']],
      [
        'com.microsoft.SkipLayerNormalization',
        ['1,5,8', '1,5,8', '8'],
        {},
        ['1,5,8', undefined, undefined, '1,5,8'],
      ],
    ]);
  });

  it('convolutions, with groups, dilations, padding and stride', () => {
    table([
      ['Conv', ['1,3,8,9', '16,3,3,3'], {}, ['1,16,6,7']],
      ['Conv', ['1,4,8,8', '8,2,3,3'], { group: 2, pads: [1, 1, 1, 1], strides: [2, 2] }, ['1,8,4,4']],
      ['Conv', ['N,3,8,W', '16,3,3,3'], { dilations: [2, 2] }, ['N,16,4,?']],
      ['Conv', ['1,3,7,8', '16,3,3,3'], { auto_pad: 'SAME_UPPER', strides: [2, 2] }, ['1,16,4,4']],
      ['Conv', ['1,3,7,8', '16,3,3,3'], { auto_pad: 'VALID', strides: [2, 3] }, ['1,16,3,2']],
      ['com.microsoft.FusedConv', ['1,3,8,8', '16,3,1,1'], { activation: 'Relu' }, ['1,16,8,8']],
      ['QLinearConv', ['1,3,8,8', '()', '()', '4,3,3,3', '()', '()', '()', '()'], {}, ['1,4,6,6']],
    ]);
  });

  it('transposed convolutions, by padding or by the wanted shape', () => {
    table([
      ['ConvTranspose', ['1,8,4,4', '8,5,3,3'], { strides: [2, 2] }, ['1,5,9,9']],
      [
        'ConvTranspose',
        ['1,8,4,4', '8,5,3,3'],
        { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1], group: 2 },
        ['1,10,8,8'],
      ],
      ['ConvTranspose', ['1,8,4,4', '8,5,3,3'], { strides: [2, 2], auto_pad: 'SAME_UPPER' }, ['1,5,8,8']],
      ['ConvTranspose', ['1,8,4,4', '8,5,3,3'], { strides: [2, 2], output_shape: [10, 8] }, ['1,5,10,8']],
    ]);
  });

  it('pools, with a last window that must begin inside', () => {
    table([
      ['MaxPool', ['1,3,7,7'], { kernel_shape: [2, 2], strides: [2, 2] }, ['1,3,3,3', '1,3,3,3']],
      ['MaxPool', ['1,3,7,7'], { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }, ['1,3,4,4']],
      ['MaxPool', ['1,3,5'], { kernel_shape: [1], strides: [3], pads: [0, 1], ceil_mode: 1 }, ['1,3,2']],
      ['AveragePool', ['1,3,5'], { kernel_shape: [9] }, ['1,3,?']],
      ['GlobalAveragePool', ['1,3,7,7'], {}, ['1,3,1,1']],
      ['RoiAlign', ['1,3,7,7', '5,4', '5'], { output_height: 2, output_width: 3 }, ['5,3,2,3']],
    ]);
  });

  it('matrix products', () => {
    table([
      ['MatMul', ['5,1,2,3', '7,3,4'], {}, ['5,7,2,4']],
      ['MatMul', ['3', '5,3,4'], {}, ['5,4']],
      ['MatMul', ['N,2,3', '3'], {}, ['N,2']],
      ['MatMul', ['3', '3'], {}, ['']],
      ['Gemm', ['2,3', '3,4', '4'], {}, ['2,4']],
      ['Gemm', ['3,N', '4,3'], { transA: 1, transB: 1 }, ['N,4']],
      ['com.microsoft.FusedMatMul', ['5,3,2', '5,4,3'], { transA: 1, transB: 1 }, ['5,2,4']],
      ['com.microsoft.MatMulNBits', ['N,5,64', '8'], { K: 64, N: 32 }, ['N,5,32']],
      ['Einsum', ['5,2,3', '5,3,4'], { equation: 'bij,bjk->bik' }, ['5,2,4']],
      ['Einsum', ['6,5,2,3', '5,3,4'], { equation: '...ij,...jk->...ik' }, ['6,5,2,4']],
      ['Einsum', ['2,3', '3,4'], { equation: 'ij,jk' }, ['2,4']],
    ]);
  });

  it('Reshape: zero copies, -1 is the rest, equal symbols cancel', () => {
    table([
      ['Reshape', ['2,3,4', '[0 -1]'], {}, ['2,12']],
      ['Reshape', ['N,3,4', '[0 -1]'], {}, ['N,12']],
      ['Reshape', ['N,3,4', '[-1 12]'], {}, ['?,12']],
      ['Reshape', ['N,3,4', '[2 -1]'], {}, ['2,?']],
      ['Reshape', ['2,3,4', '[5 -1]'], {}, ['5,?']],
      ['Reshape', ['0,3,4', '[3 4 0]'], { allowzero: 1 }, ['3,4,0']],
      ['Reshape', ['2,3,4', '2'], {}, ['?,?']],
      ['Reshape', ['2,3,4', 'K'], {}, [undefined]],
      ['Reshape', ['2,3,4'], { shape: [6, 4] }, ['6,4'], 1],
    ]);
  });

  it('other changes of layout', () => {
    table([
      ['Flatten', ['2,3,4'], { axis: 2 }, ['6,4']],
      ['Flatten', ['N,3,4'], {}, ['N,12']],
      ['Flatten', ['2,3,4'], { axis: -3 }, ['1,24']],
      ['Transpose', ['2,3,4'], {}, ['4,3,2']],
      ['Transpose', ['2,N,4'], { perm: [1, 0, 2] }, ['N,2,4']],
      ['Squeeze', ['1,3,1'], {}, ['3']],
      ['Squeeze', ['1,N,1'], {}, [undefined]],
      ['Squeeze', ['1,N,1', '[-1]'], {}, ['1,N']],
      ['Squeeze', ['1,N,1'], { axes: [0] }, ['N,1'], 11],
      ['Unsqueeze', ['3,N', '[0 -1]'], {}, ['1,3,N,1']],
      ['Unsqueeze', ['3,N', '2'], {}, ['?,?,?,?']],
      ['Unsqueeze', ['3'], { axes: [1] }, ['3,1'], 11],
      ['DepthToSpace', ['1,8,2,3'], { blocksize: 2 }, ['1,2,4,6']],
      ['SpaceToDepth', ['1,2,4,6'], { blocksize: 2 }, ['1,8,2,3']],
      ['GridSample', ['2,3,4,5', '2,6,7,2'], {}, ['2,3,6,7']],
    ]);
  });

  it('joining and cutting', () => {
    table([
      ['Concat', ['2,3', '2,N', '?,4'], { axis: 1 }, ['2,?']],
      ['Concat', ['N,3', 'N,4'], { axis: -1 }, ['N,7']],
      ['Split', ['2,7'], { axis: 1, num_outputs: 2 }, ['2,4', '2,3'], 18],
      ['Split', ['2,N', '[3 4]'], { axis: 1 }, ['2,3', '2,4']],
      ['Split', ['6,2'], { split: [1, 5] }, ['1,2', '5,2'], 11],
      ['Slice', ['8,N', '[1]', '[-1]', '[0]'], {}, ['6,N']],
      ['Slice', ['8,N', '[0 0]', '[9223372036854775807 9223372036854775807]'], {}, ['8,N']],
      ['Slice', ['8,5', '[-1]', '[-100]', '[0]', '[-2]'], {}, ['4,5']],
      ['Slice', ['8,5', '[7]', '[2147483647]', '[0]', '[-1]'], {}, ['?,5']],
      ['Slice', ['8,5', '1', '1', '[1]'], {}, ['8,?']],
      ['Slice', ['8,5'], { starts: [1], ends: [3], axes: [1] }, ['8,2'], 9],
      ['Pad', ['2,N', '[0 1 0 2]'], {}, ['2,?']],
      ['Pad', ['2,3,4', '[1 2]', '', '[-1]'], {}, ['2,3,7'], 18],
      ['Tile', ['2,N', '[3 1]'], {}, ['6,N']],
      ['Expand', ['2,1', '[3 1 4]'], {}, ['3,2,4']],
      ['Compress', ['2,3', '3'], { axis: 1 }, ['2,?']],
    ]);
  });

  it('gathering and scattering', () => {
    table([
      ['Gather', ['5,N,4', '2,3'], { axis: 1 }, ['5,2,3,4']],
      ['Gather', ['5,N', '()'], {}, ['N']],
      ['GatherElements', ['5,4', '2,4'], {}, ['2,4']],
      ['GatherND', ['5,6,7', '2,3,2'], {}, ['2,3,7']],
      ['GatherND', ['5,6,7', '5,3,1'], { batch_dims: 1 }, ['5,3,7']],
      ['ScatterND', ['5,6', '2,1', '2,6'], {}, ['5,6']],
      ['TopK', ['5,6', '[3]'], {}, ['5,3', '5,3']],
      ['TopK', ['5,6', '1'], { axis: 0 }, ['?,6', '?,6']],
      ['OneHot', ['2,3', '[7]', '2'], { axis: 1 }, ['2,7,3']],
      ['NonZero', ['2,3'], {}, ['2,?']],
      ['Unique', ['2,3'], {}, ['?', '?', '6', '?']],
      ['NonMaxSuppression', ['1,6,4', '1,1,6'], {}, ['?,3']],
    ]);
  });

  it('reductions, with axes as attribute or input', () => {
    table([
      ['ReduceMean', ['2,3,N'], { axes: [1] }, ['2,1,N']],
      ['ReduceMean', ['2,3,N'], { axes: [-1], keepdims: 0 }, ['2,3']],
      ['ReduceMean', ['2,3,N', '[0 1]'], { keepdims: 0 }, ['N'], 18],
      ['ReduceSum', ['2,3', '[1]'], {}, ['2,1']],
      ['ReduceSum', ['2,3'], {}, ['1,1']],
      ['ReduceSum', ['2,3'], { noop_with_empty_axes: 1 }, ['2,3']],
      ['ReduceSum', ['2,3', '1'], {}, ['?,?']],
      ['ReduceSum', ['2,3', '1'], { keepdims: 0 }, [undefined]],
      ['ArgMax', ['2,3'], { axis: -1, keepdims: 0 }, ['2']],
    ]);
  });

  it('recurrent layers', () => {
    table([
      [
        'LSTM',
        ['T,2,3', '2,16,3', '2,16,4'],
        { hidden_size: 4, direction: 'bidirectional' },
        ['T,2,2,4', '2,2,4', '2,2,4'],
      ],
      ['GRU', ['5,N,3', '1,12,3', '1,12,4'], {}, ['5,1,N,4', '1,N,4']],
      ['RNN', ['2,5,3', '1,4,3', '1,4,4'], { layout: 1, hidden_size: 4 }, ['2,5,1,4', '2,1,4']],
    ]);
  });

  it('generators', () => {
    table([
      ['ConstantOfShape', ['[2 3]'], {}, ['2,3']],
      ['ConstantOfShape', ['2'], {}, ['?,?']],
      ['Range', ['[1]', '[8]', '[3]'], {}, ['3']],
      ['Range', ['1', '[8]', '[3]'], {}, ['?']],
      ['Shape', ['2,N,4'], { start: 1 }, ['2']],
      ['Shape', ['2,N,4'], { end: -1 }, ['2']],
      ['RandomNormal', [], { shape: [2, 3] }, ['2,3']],
      ['EyeLike', ['3,4'], {}, ['3,4']],
      ['DFT', ['2,8,1'], { onesided: 1 }, ['2,5,2']],
    ]);
  });

  it('contributed operators', () => {
    table([
      ['com.microsoft.BiasGelu', ['2,3,4', '4'], {}, ['2,3,4']],
      ['com.microsoft.Attention', ['2,7,16', '16,48', '48'], { num_heads: 2 }, ['2,7,16']],
      ['com.microsoft.MultiHeadAttention', ['2,7,16', '2,9,16', '2,9,8'], { num_heads: 2 }, ['2,7,8']],
      [
        'com.microsoft.GroupQueryAttention',
        ['2,7,32', '2,7,16', '2,7,16'],
        { num_heads: 4, kv_num_heads: 2 },
        ['2,7,32'],
      ],
      ['com.microsoft.GroupQueryAttention', ['2,7,64'], { num_heads: 4, kv_num_heads: 2 }, ['2,7,32']],
      ['com.microsoft.QAttention', ['2,7,16', '16,48'], { num_heads: 2 }, ['2,7,16']],
      ['com.microsoft.CDist', ['5,3', '7,3'], {}, ['5,7']],
      ['com.microsoft.Pad', ['2,3', '[0 1 0 1]'], {}, ['2,5']],
      ['com.microsoft.Trilu', ['3,4'], {}, ['3,4']],
      ['com.microsoft.EmbedLayerNormalization', ['2,7', '', '100,16'], {}, ['2,7,16', '2']],
      ['com.example.Magic', ['2,3'], {}, [undefined]],
    ]);
  });
});

describe('Resize', () => {
  const check = (attributes: Attributes, scales: readonly number[], expected: string, opset = 13): void => {
    const nodes = [node(opset < 11 ? 'y = Resize(x, s)' : 'y = Resize(x, , s)', attributes)];
    const text: GraphText = {
      inputs: ['x: float[N,3,5,10]'],
      initializers: [floats('s', [scales.length], scales)],
      nodes,
    };
    expect(shapeText(inferShapes(model(text, opset)).get('y'))).toBe(expected);
  };

  it('multiplies by the scales in single precision and rounds down', () => {
    check({}, [1, 1, 2.5, 0.7], 'N,3,12,7');
    check({}, [1, 1, 1.1, 0.33333334], 'N,3,5,3', 10);
    check({ axes: [2, 3] }, [2, 2], 'N,3,10,20', 18);
  });

  it('takes the sizes, with the aspect ratio kept on demand', () => {
    checkNode('Resize', ['1,3,5,10', '', '', '[1 3 7 9]'], {}, ['1,3,7,9'], 13);
    const keep = { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' };
    checkNode('Resize', ['1,3,5,10', '', '', '[10 15]'], keep, ['1,3,8,15'], 18);
  });

  it('of a region of interest is unknown where runtimes differ', () => {
    check({ coordinate_transformation_mode: 'tf_crop_and_resize' }, [1, 1, 2, 2], '?,?,?,?');
  });
});

it('never throws and never gives what is no dimension, whatever a node holds', () => {
  const operators = [
    ...[
      'Conv',
      'ConvTranspose',
      'MaxPool',
      'MatMul',
      'Gemm',
      'Reshape',
      'Flatten',
      'Transpose',
      'Squeeze',
      'Unsqueeze',
    ],
    ...[
      'Concat',
      'Split',
      'Slice',
      'Gather',
      'GatherND',
      'Pad',
      'Expand',
      'Tile',
      'TopK',
      'OneHot',
      'ReduceSum',
      'Resize',
    ],
    ...[
      'Range',
      'ConstantOfShape',
      'DepthToSpace',
      'LSTM',
      'Einsum',
      'ArgMax',
      'LayerNormalization',
      'Shape',
      'Unique',
    ],
  ];
  const small = fc.integer({ min: -4, max: 9 });
  const attributes = fc.dictionary(
    fc.constantFrom(
      'axis',
      'axes',
      'perm',
      'pads',
      'strides',
      'kernel_shape',
      'group',
      'keepdims',
      'blocksize',
      'split',
    ),
    fc.oneof(small, fc.array(small, { maxLength: 4 }), fc.constant('ij,jk')),
  );
  const shape = fc.array(fc.constantFrom('0', '1', '2', '5', 'N', '?'), { maxLength: 4 });
  const constant = fc.array(small, { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.constantFrom(...operators),
      fc.array(fc.oneof(shape, constant), { maxLength: 4 }),
      attributes,
      fc.integer({ min: 1, max: 22 }),
      (operator, inputs, given, opset) => {
        const names = inputs.map((_, index) => `i${String(index)}`);
        const shapes = inferShapes(
          model(
            {
              inputs: inputs.flatMap((input, index) =>
                input.every((part) => typeof part === 'string')
                  ? [`i${String(index)}: float[${input.join(',')}]`]
                  : [],
              ),
              initializers: inputs.flatMap((input, index) => {
                const numbers = input.filter((part) => typeof part === 'number');
                return numbers.length > 0 ? [integers(`i${String(index)}`, numbers)] : [];
              }),
              nodes: [node(`o, p = ${operator}(${names.join(', ')})`, given), node('q = Reshape(o, p)')],
            },
            opset,
          ),
        );
        for (const dimension of [...shapes.values()].flat()) {
          if (typeof dimension === 'number') expect(dimension).toBeGreaterThanOrEqual(0);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
