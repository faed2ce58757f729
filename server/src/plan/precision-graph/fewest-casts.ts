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
export type End<Label extends number = number> = { readonly label: Label } | { readonly variable: number };

export interface SharedCast<Label extends number = number> {
  readonly writer: End<Label>;
  readonly readers: readonly End<Label>[];
  readonly weight: number;
}

export interface CastProblem<Label extends number = number> {
  /** For each variable the labels that it may take; the first is where the search starts. None is empty. */
  readonly allowed: readonly (readonly Label[])[];
  readonly tensors: readonly SharedCast<Label>[];
}

/** What a labelling costs: for each tensor its weight times the number of labels read and not written. */
export function castCost<Label extends number>(
  problem: CastProblem<Label>,
  labels: readonly Label[],
): number {
  let cost = 0;
  for (const { writer, readers, weight } of problem.tensors) {
    const read = new Set(readers.map((reader) => labelOf(reader, labels)));
    read.delete(labelOf(writer, labels));
    cost += weight * read.size;
  }
  return cost;
}

/** A label for each variable. The least cost where all variables choose between the same two labels. */
export function fewestCasts<Label extends number>(problem: CastProblem<Label>): readonly Label[] {
  const candidates = [...new Set(problem.allowed.flat())].sort((a, b) => a - b);
  const [lowest, other] = candidates;
  let labels = startFrom(problem, lowest);
  if (other !== undefined && candidates.length === 2) return expand(problem, labels, other);
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
function startFrom<Label extends number>(
  problem: CastProblem<Label>,
  lowest: Label | undefined,
): readonly Label[] {
  const two = new Set(problem.allowed.flat()).size <= 2;
  return problem.allowed.map((allowed) => {
    const first = allowed[0];
    if (first === undefined) throw new RangeError('a variable without a label');
    return two && lowest !== undefined && allowed.includes(lowest) ? lowest : first;
  });
}

function labelOf<Label extends number>(end: End<Label>, labels: readonly Label[]): Label {
  if ('label' in end) return end.label;
  const label = labels[end.variable];
  if (label === undefined) throw new RangeError(`no variable ${end.variable}`);
  return label;
}

/** The best labelling in which each variable keeps its label or takes `alpha`. */
function expand<Label extends number>(
  problem: CastProblem<Label>,
  labels: readonly Label[],
  alpha: Label,
): readonly Label[] {
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
  const vertexOf = (end: End<Label>): number =>
    'variable' in end ? (vertices[end.variable] ?? sink) : end.label === alpha ? source : sink;

  for (const { writer, readers, weight } of problem.tensors) {
    const byLabel = new Map<Label, End<Label>[]>();
    const mayBeAlpha: End<Label>[] = [];
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
