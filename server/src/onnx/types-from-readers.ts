/**
 * Types that no producer tells, because its operator is in no schema, and that follow from what reads the tensor: an
 * operator's inputs and outputs of one type variable have one type. No guess: any other type would make the model wrong.
 */
import { calledFunction } from './functions.js';
import type { LocalFunction, Node, ValueType } from './model.js';
import { nodeTypes } from './node-types.js';
import {
  inputParameter,
  operatorSchema,
  outputParameter,
  type OperatorParameter,
  type OperatorSchema,
} from './schemas.js';
import { isStep, type Steps } from './steps.js';
import { tensorOf } from './value-type.js';

export interface UntypedScope {
  /** In an order in which each tensor is written before it is read. */
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: readonly LocalFunction[];
  /** What is known of the tensors of this scope. */
  readonly types: Map<string, ValueType>;
  /** The type of a tensor of this scope or of one around it. */
  readonly typeOf: (name: string) => ValueType | undefined;
}

/** Each pass settles whole chains; only zigzags of unknown operators take more. */
const MOST_PASSES = 16;

/** Adds to `types` those of the tensors that the nodes write and that follow from their readers. */
export function* addTypesFromReaders(scope: UntypedScope): Steps<undefined> {
  const { nodes, types } = scope;
  const written = nodes.flatMap((node) => node.outputs).filter((name) => name !== '');
  const untyped = new Set(written.filter((name) => !types.has(name)));
  const settle = (name: string, type: ValueType | undefined): void => {
    if (type !== undefined && untyped.delete(name)) types.set(name, type);
  };
  let before = -1;
  for (let pass = 0; pass < MOST_PASSES && untyped.size > 0 && untyped.size !== before; pass++) {
    before = untyped.size;
    for (const [at, node] of nodes.toReversed().entries()) {
      if (isStep(at)) yield;
      if (!node.inputs.some((name) => untyped.has(name))) continue;
      for (const [name, type] of inputTypes(node, scope)) settle(name, type);
    }
    for (const [at, node] of nodes.entries()) {
      if (isStep(at)) yield;
      if (!node.outputs.some((name) => untyped.has(name))) continue;
      const given = outputTypes(node, scope);
      node.outputs.forEach((name, index) => {
        settle(name, given[index]);
      });
    }
  }
  return undefined;
}

function schemaOf(node: Node, { functions, opsets }: UntypedScope): OperatorSchema | undefined {
  if (calledFunction(functions, node) !== undefined) return undefined;
  return operatorSchema(node.domain, node.opType, opsets.get(node.domain) ?? 1);
}

/** What the node gives now that more of its inputs may be known. */
function outputTypes(node: Node, scope: UntypedScope): readonly (ValueType | undefined)[] {
  const schema = schemaOf(node, scope);
  if (schema === undefined) return [];
  return nodeTypes(node, schema, scope.opsets.get(node.domain) ?? 1, node.inputs.map(scope.typeOf)).outputs;
}

/** The types that the node's other ends demand of its inputs, by name. */
function inputTypes(node: Node, scope: UntypedScope): [string, ValueType | undefined][] {
  const schema = schemaOf(node, scope);
  if (schema === undefined) return [];
  const bound = new Map<string, ValueType>();
  const bind = (name: string, parameter: OperatorParameter | undefined): void => {
    const variable = variableOf(parameter);
    const type = name === '' ? undefined : scope.typeOf(name);
    if (type === undefined || variable === undefined) return;
    // The shape is that of the other end.
    bound.set(variable, type.kind === 'tensor' ? tensorOf(type.elementType) : type);
  };
  node.outputs.forEach((name, index) => {
    bind(name, outputParameter(schema, index));
  });
  node.inputs.forEach((name, index) => {
    bind(name, inputParameter(schema, index));
  });
  return node.inputs.map((name, index) => {
    const variable = variableOf(inputParameter(schema, index));
    return [name, variable === undefined ? undefined : bound.get(variable)];
  });
}

/** The variable that stands for one type wherever the node has it. */
function variableOf(parameter: OperatorParameter | undefined): string | undefined {
  return parameter?.homogeneous === true ? parameter.variable : undefined;
}
