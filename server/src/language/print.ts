/**
 * Pieces of plan text for tools that write plans: strings, words, whole decisions. What these functions print
 * parses back to what was given. Knows the surface of the language only.
 */

/** A string as plan text: double quotes and JSON escapes. */
export function quote(value: string): string {
  return JSON.stringify(value);
}

const WORD = /^[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*$/u;

/** Whether a text can stand as a word, without quotes. */
export function isWord(text: string): boolean {
  return WORD.test(text);
}

/** The name of a dimension: a word where it can be one, else a string. `inf` alone reads as a number. */
export function printDimensionName(name: string): string {
  return isWord(name) ? name : quote(name);
}

/**
 * A `layer` statement on one line: `layer "conv1", "conv2": fp16`, with options as plan text by name
 * (`{ reason: '"too wide"' }`) in the order given.
 */
export function printLayerStatement(
  names: readonly string[],
  format: string,
  options: Readonly<Record<string, string>> = {},
): string {
  const entries = Object.entries(options).map(([name, value]) => `${name}: ${value}`);
  const tail = entries.length === 0 ? '' : ` { ${entries.join(', ')} }`;
  return `layer ${names.map(quote).join(', ')}: ${format}${tail}`;
}
