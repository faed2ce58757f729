/** The tables agree with the parser: every form that they promise is read without complaint. */
import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import {
  DECISION_OPTIONS,
  FAMILIAR_NAMES,
  FORMATS,
  GENERATORS,
  INPUT_FILE_OPTIONS,
  INPUT_GENERATOR_OPTIONS,
  LATENCY_OPTIONS,
  METRICS,
  OBJECTIVES,
  optionsOfTarget,
  type OptionTerm,
  STATEMENTS,
  TARGETS,
  TOLERANCE_OPTIONS,
  type ValueShape,
} from './vocabulary.js';

function checkAccepted(text: string): void {
  expect(parse(text).diagnostics.map((diagnostic) => `${text}: ${diagnostic.message}`)).toEqual([]);
}

/** Every kind of value that a shape takes, as plan text. */
function examples(shape: ValueShape): string[] {
  switch (shape.kind) {
    case 'choice': {
      const calls = (shape.calls ?? []).map(
        (call) => `${call.name}(${call.parameters.map(() => String(call.most ?? 1)).join(', ')})`,
      );
      return [...shape.words, ...calls, ...(shape.number === true ? ['0.5'] : [])];
    }
    case 'format':
      return FORMATS.map((format) => format.name);
    case 'integer':
      return [String(shape.least ?? -1)];
    case 'number':
      return ['1/255', '2^-3'];
    case 'power-of-two':
      return ['2^-3', '0.125', '1', '1024'];
    case 'numbers':
      return ['[0.5, 1]'];
    case 'strings':
      return ['["a", "b/Conv"]', '[]'];
    case 'range':
      return ['0..3'];
    case 'string':
      return ['"text"'];
  }
}

function checkOptionsOf(start: string, options: readonly OptionTerm[]): void {
  for (const option of options) {
    for (const value of examples(option.value)) checkAccepted(`${start} { ${option.name}: ${value} }`);
  }
}

describe('vocabulary', () => {
  it('has a form for each statement, which is read as that statement', () => {
    for (const term of STATEMENTS) {
      const text = term.form
        .replace('"REGEX"', '"a.*"')
        .replace(', ...', '')
        .replace('FORMAT', 'fp16')
        .replace('METRIC', 'max_abs')
        .replace('NUMBER', '1')
        .replace('= INT', '= 1')
        .replace('target NAME', 'target cpu')
        .replace('objective NAME', 'objective size');
      checkAccepted(text);
      expect(parse(text).statements).toMatchObject([{ kind: term.kind, keyword: { text: term.keyword } }]);
    }
  });

  it('has names that the parser knows', () => {
    for (const { name } of FORMATS) checkAccepted(`default: ${name}`);
    for (const { name } of TARGETS) checkAccepted(`target ${name}`);
    for (const { name } of OBJECTIVES) checkAccepted(`objective ${name}`);
    for (const { name, parameters } of GENERATORS) {
      checkAccepted(
        `input "x" = ${name}${parameters.length === 0 ? '' : `(${parameters.map(() => '1').join(', ')})`}`,
      );
    }
  });

  it('has metrics that need exactly what it says', () => {
    for (const { name, operator, threshold, landmarks, options } of METRICS) {
      const start = `tolerance "y" ${name}${threshold ? '(0.1)' : ''} ${operator} 1`;
      if (!landmarks) checkOptionsOf(start, [...TOLERANCE_OPTIONS, ...options]);
      const needed = options.map((option) => `${option.name}: ${examples(option.value)[0] ?? ''}`).join(', ');
      checkAccepted(landmarks ? `${start} { ${needed} }` : start);
    }
  });

  it('has options that their statements take', () => {
    for (const { name } of TARGETS) checkOptionsOf(`target ${name}`, optionsOfTarget(name));
    checkOptionsOf('latency from "p.json"', LATENCY_OPTIONS);
    checkOptionsOf('input "x" from "*.npy"', INPUT_FILE_OPTIONS);
    checkOptionsOf('input "x" = zeros', INPUT_GENERATOR_OPTIONS);
    checkOptionsOf('default: fp16', DECISION_OPTIONS);
    checkOptionsOf('layers matching "a": fp16', DECISION_OPTIONS);
  });

  it('translates familiar names to names that exist', () => {
    const known = new Set([...FORMATS, ...METRICS, ...TARGETS].map((term) => term.name));
    for (const name of FAMILIAR_NAMES.values()) expect(known).toContain(name);
  });
});
