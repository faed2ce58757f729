/**
 * Our operator schemas against ONNX Runtime: a model of one node for each operator, parameter and type. The runtime refuses
 * exactly the types that a schema leaves out, wants the attributes that it calls required, and wants parameters of one type
 * variable to agree. Operators with sub-graphs, and parameters that are no tensors, are left out.
 */
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, it } from 'vitest';
import contribSchemas from '../../server/data/contrib-operator-schemas.json';
import newerSchemas from '../../server/data/newer-operator-schemas.json';
import standardSchemas from '../../server/data/onnx-operator-schemas.json';
import {
  DataType,
  dataTypeName,
  encodeBytes,
  encodeFresh,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  NEWEST_KNOWN_OPSET,
  operatorSchema,
  type Attribute,
  type OperatorParameter,
  type OperatorSchema,
} from '../../server/src/onnx/index.js';

const ALL_TYPES: readonly DataType[] = Object.values(DataType).filter(
  (type): type is DataType => typeof type === 'number' && type !== DataType.UNDEFINED,
);

/** What ONNX Runtime 1.30 has otherwise than the standard. */
const OTHERWISE: ReadonlySet<string> = new Set(['.Clip-13 T: bfloat16 is refused']);

const counts = { schemas: 0, models: 0, refused: 0 };

interface Named {
  readonly domain: string;
  readonly name: string;
  readonly since: number;
}

/** The version of the operator's domain at which this schema holds. ONNX Runtime promises nothing before opset 7. */
function opsetFor({ domain, since }: Named): number {
  return domain === '' ? Math.max(since, 7) : since;
}

function schemaFor(record: Named): OperatorSchema | undefined {
  const schema = operatorSchema(record.domain, record.name, opsetFor(record));
  return schema?.since === record.since ? schema : undefined;
}

/** Whether models of the operator can be made of tensors alone. */
function isPlain(schema: OperatorSchema): boolean {
  const kinds = [...schema.attributes.values()].filter(({ required }) => required).map(({ type }) => type);
  return (
    !schema.deprecated &&
    !kinds.some((kind) => kind.startsWith('GRAPH')) &&
    schema.inputs.length > 0 &&
    schema.inputs.every(({ dataTypes, homogeneous }) => dataTypes.size > 0 && homogeneous)
  );
}

function attributeOf(name: string, kind: string): Attribute {
  switch (kind) {
    case 'INT':
      return makeAttribute(name, { kind: 'int', value: 1 });
    case 'FLOAT':
      return makeAttribute(name, { kind: 'float', value: 1 });
    case 'STRING':
      return makeAttribute(name, { kind: 'string', value: 'NOTSET' });
    case 'INTS':
      return makeAttribute(name, { kind: 'ints', value: [1] });
    case 'FLOATS':
      return makeAttribute(name, { kind: 'floats', value: [1] });
    case 'STRINGS':
      return makeAttribute(name, { kind: 'strings', value: ['NOTSET'] });
    case 'TENSOR':
      return makeAttribute(name, {
        kind: 'tensor',
        value: makeTensor('', DataType.FLOAT, [1], new Uint8Array(4)),
      });
    default:
      throw new Error(`no attribute of kind ${kind}`);
  }
}

/** What the runtime says of a model of one node whose inputs have these types; empty if nothing. */
async function said(schema: OperatorSchema, opset: number, types: readonly DataType[]): Promise<string> {
  const names = types.map((_, at) => `i${at}`);
  const node = makeNode({
    name: 'n',
    opType: schema.name,
    domain: schema.domain,
    inputs: names,
    outputs: schema.outputs.map((_, at) => `o${at}`),
    attributes: [...schema.attributes]
      .filter(([, { required }]) => required)
      .map(([name, { type }]) => attributeOf(name, type)),
  });
  const graph = makeGraph({
    name: 'g',
    nodes: [node],
    inputs: types.map((type, at) => makeValueInfo(`i${at}`, makeTensorType(type, undefined))),
    outputs: [],
    initializers: [],
  });
  const opsets = new Map([
    ['', schema.domain === '' ? opset : NEWEST_KNOWN_OPSET],
    [schema.domain, opset],
  ]);
  const bytes = encodeBytes(encodeFresh({ irVersion: 13, opsets, graph }));
  counts.models += 1;
  try {
    const session = await ort.InferenceSession.create(bytes, {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
      intraOpNumThreads: 1,
    });
    await session.release();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function firstType(parameter: OperatorParameter): DataType {
  const [first] = parameter.dataTypes;
  if (first === undefined) throw new Error(`${parameter.name} allows no type`);
  return first;
}

/** Where the runtime does otherwise than the schema says, one line each. */
async function disagreements(schema: OperatorSchema, opset: number): Promise<readonly string[]> {
  const found: string[] = [];
  const base = schema.inputs.map(firstType);
  const kinds = new Set(schema.inputs.map(({ variable, name }) => variable ?? name));
  for (const kind of kinds) {
    const places = schema.inputs.flatMap(({ variable, name }, at) =>
      (variable ?? name) === kind ? [at] : [],
    );
    const parameter = schema.inputs[places[0] ?? -1];
    for (const type of ALL_TYPES) {
      const types = base.map((one, at) => (places.includes(at) ? type : one));
      const message = await said(schema, opset, types);
      const [, refused] = /Type Error: Type '[^']*' of input parameter \(i(\d+)\)/.exec(message) ?? [];
      const isRefused = refused !== undefined && places.includes(Number(refused));
      if (isRefused) counts.refused += 1;
      if (/Required attribute|Unrecognized attribute|not in range \[min/.test(message)) found.push(message);
      if (isRefused === parameter?.dataTypes.has(type)) {
        found.push(`${kind}: ${dataTypeName(type)} is ${isRefused ? 'refused' : 'accepted'}`);
      }
    }
    // Two of one variable agree, or the model is none.
    const others = [...(parameter?.dataTypes ?? [])];
    const [one, two] = others;
    if (one === undefined || two === undefined || parameter?.variable === undefined) continue;
    for (const place of places.slice(1)) {
      const types = base.map((type, at) => (at === place ? two : places.includes(at) ? one : type));
      const message = await said(schema, opset, types);
      if (!message.includes('bound to different types')) found.push(`${kind}: i${place} need not agree`);
    }
  }
  return found;
}

async function checkSchemas(records: readonly Named[]): Promise<void> {
  const found: string[] = [];
  for (const record of records) {
    const schema = schemaFor(record);
    if (schema === undefined || !isPlain(schema)) continue;
    counts.schemas += 1;
    for (const line of await disagreements(schema, opsetFor(record))) {
      const place = `${record.domain}.${record.name}-${record.since} ${line}`;
      if (!OTHERWISE.has(place)) found.push(place);
    }
  }
  expect(found).toEqual([]);
}

describe('the types that the runtime accepts are those of our schemas', () => {
  it('of the standard up to opset 22', async () => {
    await checkSchemas(standardSchemas);
  });

  it('of the standard from opset 23 on', async () => {
    await checkSchemas(newerSchemas);
  });

  it("of the runtime's own operators", async () => {
    await checkSchemas(contribSchemas);
  });
});

describe('the newest opset of our schemas', () => {
  it('is the newest that the runtime loads', async () => {
    const schema = operatorSchema('', 'Abs', NEWEST_KNOWN_OPSET);
    if (schema === undefined) throw new Error('no schema of Abs');
    expect(await said(schema, NEWEST_KNOWN_OPSET, [DataType.FLOAT])).toBe('');
    expect(await said(schema, NEWEST_KNOWN_OPSET + 1, [DataType.FLOAT])).toMatch(/opset/i);
  });
});

afterAll(() => {
  console.log(
    `Operator schemas: ${counts.schemas} versions against ONNX Runtime by ${counts.models} models, of which it refuses ${counts.refused} for a type.`,
  );
});
