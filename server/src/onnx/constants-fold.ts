/** The values that folding works on, and how their elements are counted. Rules are in constants.ts. */
import type { DataType, Dimension, Node, Shape, Tensor } from './model.js';

/** A small tensor of which each element is a number (booleans: 0 and 1), a symbolic dimension, or unknown. */
export interface PartialTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly elements: readonly Dimension[];
}

export interface FoldContext {
  readonly node: Node;
  /** The version of the node's domain. */
  readonly opset: number;
  /** Which output is asked for, and its shape. */
  readonly output: number;
  readonly dims: readonly number[];
  readonly has: (input: number) => boolean;
  readonly value: (input: number) => PartialTensor | undefined;
  readonly shape: (input: number) => Shape | undefined;
  readonly outputShape: (output: number) => Shape | undefined;
  /** Elements of a tensor attribute. */
  readonly attributeTensor: (tensor: Tensor) => PartialTensor | undefined;
}

/** Must not throw; undefined where nothing is known. */
export type Fold = (context: FoldContext) => PartialTensor | undefined;

/** What shapes are computed from is far smaller; weights are far larger. */
export const MOST_FOLDED_ELEMENTS = 1024;

/** The position of a flat index in C order. */
export function positionOf(index: number, dims: readonly number[]): readonly number[] {
  const position = Array.from({ length: dims.length }, () => 0);
  let rest = index;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const length = dims[axis] ?? 1;
    position[axis] = rest % length;
    rest = Math.floor(rest / length);
  }
  return position;
}

/** The flat index of a position, aligned at the last axis and broadcast where `dims` has a 1. */
export function flatIndex(position: readonly number[], dims: readonly number[]): number {
  let index = 0;
  const offset = position.length - dims.length;
  for (let axis = 0; axis < dims.length; axis++) {
    const length = dims[axis] ?? 1;
    index = index * length + (length === 1 ? 0 : (position[axis + offset] ?? 0));
  }
  return index;
}
