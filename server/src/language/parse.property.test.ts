/** What holds for every text, whatever it is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyTexts, validPlans } from './testing/arbitrary-plan.js';
import { DIAGNOSTIC_LIMIT } from './complaints.js';
import { parse, parseCounted } from './parse.js';

describe('parse, for any text', () => {
  it('gives a tree whose tokens cover every character', () => {
    fc.assert(
      fc.property(anyTexts, (text) => {
        const { tokens } = parse(text);
        expect(tokens.map((token) => text.slice(token.start, token.end)).join('')).toBe(text);
        let offset = 0;
        for (const token of tokens) {
          expect(token.start).toBe(offset);
          expect(token.end).toBeGreaterThan(token.start);
          offset = token.end;
        }
        expect(offset).toBe(text.length);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps every range inside the text, and statements and diagnostics in order', () => {
    fc.assert(
      fc.property(anyTexts, (text) => {
        const { statements, diagnostics, broken } = parse(text);
        let end = 0;
        for (const statement of statements) {
          expect(statement.range.start).toBeGreaterThanOrEqual(end);
          expect(statement.range.end).toBeGreaterThan(statement.range.start);
          end = statement.range.end;
        }
        expect(end).toBeLessThanOrEqual(text.length);
        let start = 0;
        for (const { range } of diagnostics) {
          expect(range.start).toBeGreaterThanOrEqual(start);
          expect(range.end).toBeGreaterThan(range.start);
          expect(range.end).toBeLessThanOrEqual(text.length);
          start = range.start;
        }
        const starts = new Set(statements.map((statement) => statement.range.start));
        for (const range of broken) expect(starts.has(range.start)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('looks at each token a bounded number of times', () => {
    fc.assert(
      fc.property(anyTexts, (text) => {
        const { tree, visits } = parseCounted(text);
        expect(visits).toBeLessThanOrEqual(4 * tree.tokens.length + 4);
      }),
      { numRuns: 500 },
    );
  });
});

describe('parse, for a valid plan', () => {
  it('complains of nothing but repeated statements', () => {
    fc.assert(
      fc.property(validPlans, (text) => {
        const complaints = parse(text).diagnostics.filter((diagnostic) => diagnostic.code !== 'duplicate');
        expect(complaints).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parse, for large texts', () => {
  const hostile: Readonly<Record<string, string>> = {
    'NUL bytes': '\0',
    'lone surrogates': '\ud800',
    quotes: '"',
    'single quotes': "'",
    'open brackets': '[',
    'open calls': 'f(',
    'open braces': 'layer "a": fp16 {',
    commas: ',',
    'commas and line breaks': 'op A,\n',
    'comments after a comma': ',\n#\n',
    'unknown words': 'a\n',
    'keywords alone': 'layer\n',
    'bad escapes': 'model "\\x"\n',
    'half options': '{ a:\n',
    'carriage returns': '\r',
    digits: '1',
  };
  for (const [name, piece] of Object.entries(hostile)) {
    it(`takes work in proportion to the length: ${name}`, () => {
      const visitsFor = (count: number): number => parseCounted(piece.repeat(count)).visits;
      const small = visitsFor(2_000);
      const large = visitsFor(20_000);
      expect(large).toBeLessThanOrEqual(10 * small + 20);
      const inside = parseCounted(`layer ${piece.repeat(20_000)}`);
      expect(inside.visits).toBeLessThanOrEqual(4 * inside.tree.tokens.length + 4);
    });

    it(`gives one clear picture: ${name}`, () => {
      const { diagnostics } = parse(piece.repeat(20_000));
      expect(diagnostics.length).toBeLessThanOrEqual(DIAGNOSTIC_LIMIT + 1);
      if (diagnostics.length > DIAGNOSTIC_LIMIT) {
        expect(diagnostics[DIAGNOSTIC_LIMIT]?.message).toMatch(/^\d+ more problems are not shown/u);
      }
    });
  }

  it('keeps ten million characters of noise as one statement', () => {
    const { statements, diagnostics } = parse('\0\ud800@'.repeat(3_400_000));
    expect(statements).toHaveLength(1);
    expect(diagnostics).toHaveLength(1);
  });
});
