/** What is fed to a session and read back: small translations between handles, bytes and numbers. Knows no graph. */
import type { Session } from '../../runtime/index.js';
import type { Feeds } from './evaluation.js';

/** Those that the session takes; it refuses others. */
export function takenBy({ inputs }: Session, feeds: Feeds): Feeds {
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => inputs.includes(name)));
}

/** The bytes of an FP32 tensor as its numbers, a copy. */
export function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

/** How many elements a shape has. */
export function elementsOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
