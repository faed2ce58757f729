/** The name of a value: a hash of everything that determines it. Knows not where values lie. */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { encodeValue } from './encode.js';

/** Of the encoding and of the files. Raised whenever either changes, so that older and newer versions never meet. */
export const FORMAT_VERSION = 1;

/**
 * SHA-256 in hexadecimal of kind and recipe, whatever the order of the recipe's properties.
 * @throws NotStorable
 */
export function keyOf(kind: string, recipe: unknown): string {
  // Typed arrays are stored as the machine has them: machines of the other byte order have entries of their own.
  const named = ['onnx-precision', FORMAT_VERSION, endianness(), kind, recipe];
  return createHash('sha256').update(encodeValue(named, 'sorted')).digest('hex');
}
