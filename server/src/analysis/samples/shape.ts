/** Whether the shape of a sample is one that the model's input takes; symbolic dimensions take their value from it. */
import type { Shape } from '../../onnx/index.js';

/** As people write it: `[1, N, ?]`. */
export function describeShape(shape: Shape): string {
  return `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

/**
 * Why `dims` do not fit `shape`, or undefined where they do. Symbolic dimensions that `symbols` does not know are
 * entered there, so that all inputs of a sample agree on them.
 */
export function bindShape(
  shape: Shape | undefined,
  dims: readonly number[],
  symbols: Map<string, number>,
): string | undefined {
  if (shape === undefined) return undefined;
  const wanted = `the input is ${describeShape(shape)}`;
  if (shape.length !== dims.length) {
    const [first, ...others] = shape;
    const lacksBatch =
      (first === 1 || typeof first === 'string') && bindShape(others, dims, new Map(symbols)) === undefined;
    return lacksBatch ? `${wanted}: save it with a first axis of 1` : wanted;
  }
  for (const [axis, dim] of shape.entries()) {
    const length = dims[axis] ?? 0;
    if (typeof dim === 'number' && dim !== length) return wanted;
    if (typeof dim === 'string') {
      const known = symbols.get(dim);
      if (known !== undefined && known !== length) return `${wanted}, and ${dim} is ${known} in this sample`;
    }
  }
  for (const [axis, dim] of shape.entries()) {
    if (typeof dim === 'string') symbols.set(dim, dims[axis] ?? 0);
  }
  return undefined;
}

export interface ConcreteShape {
  readonly dims: readonly number[];
  /** Dimensions that nothing binds, as a `dim` statement would name them; each is 1 in `dims`. */
  readonly unbound: readonly string[];
}

/** The dims of a sample that is made up: bound dimensions, and 1 for those that nothing binds. */
export function concreteShape(
  input: string,
  shape: Shape | undefined,
  symbols: ReadonlyMap<string, number>,
): ConcreteShape {
  const unbound: string[] = [];
  const dims = (shape ?? []).map((dim, axis) => {
    const length = typeof dim === 'string' ? symbols.get(dim) : dim;
    if (length === undefined) unbound.push(typeof dim === 'string' ? dim : `"${input}"[${axis}]`);
    return length ?? 1;
  });
  return { dims, unbound };
}
