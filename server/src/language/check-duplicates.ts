/** Statements that say again what an earlier one already says. Knows which statements may stand once. */
import type { Complaints } from './complaints.js';
import { removeStatement } from './edits.js';
import { endsStep, type Pausing } from './pausing.js';
import type { Statement, StringLiteral, ToleranceStatement, Value, Word } from './tree.js';

/** Warns on each statement that repeats the subject of an earlier one. */
export function* checkDuplicatesSteps(
  text: string,
  statements: readonly Statement[],
  complaints: Complaints,
): Pausing<void> {
  const seen = new Set<string>();
  for (const [index, statement] of statements.entries()) {
    if (endsStep(index)) yield;
    const subject = subjectOf(statement);
    if (subject === undefined) continue;
    if (!seen.has(subject.key)) {
      seen.add(subject.key);
      continue;
    }
    complaints.add('duplicate', 'warning', statement.range, () => ({
      message: `An earlier statement already ${subject.says}.`,
      fixes: [{ title: 'Remove this statement', edits: [removeStatement(text, statement.range)] }],
    }));
  }
}

interface Subject {
  readonly key: string;
  readonly says: string;
}

/** What a statement speaks of, if only one statement may; undefined where parts are missing. */
function subjectOf(statement: Statement): Subject | undefined {
  switch (statement.kind) {
    case 'model':
      return { key: 'model', says: 'names the model, and counts' };
    case 'objective':
      return { key: 'objective', says: 'names the objective, and counts' };
    case 'accumulate':
      return { key: 'accumulate', says: 'names the accumulation, and counts' };
    case 'target':
      return (
        statement.name && { key: `target ${statement.name.text}`, says: 'names this target, and counts' }
      );
    case 'input':
      return statement.name && { key: `input ${statement.name.value}`, says: 'feeds this input, and counts' };
    case 'dim':
      return dimension(statement.name, statement.axis?.value);
    case 'tolerance':
      return tolerance(statement);
    default:
      return undefined;
  }
}

function dimension(name: Word | StringLiteral | undefined, axis: number | undefined): Subject | undefined {
  if (name === undefined || Number.isNaN(axis)) return undefined;
  const text = name.kind === 'word' ? name.text : name.value;
  return { key: `dim ${axis ?? 'symbolic'} ${text}`, says: 'binds this dimension, and counts' };
}

/** The same output judged by the same metric with the same options: only the limits can differ. */
function tolerance(statement: ToleranceStatement): Subject | undefined {
  if (statement.metric === undefined || statement.operator === undefined) return undefined;
  const options = (statement.options?.options ?? [])
    .map((option) => `${option.name.text}: ${option.value === undefined ? '' : plainText(option.value)}`)
    .sort();
  const output = statement.output === undefined ? 'all' : JSON.stringify(statement.output.value);
  const key = ['tolerance', output, plainText(statement.metric), statement.operator.text, ...options].join(
    ' ',
  );
  return {
    key,
    says: 'sets a limit to this metric of this output: both must hold, so the stricter one decides',
  };
}

/** A value as text that is the same for values that mean the same. */
function plainText(value: Value): string {
  switch (value.kind) {
    case 'word':
      return value.text;
    case 'string':
      return JSON.stringify(value.value);
    case 'number':
      return String(value.value);
    case 'range':
      return `${value.first}..${value.last}`;
    case 'list':
      return `[${value.items.map(plainText).join(', ')}]`;
    case 'call':
      return `${value.name.text}(${value.items.map(plainText).join(', ')})`;
  }
}
