/**
 * Nodes that draw random numbers, given a seed where they have none: in variants, so that two runs of one give the same, and the
 * original draws what a plan's model does. Knows operators; nothing else of a graph is changed.
 */
import { makeAttribute, withNode } from './make.js';
import type { Attribute, Node } from './model.js';

/** Operators of the ONNX domain whose output is drawn anew on each run. */
const RANDOM: ReadonlySet<string> = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/** Whether two runs of the node on the same input may differ, and nothing that it makes is a constant. */
export function drawsRandomNumbers(node: Node): boolean {
  return node.domain === '' && RANDOM.has(node.opType);
}

/** One that can train drops at random. */
function dropsAtRandom({ domain, opType, inputs }: Node): boolean {
  return domain === '' && opType === 'Dropout' && (inputs[2] ?? '') !== '';
}

/**
 * The nodes, those in their sub-graphs too, each with a seed that is its own: by its name, which all variants of a model have in
 * common, or by how many of those without a name come before it. Nodes that have a seed keep it.
 */
export function seeded(nodes: readonly Node[]): readonly Node[] {
  let unnamed = 0;
  const seedOf = ({ name }: Node): number => (name === '' ? ++unnamed : LARGEST_COUNT + hashOf(name));
  const ofNode = (node: Node): Node => {
    const draws = drawsRandomNumbers(node) || dropsAtRandom(node);
    if (draws && !node.attributes.some(({ name }) => name === 'seed')) {
      // A whole number for Dropout, an FP32 one for all others: what has another kind is refused.
      const kind = dropsAtRandom(node) ? 'int' : 'float';
      const seed = makeAttribute('seed', { kind, value: seedOf(node) });
      return withNode(node, { attributes: [...node.attributes, seed] });
    }
    if (!node.attributes.some(({ kind }) => kind === 'graph')) return node;
    const attributes = sameOr(node.attributes, node.attributes.map(ofAttribute));
    return attributes === node.attributes ? node : withNode(node, { attributes });
  };
  const ofAttribute = (attribute: Attribute): Attribute => {
    if (attribute.kind !== 'graph') return attribute;
    const inner = sameOr(attribute.value.nodes, attribute.value.nodes.map(ofNode));
    return inner === attribute.value.nodes
      ? attribute
      : { ...attribute, value: { ...attribute.value, nodes: inner } };
  };
  return sameOr(nodes, nodes.map(ofNode));
}

/** Most seeds are FP32 numbers: whole ones up to 2^24 are told apart. */
const LARGEST_COUNT = 2 ** 20;

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) >>> 0;
  return hash % 2 ** 23;
}

function sameOr<T>(before: readonly T[], after: readonly T[]): readonly T[] {
  return after.every((one, at) => one === before[at]) ? before : after;
}
