/**
 * The products of gradients and local errors, as nodes behind a backward graph: for each error its product with each probe's
 * gradient, the expected square of that, and its norm. In few nodes, since to make a session costs more with each, and in few
 * passes over the gradients, which are the largest tensors of all. Knows tensors by name; which event they belong to is a
 * number to it.
 */
import type { AtomWriter } from './atom-writer.js';
import { intAttributeOf } from './atom-writer.js';

/** What a number of the result is. */
export type SketchFigure =
  /** K numbers: g . atom. */
  | 'dots'
  /** K numbers: the sum of g^2 atom^2. */
  | 'diagonals'
  /** |atom|^2 */
  | 'atoms'
  /** The squared norm of what the atom is an error of. */
  | 'exact'
  /** The squared norm of the change of a weight event's constants. */
  | 'constants'
  /** The squared norm of gradients: of the output of an output event, of the constants of a weight event. */
  | 'curvature';

/** What stands in the result, one piece behind the other: it is added to that figure of each of the columns. */
export interface SketchPiece {
  readonly figure: SketchFigure;
  readonly columns: readonly number[];
}

/** A gradient and the error that it is multiplied by. */
export interface Pair {
  readonly gradient: string;
  readonly atom: string;
  /** What the error is an error of. */
  readonly of: string;
  /** Whether it is to be expected that its elements are independent of each other: otherwise nobody asks for `diagonals`. */
  readonly isIndependent: boolean;
}

/** What is multiplied by one gradient. */
interface Site {
  readonly gradient: string;
  readonly elements: number;
  /** By name of the error: the columns that take the products. */
  readonly atoms: Map<string, number[]>;
  /** The names of errors whose expected squares are asked for. */
  readonly independent: Set<string>;
  /** By name of the tensor that the errors are of. */
  readonly exact: Map<string, number[]>;
}

/**
 * Errors of so few elements are multiplied together, which takes fewer nodes; larger ones one at a time: a runtime reads a
 * matrix times a vector as it lies in memory, and would copy it for a matrix times a matrix.
 */
const STACKED_ELEMENTS = 16384;
/** Gemm broadcasts what it adds from 7 on, and need add nothing from 11 on. */
const GEMM_BROADCASTS = 7;
const GEMM_ALONE = 11;

export class ProductWriter {
  private readonly sites = new Map<string, Site>();
  private readonly others: { readonly piece: SketchPiece; readonly tensor: string }[] = [];
  private readonly pieces: SketchPiece[] = [];
  private readonly parts: string[] = [];

  /** @param elementsOf how many elements a tensor of the model has in the run */
  constructor(
    private readonly writer: AtomWriter,
    private readonly probes: number,
    private readonly elementsOf: (tensor: string) => number,
  ) {}

  /** Adds the products of a pair to a column. */
  add(column: number, { gradient, atom, of, isIndependent }: Pair): void {
    let site = this.sites.get(gradient);
    if (site === undefined) {
      site = {
        gradient,
        elements: this.elementsOf(of),
        atoms: new Map(),
        independent: new Set(),
        exact: new Map(),
      };
      this.sites.set(gradient, site);
    }
    append(site.atoms, atom, column);
    if (isIndependent) site.independent.add(atom);
    append(site.exact, of, column);
  }

  /** Adds the squared norm of a tensor to a figure of a column. */
  addNorm(figure: SketchFigure, column: number, tensor: string): void {
    this.others.push({ piece: { figure, columns: [column] }, tensor });
  }

  /**
   * One column of all figures, in the order of the pieces; undefined where there are none. Sites stand in the order in which
   * they were added to: a runtime that runs nodes as their results are asked for frees a gradient before it makes the next.
   */
  result(): { readonly name: string; readonly pieces: readonly SketchPiece[] } | undefined {
    for (const site of this.sites.values()) this.addSite(site);
    for (const { piece, tensor } of this.others) this.push(piece, this.normOf(tensor));
    if (this.parts.length === 0) return undefined;
    return { name: this.writer.concat(this.parts, 0), pieces: this.pieces };
  }

  private addSite({ gradient, elements, atoms, independent, exact }: Site): void {
    const { writer } = this;
    const rows = writer.reshape(gradient, [this.probes, -1]);
    const squares = independent.size > 0 ? writer.op('Mul', [rows, rows]) : undefined;
    // Scalars cannot be joined.
    const isSmall = elements > 1 && elements < STACKED_ELEMENTS;
    if (isSmall && squares !== undefined && atoms.size > 1 && writer.opset >= GEMM_BROADCASTS) {
      this.addStacked(rows, squares, atoms, exact);
      return;
    }
    for (const [atom, columns] of atoms) {
      this.addSingle(rows, independent.has(atom) ? squares : undefined, atom, columns);
    }
    for (const [of, columns] of exact) this.push({ figure: 'exact', columns }, this.normOf(of));
  }

  /** @param squares of the rows, where the expected squares are asked for. */
  private addSingle(
    rows: string,
    squares: string | undefined,
    atom: string,
    columns: readonly number[],
  ): void {
    const { writer } = this;
    const error = writer.reshape(atom, [-1, 1]);
    this.push({ figure: 'dots', columns }, writer.op('MatMul', [rows, error]));
    if (squares === undefined) {
      // Without axes the operator sums over all of them, at every opset.
      this.push({ figure: 'atoms', columns }, writer.op('ReduceSumSquare', [error]));
      return;
    }
    const errorSquares = writer.op('Mul', [error, error]);
    this.push({ figure: 'diagonals', columns }, writer.op('MatMul', [squares, errorSquares]));
    this.push({ figure: 'atoms', columns }, writer.op('ReduceSum', [errorSquares]));
  }

  /** Also multiplies what the errors are of, since it comes with them: of that, the norm alone is asked for. */
  private addStacked(
    rows: string,
    squares: string,
    atoms: ReadonlyMap<string, readonly number[]>,
    exact: ReadonlyMap<string, readonly number[]>,
  ): void {
    const { writer } = this;
    const tensors = [...atoms.keys(), ...exact.keys()];
    const stacked = writer.reshape(writer.concat(tensors, 0), [tensors.length, -1]);
    const stackedSquares = writer.op('Mul', [stacked, stacked]);
    const figures = [
      this.timesTransposed(stacked, rows),
      this.timesTransposed(stackedSquares, squares),
      writer.sumOfRows(stackedSquares),
    ];
    this.parts.push(writer.reshape(writer.concat(figures, 1), [-1, 1]));
    for (const columns of atoms.values()) {
      for (const figure of ['dots', 'diagonals', 'atoms'] as const) this.pieces.push({ figure, columns });
    }
    for (const columns of exact.values()) {
      for (const figure of ['dots', 'diagonals'] as const) this.pieces.push({ figure, columns: [] });
      this.pieces.push({ figure: 'exact', columns });
    }
  }

  /** a b' */
  private timesTransposed(a: string, b: string): string {
    const { writer } = this;
    const addend = writer.opset < GEMM_ALONE ? [writer.zero()] : [];
    return writer.op('Gemm', [a, b, ...addend], [intAttributeOf('transB', 1)]);
  }

  /** The sum of squares, [1, 1]. */
  private normOf(tensor: string): string {
    const sum = this.writer.op('ReduceSumSquare', [tensor], [intAttributeOf('keepdims', 0)]);
    return this.writer.reshape(sum, [1, 1]);
  }

  private push(piece: SketchPiece, part: string): void {
    this.pieces.push(piece);
    this.parts.push(part);
  }
}

function append(to: Map<string, number[]>, key: string, column: number): void {
  const columns = to.get(key);
  if (columns === undefined) to.set(key, [column]);
  else columns.push(column);
}
