/** `GraphProto`, `NodeProto` and `FunctionProto`. */
import type {
  ByteRange,
  Graph,
  LocalFunction,
  Node,
  Tensor,
  ValueInfo,
  ValueType,
  Attribute,
} from './model.js';
import { readAttribute } from './read-attribute.js';
import { checkDepth, plainDomain, readMessage, readOpset } from './read-message.js';
import { readSparse, readTensor } from './read-tensor.js';
import { readValueInfo } from './read-type.js';
import { finish, isStep, type Steps } from './steps.js';
import type { WireReader } from './wire.js';

/** `depth` counts the graphs around this one. */
export function readGraph(wire: WireReader, range: ByteRange, depth: number): Graph {
  return finish(graphSteps(wire, range, depth));
}

/** The same, a few nodes at a time. */
export function* graphSteps(wire: WireReader, range: ByteRange, depth: number): Steps<Graph> {
  checkDepth(depth, range.offset);
  const message = readMessage(wire, 'graph', range);
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const sparseInitializers: string[] = [];
  const sparseTypes = new Map<string, ValueType>();
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfo: ValueInfo[] = [];
  let name = '';
  for (const [index, field] of message.fields.entries()) {
    if (isStep(index)) yield;
    const { payload } = field;
    if (field.number === 1) nodes.push(readNode(wire, payload, depth));
    else if (field.number === 2) name = wire.text(field);
    else if (field.number === 5) initializers.push(readTensor(wire, payload));
    else if (field.number === 11) inputs.push(readValueInfo(wire, payload));
    else if (field.number === 12) outputs.push(readValueInfo(wire, payload));
    else if (field.number === 13) valueInfo.push(readValueInfo(wire, payload));
    else if (field.number === 15) {
      const { name: sparse, type } = readSparse(wire, payload);
      sparseInitializers.push(sparse);
      sparseTypes.set(sparse, type);
    }
  }
  const graph: Graph = {
    ...{ name, nodes, initializers, sparseInitializers, inputs, outputs, valueInfo, message },
    ...(sparseTypes.size === 0 ? {} : { sparseTypes }),
  };
  message.remember({ kind: 'graph', part: graph });
  return graph;
}

function readNode(wire: WireReader, range: ByteRange, depth: number): Node {
  const message = readMessage(wire, 'node', range);
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Attribute[] = [];
  let name = '';
  let opType = '';
  let domain = '';
  let overload = '';
  for (const field of message.fields) {
    if (field.number === 1) inputs.push(wire.text(field));
    else if (field.number === 2) outputs.push(wire.text(field));
    else if (field.number === 3) name = wire.text(field);
    else if (field.number === 4) opType = wire.text(field);
    else if (field.number === 5) attributes.push(readAttribute(wire, field.payload, depth));
    else if (field.number === 7) domain = plainDomain(wire.text(field));
    else if (field.number === 8) overload = wire.text(field);
  }
  // Exact copies: a list that has grown keeps room for more, which for 100,000 nodes is most of what they weigh.
  const node: Node = {
    name,
    opType,
    domain,
    overload,
    inputs: inputs.slice(),
    outputs: outputs.slice(),
    attributes: attributes.slice(),
    message,
  };
  message.remember({ kind: 'node', part: node });
  return node;
}

export function readFunction(wire: WireReader, range: ByteRange): LocalFunction {
  const message = readMessage(wire, 'function', range);
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: string[] = [];
  const attributeDefaults: Attribute[] = [];
  const nodes: Node[] = [];
  const opsets = new Map<string, number>();
  let name = '';
  let domain = '';
  let overload = '';
  for (const field of message.fields) {
    if (field.number === 1) name = wire.text(field);
    else if (field.number === 4) inputs.push(wire.text(field));
    else if (field.number === 5) outputs.push(wire.text(field));
    else if (field.number === 6) attributes.push(wire.text(field));
    else if (field.number === 7) nodes.push(readNode(wire, field.payload, 0));
    else if (field.number === 9) readOpset(wire, field.payload, opsets);
    else if (field.number === 10) domain = plainDomain(wire.text(field));
    else if (field.number === 11) attributeDefaults.push(readAttribute(wire, field.payload, 0));
    else if (field.number === 13) overload = wire.text(field);
  }
  const local: LocalFunction = {
    name,
    domain,
    overload,
    inputs,
    outputs,
    attributes,
    attributeDefaults,
    nodes,
    opsets,
    message,
  };
  message.remember({ kind: 'function', part: local });
  return local;
}
