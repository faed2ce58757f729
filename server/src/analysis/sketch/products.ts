/**
 * The products of gradients and local errors, as nodes behind a backward graph: for each error its product with each probe's
 * gradient, the expected square of that, and its norm. In few nodes, since to make a session costs more with each, and in few
 * passes over the gradients, which are the largest tensors of all. Knows tensors by name; which event they belong to is a
 * number to it.
 */
import type { FactoredGradient } from '../../gradients/index.js';
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
  | 'curvature'
  /** The same over the number of elements, times the squared norm of what rounding changes in them; tensor by tensor. */
  | 'weighed';

/** What is added to a figure of some columns. */
interface Target {
  readonly figure: SketchFigure;
  readonly columns: readonly number[];
  /** What it is multiplied by before; 1 if left out. */
  readonly factor?: number;
}

/** Where in the result it stands: its one number, or the first of K, of which each is so far from the one before. */
export interface SketchPiece extends Target {
  readonly from: number;
  readonly step: number;
}

/** A gradient and the error that it is multiplied by. */
export interface Pair {
  readonly gradient: FactoredGradient;
  readonly atom: string;
  /** What the error is an error of. */
  readonly of: string;
  /** Whether it is to be expected that its elements are independent of each other: otherwise nobody asks for `diagonals`. */
  readonly isIndependent: boolean;
}

/** An error, and what of its products with a gradient is asked for. */
interface SiteAtom {
  readonly atom: string;
  /** The error times this is multiplied by the gradient: one product instead of one for each probe. */
  readonly factor: string | undefined;
  readonly columns: number[];
  isIndependent: boolean;
}

/** What is multiplied by one gradient. */
interface Site {
  readonly gradient: string;
  readonly elements: number;
  /** By error and factor. */
  readonly atoms: Map<string, SiteAtom>;
  /** By name of the tensor that the errors are of. */
  readonly exact: Map<string, number[]>;
}

/**
 * Errors of so few elements are multiplied together, which takes fewer nodes; larger ones only where there are many: a runtime
 * reads a matrix times a vector as it lies in memory, and a matrix times a matrix copies the gradients, which takes as
 * long as four products with a vector.
 */
const STACKED_ELEMENTS = 16384;
const STACKED_ATOMS = 5;
/** Gemm broadcasts what it adds from 7 on, and need add nothing from 11 on. */
const GEMM_BROADCASTS = 7;
const GEMM_ALONE = 11;

export class ProductWriter {
  private readonly sites = new Map<string, Site>();
  private readonly others: { readonly piece: Target; readonly tensors: readonly string[] }[] = [];
  private readonly pieces: SketchPiece[] = [];
  private readonly parts: string[] = [];
  /** How many numbers there are in the parts. */
  private length = 0;

  /** @param elementsOf how many elements a tensor of the model has in the run */
  constructor(
    private readonly writer: AtomWriter,
    private readonly probes: number,
    private readonly elementsOf: (tensor: string) => number,
  ) {}

  /** Adds the products of a pair to a column. */
  add(column: number, { gradient: { gradient, factor }, atom, of, isIndependent }: Pair): void {
    let site = this.sites.get(gradient);
    if (site === undefined) {
      site = { gradient, elements: this.elementsOf(of), atoms: new Map(), exact: new Map() };
      this.sites.set(gradient, site);
    }
    const key = `${atom} ${factor ?? ''}`;
    const known = site.atoms.get(key);
    if (known === undefined) site.atoms.set(key, { atom, factor, columns: [column], isIndependent });
    else {
      known.columns.push(column);
      known.isIndependent ||= isIndependent;
    }
    append(site.exact, of, column);
  }

  /** Adds the squared norm of a tensor to a figure of a column. */
  addNorm(figure: SketchFigure, column: number, tensor: string): void {
    this.others.push({ piece: { figure, columns: [column] }, tensors: [tensor] });
  }

  /** Adds to `weighed`: by how much the error would move the outputs if its direction were one of chance. */
  addWeighed(column: number, gradient: string, error: string, elements: number): void {
    const piece = { figure: 'weighed', columns: [column], factor: 1 / elements } as const;
    this.others.push({ piece, tensors: [gradient, error] });
  }

  /**
   * One column of all figures; undefined where there are none. Sites stand in the order in which
   * they were added to: a runtime that runs nodes as their results are asked for frees a gradient before it makes the next.
   */
  result(): { readonly name: string; readonly pieces: readonly SketchPiece[] } | undefined {
    for (const site of this.sites.values()) this.addSite(site);
    for (const { piece, tensors } of this.others) {
      const norms = tensors.map((tensor) => this.normOf(tensor));
      this.push(piece, norms.length === 1 ? (norms[0] ?? '') : this.writer.op('Mul', norms));
    }
    if (this.parts.length === 0) return undefined;
    return { name: this.writer.concat(this.parts, 0), pieces: this.pieces };
  }

  private addSite({ gradient, elements, atoms: byKey, exact }: Site): void {
    const { writer } = this;
    const atoms = [...byKey.values()];
    const rows = writer.reshape(gradient, [this.probes, -1]);
    const isIndependent = atoms.some((atom) => atom.isIndependent);
    const squares = isIndependent ? writer.op('Mul', [rows, rows]) : undefined;
    const isSmall = elements < STACKED_ELEMENTS;
    // Scalars cannot be joined.
    const isStacked =
      squares !== undefined &&
      elements > 1 &&
      atoms.length > 1 &&
      (isSmall || atoms.length >= STACKED_ATOMS) &&
      writer.opset >= GEMM_BROADCASTS;
    const hasNorms = isStacked && isSmall;
    if (isStacked) {
      this.addStacked(rows, squares, atoms, hasNorms ? exact : undefined);
    } else {
      for (const atom of atoms) this.addSingle(rows, atom.isIndependent ? squares : undefined, atom);
    }
    const norms = isStacked ? atoms.filter(({ factor }) => !hasNorms || factor !== undefined) : [];
    this.addNorms(
      [
        ...norms.map(({ atom, columns }) => ({ figure: 'atoms', columns, tensor: atom }) as const),
        ...[...(hasNorms ? [] : exact)].map(
          ([tensor, columns]) => ({ figure: 'exact', columns, tensor }) as const,
        ),
      ],
      elements > 1,
    );
  }

  /** @param squares of the rows, where the expected squares are asked for. */
  private addSingle(rows: string, squares: string | undefined, { atom, factor, columns }: SiteAtom): void {
    const { writer } = this;
    const own = writer.reshape(this.pulled(atom, factor), [-1, 1]);
    this.push({ figure: 'dots', columns }, writer.op('MatMul', [rows, own]));
    const ownSquares = squares && writer.op('Mul', [own, own]);
    if (squares !== undefined && ownSquares !== undefined) {
      this.push({ figure: 'diagonals', columns }, writer.op('MatMul', [squares, ownSquares]));
    }
    // Without axes the operators sum over all of them, at every opset.
    const norm =
      factor !== undefined
        ? this.normOf(atom)
        : ownSquares === undefined
          ? writer.op('ReduceSumSquare', [own])
          : writer.op('ReduceSum', [ownSquares]);
    this.push({ figure: 'atoms', columns }, norm);
  }

  /** An error as it stands where the gradient is that of. */
  private pulled(atom: string, factor: string | undefined): string {
    return factor === undefined ? atom : this.writer.op('Mul', [atom, factor]);
  }

  /**
   * @param exact what the errors are of, if it is to be multiplied with them, since its norm comes with that at less than
   * a node; left out, no norm is given, not even those of errors.
   */
  private addStacked(
    rows: string,
    squares: string,
    atoms: readonly SiteAtom[],
    exact?: ReadonlyMap<string, readonly number[]>,
  ): void {
    const { writer } = this;
    const others = [...(exact ?? [])];
    const tensors = [
      ...atoms.map(({ atom, factor }) => this.pulled(atom, factor)),
      ...others.map(([tensor]) => tensor),
    ];
    const stacked = writer.reshape(writer.concat(tensors, 0), [tensors.length, -1]);
    const stackedSquares = writer.op('Mul', [stacked, stacked]);
    const [{ length: count }, { probes }] = [tensors, this];
    const from = this.length;
    // The second factor is copied by a runtime into the order in which it multiplies: so it is the larger one.
    const isTurned = probes < count;
    const figures = isTurned
      ? [this.timesTransposed(rows, stacked), this.timesTransposed(squares, stackedSquares)]
      : [this.timesTransposed(stacked, rows), this.timesTransposed(stackedSquares, squares)];
    this.parts.push(writer.reshape(writer.concat(figures, isTurned ? 0 : 1), [-1, 1]));
    this.length += 2 * count * probes;
    for (const [at, { columns }] of atoms.entries()) {
      const [start, next, step] = isTurned ? [at, count * probes, count] : [2 * at * probes, probes, 1];
      this.pieces.push({ figure: 'dots', columns, from: from + start, step });
      this.pieces.push({ figure: 'diagonals', columns, from: from + start + next, step });
    }
    if (exact === undefined) return;
    // The norm of what was pulled back is another.
    for (const [at, { columns, factor }] of atoms.entries()) {
      if (factor === undefined) {
        this.pieces.push({ figure: 'atoms', columns, from: this.length + at, step: 1 });
      }
    }
    for (const [at, [, columns]] of others.entries()) {
      this.pieces.push({ figure: 'exact', columns, from: this.length + atoms.length + at, step: 1 });
    }
    this.parts.push(writer.sumOfRows(stackedSquares));
    this.length += count;
  }

  /** The squared norms of tensors of one rank, joined where they are no scalars. */
  private addNorms(norms: readonly (Target & { readonly tensor: string })[], canBeJoined: boolean): void {
    const { writer } = this;
    if (norms.length < 2 || !canBeJoined) {
      for (const { tensor, ...piece } of norms) this.push(piece, this.normOf(tensor));
      return;
    }
    const sums = norms.map(({ tensor }) => writer.op('ReduceSumSquare', [tensor]));
    this.parts.push(writer.reshape(writer.concat(sums, 0), [-1, 1]));
    for (const { figure, columns } of norms) {
      this.pieces.push({ figure, columns, from: this.length, step: 1 });
      this.length += 1;
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

  private push(target: Target, part: string): void {
    this.pieces.push({ ...target, from: this.length, step: 1 });
    this.parts.push(part);
    this.length += target.figure === 'dots' || target.figure === 'diagonals' ? this.probes : 1;
  }
}

function append(to: Map<string, number[]>, key: string, column: number): void {
  const columns = to.get(key);
  if (columns === undefined) to.set(key, [column]);
  else columns.push(column);
}
