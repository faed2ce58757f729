/**
 * Constants that stand for infinity: attention masks (-3.4e38, -1e9), and bounds that are never reached. In a narrower
 * format they overflow on purpose, and become an infinity or the lowest number by what their readers do with
 * them. Reads elements; knows no graph beyond the readers of one constant.
 */
import { roundTo, type RunFormat } from '../formats/index.js';
import { elementCount, type Model } from '../onnx/index.js';
import { floatsOf } from './float-values.js';
import { modelScopes } from './scopes.js';
import type { ConstantCopy } from './types.js';

/** How a constant that stands for infinity is stored in a format that cannot hold it. */
export type MaskStorage = 'infinite' | 'lowest';

/** Below every number that a network computes with, and the least of those that exporters write in masks. */
const MASK_FROM = 1e8;
/** FP32's largest number, written for "no bound" on either side. */
const NO_BOUND_FROM = 3.4e38;
/** A mask of more elements is looked at by whoever reads the weights anyway, and never multiplied in practice. */
const MOST_ELEMENTS = 4096;

/** Operators whose result stays right when the operand becomes infinite. */
const BOUNDS: ReadonlySet<string> = new Set(['Clip', 'Max', 'Min']);
/** Operators in which zero times infinity, or infinity minus infinity over a sum, would make NaN. */
const MULTIPLYING: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'Div',
  'Einsum',
  'Gemm',
  'MatMul',
  'Mul',
  'Pow',
]);

/**
 * How the copy's values beyond the range are to be stored, if they stand for infinity: `infinite` where readers
 * add, compare or select, `lowest` (the most negative number) where they multiply. Undefined for anything else, also
 * for values that all fit the format that the copy is stored in.
 */
export function maskStorage(copy: ConstantCopy, model: Model, format: RunFormat): MaskStorage | undefined {
  if (elementCount(copy.value) > MOST_ELEMENTS) return undefined;
  const values = [...(floatsOf(copy.value, model) ?? [])];
  const beyond = values.filter((value) => Number.isFinite(value) && !Number.isFinite(roundTo(format, value)));
  if (beyond.length === 0) return undefined;
  const { nodes } = modelScopes(model);
  const readers = copy.readers.map(({ node }) => nodes[node]?.node.opType ?? '');
  if (readers.every((reader) => BOUNDS.has(reader))) return 'infinite';
  const others = values.filter((value) => value !== 0 && value !== beyond[0] && Number.isFinite(value));
  const isMask = beyond.every((value) => value <= -MASK_FROM || Math.abs(value) >= NO_BOUND_FROM);
  if (!isMask || others.length > 0) return undefined;
  return readers.some((reader) => MULTIPLYING.has(reader)) ? 'lowest' : 'infinite';
}
