/** Shapes of attention over queries, keys and values that are projected already: the standard's, and ONNX Runtime's. */
import { intAttribute } from '../attributes.js';
import type { Dimension, Node, Shape } from '../model.js';
import { addDimensions } from './dimension.js';
import type { ShapeRule } from './rule.js';

/** Queries, keys and values by batch, head, place and feature, however they are laid out. */
export interface Heads {
  readonly batch: Dimension;
  readonly heads: Dimension;
  readonly length: Dimension;
  readonly size: Dimension;
}

/** Of `[batch, heads, length, size]`, or of `[batch, length, heads * size]` with the number of heads in an attribute. */
export function headsOf(shape: Shape | undefined, heads: number | undefined): Heads | undefined {
  if (shape?.length === 4) {
    return { batch: shape[0], heads: shape[1], length: shape[2], size: shape[3] };
  }
  if (shape?.length !== 3 || heads === undefined || heads <= 0) return undefined;
  const [batch, length, all] = shape;
  return { batch, heads, length, size: typeof all === 'number' ? all / heads : undefined };
}

/** The heads of keys and values, of which several heads of queries may share one. */
export function keyHeads(node: Node): number | undefined {
  return intAttribute(node, 'kv_num_heads') ?? intAttribute(node, 'num_heads');
}

export function queryHeads(node: Node): number | undefined {
  return intAttribute(node, 'q_num_heads') ?? intAttribute(node, 'num_heads');
}

/** Y as Q with the features of V; then keys and values, those of before in front. The products are left unknown. */
const standardAttention: ShapeRule = ({ node, shape, has }) => {
  const query = headsOf(shape(0), queryHeads(node));
  const key = headsOf(shape(1), keyHeads(node));
  const value = headsOf(shape(2), keyHeads(node));
  if (query === undefined || key === undefined || value === undefined) return [];
  const packed = typeof query.heads === 'number' && typeof value.size === 'number';
  const flat = [query.batch, query.length, packed ? query.heads * value.size : undefined];
  const output = shape(0)?.length === 3 ? flat : [query.batch, query.heads, query.length, value.size];
  const cached = (now: Heads, past: number): Shape => {
    const before = has(past) ? shape(past)?.[2] : 0;
    return [now.batch, now.heads, addDimensions(now.length, before), now.size];
  };
  return [output, cached(key, 4), cached(value, 5)];
};

/** As the queries, where keys are given by themselves; packed ones lie in one with them. Caches are left unknown. */
const groupQueryAttention: ShapeRule = ({ node, shape, has }) => {
  const query = shape(0);
  if (query?.length !== 3) return [];
  const [heads, keys] = [queryHeads(node), keyHeads(node)];
  if (has(1) || heads === undefined || keys === undefined) return [query];
  const all = query[2];
  const size = typeof all === 'number' ? all / (heads + 2 * keys) : undefined;
  return [[query[0], query[1], size === undefined ? undefined : heads * size]];
};

export const standardAttentionRules = [['Attention', standardAttention]] as const;

export const contributedAttentionRules = [
  ['GroupQueryAttention', groupQueryAttention],
  ['SparseAttention', groupQueryAttention],
] as const;
