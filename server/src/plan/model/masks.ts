/**
 * Constants that stand for infinity: attention masks (-3.4e38, -1e9), and bounds that are never reached. In a narrower
 * format they overflow on purpose, and become an infinity or the lowest number by what their readers do with
 * them. Reads elements a chunk at a time, whatever their number; knows no graph beyond the readers of one constant.
 */
import { roundTo, type RunFormat } from '../../formats/index.js';
import { SourceFault, type Model, type Tensor } from '../../onnx/index.js';
import { isConvertible } from './constant-types.js';
import { floatChunks } from './read-chunks.js';
import { modelScopes } from './scopes.js';
import type { ConstantCopy } from '../types.js';

/** How a constant that stands for infinity is stored in a format that cannot hold it. */
export type MaskStorage = 'infinite' | 'lowest';

/** Below every number that a network computes with, and the least of those that exporters write in masks. */
const MASK_FROM = 1e8;
/** FP32's largest number, or about that, written for "no bound" on either side. */
const NO_BOUND_FROM = Math.fround(3.4e38);

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
  const { nodes } = modelScopes(model);
  const readers = copy.readers.map(({ node }) => nodes[node]?.node.opType ?? '');
  const { hasBeyond, isMask } = contentOf(copy.value, model, format);
  if (readers.every((reader) => BOUNDS.has(reader))) return hasBeyond() ? 'infinite' : undefined;
  if (!isMask()) return undefined;
  return readers.some((reader) => MULTIPLYING.has(reader)) ? 'lowest' : 'infinite';
}

interface Content {
  readonly hasBeyond: () => boolean;
  readonly isMask: () => boolean;
}

/** Elements are read once for each tensor and format, and when somebody asks: plans change, constants never. */
const remembered = new WeakMap<Tensor, Map<RunFormat, Content>>();

function contentOf(tensor: Tensor, model: Model, format: RunFormat): Content {
  const byFormat = remembered.get(tensor) ?? new Map<RunFormat, Content>();
  remembered.set(tensor, byFormat);
  const known = byFormat.get(format);
  if (known !== undefined) return known;
  const content = {
    hasBeyond: once(() => hasValueBeyond(tensor, model, format)),
    isMask: once(() => holdsOnlyInfinity(tensor, model, format)),
  };
  byFormat.set(format, content);
  return content;
}

function once(find: () => boolean): () => boolean {
  let found: boolean | undefined;
  return () => (found ??= find());
}

/** Whether a finite value is beyond the format's range. */
function hasValueBeyond(tensor: Tensor, model: Model, format: RunFormat): boolean {
  for (const value of finiteValues(tensor, model)) if (overflows(format, value)) return true;
  return false;
}

/**
 * Whether the values beyond the format's range stand for infinity and are the only ones beside zero. Of the weights of a
 * network the first few tell that they are not.
 */
function holdsOnlyInfinity(tensor: Tensor, model: Model, format: RunFormat): boolean {
  let found: number | undefined;
  for (const value of finiteValues(tensor, model)) {
    if (value === 0 || value === found) continue;
    if (found !== undefined || !overflows(format, value) || !standsForInfinity(value)) return false;
    found = value;
  }
  return found !== undefined;
}

function standsForInfinity(value: number): boolean {
  return value <= -MASK_FROM || Math.abs(value) >= NO_BOUND_FROM;
}

function overflows(format: RunFormat, value: number): boolean {
  return !Number.isFinite(roundTo(format, value));
}

/** In order; none of a tensor that is not of floating point, and no more where it cannot be read. */
function* finiteValues(tensor: Tensor, model: Model): Generator<number, void> {
  if (!isConvertible(tensor.dataType)) return;
  try {
    for (const chunk of floatChunks(tensor, model)) {
      for (const value of chunk) if (Number.isFinite(value)) yield value;
    }
  } catch (error) {
    // Whoever stores the constant says what is wrong with it.
    if (!(error instanceof SourceFault)) throw error;
  }
}
