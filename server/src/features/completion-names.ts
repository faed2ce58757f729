/**
 * The names of a model that completion offers, in the form that they are inserted in, found once for each model object.
 * Knows no place in a plan.
 */
import { isWord, printDimensionName, quote } from '../language/index.js';
import { DataType, finish, isFloatingType, isStep, type Model, type Steps } from '../onnx/index.js';
import { modelFacts, writeOperatorType } from '../plan/index.js';
import { namesOf, valueText } from './model-names.js';

export interface OfferedName {
  /** As it is inserted; for strings without the quotes around it. */
  readonly text: string;
  readonly detail: string;
}

interface OfferedNames {
  readonly layers: readonly OfferedName[];
  readonly globs: readonly OfferedName[];
  readonly operators: readonly OfferedName[];
  readonly inputs: readonly OfferedName[];
  readonly outputs: readonly OfferedName[];
  /** Left sides of a `dim` statement, in quotes where they need them. */
  readonly dimensions: readonly OfferedName[];
}

const known = new WeakMap<Model, OfferedNames>();

export function offeredNames(model: Model): OfferedNames {
  return known.get(model) ?? finish(offeredNamesSteps(model));
}

/** The same a little at a time. */
export function* offeredNamesSteps(model: Model): Steps<OfferedNames> {
  let names = known.get(model);
  if (names === undefined) {
    names = { ...findGraphNames(model), ...(yield* layerNameSteps(model)) };
    known.set(model, names);
  }
  return names;
}

/** A name between the quotes of a string. */
function inString(text: string): string {
  return quote(text).slice(1, -1);
}

function* layerNameSteps(model: Model): Steps<Pick<OfferedNames, 'layers' | 'globs' | 'operators'>> {
  const counts = new Map<string, number>();
  const layers: OfferedName[] = [];
  const names: string[] = [];
  for (const [index, { name, node }] of namesOf(model).layers.entries()) {
    if (isStep(index)) yield;
    const operator = writeOperatorType(node);
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
    layers.push({ text: inString(name), detail: operator });
    names.push(name);
  }
  const operators = [...counts].filter(([operator]) => isWord(operator)).sort(([, a], [, b]) => b - a);
  return {
    layers,
    globs: yield* globSteps(names),
    operators: operators.map(([text, count]) => ({ text, detail: layerCount(count) })),
  };
}

function layerCount(count: number): string {
  return count === 1 ? '1 layer' : `${count} layers`;
}

/**
 * Globs that match several layers and not all: what lies below a segment, what ends in the same segment, and what
 * differs in a number at its end only. The ones that match most come first.
 */
function* globSteps(names: readonly string[]): Steps<readonly OfferedName[]> {
  const counts = new Map<string, number>();
  const count = (glob: string): void => {
    counts.set(glob, (counts.get(glob) ?? 0) + 1);
  };
  for (const [index, name] of names.entries()) {
    if (isStep(index)) yield;
    // Names that hold what has a meaning in globs would need escapes that nobody wants to read.
    if (/[*?[\]{}\\]/u.test(name) || name.includes(' > ')) continue;
    for (let slash = name.indexOf('/', 1); slash > 0; slash = name.indexOf('/', slash + 1)) {
      if (slash + 1 < name.length) count(`${name.slice(0, slash)}/**`);
    }
    const segment = name.slice(name.lastIndexOf('/') + 1);
    count(`**/${segment}`);
    const stem = /^(.*\D)\d+$/su.exec(segment)?.[1];
    if (stem !== undefined) count(`${name.slice(0, name.length - segment.length)}${stem}*`);
  }
  yield;
  return [...counts]
    .filter(([, matching]) => matching > 1 && matching < names.length)
    .sort(([, a], [, b]) => b - a)
    .map(([glob, matching]) => ({
      text: inString(glob),
      // Behind a stem other things than numbers may stand, so those are not counted exactly.
      detail:
        glob.endsWith('*') && !glob.endsWith('/**') ? `${matching} layers or more` : layerCount(matching),
    }));
}

function findGraphNames(model: Model): Pick<OfferedNames, 'inputs' | 'outputs' | 'dimensions'> {
  const facts = modelFacts(model);
  const inputs = model.graph.inputs.filter(({ name }) => !facts.index.initializers.has(name));
  const dimensions = new Map<string, string>();
  for (const { name, type } of inputs) {
    if (type?.kind !== 'tensor') continue;
    (type.shape ?? []).forEach((dimension, axis) => {
      if (typeof dimension === 'number') return;
      const written = dimension === undefined ? `${quote(name)}[${axis}]` : printDimensionName(dimension);
      if (!dimensions.has(written)) dimensions.set(written, `of ${quote(name)}`);
    });
  }
  return {
    inputs: inputs.map((input) => ({ text: inString(input.name), detail: valueText(input) })),
    outputs: model.graph.outputs
      .filter(({ name }) => isFloatingType(facts.elementType(name) ?? DataType.UNDEFINED))
      .map((output) => ({ text: inString(output.name), detail: valueText(output) })),
    dimensions: [...dimensions].map(([text, detail]) => ({ text, detail })),
  };
}
