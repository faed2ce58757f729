/**
 * What feeds each input of the model: the plan's `input` statements, and a generator that fits where there is none.
 * Reads no sample.
 */
import {
  findOption,
  nearest,
  printDimensionName,
  quote,
  type Diagnostic,
  type Fix,
  type InputStatement,
  type StringLiteral,
  type TextRange,
  type Value,
} from '../../language/index.js';
import { dataTypeName, isFloatingType, type DataType, type Shape } from '../../onnx/index.js';
import { boundShape } from './dimensions.js';
import { diagnosticIn, type Placed, type PlanFile } from '../text/documents.js';
import { fittingGenerator, readGenerator, unfitFor, writeGenerator } from './generators.js';
import type { ModelKnowledge } from '../knowledge.js';
import { lineBreakOf, lineEndAfter } from '../text/removal.js';
import type { InputBinding, PictureOptions, SampleSource } from '../types.js';
import { listOf } from '../text/wording.js';

export interface BoundInputs {
  readonly inputs: readonly InputBinding[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Where a remark on an input without a statement stands: the plan's `model`. */
export interface ModelPlace {
  readonly file: PlanFile;
  readonly range: TextRange;
  readonly statementRange: TextRange;
}

const DEFAULT_SEED = 0;

/** What a state is before the first sample, where the plan does not feed it. */
const NO_STATE: SampleSource = {
  kind: 'generator',
  name: 'zeros',
  parameters: [],
  seed: DEFAULT_SEED,
  count: undefined,
};

interface Fed {
  readonly statement: InputStatement;
  readonly name: StringLiteral;
  readonly file: PlanFile;
}

export function bindInputs(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
  sizes: ReadonlyMap<string, number>,
  states: ReadonlyMap<string, string>,
  place: ModelPlace,
): BoundInputs {
  const { model, facts } = knowledge;
  const diagnostics: Diagnostic[] = [];
  const statements = new Map<string, Fed>();
  for (const { statement, file } of placed) {
    if (statement.kind !== 'input' || !statement.name) {
      continue;
    }
    const fed = { statement, name: statement.name, file };
    const unknown = unknownInput(knowledge, fed);
    if (unknown) {
      diagnostics.push(unknown);
    } else if (!statements.has(fed.name.value)) {
      statements.set(fed.name.value, fed);
    }
  }
  const inputs: InputBinding[] = [];
  const open = new Map<string, Diagnostic>();
  for (const { name, type } of model.graph.inputs) {
    const fed = statements.get(name);
    if (facts.index.initializers.has(name) && !fed) {
      continue;
    }
    if (type?.kind !== 'tensor') {
      const message = `The input ${quote(name)} takes no plain tensor and is not yet fed: nothing can be run.`;
      diagnostics.push(diagnosticIn(place.file, 'not-yet-analysed', 'information', place.range, message));
      continue;
    }
    const shape = type.shape && boundShape(name, type.shape, sizes);
    const source = fed && readSource(fed, type.elementType, diagnostics);
    const carriedFrom = states.get(name);
    const binding = source
      ? { source, statement: placeOfValue(fed) }
      : {
          source:
            carriedFrom === undefined
              ? defaultSource(knowledge, name, type.elementType, shape, place, diagnostics)
              : NO_STATE,
          statement: undefined,
        };
    if (!binding.source) {
      continue;
    }
    inputs.push({
      name,
      elementType: type.elementType,
      shape,
      source: binding.source,
      ...(carriedFrom === undefined ? {} : { carriedFrom }),
      statement: binding.statement,
    });
    if (binding.source.kind === 'generator') {
      remarkOpenDimensions(name, shape, source ? fed : undefined, place, open);
    }
  }
  return { inputs, diagnostics: [...diagnostics, ...open.values()] };
}

function unknownInput({ model, facts }: ModelKnowledge, { name, file }: Fed): Diagnostic | undefined {
  const names = model.graph.inputs.map((input) => input.name).filter((input) => isFeedable(facts, input));
  if (names.includes(name.value)) {
    return undefined;
  }
  if (facts.index.initializers.has(name.value)) {
    const message = `${quote(name.value)} is a constant of the model, not an input that can be fed.`;
    return diagnosticIn(file, 'input-unknown', 'error', name.range, message);
  }
  const near = nearest(name.value, names, 3);
  const suggested = near.length > 0 ? near : names.slice(0, 3);
  const hint =
    near.length > 0
      ? ` Did you mean ${listOf(near.map(quote), 'or')}?`
      : ` It has ${listOf(suggested.map(quote), 'and')}${names.length > 3 ? ' and more' : ''}.`;
  const fixes = suggested.map((other): Fix => ({
    title: `Change to ${quote(other)}`,
    edits: [{ range: name.range, newText: quote(other) }],
  }));
  const message = `The model has no input ${quote(name.value)}.${names.length === 0 ? '' : hint}`;
  return diagnosticIn(file, 'input-unknown', 'error', name.range, message, { fixes });
}

/** From IR version 4 an initializer among the inputs is a default that a caller may replace; before, a constant. */
function isFeedable(facts: ModelKnowledge['facts'], name: string): boolean {
  return !facts.index.initializers.has(name) || facts.index.isOverridable(name);
}

/** What a statement feeds; undefined where it is incomplete or wrong. */
function readSource(fed: Fed, type: DataType, diagnostics: Diagnostic[]): SampleSource | undefined {
  const { statement, file } = fed;
  if (statement.files) {
    const pictures = readPictures(fed, type, diagnostics);
    return { kind: 'files', glob: statement.files.value, axis: wholeOption(statement, 'axis', 0), pictures };
  }
  const generator = statement.generator && readGenerator(statement.generator);
  if (!statement.generator || !generator) {
    return undefined;
  }
  const unfit = unfitFor(generator, type);
  if (unfit !== undefined) {
    const message = `${quote(fed.name.value)} is of type ${dataTypeName(type)}: ${unfit}.`;
    const fixes = generator.name === 'uniform' || generator.name === 'normal' ? [useIntegers(statement)] : [];
    diagnostics.push(diagnosticIn(file, 'generator', 'error', statement.generator.range, message, { fixes }));
    return undefined;
  }
  const seed = wholeOption(statement, 'seed', 0) ?? DEFAULT_SEED;
  return { kind: 'generator', ...generator, seed, count: wholeOption(statement, 'count', 1) };
}

/** What a statement says about pictures; undefined where it says nothing. */
function readPictures(
  { statement, name, file }: Fed,
  type: DataType,
  diagnostics: Diagnostic[],
): PictureOptions | undefined {
  const [layout, scale, mean, std] = ['layout', 'scale', 'mean', 'std'].map((one) =>
    findOption(statement, one),
  );
  if (!layout && !scale && !mean && !std) return undefined;
  for (const option of [scale, mean, std]) {
    if (!option || isFloatingType(type)) continue;
    const message = `${quote(name.value)} is of type ${dataTypeName(type)} and takes the 0 to 255 of a picture as it is: leave out \`${option.name.text}\`.`;
    diagnostics.push(diagnosticIn(file, 'input-shape', 'error', option.range, message));
  }
  const word = layout?.value?.kind === 'word' ? layout.value.text : undefined;
  const divisors = numbersOf(std?.value);
  if (std && divisors?.includes(0) === true) {
    diagnostics.push(
      diagnosticIn(file, 'number', 'error', std.range, 'Nothing can be divided by a deviation of 0.'),
    );
  }
  return {
    layout: word === 'nchw' || word === 'nhwc' ? word : undefined,
    scale: scale?.value?.kind === 'number' ? scale.value.value : undefined,
    mean: numbersOf(mean?.value),
    std: divisors?.includes(0) === true ? undefined : divisors,
  };
}

function numbersOf(value: Value | undefined): readonly number[] | undefined {
  if (value?.kind !== 'list') return undefined;
  const numbers = value.items.flatMap((item) => (item.kind === 'number' ? [item.value] : []));
  return numbers.length === value.items.length && numbers.length > 0 ? numbers : undefined;
}

function useIntegers(statement: InputStatement): Fix {
  const range = statement.generator?.range ?? statement.range;
  return { title: 'Use `integers(0, 1)`', edits: [{ range, newText: 'integers(0, 1)' }] };
}

function wholeOption(statement: InputStatement, name: string, least: number): number | undefined {
  const value = findOption(statement, name)?.value;
  return value?.kind === 'number' && Number.isSafeInteger(value.value) && value.value >= least
    ? value.value
    : undefined;
}

function placeOfValue({ statement, file }: Fed): InputBinding['statement'] {
  const value = statement.files ?? statement.generator;
  return { path: file.path, range: statement.range, valueRange: value?.range ?? statement.range };
}

/** A generator that fits, said in a hint; nothing, said in an error, for types that none fits. */
function defaultSource(
  knowledge: ModelKnowledge,
  name: string,
  type: DataType,
  shape: Shape | undefined,
  place: ModelPlace,
  diagnostics: Diagnostic[],
): SampleSource | undefined {
  const generator = fittingGenerator(name, type, shape, knowledge.facts.index);
  if (!generator) {
    const message = `Nothing feeds the input ${quote(name)}, and no generator makes ${dataTypeName(type)} values: give it files.`;
    diagnostics.push(diagnosticIn(place.file, 'input-missing', 'error', place.range, message));
    return undefined;
  }
  const written = `input ${quote(name)} = ${writeGenerator(generator)}`;
  const message = `Nothing feeds the input ${quote(name)}: it gets \`${writeGenerator(generator)}\`. Numbers found with real samples mean more.`;
  const fixes = [insertLine(place.file, place.statementRange, written)];
  diagnostics.push(diagnosticIn(place.file, 'input-missing', 'hint', place.range, message, { fixes }));
  return { kind: 'generator', ...generator, seed: DEFAULT_SEED, count: undefined };
}

/** One remark for each open dimension, however many inputs have it. */
function remarkOpenDimensions(
  name: string,
  shape: Shape | undefined,
  fed: Fed | undefined,
  place: ModelPlace,
  open: Map<string, Diagnostic>,
): void {
  const file = fed?.file ?? place.file;
  const range = fed?.name.range ?? place.range;
  const after = fed?.statement.range ?? place.statementRange;
  if (!shape) {
    const message = `The model does not say how many dimensions the input ${quote(name)} has: a single number is generated. Feed it from files.`;
    open.set(`shape ${name}`, diagnosticIn(file, 'dim-unbound', 'warning', range, message));
    return;
  }
  shape.forEach((dimension, axis) => {
    const key = typeof dimension === 'string' ? `symbol ${dimension}` : `place ${name} ${axis}`;
    if (typeof dimension === 'number' || open.has(key)) {
      return;
    }
    const written = dimension === undefined ? `${quote(name)}[${axis}]` : printDimensionName(dimension);
    const what = dimension === undefined ? `Dimension ${axis}` : `The dimension \`${dimension}\``;
    const message = `${what} of the generated input ${quote(name)} is not bound: 1 is taken. Bind it with \`dim ${written} = 1\`.`;
    const fixes = [insertLine(file, after, `dim ${written} = 1`)];
    open.set(key, diagnosticIn(file, 'dim-unbound', 'warning', range, message, { fixes }));
  });
}

function insertLine(file: PlanFile, after: TextRange, line: string): Fix {
  const { text } = file.tree;
  const offset = lineEndAfter(text, after.end);
  return {
    title: `Insert \`${line}\``,
    edits: [{ range: { start: offset, end: offset }, newText: lineBreakOf(text) + line }],
  };
}
