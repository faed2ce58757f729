/**
 * The products of gradients and local errors, as nodes behind a backward graph: for each error its product with each probe's
 * gradient, the expected square of that, and its norm. In few nodes, since to make a session costs more with each, and in few
 * passes over the gradients, which are the largest tensors of all. Knows tensors by name; which event they belong to is a
 * number to it.
 */
import type { FactoredGradient } from '../../gradients/index.js';
import { elementsOf } from '../sessions/session-tensors.js';
import type { AtomWriter } from './atom-writer.js';
import { intAttributeOf } from './atom-writer.js';
import { JoinedParts, type SketchFigure, type SketchPiece, type Target } from './joined-parts.js';

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
  /** Of each error: the gradient's without the axis of probes. */
  readonly shape: readonly number[];
  /** By error and factor. */
  readonly atoms: Map<string, SiteAtom>;
  /** By name of the tensor that the errors are of. */
  readonly exact: Map<string, number[]>;
}

/** Errors below each other, [M, N], and what each of them is. */
interface Stack {
  readonly matrix: string;
  readonly atoms: readonly SiteAtom[];
  /** By row; undefined where the norm is not what is asked for. */
  readonly norms: readonly (Target | undefined)[];
}

/**
 * Errors of so few elements are multiplied together, which takes fewer nodes; larger ones only where there are many: a runtime
 * reads a matrix times a vector as it lies in memory, and a matrix times a matrix copies the gradients, which takes as
 * long as four products with a vector.
 */
const STACKED_ELEMENTS = 16384;
const STACKED_ATOMS = 5;
/** So many elements of errors wait to be joined, and are kept alive by that: 4 MB. */
const WAITING_ELEMENTS = 2 ** 20;
/** Gemm broadcasts what it adds from 7 on, and need add nothing from 11 on. */
const GEMM_BROADCASTS = 7;
const GEMM_ALONE = 11;

export class ProductWriter {
  private readonly sites = new Map<string, Site>();
  private readonly others: { readonly piece: Target; readonly tensors: readonly string[] }[] = [];
  private readonly parts: JoinedParts;
  /** Elements of the errors that wait. */
  private waiting = 0;

  /** @param shapeOf of a tensor of the model in the run */
  constructor(
    private readonly writer: AtomWriter,
    private readonly probes: number,
    private readonly shapeOf: (tensor: string) => readonly number[],
  ) {
    this.parts = new JoinedParts(writer, probes);
  }

  /** Adds the products of a pair to a column. */
  add(column: number, { gradient: { gradient, factor }, atom, of, isIndependent }: Pair): void {
    let site = this.sites.get(gradient);
    if (site === undefined) {
      site = { gradient, shape: this.shapeOf(of), atoms: new Map(), exact: new Map() };
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
    this.parts.join();
    for (const { piece, tensors } of this.others) {
      const norms = tensors.map((tensor) => this.normOf(tensor));
      this.parts.addColumn(piece, norms.length === 1 ? (norms[0] ?? '') : this.writer.op('Mul', norms));
    }
    return this.parts.result();
  }

  private addSite({ gradient, shape, atoms: byKey, exact }: Site): void {
    const { writer, parts } = this;
    const elements = elementsOf(shape);
    const atoms = [...byKey.values()];
    const isSmall = elements < STACKED_ELEMENTS;
    // What a large site needs is freed before the next one.
    if (!isSmall) this.join();
    const rows = writer.reshape(gradient, [this.probes, -1]);
    const isIndependent = atoms.some((atom) => atom.isIndependent);
    const squares = isIndependent ? writer.op('Mul', [rows, rows]) : undefined;
    // Scalars cannot be joined.
    const isStacked =
      squares !== undefined &&
      elements > 1 &&
      atoms.length > 1 &&
      (isSmall || atoms.length >= STACKED_ATOMS) &&
      writer.opset >= GEMM_BROADCASTS;
    if (isStacked) {
      const stack = isSmall ? this.stackOfSmall(shape, atoms, exact) : this.stackOfLarge(atoms);
      this.addStacked(rows, squares, stack);
      this.waiting += elements * stack.norms.length;
    } else {
      for (const atom of atoms) this.addSingle(rows, atom.isIndependent ? squares : undefined, atom);
    }
    if (isStacked && isSmall) {
      if (this.waiting > WAITING_ELEMENTS) this.join();
      return;
    }
    if (isStacked) {
      for (const { atom, columns } of atoms) this.holdNorms([{ figure: 'atoms', columns }], atom, shape);
    }
    for (const [tensor, columns] of exact) this.holdNorms([{ figure: 'exact', columns }], tensor, shape);
    if (!isSmall) parts.join();
  }

  private join(): void {
    this.parts.join();
    this.waiting = 0;
  }

  /** @param squares of the rows, where the expected squares are asked for. */
  private addSingle(rows: string, squares: string | undefined, { atom, factor, columns }: SiteAtom): void {
    const { writer, parts } = this;
    const own = writer.reshape(this.pulled(atom, factor), [-1, 1]);
    parts.addColumn({ figure: 'dots', columns }, writer.op('MatMul', [rows, own]));
    const ownSquares = squares && writer.op('Mul', [own, own]);
    if (squares !== undefined && ownSquares !== undefined) {
      parts.addColumn({ figure: 'diagonals', columns }, writer.op('MatMul', [squares, ownSquares]));
    }
    // Without axes the operators sum over all of them, at every opset.
    const norm =
      factor !== undefined
        ? this.normOf(atom)
        : ownSquares === undefined
          ? writer.op('ReduceSumSquare', [own])
          : writer.op('ReduceSum', [ownSquares]);
    parts.addColumn({ figure: 'atoms', columns }, norm);
  }

  /** An error as it stands where the gradient is that of. */
  private pulled(atom: string, factor: string | undefined): string {
    return factor === undefined ? atom : this.writer.op('Mul', [atom, factor]);
  }

  /** What is small is joined before it is multiplied by the factor that it has in common; and with what the errors are of. */
  private stackOfSmall(
    shape: readonly number[],
    atoms: readonly SiteAtom[],
    exact: ReadonlyMap<string, readonly number[]>,
  ): Stack {
    const { writer } = this;
    const tensors: string[] = [];
    const norms: (Target | undefined)[] = [];
    const ordered: SiteAtom[] = [];
    for (const [factor, alike] of byFactor(atoms)) {
      ordered.push(...alike);
      const targets = alike.map(({ columns }): Target => ({ figure: 'atoms', columns }));
      if (factor === undefined) {
        tensors.push(...alike.map(({ atom }) => atom));
        norms.push(...targets);
        continue;
      }
      // The norm of what was pulled back is another.
      norms.push(...alike.map(() => undefined));
      const together = alike.length > 1 && isOneOf(shape);
      const groups = together ? [alike] : alike.map((one) => [one]);
      for (const group of groups) {
        const names = group.map(({ atom }) => atom);
        const joined = names.length === 1 ? (names[0] ?? '') : writer.concat(names, 0);
        tensors.push(this.pulled(joined, factor));
        const own = group.map(({ columns }): Target => ({ figure: 'atoms', columns }));
        this.holdNorms(own, joined, shape);
      }
    }
    for (const [tensor, columns] of exact) {
      tensors.push(tensor);
      norms.push({ figure: 'exact', columns });
    }
    const matrix = writer.reshape(writer.concat(tensors, 0), [norms.length, -1]);
    return { matrix, atoms: ordered, norms };
  }

  /** Norms of what is large are asked for tensor by tensor. */
  private stackOfLarge(atoms: readonly SiteAtom[]): Stack {
    const { writer } = this;
    const tensors = atoms.map(({ atom, factor }) => this.pulled(atom, factor));
    const matrix = writer.reshape(writer.concat(tensors, 0), [tensors.length, -1]);
    return { matrix, atoms, norms: atoms.map(() => undefined) };
  }

  private addStacked(rows: string, squares: string, { matrix, atoms, norms }: Stack): void {
    const { writer, parts, probes } = this;
    const matrixSquares = writer.op('Mul', [matrix, matrix]);
    // The second factor is copied by a runtime into the order in which it multiplies: so it is the larger one.
    const isTurned = probes < norms.length;
    const lie = isTurned ? 'by probe' : 'by error';
    const products = [
      ['dots', rows, matrix],
      ['diagonals', squares, matrixSquares],
    ] as const;
    for (const [figure, gradients, errors] of products) {
      const targets = norms.map((_, at) => {
        const columns = atoms[at]?.columns;
        return columns && ({ figure, columns } as const);
      });
      const [a, b] = isTurned ? [gradients, errors] : [errors, gradients];
      parts.holdProducts(lie, targets, this.timesTransposed(a, b));
    }
    if (norms.some((target) => target !== undefined)) {
      parts.holdNorms(norms, writer.sumOfRows(matrixSquares), 2);
    }
  }

  /** a b' */
  private timesTransposed(a: string, b: string): string {
    const { writer } = this;
    const addend = writer.opset < GEMM_ALONE ? [writer.zero()] : [];
    return writer.op('Gemm', [a, b, ...addend], [intAttributeOf('transB', 1)]);
  }

  /** @param tensor of some shape, or as many of them as there are targets, joined along a first axis of 1. */
  private holdNorms(targets: readonly Target[], tensor: string, shape: readonly number[]): void {
    const { writer, parts } = this;
    const rank = shape.length;
    // A runtime squares and sums quickly all that a tensor holds, and slowly a part of it.
    const sums =
      targets.length === 1
        ? writer.op('ReduceSumSquare', [tensor])
        : writer.sumOfRows(writer.op('Mul', [tensor, tensor]), rank);
    if (rank > 0) parts.holdNorms(targets, sums, rank);
    else parts.holdNorms(targets, writer.reshape(sums, [1]), 1);
  }

  /** The sum of squares, [1, 1]. */
  private normOf(tensor: string): string {
    const sum = this.writer.op('ReduceSumSquare', [tensor], [intAttributeOf('keepdims', 0)]);
    return this.writer.reshape(sum, [1, 1]);
  }
}

/** Whether tensors of the shape lie below each other when they are joined along their first axis. */
function isOneOf(shape: readonly number[]): boolean {
  return shape.length > 1 && shape[0] === 1;
}

function byFactor(atoms: readonly SiteAtom[]): ReadonlyMap<string | undefined, readonly SiteAtom[]> {
  const found = new Map<string | undefined, SiteAtom[]>();
  for (const atom of atoms) {
    const known = found.get(atom.factor);
    if (known === undefined) found.set(atom.factor, [atom]);
    else known.push(atom);
  }
  return found;
}

function append(to: Map<string, number[]>, key: string, column: number): void {
  const columns = to.get(key);
  if (columns === undefined) to.set(key, [column]);
  else columns.push(column);
}
