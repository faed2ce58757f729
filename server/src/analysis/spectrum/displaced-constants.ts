/**
 * A model some of whose constants are moved by a step in directions that are fed, wherever they are read, so that gradients can be
 * taken at the place that they are moved to. Knows graphs; runs nothing.
 */
import {
  capturedNames,
  DataType,
  makeNode,
  makeTensorType,
  makeValueInfo,
  withNode,
  type Model,
  type Node,
  type Tensor,
  type ValueInfo,
} from '../../onnx/index.js';
import { freeNames } from '../../plan/index.js';

export interface DisplacedConstant {
  readonly dims: readonly number[];
  /** The name of what is read instead. */
  readonly moved: string;
  /** The input that takes its direction, of the same dims. */
  readonly direction: string;
}

export interface DisplacedConstants {
  readonly model: Model;
  /** By constant. */
  readonly places: readonly DisplacedConstant[];
  /** The input that takes the length of the step, a scalar. */
  readonly step: string;
  /** Of what is new in the graph. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/** Undefined where a sub-graph reads one of the constants, too: there it would stay where it was. */
export function displacedConstants(
  model: Model,
  constants: readonly Tensor[],
): DisplacedConstants | undefined {
  const { graph } = model;
  const takeName = freeNames(model);
  const step = takeName('curvature_step');
  const shapes = new Map<string, readonly number[]>([[step, []]]);
  const inputs: ValueInfo[] = [makeValueInfo(step, makeTensorType(DataType.FLOAT, []))];
  const before: Node[] = [];
  const movedOf = new Map<string, string>();
  const places = constants.map(({ name, dims }): DisplacedConstant => {
    const [direction, shift, moved] = [
      takeName('curvature_direction'),
      takeName('curvature_shift'),
      takeName('curvature_moved'),
    ];
    for (const own of [direction, shift, moved]) shapes.set(own, dims);
    inputs.push(makeValueInfo(direction, makeTensorType(DataType.FLOAT, dims)));
    before.push(
      makeNode({ opType: 'Mul', inputs: [direction, step], outputs: [shift] }),
      makeNode({ opType: 'Add', inputs: [name, shift], outputs: [moved] }),
    );
    movedOf.set(name, moved);
    return { dims, moved, direction };
  });
  if (graph.nodes.some((node) => capturedNames(node).some((name) => movedOf.has(name)))) return undefined;
  const nodes = graph.nodes.map((node) =>
    node.inputs.some((name) => movedOf.has(name))
      ? withNode(node, { inputs: node.inputs.map((name) => movedOf.get(name) ?? name) })
      : node,
  );
  const displaced = {
    ...model,
    graph: { ...graph, nodes: [...before, ...nodes], inputs: [...graph.inputs, ...inputs] },
  };
  return { model: displaced, places, step, shapes };
}
