/**
 * What the ONNX standard (opsets 1 to 26, the newest that ONNX Runtime loads) and ONNX Runtime's own operators say about the types of each
 * operator's inputs and outputs, by opset, and which of them form the operator's main type.
 * Knows schemas only: no graph, no model, no precision plan.
 */
import contribSchemas from '../../data/contrib-operator-schemas.json';
import newerSchemas from '../../data/newer-operator-schemas.json';
import standardSchemas from '../../data/onnx-operator-schemas.json';
import { DataType } from './model.js';

/** One formal input or output; a variadic one stands for all further arguments. */
export interface OperatorParameter {
  readonly name: string;
  readonly option: 'Single' | 'Optional' | 'Variadic';
  /** The type variable, or undefined where the type is fixed. */
  readonly variable: string | undefined;
  /** False where each argument of a variadic parameter has a type of its own (If, Loop, Scan ...). */
  readonly homogeneous: boolean;
  /** The types allowed, in the standard's notation: `tensor(float16)`, `seq(tensor(float))`. */
  readonly types: ReadonlySet<string>;
  /** Element types of the plain tensors among `types`. */
  readonly dataTypes: ReadonlySet<DataType>;
}

export interface OperatorSchema {
  readonly name: string;
  /** Empty for the ONNX domain. */
  readonly domain: string;
  /** The opset from which this version holds. */
  readonly since: number;
  readonly deprecated: boolean;
  /** Whether ONNX Runtime adds it to the standard's. */
  readonly isContributed: boolean;
  readonly inputs: readonly OperatorParameter[];
  readonly outputs: readonly OperatorParameter[];
  readonly attributes: ReadonlyMap<string, { readonly type: string; readonly required: boolean }>;
  /** Type variables that are one type when the operator runs in a lower precision; the data input's first. */
  readonly mainVariables: readonly string[];
}

interface SchemaRecord {
  readonly name: string;
  readonly domain: string;
  readonly since: number;
  readonly deprecated: boolean;
  readonly inputs: readonly ParameterRecord[];
  readonly outputs: readonly ParameterRecord[];
  readonly types: Readonly<Record<string, readonly string[] | undefined>>;
  readonly attributes: Readonly<
    Record<string, { readonly type: string; readonly required: boolean } | undefined>
  >;
  readonly main?: readonly string[];
}

interface ParameterRecord {
  readonly name: string;
  readonly type: string;
  readonly option: string;
}

/** The newest opset of the ONNX domain that the registry knows. */
export const NEWEST_KNOWN_OPSET = 26;

const TYPE_NAMES: ReadonlyMap<DataType, string> = new Map([
  [DataType.FLOAT, 'float'],
  [DataType.UINT8, 'uint8'],
  [DataType.INT8, 'int8'],
  [DataType.UINT16, 'uint16'],
  [DataType.INT16, 'int16'],
  [DataType.INT32, 'int32'],
  [DataType.INT64, 'int64'],
  [DataType.STRING, 'string'],
  [DataType.BOOL, 'bool'],
  [DataType.FLOAT16, 'float16'],
  [DataType.DOUBLE, 'double'],
  [DataType.UINT32, 'uint32'],
  [DataType.UINT64, 'uint64'],
  [DataType.COMPLEX64, 'complex64'],
  [DataType.COMPLEX128, 'complex128'],
  [DataType.BFLOAT16, 'bfloat16'],
  [DataType.FLOAT8E4M3FN, 'float8e4m3fn'],
  [DataType.FLOAT8E4M3FNUZ, 'float8e4m3fnuz'],
  [DataType.FLOAT8E5M2, 'float8e5m2'],
  [DataType.FLOAT8E5M2FNUZ, 'float8e5m2fnuz'],
  [DataType.UINT4, 'uint4'],
  [DataType.INT4, 'int4'],
  [DataType.FLOAT4E2M1, 'float4e2m1'],
  [DataType.FLOAT8E8M0, 'float8e8m0'],
  [DataType.UINT2, 'uint2'],
  [DataType.INT2, 'int2'],
]);

const TENSOR_TYPES: ReadonlyMap<string, DataType> = new Map(
  [...TYPE_NAMES].map(([dataType, name]) => [`tensor(${name})`, dataType]),
);

/** Floating-point types in which an operator can compute, double included. */
const FLOATING: readonly DataType[] = [DataType.FLOAT, DataType.FLOAT16, DataType.BFLOAT16, DataType.DOUBLE];

/** Variadic parameters whose arguments may differ in type; the registry's export leaves this property out. */
const HETEROGENEOUS = new Set([
  'If',
  'Loop',
  'Scan',
  'SequenceMap',
  'Adagrad',
  'Adam',
  'Momentum',
  'Gradient',
  'QLinearConcat',
]);

/** Versions of each operator, newest first, by `domain:name`. */
const registry = buildRegistry();

/**
 * The schema that holds for an operator at an opset of its domain: the newest one not after it. A schema of the
 * standard wins over a contributed one of the same domain and name. `ai.onnx` is the empty domain.
 */
export function operatorSchema(domain: string, opType: string, opset: number): OperatorSchema | undefined {
  const versions = registry.get(schemaKey(domain, opType));
  return versions?.find((schema) => schema.since <= opset);
}

/** The parameter that an input of this index belongs to; undefined where the operator takes no such input. */
export function inputParameter(schema: OperatorSchema, index: number): OperatorParameter | undefined {
  return parameterAt(schema.inputs, index);
}

/** The parameter that an output of this index belongs to; undefined where the operator has no such output. */
export function outputParameter(schema: OperatorSchema, index: number): OperatorParameter | undefined {
  return parameterAt(schema.outputs, index);
}

/**
 * The type variable in which the operator computes: that of the first floating-capable output that shares its
 * variable with an input, else that of the first output. Undefined where that output has a fixed type, or a type
 * per argument (If, Loop, Scan).
 */
export function mainTypeVariable(schema: OperatorSchema): string | undefined {
  return schema.mainVariables[0];
}

/**
 * Whether the input takes the type that a layer of this operator is given. Inputs of a type variable of their own
 * (scales and roi of Resize; scale, mean and variance of BatchNormalization from opset 15) do not, also where
 * that variable would allow the lower type: they keep FP32.
 */
export function inputFollowsMainType(schema: OperatorSchema, index: number): boolean {
  return isMain(schema, inputParameter(schema, index));
}

/** Whether the output has the type that a layer of this operator is given. */
export function outputFollowsMainType(schema: OperatorSchema, index: number): boolean {
  return isMain(schema, outputParameter(schema, index));
}

/**
 * Whether a layer of this operator can have `dataType` as its main type at the schema's opset. False for
 * operators on sequences and optionals, whose containers keep their element type.
 */
export function allowsType(schema: OperatorSchema, dataType: DataType): boolean {
  if (schema.deprecated || schema.mainVariables.length === 0) return false;
  const parameters = [...schema.inputs, ...schema.outputs];
  if (parameters.some((parameter) => parameter.dataTypes.size === 0)) return false;
  return parameters.every((parameter) => !isMain(schema, parameter) || parameter.dataTypes.has(dataType));
}

/** The name of an element type as the standard writes it: `float16`; `type 99` for a number without a name. */
export function dataTypeName(dataType: DataType): string {
  return TYPE_NAMES.get(dataType) ?? `type ${String(dataType)}`;
}

/** Whether an element type is one that operators compute in: FP32, FP16, BF16 or double. */
export function isFloatingType(dataType: DataType): boolean {
  return FLOATING.includes(dataType);
}

function isMain(schema: OperatorSchema, parameter: OperatorParameter | undefined): boolean {
  return parameter?.variable !== undefined && schema.mainVariables.includes(parameter.variable);
}

function parameterAt(parameters: readonly OperatorParameter[], index: number): OperatorParameter | undefined {
  const exact = parameters[index];
  if (exact !== undefined || index < 0) return exact;
  const last = parameters.at(-1);
  return last?.option === 'Variadic' ? last : undefined;
}

function schemaKey(domain: string, name: string): string {
  return `${domain === 'ai.onnx' ? '' : domain}:${name}`;
}

function buildRegistry(): ReadonlyMap<string, readonly OperatorSchema[]> {
  const byName = new Map<string, OperatorSchema[]>();
  const add = (records: readonly SchemaRecord[], isContributed: boolean): void => {
    for (const record of records) {
      const key = schemaKey(record.domain, record.name);
      const versions = byName.get(key);
      const schema = readSchema(record, isContributed);
      if (versions === undefined) byName.set(key, [schema]);
      else if (!versions.some((other) => other.since === schema.since)) versions.push(schema);
    }
  };
  // First, since it also holds what the standard has corrected.
  add(newerSchemas, false);
  add(standardSchemas, false);
  add(contribSchemas, true);
  for (const versions of byName.values()) versions.sort((a, b) => b.since - a.since);
  return byName;
}

function readSchema(record: SchemaRecord, isContributed: boolean): OperatorSchema {
  const readParameter = (parameter: ParameterRecord): OperatorParameter => {
    const allowed = record.types[parameter.type];
    const types = new Set(allowed ?? [parameter.type]);
    const dataTypes = new Set<DataType>();
    for (const type of types) {
      const dataType = TENSOR_TYPES.get(type);
      if (dataType !== undefined) dataTypes.add(dataType);
    }
    const option =
      parameter.option === 'Optional' || parameter.option === 'Variadic' ? parameter.option : 'Single';
    return {
      name: parameter.name,
      option,
      variable: allowed === undefined ? undefined : parameter.type,
      homogeneous: option !== 'Variadic' || !HETEROGENEOUS.has(record.name),
      types,
      dataTypes,
    };
  };
  const inputs = record.inputs.map(readParameter);
  const outputs = record.outputs.map(readParameter);
  const attributes = new Map<string, { type: string; required: boolean }>();
  for (const [name, attribute] of Object.entries(record.attributes)) {
    if (attribute !== undefined) attributes.set(name, attribute);
  }
  const main = record.main ?? mainVariablesOf(inputs, outputs);
  const { name, domain, since, deprecated } = record;
  return { name, domain, since, deprecated, isContributed, inputs, outputs, attributes, mainVariables: main };
}

function mainVariablesOf(
  inputs: readonly OperatorParameter[],
  outputs: readonly OperatorParameter[],
): readonly string[] {
  const single = outputs.filter((output) => output.homogeneous);
  const shared = single.find(
    (output) =>
      output.variable !== undefined &&
      FLOATING.some((dataType) => output.dataTypes.has(dataType)) &&
      inputs.some((input) => input.variable === output.variable),
  );
  const variable = shared?.variable ?? single[0]?.variable;
  return variable === undefined ? [] : [variable];
}
