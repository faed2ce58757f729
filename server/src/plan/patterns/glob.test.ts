/** The globs of `layers`, against a reference that backtracks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlob, hasGlobCharacters, SCOPE_SEPARATOR } from './glob.js';

function check(glob: string, matching: readonly string[], others: readonly string[]): void {
  const compiled = compileGlob(glob);
  const matches = (name: string): boolean =>
    compiled?.matches(name.replaceAll(' > ', SCOPE_SEPARATOR)) ?? false;
  expect(matching.filter((name) => !matches(name))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
}

describe('a glob', () => {
  it('takes `*` within a segment', () => {
    check('a*/b', ['a/b', 'ax/b'], ['a/x/b', 'xa/b', 'a/b/', '/a/b']);
    check('*', ['a', 'a b'], ['/a', 'a/b']);
  });

  it('takes `**` across segments', () => {
    check('a/**', ['a/b', 'a/b/c'], ['a', 'ab/c', '/a/b']);
    check('**/b', ['b', '/b', 'a/b', '/a/x/b'], ['ab', 'b/c']);
    check('a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['a/xb', 'ab']);
    check('conv**', ['conv', 'conv/b/c', 'conv2'], ['xconv']);
    check('**', ['a', '/a/b'], []);
  });

  it('has a leading `/` matched', () => {
    check('/*', ['/a'], ['a', '/a/b']);
  });

  it('takes `?`, `{a,b}` and `[...]`', () => {
    check('a?', ['ab', 'a😀'], ['a', 'a/', 'abc']);
    check('{conv,relu}_{1,2}', ['conv_1', 'relu_2'], ['conv_3', 'conv']);
    check('a{,b{c,d}}', ['a', 'abc', 'abd'], ['ab', 'acd']);
    check('[a-c]', ['a', 'b', 'c'], ['d', '-']);
    check('[!a-c]', ['d', '-'], ['a', '/', 'dd']);
    check('[]x]', [']', 'x'], ['[]x]']);
    check('[a-]', ['a', '-'], ['b']);
  });

  it('takes each literally after a backslash, and what never closes', () => {
    check('\\*\\?\\{\\[', ['*?{['], ['a?{[']);
    check('{a,b', ['{a,b'], ['a']);
    check('[a', ['[a'], ['a']);
    check('a}', ['a}'], ['a']);
    check('{[,],b}', [',', 'b'], ['']);
    check('a\\', ['a\\'], ['a']);
  });

  it('crosses no ` > ` that it does not name', () => {
    check('If_0 > then > *', ['If_0 > then > Conv'], ['If_0 > else > Conv', 'If_0 > then > a > b']);
    check('**', [], ['If_0 > then > Conv']);
    check('*\\> b', ['a\\> b'.replace('\\', '')], []);
  });

  it('knows the text that all its matches begin with', () => {
    expect(compileGlob('model/a*')?.prefix).toBe('model/a');
    expect(compileGlob('{a,b}')?.prefix).toBe('');
    expect(compileGlob('\\*x**')?.prefix).toBe('*x');
  });

  it('matches as the reference does, and begins with its prefix', () => {
    const pieces = fc.constantFrom(
      'a',
      'b',
      '/',
      '*',
      '**',
      '?',
      '[ab]',
      '[!a]',
      '{a,b/}',
      '{,*}',
      '**/',
      '/**',
      '\\*',
    );
    const globs = fc.array(pieces, { maxLength: 6 }).map((list) => list.join(''));
    const names = fc
      .array(fc.constantFrom('a', 'b', '/', '*'), { maxLength: 7 })
      .map((list) => list.join(''));
    fc.assert(
      fc.property(globs, names, (glob, name) => {
        const compiled = compileGlob(glob);
        expect(compiled?.matches(name)).toBe(reference(glob).test(name));
        expect(compiled?.matches(name) === true && !name.startsWith(compiled.prefix)).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });

  it('takes no more steps for a pattern that makes backtracking explode', () => {
    // 2^40 steps for a matcher that tries every way: this test would not end.
    expect(compileGlob(`${'{a,a*}'.repeat(40)}b`)?.matches('a'.repeat(200))).toBe(false);
    expect(compileGlob('{'.repeat(3000))?.matches('{'.repeat(3000))).toBe(true);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('[', ']', '{', '}', ',', '*', '\\', '!', '-', 'a', ' > ') }),
        (text) => {
          compileGlob(text)?.matches(text);
        },
      ),
    );
  });
});

describe('names that look like globs', () => {
  it('are told from names', () => {
    expect(['a*', 'a?', '[ab]', '{a,b}'].filter((name) => !hasGlobCharacters(name))).toEqual([]);
    expect(['a/b', '/model/Conv:0', 'x{y}', 'a[]', 'a]b['].filter(hasGlobCharacters)).toEqual([]);
  });
});

/** The same glob as a regular expression of the platform. */
function reference(glob: string): RegExp {
  let source = '';
  let rest = glob;
  let before = '';
  const rules: readonly (readonly [RegExp, (match: string) => string])[] = [
    [/^\\(.)/, (match) => `\\${match.charAt(1)}`],
    [/^\*{2,}/, () => ''],
    [/^\*/, () => '[^/]*'],
    [/^\?/, () => '[^/]'],
    [/^\[!a\]/, () => '[^a/]'],
    [/^\[ab\]/, () => '[ab]'],
    [/^\{a,b\/\}/, () => '(?:a|b/)'],
    [/^\{,\*\}/, () => '(?:|[^/]*)'],
    [/^./, (match) => match.replace('/', '\\/')],
  ];
  while (rest !== '') {
    for (const [pattern, write] of rules) {
      const match = pattern.exec(rest)?.[0];
      if (match === undefined) {
        continue;
      }
      rest = rest.slice(match.length);
      if (/^\*{2,}$/.test(match)) {
        if ((before === '' || before === '/') && rest.startsWith('/')) {
          rest = rest.slice(1);
          source += '(?:.*\\/)?';
          before = '/';
        } else {
          source += before === '/' && rest === '' ? '.+' : '.*';
          before = '*';
        }
      } else {
        source += write(match);
        before = match.startsWith('\\') ? 'x' : match.slice(-1);
      }
      break;
    }
  }
  return new RegExp(`^(?:${source})$`, 'su');
}
