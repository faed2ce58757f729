/**
 * The numbers of a sketch's graph, joined to one column. To join costs nodes, and a session costs more with each: so parts
 * of one form wait for each other, a few at a time, since what waits keeps alive what it is made of. Knows nothing of what the
 * numbers are of.
 */
import type { AtomWriter } from './atom-writer.js';

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
export interface Target {
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

/** How a matrix of products lies: one row for each probe, [K, M], or one for each error, [M, K]. */
export type Lie = 'by probe' | 'by error';

/** Parts of one form: the tensors, and what each of their rows, or columns, is. */
interface Waiting {
  readonly tensors: string[];
  readonly targets: (Target | undefined)[];
}

const nothing = (): Waiting => ({ tensors: [], targets: [] });

export class JoinedParts {
  private readonly pieces: SketchPiece[] = [];
  private readonly parts: string[] = [];
  /** How many numbers there are in the parts. */
  private length = 0;
  private products: Record<Lie, Waiting> = { 'by probe': nothing(), 'by error': nothing() };
  /** By rank. */
  private norms = new Map<number, Waiting>();

  constructor(
    private readonly writer: AtomWriter,
    private readonly probes: number,
  ) {}

  /** Adds a column of numbers, [K, 1] or [1, 1]. */
  addColumn(target: Target, tensor: string): void {
    this.place(target, 0, 1);
    this.parts.push(tensor);
    this.length += target.figure === 'dots' || target.figure === 'diagonals' ? this.probes : 1;
  }

  /** Has a matrix of the products of M errors wait, one for each of `targets`; undefined: nobody asks for it. */
  holdProducts(lie: Lie, targets: readonly (Target | undefined)[], matrix: string): void {
    const waiting = this.products[lie];
    waiting.tensors.push(matrix);
    waiting.targets.push(...targets);
  }

  /** Has single numbers wait, [M, 1, ...], one for each of `targets`; undefined: nobody asks for it. */
  holdNorms(targets: readonly (Target | undefined)[], tensor: string, rank: number): void {
    const waiting = this.norms.get(rank) ?? nothing();
    this.norms.set(rank, waiting);
    waiting.tensors.push(tensor);
    waiting.targets.push(...targets);
  }

  /** Joins what waits. */
  join(): void {
    const { products, norms, probes } = this;
    this.products = { 'by probe': nothing(), 'by error': nothing() };
    this.norms = new Map();
    const ofProbes = products['by probe'];
    this.joinOf(ofProbes, 1, probes, (at) => ({ from: at, step: ofProbes.targets.length }));
    this.joinOf(products['by error'], 0, probes, (at) => ({ from: at * probes, step: 1 }));
    for (const waiting of norms.values()) this.joinOf(waiting, 0, 1, (at) => ({ from: at, step: 1 }));
  }

  /** One column of all numbers; undefined where there are none. */
  result(): { readonly name: string; readonly pieces: readonly SketchPiece[] } | undefined {
    this.join();
    if (this.parts.length === 0) return undefined;
    return { name: this.writer.concat(this.parts, 0), pieces: this.pieces };
  }

  private joinOf(
    { tensors, targets }: Waiting,
    axis: number,
    size: number,
    placeOf: (at: number) => { readonly from: number; readonly step: number },
  ): void {
    const [first] = tensors;
    if (first === undefined) return;
    const { writer } = this;
    const all = tensors.length === 1 ? first : writer.concat(tensors, axis);
    this.parts.push(writer.reshape(all, [-1, 1]));
    for (const [at, target] of targets.entries()) {
      if (target === undefined) continue;
      const { from, step } = placeOf(at);
      this.place(target, from, step);
    }
    this.length += size * targets.length;
  }

  /** Without copying what else a target may be: there are thousands of them. */
  private place({ figure, columns, factor = 1 }: Target, from: number, step: number): void {
    this.pieces.push({ figure, columns, factor, from: this.length + from, step });
  }
}
