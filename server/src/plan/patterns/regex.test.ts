/** The expressions of `layers matching`, against the engine of the platform. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRegex } from './regex.js';

function matches(source: string, name: string): boolean | string {
  const compiled = compileRegex(source);
  return compiled.kind === 'automaton' ? compiled.automaton.matches(name) : compiled.kind;
}

describe('an expression', () => {
  it('matches what the platform matches, anchored at both ends', () => {
    const atoms = fc.constantFrom(
      ...[
        'a',
        'b',
        '/',
        '.',
        '\\d',
        '\\w',
        '[ab]',
        '[^a]',
        '[a-z\\d]',
        '\\/',
        '\\u{61}',
        '\\x62',
        '\\u0061',
        '\\p{L}',
        '\\P{L}',
      ],
      ...['^', '$', '\\b', '\\B', '[\\]\\[]', '\\.', '😀', '\\ud83d\\ude00', '\\n', '\\cA'],
    );
    const expressions = fc.letrec<{ expression: string }>((tie) => ({
      expression: fc.oneof(
        { maxDepth: 4 },
        atoms,
        fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => a + b),
        fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `(?:${a}|${b})`),
        fc
          .tuple(tie('expression'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?', '{0}'))
          .map(([a, quantifier]) => `(${a})${quantifier}`),
        tie('expression').map((a) => `(?<n${Math.abs(a.length)}>${a})`),
        fc.constant(''),
      ),
    })).expression;
    const names = fc.string({ unit: fc.constantFrom('a', 'b', '/', '1', '.', '😀', ' '), maxLength: 6 });
    fc.assert(
      fc.property(expressions, names, (source, name) => {
        let platform: RegExp;
        try {
          platform = new RegExp(`^(?:${source})$`, 'u');
        } catch {
          expect(compileRegex(source).kind).toBe('invalid');
          return;
        }
        expect(matches(source, name)).toBe(platform.test(name));
      }),
      { numRuns: 5000 },
    );
  });

  it('is refused where it needs memory or a second look', () => {
    expect(
      ['(a)\\1', '(?<n>a)\\k<n>', '(?=a)a', '(?<!b)a', '(?:a{999}){999}'].map((source) =>
        matches(source, 'a'),
      ),
    ).toEqual(Array(5).fill('unsupported'));
    expect(matches('(', 'a')).toBe('invalid');
  });

  it('takes no more steps where backtracking explodes', () => {
    // The platform's own engine would not come back from this.
    expect(matches('(a+)+b', 'a'.repeat(2000))).toBe(false);
    expect(matches('(a|a)*(a|a)*c', 'a'.repeat(2000))).toBe(false);
  });
});
