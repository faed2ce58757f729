/**
 * A model in which some tensors are moved by a step in a direction that is fed: what the outputs do then is the other half of a
 * product with the Gauss-Newton Hessian. Knows graphs; runs nothing.
 */
import { exposedGraph } from '../../emulate/index.js';
import {
  DataType,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  variantSteps,
  withNode,
  type Model,
  type Node,
  type Steps,
  type Tensor,
  type ValueInfo,
  type Variant,
} from '../../onnx/index.js';
import { freeNames } from '../../plan/index.js';

/** A tensor that a node of the main graph writes, or one that it reads. */
export interface Place {
  readonly node: number;
  readonly side: 'input' | 'output';
  readonly index: number;
  readonly shape: readonly number[];
}

export interface DisplacedModel {
  readonly variant: Variant;
  /** By place: the input that takes its direction, [1, ...shape]. */
  readonly directions: readonly string[];
  /** The input that takes the length of the step, a scalar. */
  readonly step: string;
}

/** The model whose tensors at `places` are moved by step x direction. Its outputs are the model's. */
export function* displacedSteps(model: Model, places: readonly Place[]): Steps<DisplacedModel> {
  const parts = yield* exposedGraph(model, []);
  const takeName = freeNames(model);
  const step = takeName('spectrum_step');
  const inputs: ValueInfo[] = [makeValueInfo(step, makeTensorType(DataType.FLOAT, []))];
  const initializers: Tensor[] = [...parts.initializers];
  const directions: string[] = [];
  /** By node: what stands before it, in its place, and behind it. */
  const changed = new Map<Node, { before: Node[]; node: Node; behind: Node[] }>();
  for (const { node: at, side, index, shape } of places) {
    const original = model.graph.nodes[at];
    if (original === undefined) continue;
    const own = changed.get(original) ?? { before: [], node: original, behind: [] };
    changed.set(original, own);
    const direction = takeName('spectrum_direction');
    const [dims, shaped, moved] = [
      takeName('spectrum_dims'),
      takeName('spectrum_shaped'),
      takeName('spectrum_moved'),
    ];
    directions.push(direction);
    inputs.push(makeValueInfo(direction, makeTensorType(DataType.FLOAT, [1, ...shape])));
    const bytes = new Uint8Array(BigInt64Array.from(shape, BigInt).buffer);
    initializers.push(makeTensor(dims, DataType.INT64, [shape.length], bytes));
    const written = side === 'output' ? (own.node.outputs[index] ?? '') : takeName('spectrum_read');
    const exact = side === 'output' ? takeName('spectrum_exact') : (own.node.inputs[index] ?? '');
    const list = side === 'output' ? own.behind : own.before;
    list.push(
      makeNode({ opType: 'Reshape', inputs: [direction, dims], outputs: [shaped] }),
      makeNode({ opType: 'Mul', inputs: [shaped, step], outputs: [moved] }),
      makeNode({ opType: 'Add', inputs: [exact, moved], outputs: [written] }),
    );
    const replaced = (names: readonly string[], by: string): string[] =>
      names.map((name, place) => (place === index ? by : name));
    own.node =
      side === 'output'
        ? withNode(own.node, { outputs: replaced(own.node.outputs, exact) })
        : withNode(own.node, { inputs: replaced(own.node.inputs, written) });
  }
  const nodes = parts.nodes.flatMap((node) => {
    const own = changed.get(node);
    return own === undefined ? [node] : [...own.before, own.node, ...own.behind];
  });
  const variant = yield* variantSteps(model, {
    ...parts,
    nodes,
    initializers,
    inputs: [...parts.inputs, ...inputs],
  });
  return { variant, directions, step };
}
