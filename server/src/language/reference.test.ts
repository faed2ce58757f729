/** The reference for users, `docs/language.md`, agrees with the language that is read. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TEXT_DIAGNOSTIC_CODES } from './complaints.js';
import { fileDiagnostics } from './file-diagnostics.js';
import { formatText } from './format-text.js';
import { parse } from './parse.js';
import {
  DECISION_OPTIONS,
  FORMATS,
  GENERATORS,
  INPUT_FILE_OPTIONS,
  INPUT_GENERATOR_OPTIONS,
  LATENCY_OPTIONS,
  METRICS,
  OBJECTIVES,
  optionsOfTarget,
  STATEMENT_KEYWORDS,
  TARGETS,
  TOLERANCE_OPTIONS,
} from './vocabulary.js';

const reference = readFileSync(new URL('../../../docs/language.md', import.meta.url), 'utf8');

/** The words that stand between backticks, alone or within a form. */
const written = new Set(
  [...reference.matchAll(/`([^`\n]+)`/gu)].flatMap(([, code]) => code?.match(/[\w-]+/gu) ?? []),
);

describe('the reference', () => {
  it('shows plans that are correct and formatted', () => {
    const plans = [...reference.matchAll(/```precision\n([\s\S]*?)```/gu)].map(([, plan]) => plan ?? '');
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      expect(fileDiagnostics(parse(plan))).toEqual([]);
      expect(formatText(plan)).toBe(plan);
    }
  });

  it('speaks of every name of the language', () => {
    const options = [
      ...DECISION_OPTIONS,
      ...INPUT_FILE_OPTIONS,
      ...INPUT_GENERATOR_OPTIONS,
      ...TARGETS.flatMap(({ name }) => optionsOfTarget(name)),
      ...LATENCY_OPTIONS,
      ...TOLERANCE_OPTIONS,
      ...METRICS.flatMap((metric) => metric.options),
    ];
    const names = [
      ...STATEMENT_KEYWORDS,
      ...[...FORMATS, ...METRICS, ...TARGETS, ...OBJECTIVES, ...GENERATORS, ...options].map(
        (term) => term.name,
      ),
      ...options.flatMap(({ value }) =>
        value.kind === 'choice' ? [...value.words, ...(value.calls ?? []).map((call) => call.name)] : [],
      ),
    ];
    expect(names.filter((name) => !written.has(name))).toEqual([]);
  });

  it('gives every metric its operator and its default over the samples', () => {
    for (const { name, operator, over } of METRICS) {
      const row = reference
        .split('\n')
        .find((line) => line.startsWith('| `') && line.includes(`\`${name}`) && line.includes('=`'));
      expect([name, row?.split(' | ')[1], row?.split(' | ')[2]]).toEqual([
        name,
        `\`${operator}\``,
        `\`${over}\``,
      ]);
    }
  });

  it('lists every code that reading a text can give', () => {
    expect(TEXT_DIAGNOSTIC_CODES.filter((code) => !written.has(code))).toEqual([]);
  });
});
