/**
 * Scaled dot-product attention of heads and its gradient: y = softmax(scale q k' + bias) v, with the softmax over keys. Knows no
 * operator: how a node's inputs become heads is the rules' own.
 */
import type { Emitter } from './emitter.js';

/** B batches, N heads, S queries, T keys, H elements of a query and a key, V of a value. */
export interface HeadSizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly size: number;
  readonly valueSize: number;
}

export interface Heads {
  readonly sizes: HeadSizes;
  /** [B, N, S, H] */
  readonly query: string;
  /** [B, N, T, H] */
  readonly key: string;
  /** [B, N, T, V] */
  readonly value: string;
  readonly scale: number;
  /** Tensors that broadcast to [B, N, S, T] and are added before the softmax. */
  readonly biases: readonly string[];
  /** The logits are c tanh(logits / c) before biases are added; 0 for no such bound. */
  readonly softcap: number;
}

export interface HeadGradients {
  /** [K, B, N, S, H] */
  readonly query: string;
  /** [K, B, N, T, H] */
  readonly key: string;
  /** [K, B, N, T, V] */
  readonly value: string;
  /** [K, B, N, S, T], of what is added to the logits. */
  readonly bias: string;
}

/** @param gradient of y, [K, B, N, S, V]. */
export function headGradients(emit: Emitter, heads: Heads, gradient: string): HeadGradients {
  const { query, key, value } = heads;
  const swapped = (x: string) => emit.transpose(x, [0, 1, 3, 2]);
  const products = emit.scale(emit.matMul(query, swapped(key)), heads.scale);
  const bound = heads.softcap === 0 ? undefined : emit.op('Tanh', [emit.scale(products, 1 / heads.softcap)]);
  const logits = heads.biases.reduce(
    (sum, bias) => emit.add(sum, bias),
    bound === undefined ? products : emit.scale(bound, heads.softcap),
  );
  const probabilities = softmaxOverKeys(emit, logits, heads.sizes);
  const ofProbabilities = emit.matMul(gradient, swapped(value));
  const mean = emit.reduceSum(emit.mul(ofProbabilities, probabilities), [4], true);
  const ofLogits = emit.mul(probabilities, emit.sub(ofProbabilities, mean));
  const slope = bound === undefined ? undefined : emit.sub(emit.scalar(1), emit.square(bound));
  const scaled = emit.scale(slope === undefined ? ofLogits : emit.mul(ofLogits, slope), heads.scale);
  return {
    query: emit.matMul(scaled, key),
    key: emit.matMul(emit.transpose(scaled, [0, 1, 2, 4, 3]), query),
    value: emit.matMul(swapped(probabilities), gradient),
    bias: ofLogits,
  };
}

/** The last axis, which is the same in all versions of Softmax only where it is that of a matrix. */
function softmaxOverKeys(emit: Emitter, logits: string, sizes: HeadSizes): string {
  const { batch, heads, queries, keys } = sizes;
  const rows = emit.reshape(logits, [batch * heads * queries, keys]);
  return emit.reshape(emit.op('Softmax', [rows], { axis: 1 }), [batch, heads, queries, keys]);
}

/** [..., length, heads x size] -> [..., heads, length, size] for a tensor with `leading` axes before. */
export function splitHeads(
  emit: Emitter,
  x: string,
  leading: readonly number[],
  length: number,
  heads: number,
  size: number,
): string {
  return swapMiddle(emit, emit.reshape(x, [...leading, length, heads, size]), leading.length);
}

/** [..., heads, length, size] -> [..., length, heads x size] */
export function joinHeads(
  emit: Emitter,
  x: string,
  leading: readonly number[],
  length: number,
  heads: number,
  size: number,
): string {
  return emit.reshape(swapMiddle(emit, x, leading.length), [...leading, length, heads * size]);
}

function swapMiddle(emit: Emitter, x: string, leading: number): string {
  const before = Array.from({ length: leading }, (_, axis) => axis);
  return emit.transpose(x, [...before, leading + 1, leading, leading + 2]);
}
