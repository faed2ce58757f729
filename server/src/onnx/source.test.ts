import { renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { bufferSource, fileSource, PAGE_SIZE, SourceFault } from './source.js';

const folder = folderForTests();

const content = Uint8Array.from({ length: 40 * PAGE_SIZE + 123 }, (_, index) => (index * 2654435761) >>> 24);

function temporaryFile(name: string, bytes: Uint8Array = content): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('a file as a source', () => {
  it('gives the bytes of any range, within a page and across many', () => {
    const source = fileSource(temporaryFile('ranges'));
    expect(source.length).toBe(content.length);
    fc.assert(
      fc.property(fc.nat(content.length), fc.nat(3 * PAGE_SIZE), (offset, wanted) => {
        const length = Math.min(wanted, content.length - offset);
        expect(Buffer.compare(source.read(offset, length), content.subarray(offset, offset + length))).toBe(
          0,
        );
      }),
    );
    source.close();
  });

  it('keeps the bytes that it gave while it reads others', () => {
    const source = fileSource(temporaryFile('views'));
    const first = source.read(10, 20);
    for (let page = 1; page < 40; page += 1) source.read(page * PAGE_SIZE, 8);
    expect([...first]).toEqual([...content.subarray(10, 30)]);
    source.close();
  });

  it.each([
    [-1, 1],
    [0, content.length + 1],
    [content.length, 1],
    [NaN, 1],
    [0, -1],
  ])('refuses to read %d, %d', (offset, length) => {
    const source = fileSource(temporaryFile('beyond'));
    expect(() => source.read(offset, length)).toThrow(RangeError);
    expect(() => bufferSource(content).read(offset, length)).toThrow(RangeError);
    source.close();
  });

  it('says that a file has been cut short', () => {
    const path = temporaryFile('short');
    const source = fileSource(path);
    truncateSync(path, 100);
    expect(() => source.read(PAGE_SIZE, 200)).toThrow(SourceFault);
    expect(source.changed?.()).toBe(true);
    source.close();
  });

  it('notices another file under its path, and reads on in its own', () => {
    const path = temporaryFile('replaced');
    const source = fileSource(path);
    expect(source.changed?.()).toBe(false);
    const other = temporaryFile('other', new Uint8Array(content.length));
    renameSync(other, path);
    expect(source.changed?.()).toBe(true);
    expect(source.read(5, 1)).toEqual(content.subarray(5, 6));
    source.close();
    expect(() => source.read(0, 1)).toThrow(SourceFault);
    source.close();
  });
});
