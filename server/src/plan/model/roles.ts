/**
 * What each node of a model is: the one predicate of what counts as a layer, by dataflow. Rule 1 of the language
 * reference, "What a layer is". Knows no names, no decisions and no formats.
 */
import { isStep, type Model, type Node, type Steps } from '../../onnx/index.js';
import { areFloats } from './model-facts.js';
import { drawsRandomNumbers, isMovement, isShapeInput, tellsShape } from './movement.js';
import { oncePerModelInSteps } from './once-per-model.js';
import { holdsOthers, idIn, modelScopesSteps, type ModelScopes, type ScopedNode } from './scopes.js';
import { isPartOfRounding, isQuantizer } from './spelled-roundings.js';
import type { NodeRole } from '../types.js';

/** Where a tensor comes from: from constants alone, from shapes and constants alone, or from data. */
type Origin = 'constant' | 'shape' | 'data';

const found = oncePerModelInSteps(roleSteps);

/** The role of each node, by its number: those of the main graph, then those inside of them. */
export const nodeRoles = found.at;
export const nodeRolesSteps = found.steps;

function* roleSteps(model: Model): Steps<readonly NodeRole[]> {
  const scopes = yield* modelScopesSteps(model);
  const origins = yield* originSteps(scopes);
  const feedsShapes = yield* shapeFeedingSteps(scopes);
  const roleOf = (scoped: ScopedNode, at: number): NodeRole => {
    if (holdsOthers(scopes, scoped)) return 'container';
    if (origins[at] === 'constant') return 'constant';
    if (origins[at] === 'shape' || feedsShapes[at] === true) return 'shape';
    if (!givesFloats(scoped, scopes) || isQuantizer(scoped)) return 'integer';
    return isMovement(scoped.node) || isPartOfRounding(scopes, at) ? 'movement' : 'layer';
  };
  const roles: NodeRole[] = [];
  for (const [at, scoped] of scopes.nodes.entries()) {
    if (isStep(at)) yield;
    roles.push(roleOf(scoped, at));
  }
  return roles;
}

/** By node where its outputs come from. */
function* originSteps(scopes: ModelScopes): Steps<readonly Origin[]> {
  const tensors = new Map<string, Origin>();
  for (const scope of scopes.scopes) {
    const { initializers, sparseInitializers } = scope.graph;
    for (const name of [...initializers.map((tensor) => tensor.name), ...sparseInitializers]) {
      tensors.set(idIn(scope, name), 'constant');
    }
  }
  const origins: Origin[] = scopes.nodes.map(() => 'data');
  for (const [index, at] of scopes.order.entries()) {
    if (isStep(index)) yield;
    const scoped = scopes.nodes[at];
    if (scoped === undefined) continue;
    const origin = holdsOthers(scopes, scoped) ? 'data' : originOf(scoped, tensors);
    origins[at] = origin;
    for (const output of scoped.outputs) tensors.set(output, origin);
  }
  return origins;
}

function originOf({ node, inputs }: ScopedNode, tensors: ReadonlyMap<string, Origin>): Origin {
  if (drawsRandomNumbers(node)) return 'data';
  if (tellsShape(node)) return 'shape';
  let origin: Origin = 'constant';
  let reads = 0;
  for (const input of inputs) {
    if (input === '') continue;
    reads += 1;
    const from = tensors.get(input) ?? 'data';
    if (from === 'data') return 'data';
    if (from === 'shape') origin = 'shape';
  }
  // A node of an unknown operator that reads nothing may do anything.
  return reads > 0 || node.opType === 'Constant' ? origin : 'data';
}

/** By node whether all that it gives ends in shape inputs, and it gives something. */
function* shapeFeedingSteps(scopes: ModelScopes): Steps<readonly boolean[]> {
  const { nodes, tensors } = scopes;
  const feeds: boolean[] = nodes.map(() => false);
  for (const [index, at] of [...scopes.order].reverse().entries()) {
    if (isStep(index)) yield;
    const scoped = nodes[at];
    if (scoped === undefined || holdsOthers(scopes, scoped)) continue;
    let readers = 0;
    feeds[at] = scoped.outputs.every((output) => {
      const tensor = tensors.get(output);
      if (tensor === undefined) return true;
      if (tensor.isFixed) return false;
      return tensor.readers.every((reader) => {
        readers += 1;
        // What leaves a scope is data: there is no node behind its end.
        const by: Node | undefined = nodes[reader.node]?.node;
        return by !== undefined && (isShapeInput(by, reader.input) || feeds[reader.node] === true);
      });
    });
    if (readers === 0) feeds[at] = false;
  }
  return feeds;
}

/** Where no output's type is known the inputs stand in: an unknown operator on floats computes. */
function givesFloats({ inputs, outputs }: ScopedNode, { tensors }: ModelScopes): boolean {
  const typeOf = (id: string) => tensors.get(id)?.type;
  const known = outputs.filter((output) => typeOf(output) !== undefined);
  return (known.length > 0 ? known : inputs).some((id) => areFloats(typeOf(id)));
}
