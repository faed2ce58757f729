/**
 * Plans and models of any size for benchmarks, with the names that exporters write. Deterministic: two runs measure the
 * same work.
 */
import {
  DataType,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Node,
  type Tensor,
} from '../../../server/src/onnx/index.js';
import { graphBytes } from '../../../server/src/onnx/testing/index.js';

/** The name of a layer of both models. */
export function nameOf(layer: number): string {
  return `/encoder/block.${Math.floor(layer / 20)}/layer.${layer % 20}/Op_${layer}`;
}

/** The operators of `chainModel`, one after the other. */
export const CHAIN_OPERATORS = ['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Softmax'];

/** A chain of so many layers without weights. */
export function chainModel(layers: number): Uint8Array {
  const nodes = Array.from({ length: layers }, (_, layer) =>
    nodeAt(layer, CHAIN_OPERATORS[layer % CHAIN_OPERATORS.length] ?? 'Relu', []),
  );
  return encodeChain(nodes, [], 64);
}

const WIDTH = 16;

/** A chain of so many layers, in turns `MatMul` and `Add` with weights of their own and `Relu`: quick to run, and it runs. */
export function weightedModel(layers: number): Uint8Array {
  const initializers: Tensor[] = [];
  // Small differences between weights, and sums near one: the numbers neither vanish nor grow on their way.
  let state = 1;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const weight = (layer: number, dims: readonly number[], typical: number): string => {
    const count = dims.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length: count }, () => typical * (0.9 + 0.2 * random()));
    initializers.push(makeTensor(`w${layer}`, DataType.FLOAT, dims, new Uint8Array(values.buffer)));
    return `w${layer}`;
  };
  const nodes = Array.from({ length: layers }, (_, layer) => {
    switch (layer % 3) {
      case 0:
        return nodeAt(layer, 'MatMul', [weight(layer, [WIDTH, WIDTH], 1 / WIDTH)]);
      case 1:
        return nodeAt(layer, 'Add', [weight(layer, [WIDTH], 1e-3)]);
      default:
        return nodeAt(layer, 'Relu', []);
    }
  });
  return encodeChain(nodes, initializers, WIDTH);
}

function nodeAt(layer: number, opType: string, weights: readonly string[]): Node {
  const data = layer === 0 ? 'x' : `t${layer - 1}`;
  return makeNode({ opType, name: nameOf(layer), inputs: [data, ...weights], outputs: [`t${layer}`] });
}

function encodeChain(nodes: readonly Node[], initializers: readonly Tensor[], width: number): Uint8Array {
  const type = makeTensorType(DataType.FLOAT, [1, width]);
  const graph = makeGraph({
    name: 'chain',
    nodes,
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo(`t${nodes.length - 1}`, type)],
    initializers,
  });
  return graphBytes(graph);
}

export interface PlanOptions {
  readonly statements: number;
  /** How many layers the model has. */
  readonly layers: number;
  /** Operators that the model has. */
  readonly operators: readonly string[];
  /** Names layers that are not there. */
  readonly wrong?: boolean;
  /** Statements at the top, without line breaks. */
  readonly head?: readonly string[];
}

/** A plan for `m.onnx`: nearly all statements name a layer; the rest are patterns and operators. */
export function planText({ statements, layers, operators, wrong = false, head = [] }: PlanOptions): string {
  const lines = ['model "m.onnx"', 'input "x" = zeros', ...head, 'default: fp16'];
  const blocks = Math.ceil(layers / 20);
  for (let index = 0; index < statements; index += 1) {
    const format = index % 3 === 0 ? 'fp32' : 'fp16';
    if (index % 100 === 99) {
      lines.push(`layers "/encoder/block.${index % blocks}/**": ${format}`);
    } else if (index % 1000 === 500) {
      lines.push(`op ${operators[index % operators.length] ?? 'Relu'}: ${format}`);
    } else {
      lines.push(`layer "${nameOf((index * 7) % layers)}${wrong ? 'x' : ''}": ${format}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
