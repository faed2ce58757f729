/**
 * The labelling problem behind "movement follows": every tensor has one writer and some readers, each of which
 * has a label (a number format) that is given or free; a tensor costs its weight once for each label that is
 * read and that is not the writer's. Exact for two labels, by one minimum cut with two auxiliary vertices per
 * tensor (a cast is shared by its readers, so pairwise costs would count it several times); for more labels
 * alpha-expansion, where each step is such a cut.
 * Knows labels only: no model, no node, no format.
 *
 * Y. Boykov, O. Veksler, R. Zabih, "Fast approximate energy minimization via graph cuts", 2001.
 */
import { FlowNetwork, UNCUTTABLE } from './minimum-cut.js';

/** A given label, or the number of a free variable. */
export type End = { readonly label: number } | { readonly variable: number };

export interface SharedCast {
  readonly writer: End;
  readonly readers: readonly End[];
  readonly weight: number;
}

export interface CastProblem {
  /** For each variable the labels that it may take; the first is where the search starts. None is empty. */
  readonly allowed: readonly (readonly number[])[];
  readonly tensors: readonly SharedCast[];
}

/** What a labelling costs: for each tensor its weight times the number of labels read and not written. */
export function castCost(problem: CastProblem, labels: readonly number[]): number {
  let cost = 0;
  for (const { writer, readers, weight } of problem.tensors) {
    const read = new Set(readers.map((reader) => labelOf(reader, labels)));
    read.delete(labelOf(writer, labels));
    cost += weight * read.size;
  }
  return cost;
}

/** A label for each variable. The least cost where all variables choose between the same two labels. */
export function fewestCasts(problem: CastProblem): readonly number[] {
  const candidates = [...new Set(problem.allowed.flat())].sort((a, b) => a - b);
  let labels = startFrom(problem, candidates[0]);
  if (candidates.length === 2) return expand(problem, labels, candidates[1] ?? 0);
  let cost = castCost(problem, labels);
  for (let improved = true; improved;) {
    improved = false;
    for (const label of candidates) {
      const moved = expand(problem, labels, label);
      const movedCost = castCost(problem, moved);
      if (movedCost < cost) {
        labels = moved;
        cost = movedCost;
        improved = true;
      }
    }
  }
  return labels;
}

/**
 * With two labels every variable starts at the lower one that it may have, so that one expansion by the other
 * reaches every labelling; with more, the caller's first choice is the better start.
 */
function startFrom(problem: CastProblem, lowest: number | undefined): readonly number[] {
  const two = new Set(problem.allowed.flat()).size <= 2;
  return problem.allowed.map((allowed) => {
    const first = allowed[0];
    if (first === undefined) throw new RangeError('a variable without a label');
    return two && lowest !== undefined && allowed.includes(lowest) ? lowest : first;
  });
}

function labelOf(end: End, labels: readonly number[]): number {
  return 'label' in end ? end.label : (labels[end.variable] ?? -1);
}

/** The best labelling in which each variable keeps its label or takes `alpha`. */
function expand(problem: CastProblem, labels: readonly number[], alpha: number): readonly number[] {
  const network = new FlowNetwork();
  const source = network.addVertex();
  const sink = network.addVertex();
  // On the source's side: the variable has `alpha`.
  const vertices = problem.allowed.map((allowed, variable) => {
    const vertex = network.addVertex();
    if (labels[variable] === alpha) network.addEdge(source, vertex, UNCUTTABLE);
    else if (!allowed.includes(alpha)) network.addEdge(vertex, sink, UNCUTTABLE);
    return vertex;
  });
  const vertexOf = (end: End): number =>
    'variable' in end ? (vertices[end.variable] ?? sink) : end.label === alpha ? source : sink;

  for (const { writer, readers, weight } of problem.tensors) {
    const byLabel = new Map<number, End[]>();
    const mayBeAlpha: End[] = [];
    for (const reader of readers) {
      const label = labelOf(reader, labels);
      if (label === alpha || 'variable' in reader) mayBeAlpha.push(reader);
      if (label !== alpha) byLabel.set(label, [...(byLabel.get(label) ?? []), reader]);
    }
    if (mayBeAlpha.length > 0) {
      // Some reader has alpha and the writer has not: reader => some, some and not writer => weight.
      const some = network.addVertex();
      for (const reader of mayBeAlpha) network.addEdge(vertexOf(reader), some, UNCUTTABLE);
      network.addEdge(some, vertexOf(writer), weight);
    }
    for (const [label, holders] of byLabel) {
      // Some reader keeps this label and the writer has another: only if all readers leave is there no cast.
      const all = network.addVertex();
      for (const reader of holders) network.addEdge(all, vertexOf(reader), UNCUTTABLE);
      network.addEdge(labelOf(writer, labels) === label ? vertexOf(writer) : source, all, weight);
    }
  }
  const { sourceSide } = network.cut(source, sink);
  return labels.map((label, variable) => (sourceSide[vertices[variable] ?? sink] === true ? alpha : label));
}
