/** What a family of gradient rules is checked on: small models as text (`conversion/graph-text`). */

export interface GradientCase {
  /** The operator in the table, `Name` or `domain.Name`. */
  readonly operator: string;
  /**
   * Gradients are checked with respect to every floating `input`; write weights as inputs to have theirs checked. Outputs may
   * be declared without a shape: `output y: float`.
   */
  readonly text: string;
  readonly opset?: number;
  /** Where the values of an input lie; -1 to 1 if left out. All its elements differ, so that kinks and ties are not met. */
  readonly ranges?: Readonly<Record<string, readonly [number, number]>>;
  /** The values themselves, repeated until the tensor is full; for integers and booleans, or where they matter. */
  readonly values?: Readonly<Record<string, readonly number[]>>;
  /** The model mixes types, so that it cannot be checked in FP64. */
  readonly isSingleOnly?: boolean;
  /** The step of the differences relative to the input's range; for FP32, where an operator bends sharply. */
  readonly step?: number;
  /** Inputs that have no derivative and are no part of the check. */
  readonly without?: readonly string[];
}
