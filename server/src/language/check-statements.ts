/**
 * What the text alone shows to be wrong once it is read: names that the language does not have, values that an option
 * does not take. Parts that are missing are passed over; the parser has spoken of them. Knows the vocabulary, no
 * model and no file.
 */
import { checkDuplicatesSteps } from './check-duplicates.js';
import { checkGenerator } from './check-generator.js';
import { checkTolerance } from './check-metric.js';
import { checkOptions } from './check-options.js';
import { checkFormat, checkNumber, checkValue } from './check-values.js';
import { type Complaints, excerpt, listed } from './complaints.js';
import { endsStep, type Pausing } from './pausing.js';
import { suggestName } from './suggest.js';
import type { DecisionStatement, Statement, StringLiteral, SyntaxTree, Word } from './tree.js';
import {
  ACCUMULATIONS,
  DECISION_OPTIONS,
  INPUT_FILE_OPTIONS,
  INPUT_GENERATOR_OPTIONS,
  LATENCY_OPTIONS,
  OBJECTIVES,
  type OptionTerm,
  optionsOfTarget,
  TARGETS,
  type Term,
} from './vocabulary.js';

export function* checkStatementsSteps(
  { text, statements, broken }: Pick<SyntaxTree, 'text' | 'statements' | 'broken'>,
  complaints: Complaints,
): Pausing<void> {
  const ownMetrics = new Set<string>();
  for (const statement of statements) {
    if (statement.kind === 'metric' && statement.name !== undefined) ownMetrics.add(statement.name.text);
  }
  const brokenStarts = new Set(broken.map((range) => range.start));
  for (const [index, statement] of statements.entries()) {
    if (endsStep(index)) yield;
    checkStatement(statement, ownMetrics, complaints);
    // A pattern with a bad escape is not yet the pattern that was meant.
    if (statement.kind !== 'layers matching' || brokenStarts.has(statement.range.start)) continue;
    for (const pattern of statement.patterns) checkPattern(pattern, complaints);
  }
  yield* checkDuplicatesSteps(text, statements, complaints);
}

function checkStatement(statement: Statement, ownMetrics: ReadonlySet<string>, complaints: Complaints): void {
  switch (statement.kind) {
    case 'unknown':
      return;
    case 'tolerance':
      checkTolerance(statement, ownMetrics, complaints);
      return;
    case 'default':
    case 'layer':
    case 'layers':
    case 'layers matching':
    case 'op':
    case 'between':
      checkDecision(statement, complaints);
      return;
    case 'input':
      if (statement.generator !== undefined) checkGenerator(statement.generator, complaints);
      break;
    case 'dim':
      if (statement.axis !== undefined)
        checkNumber('An index', statement.axis, { whole: true, least: 0 }, complaints);
      if (statement.value !== undefined)
        checkNumber('A size', statement.value, { whole: true, least: 0 }, complaints);
      break;
    case 'target':
      checkName('target', statement.name, TARGETS, complaints);
      break;
    case 'objective':
      checkName('objective', statement.name, OBJECTIVES, complaints);
      break;
    case 'accumulate':
      if (statement.value !== undefined)
        checkValue('`accumulate`', statement.value, ACCUMULATIONS, complaints);
      break;
    default:
  }
  checkOptions(statement.keyword.text, statement.options, optionsOf(statement), complaints);
}

/** The options that a statement may have; for a tolerance those of its metric come on top. */
function optionsOf(statement: Statement): readonly OptionTerm[] {
  if (statement.kind === 'target') return optionsOfTarget(statement.name?.text);
  if (statement.kind === 'latency') return LATENCY_OPTIONS;
  if (statement.kind !== 'input') return [];
  if (statement.generator !== undefined) return INPUT_GENERATOR_OPTIONS;
  return statement.files === undefined
    ? [...INPUT_FILE_OPTIONS, ...INPUT_GENERATOR_OPTIONS]
    : INPUT_FILE_OPTIONS;
}

function checkDecision(statement: DecisionStatement, complaints: Complaints): void {
  if (statement.format !== undefined) checkFormat(statement.format, complaints);
  checkOptions(statement.keyword.text, statement.options, DECISION_OPTIONS, complaints);
}

/** Compiles the expression and never runs it: a hostile one costs no time here. */
function checkPattern(pattern: StringLiteral, complaints: Complaints): void {
  try {
    new RegExp(pattern.value, 'u');
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.slice(error.message.lastIndexOf(':') + 1).trim() : '';
    complaints.error('regex-invalid', pattern.range, () => ({
      message: `This is no regular expression of ECMAScript with the flag \`u\`: ${reason}.`,
    }));
  }
}

function checkName(
  kind: 'target' | 'objective',
  word: Word | undefined,
  terms: readonly Term[],
  complaints: Complaints,
): void {
  const names = terms.map((term) => term.name);
  if (word === undefined || names.includes(word.text)) return;
  complaints.error(`unknown-${kind}`, word.range, () => ({
    message: `\`${excerpt(word.text)}\` is no ${kind}. There are ${listed(names, 'and')}.`,
    fixes: suggestName(word.text, word.range, names),
  }));
}
