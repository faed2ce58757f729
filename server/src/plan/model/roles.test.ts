// What counts as a layer. Each graph is followed by the role of each of its nodes, in order.
import { describe, expect, it } from 'vitest';
import { DataType, makeTensor, type Model } from '../../onnx/index.js';
import { makeModel } from '../testing/fixture.js';
import { findLayers } from './layers.js';
import { nodeRoles } from './roles.js';

function checkRoles(text: string, expected: string): void {
  expect(nodeRoles(makeModel(text))).toEqual(expected.split(' '));
}

function floatBytes(value: number): Uint8Array {
  return new Uint8Array(Float32Array.of(value).buffer);
}

describe('roles', () => {
  it('tell what computes from what moves', () => {
    checkRoles(
      `input x float 1 4
       Exp "" x -> a
       Transpose "" a -> b
       Concat "" a b -> c axis=0
       Relu "" c -> y
       output y float`,
      'layer movement movement layer',
    );
  });

  it('see constants and what derives from them alone', () => {
    checkRoles(
      `input x float 2 2
       weight w 4
       ints s 2 2
       Reshape "" w s -> v
       Mul "" v v -> u
       MatMul "" x u -> y
       output y float`,
      'constant constant layer',
    );
  });

  it('see arithmetic on shapes, also in floating point', () => {
    checkRoles(
      `input x float 1 4 8 8
       weight half 1
       Shape "" x -> s
       Cast "" s -> f to=1
       Mul "" f half -> g
       Cast "" g -> n to=7
       ConstantOfShape "" n -> z
       Resize "" x "" "" n -> y
       output y float
       output z float`,
      'shape shape shape shape shape layer',
    );
  });

  it('see data that ends in shapes alone', () => {
    checkRoles(
      `input x float 4
       input d float 2
       Exp "" d -> e
       Cast "" e -> n to=7
       Tile "" x n -> y
       output y float`,
      'shape shape movement',
    );
  });

  it('take data that is also an output for data', () => {
    checkRoles(
      `input x float 4
       input d float 2
       Exp "" d -> e
       Cast "" e -> n to=7
       Tile "" x n -> y
       output y float
       output e float`,
      'layer shape movement',
    );
  });

  it('see integers and truth values', () => {
    checkRoles(
      `input x float 1 4
       input i int64 1
       Less "" x x -> b
       ArgMax "" x -> k axis=1
       Add "" i i -> j
       Where "" b x x -> y
       output y float
       output k int64
       output j int64`,
      'integer integer integer movement',
    );
  });

  it('take a scatter with a reduction for computing, and one without for movement', () => {
    const scatter = (reduction: string): string => `opset 18
       input x float 4
       input i int64 1 1
       input u float 1
       ScatterND "" x i u -> y ${reduction}
       output y float`;
    checkRoles(scatter(''), 'movement');
  });

  it("know what moves among ONNX Runtime's own operators", () => {
    checkRoles(
      `input x float 4 4
       input k int64
       com.microsoft.Trilu "" x k -> a
       com.microsoft.ExpandDims "" a k -> b
       com.microsoft.GatherND "" b k -> c
       com.microsoft.Gelu "" c -> d
       com.example.Trilu "" d k -> y
       output y float`,
      'movement movement movement layer layer',
    );
  });

  it('know shapes that these read', () => {
    checkRoles(
      `input x float 4 4
       input d float 4
       Exp "" d -> e
       Cast "" e -> n to=7
       com.microsoft.Pad "" x n -> y
       output y float`,
      'shape shape movement',
    );
  });

  it('take roundings that are spelled out for integer work or movement, and no layers', () => {
    checkRoles(
      `opset 21
       input x float 4
       weight least
       weight most
       Relu "" x -> r
       Clip "" r least most -> h
       Cast "" h -> low to=10
       Cast "" low -> y to=1
       QuantizeLinear "" y least -> q
       DequantizeLinear "" q least -> z
       output z float`,
      // These bounds, 0.5 and 0.5, are those of no format.
      'layer layer movement movement integer integer',
    );
  });

  it('take what holds just the range of the rounding behind it for movement', () => {
    const text = `opset 17
       input x float 4
       weight least
       weight most
       Relu "" x -> r
       Clip "" r least most -> h
       Cast "" h -> low to=10
       Cast "" low -> y to=1
       output y float`;
    const held = (most: number): Model =>
      makeModel(text, (graph) => ({
        ...graph,
        initializers: [
          makeTensor('least', DataType.FLOAT, [], floatBytes(-most)),
          makeTensor('most', DataType.FLOAT, [], floatBytes(most)),
        ],
      }));
    expect(nodeRoles(held(65504))).toEqual(['layer', 'movement', 'movement', 'movement']);
    expect(nodeRoles(held(65503))).toEqual(['layer', 'layer', 'movement', 'movement']);
  });

  it('do not take random numbers for constants', () => {
    checkRoles(
      `weight w 4
       RandomNormalLike "" w -> r
       Neg "" w -> n
       output r float
       output n float`,
      'layer constant',
    );
  });

  it('take an operator that nobody knows for a layer if it reads numbers', () => {
    checkRoles(
      `input x float 4
       input i int64 4
       com.example.Magic "" x -> a
       com.example.Magic "" i -> b
       output a float
       output b int64`,
      'layer integer',
    );
  });
});

describe('layers', () => {
  const model = makeModel(
    `input x float 2 4
     weight w 16
     weight scalar 1
     ints s 4 4
     Reshape "" w s -> v
     MatMul "head" x v -> a
     Mul "" a scalar -> b
     Exp "twice" b -> c
     Neg "twice" c -> d
     output d float 2 4`,
  );

  it('go by their names, or by their outputs where they have none or share it', () => {
    expect(findLayers(model).map(({ name }) => name)).toEqual(['head', 'b', 'c', 'd']);
  });

  it('hold the weights that they read, also through movement, but not single numbers', () => {
    expect(findLayers(model).map(({ weights }) => weights.map(({ name }) => name))).toEqual([
      ['w'],
      [],
      [],
      [],
    ]);
  });

  it('know their multiply-adds where shapes are known', () => {
    const shapes = new Map([
      ['x', [2, 4]],
      ['v', [4, 4]],
      ['a', [2, 4]],
    ]);
    expect(findLayers(model, shapes)[0]?.multiplyAdds).toBe(32);
    expect(findLayers(model)[0]?.multiplyAdds).toBeUndefined();
  });
});
