/** The nodes that a conversion gives, as text. */
import { expect } from 'vitest';
import { lines, listing, modelOf, type ModelText } from './graph-text.js';
import { checkConversion, type Overflow, type Wish } from './plans.js';

/** Converts the text and compares the nodes of the result, with the types of what they write. */
export function checkNodes(
  text: string,
  wish: Wish,
  expected: string,
  options: ModelText & { overflow?: Overflow } = {},
): void {
  const { model } = checkConversion(modelOf(text, options), wish, options.overflow);
  expect(listing(model)).toEqual(lines(expected));
}
