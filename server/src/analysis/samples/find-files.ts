/** The files that a glob matches. Knows folders and names, not what the files hold. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expandBraces, literalName, matchesName, MOST_ALTERNATIVES, tokensOf } from './glob.js';
import { failure, success, type Outcome } from './types.js';

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly isFile: boolean;
  readonly isLink: boolean;
}

/** What lies in a folder, links followed; nothing where there is no such folder or it may not be read. */
async function entriesOf(folder: string): Promise<Entry[]> {
  try {
    const listed = await readdir(folder, { withFileTypes: true });
    return await Promise.all(
      listed.map(async (entry) => {
        const isLink = entry.isSymbolicLink();
        const kind = isLink ? await kindOf(join(folder, entry.name)) : entry;
        return {
          name: entry.name,
          isFolder: kind?.isDirectory() ?? false,
          isFile: kind?.isFile() ?? false,
          isLink,
        };
      }),
    );
  } catch {
    return [];
  }
}

async function kindOf(path: string): Promise<{ isFile(): boolean; isDirectory(): boolean } | undefined> {
  try {
    return await stat(path);
  } catch {
    return undefined;
  }
}

async function walk(
  folder: string,
  segments: readonly string[],
  found: Set<string>,
  seen: Set<string>,
): Promise<void> {
  // Several `**` lead to one folder in many ways.
  const place = `${segments.join('/')} ${folder}`;
  const [segment, ...rest] = segments;
  if (segment === undefined || seen.has(place)) return;
  seen.add(place);
  const isLast = rest.length === 0;
  if (segment === '**') {
    await walk(folder, isLast ? ['*'] : rest, found, seen);
    // Links are not followed here: they may lead back up.
    const below = (await entriesOf(folder)).filter(
      ({ isFolder, isLink, name }) => isFolder && !isLink && !name.startsWith('.'),
    );
    for (const { name } of below) await walk(join(folder, name), segments, found, seen);
    return;
  }
  const tokens = tokensOf(segment);
  const literal = literalName(tokens);
  if (literal !== undefined) {
    const path = join(folder, literal);
    if (!isLast) await walk(path, rest, found, seen);
    else if ((await kindOf(path))?.isFile() === true) found.add(path);
    return;
  }
  for (const { name, isFile, isFolder } of await entriesOf(folder)) {
    if (!(isLast ? isFile : isFolder) || !matchesName(tokens, name)) continue;
    if (isLast) found.add(join(folder, name));
    else await walk(join(folder, name), rest, found, seen);
  }
}

/** Order of code points, the same in every locale; that of UTF-16 differs where surrogates are. */
export function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/**
 * Absolute paths of the files that match `pattern`, relative to `folder` or absolute, sorted by code point. Fails only
 * for a pattern whose braces stand for too many.
 */
export async function findFiles(pattern: string, folder: string): Promise<Outcome<string[]>> {
  const alternatives = expandBraces(pattern);
  if (alternatives.length > MOST_ALTERNATIVES) {
    return failure(
      'input-missing',
      `the braces of "${pattern}" stand for more than ${MOST_ALTERNATIVES} patterns`,
    );
  }
  const found = new Set<string>();
  for (const alternative of alternatives) {
    const segments = alternative.split('/').filter((segment, index) => segment !== '' || index === 0);
    // A path from the root, with a drive letter on Windows.
    const rooted = /^(?:[A-Za-z]:)?$/.test(segments[0] ?? '') && alternative.includes('/');
    const start = rooted ? resolve(`${segments[0] ?? ''}/`) : resolve(folder);
    await walk(start, rooted ? segments.slice(1) : segments, found, new Set());
  }
  return success([...found].sort(compareCodePoints));
}
