/**
 * "The later statement wins", `default` weakest: which rule decides each layer, which rules decide nothing, and
 * which could go without a change. Numbers only: knows neither names nor formats.
 */

import { isStep, type Steps } from '../../onnx/index.js';

/** What one decision statement does, in file order. */
export interface Rule {
  readonly isDefault: boolean;
  /** Indexes of the layers that it matches, each once; a default matches all and leaves this empty. */
  readonly matches: readonly number[];
  /** Equal for two rules that decide the same, options included. */
  readonly decision: string;
  /** False for a rule that another file holds: it serves other plans too, so it is never said to be in the way. */
  readonly removable: boolean;
}

export interface Resolution {
  /** By layer: the rule that decides it, or -1. */
  readonly winners: Int32Array;
  /** By rule: it matches layers, and later rules decide all of them. */
  readonly shadowed: readonly boolean[];
  /**
   * By rule: without it every layer is decided the same. All of them, and the shadowed ones, can go together:
   * of two equal rules only one is redundant.
   */
  readonly redundant: readonly boolean[];
}

const NONE = -1;

/** Resolves rules over `layers` layers; `undecided` is the decision of a layer that no rule matches. */
export function* resolveRulesSteps(
  layers: number,
  rules: readonly Rule[],
  undecided: string,
): Steps<Resolution> {
  const effectiveDefault = rules.findLastIndex((rule) => rule.isDefault);
  const stacks = buildStacks(layers, rules, effectiveDefault);
  yield;
  const winners = new Int32Array(layers).fill(NONE);
  const decided = new Int32Array(rules.length);
  for (let layer = 0; layer < layers; layer += 1) {
    const winner = ruleAt(stacks, layer, top(stacks, layer));
    winners[layer] = winner;
    if (winner !== NONE) {
      decided[winner] = (decided[winner] ?? 0) + 1;
    }
  }
  const shadowed = rules.map(
    (rule, index) =>
      rule.removable && decided[index] === 0 && (rule.isDefault ? layers > 0 : rule.matches.length > 0),
  );
  yield;
  const redundant = yield* redundantSteps(rules, stacks, winners, shadowed, effectiveDefault, undecided);
  return { winners, shadowed, redundant };
}

/** By layer: its rules from the weakest to the strongest, all layers in one array. */
interface Stacks {
  readonly starts: Int32Array;
  readonly rules: Int32Array;
}

function buildStacks(layers: number, rules: readonly Rule[], effectiveDefault: number): Stacks {
  const starts = new Int32Array(layers + 1);
  const bottom = effectiveDefault === NONE ? 0 : 1;
  for (const rule of rules) {
    for (const layer of rule.matches) {
      starts[layer + 1] = (starts[layer + 1] ?? 0) + 1;
    }
  }
  for (let layer = 0; layer < layers; layer += 1) {
    starts[layer + 1] = (starts[layer + 1] ?? 0) + (starts[layer] ?? 0) + bottom;
  }
  const ends = starts.slice(0, layers);
  const stacked = new Int32Array(starts[layers] ?? 0);
  if (bottom === 1) {
    for (let layer = 0; layer < layers; layer += 1) {
      stacked[ends[layer] ?? 0] = effectiveDefault;
      ends[layer] = (ends[layer] ?? 0) + 1;
    }
  }
  rules.forEach((rule, index) => {
    for (const layer of rule.matches) {
      stacked[ends[layer] ?? 0] = index;
      ends[layer] = (ends[layer] ?? 0) + 1;
    }
  });
  return { starts, rules: stacked };
}

function top(stacks: Stacks, layer: number): number {
  return (stacks.starts[layer + 1] ?? 0) - 1;
}

/** The rule at a position of a layer's stack; NONE below its bottom. */
function ruleAt(stacks: Stacks, layer: number, position: number): number {
  return position < (stacks.starts[layer] ?? 0) ? NONE : (stacks.rules[position] ?? NONE);
}

/**
 * Goes from the strongest rule to the weakest and takes away what is not needed. A rule may go if the layers that
 * it decides, in the plan as it stands and in the plan without what already went, are decided the same below it.
 */
function* redundantSteps(
  rules: readonly Rule[],
  stacks: Stacks,
  winners: Int32Array,
  shadowed: readonly boolean[],
  effectiveDefault: number,
  undecided: string,
): Steps<readonly boolean[]> {
  const redundant = rules.map(() => false);
  const tops = Int32Array.from(winners, (_winner, layer) => top(stacks, layer));
  const earlierDefaults = rules.slice(0, Math.max(effectiveDefault, 0)).filter((rule) => rule.isDefault);
  /** What would count without the default, and without all earlier ones that go as well. */
  const defaultBelow = earlierDefaults.at(-1)?.decision ?? undecided;
  const defaultLeft = earlierDefaults.findLast((rule) => !rule.removable)?.decision ?? undecided;
  const decisionAt = (layer: number, position: number): string =>
    rules[ruleAt(stacks, layer, position)]?.decision ?? defaultLeft;
  const skipShadowed = (layer: number, from: number): number => {
    let position = from;
    while (shadowed[ruleAt(stacks, layer, position)] === true) {
      position -= 1;
    }
    return position;
  };
  const consider = (index: number, rule: Rule): void => {
    const decidedNow = rule.matches.filter((layer) => ruleAt(stacks, layer, tops[layer] ?? NONE) === index);
    const staysSame = decidedNow.every((layer) => {
      const position = tops[layer] ?? NONE;
      const below = skipShadowed(layer, position - 1);
      const original = winners[layer] !== index || decisionAt(layer, position - 1) === rule.decision;
      return original && decisionAt(layer, below) === rule.decision;
    });
    if (decidedNow.length === 0 || !staysSame) {
      return;
    }
    redundant[index] = true;
    for (const layer of decidedNow) {
      tops[layer] = skipShadowed(layer, (tops[layer] ?? 0) - 1);
    }
  };
  for (let index = rules.length - 1; index >= 0; index -= 1) {
    if (isStep(index)) yield;
    const rule = rules[index];
    if (rule?.removable === true && !rule.isDefault && shadowed[index] !== true) {
      consider(index, rule);
    }
  }
  const last = rules[effectiveDefault];
  if (last?.removable === true && shadowed[effectiveDefault] !== true && winners.includes(effectiveDefault)) {
    redundant[effectiveDefault] = [defaultBelow, defaultLeft].every((decision) => decision === last.decision);
  }
  return redundant;
}
