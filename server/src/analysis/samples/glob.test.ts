import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderForTests } from '../../testing/index.js';
import { findFiles } from './find-files.js';
import { expandBraces, matchesName, tokensOf } from './glob.js';

const folder = folderForTests();

const FILES = [
  'a.npy',
  'b.npy',
  'B.npy',
  'a10.npy',
  'a2.npy',
  'c.txt',
  '.hidden.npy',
  'in/x.npy',
  'in/deep/y.npy',
  'in/deep/er/z.npy',
  '.secret/s.npy',
  'odd/[1].npy',
  'odd/a*b.npy',
  'odd/ä.npy',
  'odd/\u{1f600}.npy',
  'odd/\uffee.npy',
];

beforeAll(async () => {
  for (const file of FILES) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), '');
  }
  await symlink(folder, join(folder, 'in', 'deep', 'loop'));
});

function matchesSegment(segment: string, name: string): boolean {
  return matchesName(tokensOf(segment), name);
}

async function checkFiles(pattern: string, expected: readonly string[], from = folder): Promise<void> {
  const found = await findFiles(pattern, from);
  const paths = found.ok ? found.value.map((path) => relative(folder, path).split(sep).join('/')) : [];
  expect(paths).toEqual(expected);
}

describe('globs of files', () => {
  it('are sorted by code point', async () => {
    await checkFiles('*.npy', ['B.npy', 'a.npy', 'a10.npy', 'a2.npy', 'b.npy']);
    // U+FFEE comes before U+1F600, whose first surrogate does not.
    await checkFiles('odd/?.npy', ['odd/ä.npy', 'odd/\uffee.npy', 'odd/\u{1f600}.npy']);
  });

  it('name a file as it is', async () => {
    await checkFiles('in/x.npy', ['in/x.npy']);
    await checkFiles('in/none.npy', []);
    await checkFiles('in', []);
  });

  it('know ?, [...] and {a,b}', async () => {
    await checkFiles('?.npy', ['B.npy', 'a.npy', 'b.npy']);
    await checkFiles('[a-b].npy', ['a.npy', 'b.npy']);
    await checkFiles('[!a].npy', ['B.npy', 'b.npy']);
    await checkFiles('{a,b}.npy', ['a.npy', 'b.npy']);
    await checkFiles('{a{2,10},c}.{npy,txt}', ['a10.npy', 'a2.npy', 'c.txt']);
    await checkFiles('{in,odd}/x.npy', ['in/x.npy']);
  });

  it('cross folders with ** only, and are not led astray by links', async () => {
    await checkFiles('in/*.npy', ['in/x.npy']);
    await checkFiles('in/**/*.npy', ['in/deep/er/z.npy', 'in/deep/y.npy', 'in/x.npy']);
    await checkFiles('in/**', ['in/deep/er/z.npy', 'in/deep/y.npy', 'in/x.npy']);
    await checkFiles('**/**/z.npy', ['in/deep/er/z.npy']);
  });

  it('follow a link that they name', async () => {
    await checkFiles('in/deep/loop/b.npy', ['in/deep/loop/b.npy']);
  });

  it('match a leading dot only with a dot', async () => {
    await checkFiles('.*.npy', ['.hidden.npy']);
    await checkFiles('*/s.npy', []);
    await checkFiles('**/s.npy', []);
    await checkFiles('.secret/*', ['.secret/s.npy']);
  });

  it('take a character literally after a backslash', async () => {
    await checkFiles('odd/\\[1\\].npy', ['odd/[1].npy']);
    await checkFiles('odd/a\\*b.npy', ['odd/a*b.npy']);
  });

  it('may lead out of the folder, and be absolute', async () => {
    await checkFiles('../b.npy', ['b.npy'], join(folder, 'in'));
    await checkFiles(`${folder.split(sep).join('/')}/in/*.npy`, ['in/x.npy'], tmpdir());
  });

  it('match nothing in a folder that is not there', async () => {
    await checkFiles('*.npy', [], join(folder, 'none'));
  });

  it('with too many braces are refused', async () => {
    const found = await findFiles('{a,b}'.repeat(30), folder);
    expect(found).toMatchObject({ ok: false, fault: { code: 'input-missing' } });
  });
});

describe('braces', () => {
  it('without an end or a comma are themselves', () => {
    expect(expandBraces('a{b')).toEqual(['a{b']);
    expect(expandBraces('a{b}c{d,e}')).toEqual(['a{b}cd', 'a{b}ce']);
    expect(expandBraces('a\\{b,c}')).toEqual(['a\\{b,c}']);
  });
});

describe('a segment', () => {
  it('matches itself when it is escaped', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(matchesSegment(Array.from(name, (character) => `\\${character}`).join(''), name)).toBe(true);
      }),
    );
  });

  it('with a star between matches what begins and ends so', () => {
    const word = fc.stringMatching(/^[a-c]{0,4}$/);
    fc.assert(
      fc.property(word, word, word, (begin, middle, end) => {
        expect(matchesSegment(`${begin}*${end}`, `${begin}${middle}${end}`)).toBe(true);
        expect(matchesSegment(`${begin}*${end}x`, `${begin}${middle}${end}`)).toBe(false);
      }),
    );
  });

  it('with many stars is decided in few steps', () => {
    expect(matchesSegment(`${'a*'.repeat(50)}b`, 'a'.repeat(5000))).toBe(false);
  });

  it('with a bracket that has no end takes it literally', () => {
    expect(matchesSegment('[a', '[a')).toBe(true);
    expect(matchesSegment('[]]', ']')).toBe(true);
  });
});
