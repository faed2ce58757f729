/**
 * The plan's `state` statements: which output of a sample is which input of the next. Checks names and types; runs nothing.
 */
import {
  nearest,
  quote,
  type Diagnostic,
  type Fix,
  type StateStatement,
  type StringLiteral,
} from '../../language/index.js';
import { sameType, typeName, type ValueType } from '../../onnx/index.js';
import { diagnosticIn, type Placed, type PlanFile } from '../text/documents.js';
import type { ModelKnowledge } from '../knowledge.js';
import { listOf } from '../text/wording.js';

export interface BoundStates {
  /** Input to the output that feeds it, from the second sample on. */
  readonly states: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
}

export function bindStates(knowledge: ModelKnowledge, placed: readonly Placed[]): BoundStates {
  const states = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  for (const { statement, file } of placed) {
    if (statement.kind !== 'state' || !statement.input || !statement.output) continue;
    const wrong = problemOf(statement, statement.input, statement.output, file, knowledge, states);
    if (wrong) diagnostics.push(wrong);
    else states.set(statement.input.value, statement.output.value);
  }
  return { states, diagnostics };
}

function problemOf(
  statement: StateStatement,
  input: StringLiteral,
  output: StringLiteral,
  file: PlanFile,
  { model, facts }: ModelKnowledge,
  states: ReadonlyMap<string, string>,
): Diagnostic | undefined {
  const inputs = model.graph.inputs.filter(({ name }) => !facts.index.initializers.has(name));
  const to = inputs.find(({ name }) => name === input.value);
  if (to === undefined)
    return unknownName(
      'input',
      input,
      inputs.map(({ name }) => name),
      file,
    );
  const from = model.graph.outputs.find(({ name }) => name === output.value);
  if (from === undefined) {
    return unknownName(
      'output',
      output,
      model.graph.outputs.map(({ name }) => name),
      file,
    );
  }
  if (states.has(input.value)) {
    const message = `${quote(input.value)} has its state from ${quote(states.get(input.value) ?? '')} already: the first statement counts.`;
    return diagnosticIn(file, 'duplicate', 'warning', statement.range, message);
  }
  const misfit = misfitOf(to.type, from.type);
  if (misfit === undefined) return undefined;
  const message = `${quote(output.value)} cannot feed ${quote(input.value)}: ${misfit}.`;
  return diagnosticIn(file, 'input-shape', 'error', output.range, message);
}

/** Why one cannot be fed with the other; undefined where it can, as far as is known before it runs. */
function misfitOf(to: ValueType | undefined, from: ValueType | undefined): string | undefined {
  if (to === undefined || from === undefined) return undefined;
  if (to.kind !== 'tensor' || from.kind !== 'tensor') return 'only plain tensors can be fed';
  if (!sameType(to, from)) return `it is of type ${typeName(from)}, and ${typeName(to)} is wanted`;
  const [wanted, given] = [to.shape, from.shape];
  if (wanted === undefined || given === undefined) return undefined;
  const fits =
    wanted.length === given.length &&
    wanted.every((size, axis) => {
      const other = given[axis];
      return typeof size !== 'number' || typeof other !== 'number' || size === other;
    });
  const written = (shape: typeof wanted): string => `[${shape.map((size) => size ?? '?').join(', ')}]`;
  return fits ? undefined : `it is of shape ${written(given)}, and ${written(wanted)} is wanted`;
}

function unknownName(
  side: 'input' | 'output',
  { value, range }: StringLiteral,
  names: readonly string[],
  file: PlanFile,
): Diagnostic {
  const near = nearest(value, names, 3);
  const suggested = near.length > 0 ? near : names.slice(0, 3);
  const hint =
    near.length > 0
      ? ` Did you mean ${listOf(near.map(quote), 'or')}?`
      : suggested.length > 0
        ? ` It has ${listOf(suggested.map(quote), 'and')}${names.length > 3 ? ' and more' : ''}.`
        : '';
  const fixes = suggested.map((other): Fix => ({
    title: `Change to ${quote(other)}`,
    edits: [{ range, newText: quote(other) }],
  }));
  const code = side === 'input' ? 'input-unknown' : 'unknown-output';
  const message = `The model has no ${side} ${quote(value)}.${hint}`;
  return diagnosticIn(file, code, 'error', range, message, { fixes });
}
