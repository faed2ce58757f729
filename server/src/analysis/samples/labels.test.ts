import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { foldersForTests } from '../../testing/index.js';
import { readLabels } from './labels.js';
import { npyBytes } from './testing/npy.js';

const newFolder = foldersForTests();
let folder: string;

beforeEach(() => {
  folder = newFolder();
});

/** The numbers of the labels that are these files, or what is wrong with them. */
async function read(files: Readonly<Record<string, string | Uint8Array>>, count = Object.keys(files).length) {
  await mkdir(join(folder, 'truth'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, 'truth', name), content);
  }
  const labels = await readLabels('truth/*', folder, count);
  return labels.ok ? labels.value.map(({ values }) => [...values]) : labels.fault;
}

describe('labels', () => {
  it('are the numbers of each file, by the order of names', async () => {
    const array = npyBytes(new Float32Array([0.5, -2]), { shape: [1, 2] });
    expect(
      await read({ 'd.npy': array, 'c.json': '7', 'a.txt': ' 3\n1e1\t-4.5 \n', 'b.json': '[[1, 2], [3]]' }),
    ).toEqual([[3, 10, -4.5], [1, 2, 3], [7], [0.5, -2]]);
  });

  it('are told apart by their values alone', async () => {
    await read({ 'a.txt': '3', 'b.json': '[3.0]', 'c.txt': '4' });
    const labels = await readLabels('truth/*', folder, 3);
    const [first, same, other] = labels.ok ? labels.value.map(({ key }) => key) : [];
    expect(first).toMatch(/^[0-9a-f]{64}$/u);
    expect([same, other === first]).toEqual([first, false]);
  });

  it.each([
    ['nothing', 'a.txt', ''],
    ['white space alone', 'a.txt', ' \n\t\n'],
    ['words', 'a.txt', '3 cat'],
    ['commas', 'a.txt', '1,2'],
    ['an infinity', 'a.txt', '1 Infinity'],
    ['no array at all', 'a.json', ''],
    ['an array of nothing', 'a.json', '[[]]'],
    ['text', 'a.json', '["3"]'],
  ])('of %s are no labels: %s', async (_, name, text) => {
    const message = `${name}: it should hold finite numbers and nothing else`;
    expect(await read({ [name]: text })).toEqual({ code: 'input-missing', message });
  });

  it('are one for each sample', async () => {
    expect(await read({ 'a.txt': '1', 'b.txt': '2' }, 3)).toEqual({
      code: 'samples-differ',
      message: '"truth/*" matches 2 files, and there are 3 samples: one for each',
    });
  });
});
