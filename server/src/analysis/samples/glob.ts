/**
 * File globs as text: `*` and `?` within a path segment, `**` across segments, `{a,b}`, `[a-z]`, `[!a]`, `\` before a
 * character that stands for itself. As in a shell, no wildcard matches a leading dot. Matching takes time in
 * proportion to pattern times name, whatever the pattern. Knows no folders.
 */

/** Combinations of braces beyond this are a slip of the hand. */
export const MOST_ALTERNATIVES = 256;

/** One character, or a run of them, of a segment of a pattern. */
export type Token =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [number, number])[];
    };

/** Where the brace that opens at `open` closes, and the commas between, all at its own depth. */
function braceParts(pattern: string, open: number): { close: number; commas: number[] } | undefined {
  const commas: number[] = [];
  let depth = 0;
  for (let i = open; i < pattern.length; i++) {
    const character = pattern[i];
    if (character === '\\') i++;
    else if (character === '{') depth++;
    else if (character === ',' && depth === 1) commas.push(i);
    else if (character === '}' && --depth === 0) return { close: i, commas };
  }
  return undefined;
}

/**
 * The patterns without braces that a pattern stands for. A brace without a comma or an end is itself. Stops soon after
 * `MOST_ALTERNATIVES`.
 */
export function expandBraces(pattern: string): string[] {
  for (let open = 0; open < pattern.length; open++) {
    if (pattern[open] === '\\') open++;
    else if (pattern[open] === '{') {
      const parts = braceParts(pattern, open);
      if (parts === undefined || parts.commas.length === 0) continue;
      const before = pattern.slice(0, open);
      const after = pattern.slice(parts.close + 1);
      const starts = [open, ...parts.commas];
      const ends = [...parts.commas, parts.close];
      const expanded: string[] = [];
      for (const [index, start] of starts.entries()) {
        if (expanded.length > MOST_ALTERNATIVES) break;
        expanded.push(...expandBraces(`${before}${pattern.slice(start + 1, ends[index])}${after}`));
      }
      return expanded.slice(0, MOST_ALTERNATIVES + 1);
    }
  }
  return [pattern];
}

/** `[a-z]` at `start`: its token and where it ends; undefined where it has no end. */
function characterClass(
  characters: readonly string[],
  start: number,
): { token: Token; end: number } | undefined {
  let i = start + 1;
  const negated = characters[i] === '!' || characters[i] === '^';
  if (negated) i++;
  const ranges: [number, number][] = [];
  for (const first = i; i < characters.length; i++) {
    if (characters[i] === ']' && i > first) return { token: { kind: 'class', negated, ranges }, end: i };
    if (characters[i] === '\\') i++;
    const low = characters[i]?.codePointAt(0) ?? 0;
    const isRange = characters[i + 1] === '-' && i + 2 < characters.length && characters[i + 2] !== ']';
    const high = isRange ? (characters[i + 2]?.codePointAt(0) ?? 0) : low;
    ranges.push([low, high]);
    if (isRange) i += 2;
  }
  return undefined;
}

/** The tokens of a segment without braces. */
export function tokensOf(segment: string): Token[] {
  const characters = Array.from(segment);
  const tokens: Token[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '*') tokens.push({ kind: 'star' });
    else if (character === '?') tokens.push({ kind: 'any' });
    else if (character === '[') {
      const found = characterClass(characters, i);
      tokens.push(found?.token ?? { kind: 'literal', character });
      i = found?.end ?? i;
    } else if (character === '\\' && i + 1 < characters.length) {
      i++;
      tokens.push({ kind: 'literal', character: characters[i] ?? '' });
    } else tokens.push({ kind: 'literal', character });
  }
  return tokens;
}

function matchesCharacter(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'literal':
      return token.character === character;
    case 'any':
      return true;
    case 'star':
      return false;
    case 'class': {
      const point = character.codePointAt(0) ?? 0;
      return token.ranges.some(([low, high]) => point >= low && point <= high) !== token.negated;
    }
  }
}

/** Whether a name matches; after a mismatch only the last star takes one character more, so time stays bounded. */
export function matchesName(tokens: readonly Token[], name: string): boolean {
  const characters = Array.from(name);
  const [first] = tokens;
  if (name.startsWith('.') && !(first?.kind === 'literal' && first.character === '.')) return false;
  let token = 0;
  let character = 0;
  let star = -1;
  let starAt = 0;
  while (character < characters.length) {
    const current = tokens[token];
    if (current?.kind === 'star') {
      star = token++;
      starAt = character;
    } else if (current !== undefined && matchesCharacter(current, characters[character] ?? '')) {
      token++;
      character++;
    } else if (star >= 0) {
      token = star + 1;
      character = ++starAt;
    } else return false;
  }
  return tokens.slice(token).every(({ kind }) => kind === 'star');
}

/** The name that a segment without wildcards stands for. */
export function literalName(tokens: readonly Token[]): string | undefined {
  let name = '';
  for (const token of tokens) {
    if (token.kind !== 'literal') return undefined;
    name += token.character;
  }
  return name;
}
