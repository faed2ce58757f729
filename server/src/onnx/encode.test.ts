import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DataType,
  type Attribute,
  type Graph,
  type Message,
  type Model,
  type Node,
  type Tensor,
} from './model.js';
import { encodeFresh, encodeModel, type ModelChanges } from './encode.js';
import {
  makeAttribute,
  makeComputedTensor,
  makeExternalTensor,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  withNode,
} from './make.js';
import { bytesField, encodeBytes, integerField, piecesLength, textField } from './pieces.js';
import { openModel } from './read-model.js';
import { tensorBytes } from './tensor-bytes.js';
import {
  everythingModel,
  modelFromBytes,
  modelOf,
  modelWithInitializer,
  rawModel,
  realModels,
} from './testing/models.js';

/** The same graph as other objects, down to the innermost: every encoder runs, and nothing is changed. */
function copyGraph(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, attributes: node.attributes.map(copyAttribute) })),
    initializers: graph.initializers.map((tensor) => ({ ...tensor })),
    inputs: graph.inputs.map((value) => ({ ...value })),
    outputs: graph.outputs.map((value) => ({ ...value })),
    valueInfo: graph.valueInfo.map((value) => ({ ...value, type: value.type && { ...value.type } })),
  };
}

function copyAttribute(attribute: Attribute): Attribute {
  if (attribute.kind === 'graph') return { ...attribute, value: copyGraph(attribute.value) };
  if (attribute.kind === 'graphs') return { ...attribute, value: attribute.value.map(copyGraph) };
  return { ...attribute };
}

/** What an edited model reads as, messages aside. */
function edited(model: Model, changes: ModelChanges): Model {
  return modelFromBytes(encodeBytes(encodeModel(model, changes)));
}

function withoutMessages(part: unknown): unknown {
  if (part instanceof Uint8Array || part === null || typeof part !== 'object') return part;
  if (Array.isArray(part)) return part.map(withoutMessages);
  const entries = Object.entries(part).filter(([key]) => key !== 'message' && key !== 'data');
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutMessages(value)]));
}

function fieldsOf(message: Message | undefined): string[] {
  return (message?.fields ?? []).map(({ number, whole }) => {
    const bytes = message?.source.read(whole.offset, whole.length) ?? new Uint8Array();
    return `${number}:${Buffer.from(bytes).toString('latin1')}`;
  });
}

describe('an unchanged model', () => {
  it.each(realModels())('is written as its file: %s', (path) => {
    const model = modelOf(openModel(path));
    const file = readFileSync(path);
    const pieces = encodeModel(model);
    expect(pieces).toEqual([
      { kind: 'range', source: model.source, range: { offset: 0, length: file.length } },
    ]);
    expect(Buffer.compare(encodeBytes(pieces), file)).toBe(0);
    model.source.close();
  });

  it.each(realModels())('is written as its file when every part is another object: %s', (path) => {
    const model = modelOf(openModel(path));
    const changes = { graph: copyGraph(model.graph), opsets: new Map(model.opsets) };
    expect(Buffer.compare(encodeBytes(encodeModel(model, changes)), readFileSync(path))).toBe(0);
    model.source.close();
  });

  it('is written as its bytes with everything in it', () => {
    const bytes = everythingModel();
    expect(Buffer.compare(encodeBytes(encodeModel(modelFromBytes(bytes))), bytes)).toBe(0);
  });

  it('has the same fields when every part is another object, lists gathered where they began', () => {
    const bytes = everythingModel();
    const model = modelFromBytes(bytes);
    const functions = model.functions.map((local) => ({
      ...local,
      nodes: local.nodes.map((node) => ({ ...node })),
    }));
    const result = edited(model, { graph: copyGraph(model.graph), functions });
    expect(result.source.length).toBe(bytes.length);
    const sorted = (message: Message | undefined) => fieldsOf(message).sort();
    expect(sorted(result.graph.message)).toEqual(sorted(model.graph.message));
    expect(fieldsOf(result.functions[0]?.message)).toEqual(fieldsOf(model.functions[0]?.message));
  });
});

describe('an edited model', () => {
  const model = modelFromBytes(everythingModel());

  it('has the edited part and every other field as it was', () => {
    const nodes = model.graph.nodes.map((node) =>
      node.opType === 'Relu' ? withNode(node, { inputs: ['y/cast'], name: 'activation' }) : node,
    );
    const result = edited(model, { graph: { ...model.graph, nodes } });
    const relu = result.graph.nodes[2];
    expect([relu?.inputs, relu?.outputs, relu?.name]).toEqual([['y/cast'], ['z'], 'activation']);
    // The unknown field, and the domain as it was written.
    expect(fieldsOf(relu?.message).map((field) => field.split(':')[0])).toEqual([
      '1',
      '2',
      '4',
      '77',
      '7',
      '3',
    ]);
    expect(fieldsOf(relu?.message).slice(1, 5)).toEqual(fieldsOf(model.graph.nodes[2]?.message).slice(1));
    const rest = (fields: string[]) =>
      fields.filter((field) => !field.startsWith('7:') && !field.startsWith('1:'));
    expect(rest(fieldsOf(result.message))).toEqual(rest(fieldsOf(model.message)));
    expect(rest(fieldsOf(result.graph.message))).toEqual(rest(fieldsOf(model.graph.message)));
  });

  it('can have its nodes put in, taken out and put in another order', () => {
    const added = makeNode({
      opType: 'Cast',
      inputs: ['x'],
      outputs: ['x/half'],
      attributes: [makeAttribute('to', { kind: 'int', value: 10 })],
    });
    // Not written in one go, as the other one is.
    const inner = makeGraph({ name: 'inner', nodes: [], inputs: [], outputs: [] });
    const attributes = [makeAttribute('body', { kind: 'graph', value: inner })];
    const holding = makeNode({ opType: 'Loop', inputs: ['', ''], outputs: [], attributes });
    fc.assert(
      fc.property(fc.shuffledSubarray([...model.graph.nodes, added, holding]), (nodes) => {
        const result = edited(model, { graph: { ...model.graph, nodes } });
        expect(withoutMessages(result.graph)).toEqual(withoutMessages({ ...model.graph, nodes }));
      }),
    );
  });

  it('can be edited inside of a sub-graph', () => {
    const rename = (node: Node): Node => ({ ...node, attributes: node.attributes.map(inBranch) });
    const inBranch = (attribute: Attribute): Attribute =>
      attribute.kind === 'graph'
        ? {
            ...attribute,
            value: { ...attribute.value, nodes: attribute.value.nodes.slice(1), name: 'shorter' },
          }
        : attribute;
    const graph = { ...model.graph, nodes: model.graph.nodes.map(rename) };
    const result = edited(model, { graph });
    expect(withoutMessages(result.graph)).toEqual(withoutMessages(graph));
  });

  it('can have every other part replaced', () => {
    const { sparseTypes, ...dense } = model.graph;
    expect(sparseTypes?.size).toBe(1);
    const graph: Graph = {
      ...dense,
      name: '',
      initializers: [
        ...model.graph.initializers.slice(2),
        makeTensor('new', DataType.FLOAT16, [2], Uint8Array.of(1, 2, 3, 4)),
        makeExternalTensor('far', DataType.FLOAT, [1], 'some.bin', 2 ** 33, 4),
      ],
      sparseInitializers: [],
      inputs: model.graph.inputs.slice(1),
      outputs: [makeValueInfo('y', makeTensorType(DataType.FLOAT16, ['n', 7, undefined]))],
      valueInfo: [],
    };
    const functions = model.functions.map((local) => ({
      ...local,
      name: 'Renamed',
      opsets: new Map([['', 18]]),
    }));
    const changes = {
      graph,
      functions,
      opsets: new Map([
        ['', 18],
        ['new.domain', 3],
      ]),
      irVersion: 9,
    };
    const result = edited(model, changes);
    expect(withoutMessages(result.graph)).toEqual(withoutMessages(graph));
    expect(withoutMessages(result.functions)).toEqual(withoutMessages(functions));
    expect([...result.opsets]).toEqual([...changes.opsets]);
    expect([...(result.functions[0]?.opsets ?? [])]).toEqual([['', 18]]);
    expect([result.irVersion, result.producer]).toEqual([9, model.producer]);
    expect(result.graph.initializers[2]?.data).toEqual({
      kind: 'external',
      location: 'some.bin',
      offset: 2 ** 33,
      length: 4,
    });
  });

  it('keeps the denotations of a type whose element type changes', () => {
    const dimension = [...integerField(1, 3), ...textField(3, 'DATA_CHANNEL')];
    const tensorType = [...integerField(1, 1), ...bytesField(2, bytesField(1, dimension))];
    const type = [...bytesField(1, tensorType), ...textField(6, 'IMAGE')];
    const content = rawModel(bytesField(12, [...textField(1, 'y'), ...bytesField(2, type)]));
    const image = modelFromBytes(content);
    const outputs = image.graph.outputs.map((value) => ({
      ...value,
      type: makeTensorType(DataType.FLOAT16, [3]),
    }));
    const expected = Buffer.from(content);
    const at = expected.indexOf(Buffer.from(encodeBytes(tensorType))) + 1;
    expected[at] = DataType.FLOAT16;
    expect(
      Buffer.compare(encodeBytes(encodeModel(image, { graph: { ...image.graph, outputs } })), expected),
    ).toBe(0);
  });

  it('puts elements of another type into raw_data', () => {
    const typed = modelFromBytes(
      modelWithInitializer([
        ...integerField(1, 2),
        ...integerField(2, 1),
        ...bytesField(4, [{ kind: 'bytes', bytes: new Uint8Array(8) }]),
        ...textField(12, 'doc'),
      ]),
    );
    const half = (tensor: Tensor): Tensor => ({
      ...tensor,
      dataType: DataType.FLOAT16,
      data: { kind: 'made', bytes: Uint8Array.of(1, 2, 3, 4) },
    });
    const result = edited(typed, {
      graph: { ...typed.graph, initializers: typed.graph.initializers.map(half) },
    });
    expect(result.graph.initializers[0]?.message?.fields.map((field) => field.number)).toEqual([1, 2, 12, 9]);
    expect(
      tensorBytes(
        result.graph.initializers[0] ?? makeTensor('', DataType.UNDEFINED, [], new Uint8Array()),
        undefined,
      ),
    ).toEqual({
      bytes: Uint8Array.of(1, 2, 3, 4),
    });
  });

  it('can take parts from another model', () => {
    const other = modelFromBytes(everythingModel());
    const graph = { ...model.graph, nodes: [...other.graph.nodes, ...model.graph.nodes.slice(0, 1)] };
    const result = edited(model, { graph });
    expect(withoutMessages(result.graph)).toEqual(withoutMessages(graph));
  });

  it('cannot have parts of which only a file knows the content', () => {
    const sparse = { ...model.graph, sparseInitializers: ['unheard of'] };
    expect(() => encodeModel(model, { graph: sparse })).toThrow(/sparse initializer "unheard of"/);
    const node = makeNode({
      opType: 'Op',
      inputs: [],
      outputs: [],
      attributes: [{ name: 'a', kind: 'other', message: undefined }],
    });
    expect(() => encodeModel(model, { graph: { ...model.graph, nodes: [node] } })).toThrow(/attribute "a"/);
  });
});

describe('a model of our own', () => {
  const opsets = new Map([
    ['', 17],
    ['com.microsoft', 1],
  ]);

  it('reads as what it was made from', () => {
    const { graph, functions } = modelFromBytes(everythingModel());
    const { sparseTypes, ...dense } = graph;
    expect([...(sparseTypes?.keys() ?? [])]).toEqual(graph.sparseInitializers);
    const own = { ...dense, sparseInitializers: [], inputs: graph.inputs.slice(0, 4), message: undefined };
    const model = modelFromBytes(
      encodeBytes(encodeFresh({ irVersion: 8, opsets, graph: own, functions, producer: 'us' })),
    );
    expect(withoutMessages(model.graph)).toEqual(withoutMessages(own));
    expect(withoutMessages(model.functions)).toEqual(withoutMessages(functions));
    expect([model.irVersion, model.producer, [...model.opsets]]).toEqual([8, 'us', [...opsets]]);
  });

  it('holds any numbers in its attributes', () => {
    const integer = fc.oneof(fc.maxSafeInteger(), fc.integer());
    fc.assert(
      fc.property(
        fc.array(integer),
        fc.array(fc.float()),
        fc.string({ unit: 'binary' }),
        (ints, floats, text) => {
          const attributes = [
            makeAttribute('ints', { kind: 'ints', value: ints }),
            makeAttribute('floats', { kind: 'floats', value: floats }),
            makeAttribute('string', { kind: 'string', value: text }),
          ];
          const node = makeNode({ opType: 'Op', inputs: [], outputs: [text], attributes });
          const graph = makeGraph({ name: 'g', nodes: [node], inputs: [], outputs: [] });
          const read = modelFromBytes(encodeBytes(encodeFresh({ irVersion: 8, opsets, graph }))).graph
            .nodes[0];
          expect(withoutMessages(read)).toEqual(withoutMessages(node));
        },
      ),
    );
  });

  it('keeps the largest integers within the range of int64', () => {
    const values = [2 ** 63, -(2 ** 63), Infinity];
    const node = makeNode({
      opType: 'Op',
      inputs: [],
      outputs: [],
      attributes: [makeAttribute('a', { kind: 'ints', value: values })],
    });
    const graph = makeGraph({ name: 'g', nodes: [node], inputs: [], outputs: [] });
    const [attribute] =
      modelFromBytes(encodeBytes(encodeFresh({ irVersion: 8, opsets, graph }))).graph.nodes[0]?.attributes ??
      [];
    expect(attribute).toMatchObject({ value: [2 ** 63, -(2 ** 63), 2 ** 63] });
  });

  it('knows its length before any weight is there', () => {
    const length = 3 * 2 ** 30;
    const parts = (): Iterable<Uint8Array> => {
      throw new Error('no weight may be asked for');
    };
    const tensor = makeComputedTensor('w', DataType.UINT8, [length], length, parts);
    const graph = makeGraph({ name: 'g', nodes: [], inputs: [], outputs: [], initializers: [tensor] });
    const pieces = encodeFresh({ irVersion: 8, opsets, graph });
    expect(pieces.map((piece) => piece.kind)).toEqual(['bytes', 'computed', 'bytes']);
    expect(piecesLength(pieces)).toBeGreaterThan(length);
  });
});
