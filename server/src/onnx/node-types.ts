/**
 * The types of one node's outputs from those of its inputs, by its schema: binds type variables, checks what
 * they allow and that all uses of one agree. Sub-graphs and function bodies are the caller's (type-inference.ts).
 */
import type { Attribute, Node, ValueType } from './model.js';
import { DataType } from './model.js';
import type { OperatorParameter, OperatorSchema } from './schemas.js';
import { inputParameter, NEWEST_KNOWN_OPSET, outputParameter } from './schemas.js';
import { typeFromAttributes } from './type-attributes.js';
import { sameType, tensorOf, typeName } from './value-type.js';

/** What is wrong with one node; the caller adds where it stands. */
export interface NodeTypeFinding {
  readonly code: 'type-not-allowed' | 'type-variable' | 'input-count' | 'output-count' | 'attribute';
  readonly tensor: string;
  readonly wanted: string;
  readonly found: string;
  readonly message: string;
}

export interface NodeTypes {
  /** By output index; undefined where the type cannot be known. */
  readonly outputs: readonly (ValueType | undefined)[];
  readonly findings: readonly NodeTypeFinding[];
}

interface Binding {
  readonly type: ValueType;
  readonly tensor: string;
}

/** Operators whose output has the first input's type where the `dtype` attribute is left out. */
const LIKE_FIRST_INPUT = new Set(['RandomNormalLike', 'RandomUniformLike', 'EyeLike', 'Bernoulli']);

/**
 * @param inputs types by input index; undefined for one left out and for one that is not known.
 * @param opset the version of the node's domain.
 */
export function nodeTypes(
  node: Node,
  schema: OperatorSchema,
  opset: number,
  inputs: readonly (ValueType | undefined)[],
): NodeTypes {
  const findings: NodeTypeFinding[] = [];
  addCountFindings(node, schema, findings);
  addAttributeFindings(node, schema, opset, findings);
  const bound = new Map<string, Binding>();

  inputs.forEach((type, index) => {
    const parameter = inputParameter(schema, index);
    const tensor = node.inputs[index] ?? '';
    if (type === undefined || parameter === undefined || tensor === '') return;
    if (!isAllowed(parameter, type, schema, opset)) {
      findings.push(notAllowed(node, parameter, 'input', tensor, type));
    }
    if (parameter.variable === undefined || !parameter.homogeneous) return;
    const before = bound.get(parameter.variable);
    if (before === undefined) bound.set(parameter.variable, { type, tensor });
    else if (!sameType(before.type, type)) {
      findings.push(bindingConflict(node, parameter.variable, before, { type, tensor }));
    }
  });

  addInsertionFindings(node, inputs, findings);

  const outputs = node.outputs.map((tensor, index) => {
    const parameter = outputParameter(schema, index);
    if (parameter === undefined || tensor === '') return undefined;
    const type =
      outputType(node, parameter, opset, index, inputs, bound) ?? mainType(schema, parameter, bound);
    // A constant is a stored tensor of whatever type it has: early opsets' limits are not enforced by anyone.
    if (type !== undefined && node.opType !== 'Constant' && !isAllowed(parameter, type, schema, opset)) {
      findings.push(notAllowed(node, parameter, 'output', tensor, type));
    }
    // A variable stands for what a tensor holds: its shape is that of what bound it.
    return type?.kind === 'tensor' && type.shape !== undefined ? tensorOf(type.elementType) : type;
  });
  return { outputs, findings };
}

function outputType(
  node: Node,
  parameter: OperatorParameter,
  opset: number,
  index: number,
  inputs: readonly (ValueType | undefined)[],
  bound: ReadonlyMap<string, Binding>,
): ValueType | undefined {
  const container = containerType(node, index, inputs);
  if (container !== undefined) return container;
  // Integers where a zero point says which, else numbers as they are.
  if (node.domain === 'com.microsoft' && node.opType === 'QGemm')
    return inputs[8] ?? tensorOf(DataType.FLOAT);
  const fromAttribute = typeFromAttributes(node, opset, index);
  if (fromAttribute !== undefined) {
    const element = tensorOf(fromAttribute);
    return node.opType === 'SequenceEmpty' ? { kind: 'sequence', element } : element;
  }
  if (parameter.variable !== undefined && parameter.homogeneous) {
    const binding = bound.get(parameter.variable);
    if (binding !== undefined) return binding.type;
  }
  if (index === 0 && LIKE_FIRST_INPUT.has(node.opType)) return inputs[0];
  // From opset 23 on its output has a type variable of its own, which is that of the scale if nothing says otherwise.
  if (node.opType === 'DequantizeLinear') return inputs[1];
  return onlyType(parameter);
}

/** A variable of the main type that no input binds (the cache of an attention that begins anew) is what the others are. */
function mainType(
  { mainVariables }: OperatorSchema,
  { variable, homogeneous }: OperatorParameter,
  bound: ReadonlyMap<string, Binding>,
): ValueType | undefined {
  if (variable === undefined || !homogeneous || !mainVariables.includes(variable)) return undefined;
  return mainVariables.map((main) => bound.get(main)?.type).find((type) => type !== undefined);
}

/** Sequences and optionals: what comes out is made of, or taken from, what goes in. */
function containerType(
  node: Node,
  index: number,
  inputs: readonly (ValueType | undefined)[],
): ValueType | undefined {
  const first = inputs[0];
  if (node.domain !== '' || index !== 0 || first === undefined) return undefined;
  switch (node.opType) {
    case 'SequenceConstruct':
    case 'SplitToSequence':
      return { kind: 'sequence', element: first };
    case 'SequenceAt':
    case 'ConcatFromSequence':
      return first.kind === 'sequence' ? first.element : undefined;
    case 'Optional':
      return { kind: 'optional', element: first };
    case 'OptionalGetElement':
      return first.kind === 'optional' ? first.element : first;
    default:
      return undefined;
  }
}

/** What SequenceInsert puts in must be what the sequence holds: two variables in the schema, one type in truth. */
function addInsertionFindings(
  node: Node,
  inputs: readonly (ValueType | undefined)[],
  findings: NodeTypeFinding[],
): void {
  if (node.opType !== 'SequenceInsert') return;
  const [sequence, inserted] = inputs;
  if (sequence?.kind !== 'sequence' || inserted === undefined || sameType(sequence.element, inserted)) return;
  const [wanted, found] = [typeName(sequence.element), typeName(inserted)];
  const message = `SequenceInsert puts ${found} into a sequence of ${wanted}`;
  findings.push({ code: 'type-variable', tensor: node.inputs[1] ?? '', wanted, found, message });
}

/** The type of a parameter that allows a single one: `tensor(bool)` of a comparison. */
function onlyType(parameter: OperatorParameter): ValueType | undefined {
  const [only] = parameter.dataTypes;
  return parameter.types.size === 1 && only !== undefined ? tensorOf(only) : undefined;
}

function isAllowed(
  parameter: OperatorParameter,
  type: ValueType,
  schema: OperatorSchema,
  opset: number,
): boolean {
  // Nearly all are plain tensors, whose type needs no writing out.
  if (type.kind === 'tensor' && parameter.dataTypes.has(type.elementType)) return true;
  if (parameter.types.has(typeName(type))) return true;
  const inner = innermost(type);
  switch (inner.kind) {
    case 'map':
      return [...parameter.types].some((allowed) => allowed.includes('map('));
    case 'opaque':
      return true;
    case 'sparse':
      return false;
    default:
      // Opsets after the newest known one have added types of eight bits and fewer, and none in between.
      return schema.domain === '' && opset > NEWEST_KNOWN_OPSET && inner.elementType > DataType.BFLOAT16;
  }
}

function innermost(type: ValueType): Exclude<ValueType, { kind: 'sequence' | 'optional' }> {
  return 'element' in type ? innermost(type.element) : type;
}

function addCountFindings(node: Node, schema: OperatorSchema, findings: NodeTypeFinding[]): void {
  const missing = (parameter: OperatorParameter, index: number): void => {
    const message = `${node.opType} needs its input ${String(index)} (${parameter.name}), which is left out`;
    findings.push({ code: 'input-count', tensor: '', wanted: parameter.name, found: 'nothing', message });
  };
  for (const [index, parameter] of schema.inputs.entries()) {
    if (parameter.option === 'Single' && (node.inputs[index] ?? '') === '') missing(parameter, index);
  }
  for (const [index, name] of node.inputs.entries()) {
    if (name !== '') continue;
    const parameter = inputParameter(schema, index);
    if (parameter?.option === 'Variadic') missing(parameter, index);
  }
  addSurplus(node, 'input', schema.inputs, node.inputs, findings);
  addSurplus(node, 'output', schema.outputs, node.outputs, findings);
}

function addSurplus(
  node: Node,
  side: 'input' | 'output',
  formal: readonly OperatorParameter[],
  actual: readonly string[],
  findings: NodeTypeFinding[],
): void {
  if (actual.length <= formal.length || formal.at(-1)?.option === 'Variadic') return;
  const wanted = `at most ${String(formal.length)}`;
  const found = String(actual.length);
  const message = `${node.opType} has ${wanted} ${side}s, not ${found}`;
  findings.push({ code: `${side}-count`, tensor: actual[formal.length] ?? '', wanted, found, message });
}

/** A name that the operator's version does not have, or one that it must have: what a change of opset brings. */
function addAttributeFindings(
  node: Node,
  schema: OperatorSchema,
  opset: number,
  findings: NodeTypeFinding[],
): void {
  // Of later opsets, and of operators that others define, not every attribute is known.
  if (schema.domain !== '' || schema.isContributed || opset > NEWEST_KNOWN_OPSET) return;
  const tensor = node.outputs[0] ?? '';
  for (const attribute of node.attributes) {
    const { name } = attribute;
    const wanted = schema.attributes.get(name)?.type;
    // ONNX Runtime keeps notes of its own under names with two underscores.
    if (wanted === undefined && !name.startsWith('__')) {
      const message = `${node.opType} of opset ${String(schema.since)} has no attribute ${name}`;
      findings.push({ code: 'attribute', tensor, wanted: 'no such attribute', found: name, message });
    }
    const found = attribute.kind.toUpperCase();
    if (wanted === undefined || found === wanted || hasNoKind(attribute)) continue;
    const message = `the attribute ${name} of ${node.opType} is ${wanted} at opset ${String(schema.since)}, not ${found}`;
    findings.push({ code: 'attribute', tensor, wanted, found, message });
  }
  for (const [name, { required }] of schema.attributes) {
    if (!required || node.attributes.some((attribute) => attribute.name === name)) continue;
    const message = `${node.opType} needs the attribute ${name}`;
    findings.push({ code: 'attribute', tensor, wanted: name, found: 'nothing', message });
  }
}

/** References take the kind of what they refer to; an empty list may be of any kind. */
function hasNoKind(attribute: Attribute): boolean {
  if (attribute.kind === 'other' || attribute.kind === 'reference') return true;
  return Array.isArray(attribute.value) && attribute.value.length === 0;
}

function notAllowed(
  node: Node,
  parameter: OperatorParameter,
  side: 'input' | 'output',
  tensor: string,
  type: ValueType,
): NodeTypeFinding {
  const wanted = [...parameter.types].join(', ');
  const found = typeName(type);
  return {
    code: 'type-not-allowed',
    tensor,
    wanted,
    found,
    message: `${node.opType} does not allow ${found} for its ${side} ${parameter.name} ("${tensor}"): ${wanted}`,
  };
}

function bindingConflict(node: Node, variable: string, before: Binding, now: Binding): NodeTypeFinding {
  const wanted = typeName(before.type);
  const found = typeName(now.type);
  return {
    code: 'type-variable',
    tensor: now.tensor,
    wanted,
    found,
    message:
      `type parameter ${variable} of ${node.opType} is bound to different types: ` +
      `"${before.tensor}" is ${wanted}, "${now.tensor}" is ${found}`,
  };
}
