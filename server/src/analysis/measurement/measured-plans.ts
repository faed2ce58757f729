/**
 * Which plans of a model were measured on its samples, and when: the last few, so that others are predicted from them. What a plan decides
 * is kept with what was measured of it, since a key alone cannot be found by what is near it. Knows no prediction.
 */
import {
  layerInFormat,
  numericsText,
  type BoundPlan,
  type Layer,
  type LayerDecision,
  type Tolerance,
} from '../../plan/index.js';
import { isStep, type Steps } from '../../onnx/index.js';
import type { Results } from '../remembered.js';
import { inSlices } from '../sessions/in-slices.js';

/** A plan that was measured, emulated. */
export interface MeasuredPlan {
  readonly decisions: readonly LayerDecision[];
  readonly tolerances: readonly MeasuredFigure[];
  /** The file that it was written in. */
  readonly path?: string | undefined;
  /** When it was measured, ISO 8601; undefined where nobody knows. */
  readonly at?: string | undefined;
}

export interface MeasuredFigure {
  readonly tolerance: Pick<Tolerance, 'output' | 'metric' | 'over'>;
  readonly measured: number;
}

/** Raised when a change of the code changes what is kept. */
const VERSION = 1;
const PLANS = 'measured plans';
/** So many are kept, the newest ones. */
const MOST = 16;

type Way = Pick<LayerDecision, 'format' | 'overflow' | 'numerics'>;

interface StoredPlan extends Pick<MeasuredPlan, 'tolerances' | 'path' | 'at'> {
  /** The different ways to decide a layer, and by position of a layer which of them it is. */
  readonly ways: readonly Way[];
  readonly decided: Uint16Array;
}

/** Takes note of a plan; of one that is noted already only what else was measured of it. */
export async function noteMeasuredPlan(results: Results, { decisions, ...own }: MeasuredPlan): Promise<void> {
  const stored = await storedPlans(results);
  const packed = { ...own, ...packedDecisions(decisions) };
  const same = stored.find((one) => isSame(one, packed));
  if (same !== undefined && own.tolerances.every((one) => isKnown(same, one))) return;
  const others = (same?.tolerances ?? []).filter((one) => !isKnown(packed, one));
  const noted: StoredPlan = { ...packed, tolerances: [...own.tolerances, ...others] };
  const kept = [noted, ...stored.filter((one) => one !== same)].slice(0, MOST);
  await results.keep(PLANS, { version: VERSION }, kept);
}

/** The plans of a model with these layers, the newest first. */
export async function measuredPlans(
  results: Results,
  { layers }: Pick<BoundPlan, 'layers'>,
): Promise<readonly MeasuredPlan[]> {
  return await nearestMeasuredPlans(results, { layers, decisions: [] }, MOST);
}

/**
 * At most so many of them, first those that decide the fewest layers otherwise. Where only options differ a layer counts half: it rounds the
 * same, or nearly.
 *
 * @param isUseful leaves out those that are of no use to whoever asks.
 */
export async function nearestMeasuredPlans(
  results: Results,
  { layers, decisions }: Pick<BoundPlan, 'layers' | 'decisions'>,
  most: number,
  isUseful: (plan: MeasuredPlan) => boolean = () => true,
): Promise<readonly MeasuredPlan[]> {
  const stored = (await storedPlans(results)).filter(({ decided }) => decided.length === layers.length);
  return await inSlices(nearestSteps(stored, layers, decisions, most, isUseful));
}

function* nearestSteps(
  stored: readonly StoredPlan[],
  layers: readonly Layer[],
  decisions: readonly LayerDecision[],
  most: number,
  isUseful: (plan: MeasuredPlan) => boolean,
): Steps<readonly MeasuredPlan[]> {
  const texts: string[] = [];
  for (const [at, decision] of decisions.entries()) {
    if (isStep(at)) yield;
    texts.push(wayText(decision));
  }
  const known: { readonly plan: StoredPlan; readonly distance: number }[] = [];
  for (const plan of stored) {
    yield;
    const ways = plan.ways.map((way) => ({ text: wayText(way), format: way.format }));
    let distance = 0;
    for (const [at, decision] of decisions.entries()) {
      const way = ways[plan.decided[at] ?? 0];
      if (way?.text !== texts[at]) distance += way?.format === decision.format ? 1 / 2 : 1;
    }
    known.push({ plan, distance });
  }
  const found: MeasuredPlan[] = [];
  for (const { plan } of known.toSorted((a, b) => a.distance - b.distance)) {
    if (found.length >= most) break;
    const { ways, decided, ...own } = plan;
    const one = { ...own, decisions: yield* unpackedSteps(layers, ways, decided) };
    if (isUseful(one)) found.push(one);
  }
  return found;
}

/** Positions of the layers that two sets of decisions on the same layers decide differently. */
export function differingLayers(
  one: readonly LayerDecision[],
  other: readonly LayerDecision[],
): readonly number[] {
  return one.flatMap((decision, at) => {
    const beside = other[at];
    return beside !== undefined && wayText(decision) === wayText(beside) ? [] : [at];
  });
}

async function storedPlans(results: Results): Promise<readonly StoredPlan[]> {
  const found = await results.find(PLANS, { version: VERSION });
  return Array.isArray(found) ? (found as readonly StoredPlan[]) : [];
}

function packedDecisions(decisions: readonly LayerDecision[]): Pick<StoredPlan, 'ways' | 'decided'> {
  const numbers = new Map<string, number>();
  const ways: Way[] = [];
  const decided = Uint16Array.from(decisions, (decision) => {
    const text = wayText(decision);
    const known = numbers.get(text);
    if (known !== undefined) return known;
    const { format, overflow, numerics } = decision;
    numbers.set(text, ways.length);
    return ways.push({ format, overflow, ...(numerics === undefined ? {} : { numerics }) }) - 1;
  });
  return { ways, decided };
}

function* unpackedSteps(
  layers: readonly Layer[],
  ways: readonly Way[],
  decided: Uint16Array,
): Steps<readonly LayerDecision[]> {
  const decisions: LayerDecision[] = [];
  for (const [at, layer] of layers.entries()) {
    if (isStep(at)) yield;
    const way = ways[decided[at] ?? 0];
    decisions.push({ ...layerInFormat(layer, way?.format ?? 'original'), ...way });
  }
  return decisions;
}

/** How a layer is decided: equal for decisions that do the same. */
export function wayText({ format, overflow, numerics }: Way): string {
  return `${format} ${overflow} ${numericsText(numerics)}`;
}

function isSame(
  one: Pick<StoredPlan, 'ways' | 'decided'>,
  other: Pick<StoredPlan, 'ways' | 'decided'>,
): boolean {
  if (one.decided.length !== other.decided.length) return false;
  const [own, others] = [one, other].map(({ ways }) => ways.map(wayText));
  return one.decided.every((way, at) => own?.[way] === others?.[other.decided[at] ?? 0]);
}

function isKnown({ tolerances }: Pick<StoredPlan, 'tolerances'>, { tolerance }: MeasuredFigure): boolean {
  const key = keyOf(tolerance);
  return tolerances.some((one) => keyOf(one.tolerance) === key);
}

function keyOf({ output, metric, over }: MeasuredFigure['tolerance']): string {
  return JSON.stringify([output, metric, over]);
}
