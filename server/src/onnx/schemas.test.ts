import { describe, expect, it } from 'vitest';
import { DataType } from './model.js';
import type { OperatorSchema } from './schemas.js';
import {
  allowsType,
  inputFollowsMainType,
  inputParameter,
  mainTypeVariable,
  operatorSchema,
  outputFollowsMainType,
} from './schemas.js';

function schemaOf(operator: string, opset: number): OperatorSchema {
  const at = operator.lastIndexOf('.');
  const schema = operatorSchema(operator.slice(0, Math.max(at, 0)), operator.slice(at + 1), opset);
  if (schema === undefined) throw new Error(`no schema of ${operator} at ${String(opset)}`);
  return schema;
}

/** `follows` has a letter for each input, a bar, and one for each output: `f` follows the main type, `-` does not. */
function checkMainType(operator: string, opset: number, variable: string | undefined, follows: string): void {
  const schema = schemaOf(operator, opset);
  expect(mainTypeVariable(schema)).toBe(variable);
  const inputs = schema.inputs.map((_, index) => (inputFollowsMainType(schema, index) ? 'f' : '-')).join('');
  const outputs = schema.outputs
    .map((_, index) => (outputFollowsMainType(schema, index) ? 'f' : '-'))
    .join('');
  expect(`${inputs}|${outputs}`, operator).toBe(follows);
}

describe('the version of an operator', () => {
  it('is the newest one not after the opset', () => {
    expect(schemaOf('BatchNormalization', 13).since).toBe(9);
    expect(schemaOf('BatchNormalization', 14).since).toBe(14);
    expect(schemaOf('BatchNormalization', 99).since).toBe(15);
  });

  it('is missing before the operator and in other domains', () => {
    expect(operatorSchema('', 'Gelu', 19)).toBeUndefined();
    expect(operatorSchema('com.example', 'Conv', 17)).toBeUndefined();
  });

  it('is found under both names of the standard domain', () => {
    expect(operatorSchema('ai.onnx', 'Conv', 17)).toBe(operatorSchema('', 'Conv', 17));
  });

  it('is contributed by ONNX Runtime where the standard has none', () => {
    expect(schemaOf('LayerNormalization', 16).isContributed).toBe(true);
    expect(schemaOf('LayerNormalization', 17).isContributed).toBe(false);
  });
});

describe('the main type', () => {
  it('is the one that the data input shares with the output', () => {
    checkMainType('Conv', 17, 'T', 'fff|f');
    checkMainType('Where', 17, 'T', '-ff|f');
    checkMainType('TopK', 17, 'T', 'f-|f-');
    checkMainType('LSTM', 17, 'T', 'ffff-fff|fff');
  });

  it('leaves out inputs of a type of their own, also where they would allow it', () => {
    checkMainType('Resize', 13, 'T1', 'f---|f');
    checkMainType('BatchNormalization', 9, 'T', 'fffff|fffff');
    checkMainType('BatchNormalization', 14, 'T', 'fff--|f--');
    checkMainType('BatchNormalization', 15, 'T', 'f----|f--');
    checkMainType('Pow', 17, 'T', 'f-|f');
    checkMainType('OneHot', 17, 'T3', '--f|f');
    checkMainType('LayerNormalization', 17, 'T', 'fff|f--');
  });

  it('is the type of the scale that DequantizeLinear multiplies with, once that is free', () => {
    checkMainType('DequantizeLinear', 13, undefined, '---|-');
    checkMainType('DequantizeLinear', 19, 'T2', '-f-|f');
  });

  it('is the result of operators that take it from an attribute', () => {
    checkMainType('Cast', 17, 'T2', '-|f');
    checkMainType('ConstantOfShape', 17, 'T2', '-|f');
    checkMainType('RandomNormalLike', 17, 'T2', '-|f');
  });

  it('joins the variables that a contributed schema separates for training only', () => {
    checkMainType('LayerNormalization', 11, 'T', 'fff|f--');
    checkMainType('com.microsoft.SkipLayerNormalization', 1, 'T', 'fffff|f--f');
    checkMainType('com.microsoft.MatMulNBits', 1, 'T1', 'f-f--f|f');
  });

  it('does not exist for containers, whose arguments have types of their own', () => {
    checkMainType('If', 17, undefined, '-|-');
    checkMainType('Loop', 17, undefined, '---|-');
  });
});

describe('whether an operator runs in a low type', () => {
  it.each([
    ['Conv', 17, true, false],
    ['Conv', 22, true, true],
    ['MatMul', 12, true, false],
    ['MatMul', 13, true, true],
    ['Elu', 21, true, false],
    ['Elu', 22, true, true],
    ['Max', 7, true, false],
    ['Clip', 10, true, false],
    ['Celu', 17, false, false],
    ['DequantizeLinear', 13, false, false],
    ['DequantizeLinear', 19, true, true],
    ['NonMaxSuppression', 17, false, false],
    ['If', 17, false, false],
    ['SequenceAt', 17, false, false],
    ['ai.onnx.ml.Scaler', 3, false, false],
    ['com.microsoft.Gelu', 1, true, true],
    ['com.microsoft.FusedConv', 1, true, false],
    ['com.microsoft.QLinearAdd', 1, false, false],
  ])('%s of opset %i: FP16 %s, BF16 %s', (operator, opset, half, brain) => {
    const schema = schemaOf(operator, opset);
    expect(allowsType(schema, DataType.FLOAT16)).toBe(half);
    expect(allowsType(schema, DataType.BFLOAT16)).toBe(brain);
  });
});

it('counts every further argument to a variadic parameter', () => {
  const schema = schemaOf('Concat', 13);
  expect(inputParameter(schema, 40)?.name).toBe('inputs');
  expect(inputParameter(schemaOf('Relu', 13), 1)).toBeUndefined();
});
