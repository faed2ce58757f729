/**
 * Layers that stand in a format between layers that do not: few and connected, with casts on both sides. Linear in the model, with
 * the decisions in flat arrays, since it is asked at every keystroke. Knows no numbers: which layers may be told of, the caller
 * says. Pure.
 */
import { isStep, type Steps } from '../../onnx/index.js';
import {
  layerNeighboursSteps,
  type BoundPlan,
  type LayerDecision,
  type Neighbours,
} from '../../plan/index.js';

const MOST_IN_ISLAND = 3;

/** What is known of a layer, by the number of its node. */
const IS_LOW = 1;
const IS_CANDIDATE = 2;
const IS_SETTLED = 4;
const IS_ISLAND = 8;

type Neighbourhood = ReadonlyMap<number, Neighbours>;

/**
 * Those of `candidates` that stand in `format` between layers that do not, or in FP32 between layers in `format`, together with
 * candidates only.
 *
 * @param candidates in the plan's order.
 */
export function* castIslandSteps(
  { model, roles, decisions }: BoundPlan,
  candidates: readonly LayerDecision[],
  format: LayerDecision['format'],
): Steps<readonly LayerDecision[]> {
  if (candidates.length === 0) return [];
  const neighbours = yield* layerNeighboursSteps(model);
  const marks = new Uint8Array(roles.length);
  for (const { layer, format: own } of decisions) if (own === format) mark(marks, layer.nodeIndex, IS_LOW);
  for (const { layer } of candidates) mark(marks, layer.nodeIndex, IS_CANDIDATE);
  yield;
  const found: LayerDecision[] = [];
  for (const [index, one] of candidates.entries()) {
    if (isStep(index)) yield;
    const { nodeIndex } = one.layer;
    if (!isMarked(marks, nodeIndex, IS_SETTLED)) settle(nodeIndex, neighbours, marks);
    if (isMarked(marks, nodeIndex, IS_ISLAND)) found.push(one);
  }
  return found;
}

/** Marks `start`, and what is connected with it, as an island or none. */
function settle(start: number, neighbours: Neighbourhood, marks: Uint8Array): void {
  const { group, isWhole } = connected(start, neighbours, marks);
  const verdict = isWhole && isIsland(group, neighbours, marks) ? IS_SETTLED | IS_ISLAND : IS_SETTLED;
  for (const at of group) mark(marks, at, verdict);
}

function mark(marks: Uint8Array, at: number, bit: number): void {
  marks[at] = (marks[at] ?? 0) | bit;
}

function isMarked(marks: Uint8Array, at: number, bit: number): boolean {
  return ((marks[at] ?? 0) & bit) !== 0;
}

/**
 * The nodes of layers that are connected with `start` through others of their kind, or only some of them where they are too
 * many for an island.
 */
function connected(
  start: number,
  neighbours: Neighbourhood,
  marks: Uint8Array,
): { readonly group: readonly number[]; readonly isWhole: boolean } {
  const isLow = isMarked(marks, start, IS_LOW);
  const group = [start];
  // An array is walked to its end also while it grows.
  for (const at of group) {
    const own = neighbours.get(at);
    if (own === undefined) continue;
    for (const side of [own.before, own.after]) {
      for (const next of side) {
        if (isMarked(marks, next, IS_LOW) !== isLow || group.includes(next)) continue;
        if (group.length === MOST_IN_ISLAND) return { group, isWhole: false };
        group.push(next);
      }
    }
  }
  return { group, isWhole: true };
}

/** Whether all may be told of, and casts stand on both sides: layers of the other kind, and borders where they count as such. */
function isIsland(group: readonly number[], neighbours: Neighbourhood, marks: Uint8Array): boolean {
  if (!group.every((at) => isMarked(marks, at, IS_CANDIDATE))) return false;
  const around = group.flatMap((at) => neighbours.get(at) ?? []);
  const isOutside = (next: number): boolean => !group.includes(next);
  const readsBorder = around.some((one) => one.readsBorder);
  const feedsBorder = around.some((one) => one.feedsBorder);
  // What keeps its type is FP32.
  if (!group.some((at) => isMarked(marks, at, IS_LOW)) && (readsBorder || feedsBorder)) return false;
  return (
    (readsBorder || around.some(({ before }) => before.some(isOutside))) &&
    (feedsBorder || around.some(({ after }) => after.some(isOutside)))
  );
}
