/** Which node of the original a node of its converted model is. Knows two graphs; no kernel and no time. */
import type { Model, Node } from '../../onnx/index.js';

/** What conversion may replace: these are told by what they write, everything else by its order. */
const ADDED: ReadonlySet<string> = new Set(['Cast', 'Constant', 'Identity']);

/**
 * By node index of `converted`: the node index in `original`; nodes that conversion added are not in it. Conversion keeps the
 * order of the nodes; a model that was changed in other ways is matched by the names of what its nodes write.
 */
export function correspondingNodes(original: Model, converted: Model): ReadonlyMap<number, number> {
  // A node keeps its name, and what is added has a name that nothing had.
  const names = new Set(original.graph.nodes.map(({ name }) => name));
  const isOld = ({ name }: Node): boolean => name === '' || names.has(name);
  const before = computing(original);
  const after = computing(converted).filter(({ node }) => isOld(node));
  const isKept =
    before.length === after.length &&
    before.every(({ node }, index) => node.opType === after[index]?.node.opType);
  const found = new Map<number, number>();
  const byOutput = new Map(
    original.graph.nodes.flatMap((node, at) =>
      node.outputs.map((name): [string, Place] => [name, { node, at }]),
    ),
  );
  converted.graph.nodes.forEach((node, at) => {
    const same = node.outputs.map((name) => (name === '' ? undefined : byOutput.get(name))).find(Boolean);
    const isSameKind = same !== undefined && (same.node.opType === node.opType || node.opType === 'Identity');
    if (isSameKind && (ADDED.has(node.opType) || isOld(node))) found.set(at, same.at);
  });
  if (!isKept) return found;
  after.forEach(({ at }, index) => {
    const place = before[index];
    if (place !== undefined) found.set(at, place.at);
  });
  return found;
}

interface Place {
  readonly node: Node;
  readonly at: number;
}

function computing(model: Model): readonly Place[] {
  return model.graph.nodes.map((node, at) => ({ node, at })).filter(({ node }) => !ADDED.has(node.opType));
}
