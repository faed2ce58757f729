/** Labels that a loss cannot be of: they fit none of the outputs. Knows samples; takes no gradient. */
import type { Evaluation } from '../sessions/evaluation.js';
import type { Label } from '../samples/index.js';
import { labelRole } from './loss.js';

/** A label fits none of the outputs: the loss that is asked for is of nothing. */
export class LabelMismatch extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LabelMismatch';
  }
}

/**
 * Figures of a loss of nothing would all be 0, as if no layer mattered.
 *
 * @throws {LabelMismatch} where the label of a sample fits none of the outputs
 */
export function checkLabel(
  { samples, references }: Evaluation,
  sample: number,
  outputs: readonly string[],
  labels: readonly Label[] | undefined,
): void {
  const label = labels?.[sample]?.values ?? new Float64Array(0);
  const shapes = outputs.flatMap((output) => {
    const dims = references[sample]?.[output]?.dims;
    return dims === undefined ? [] : [{ output, dims }];
  });
  if (shapes.some(({ dims }) => labelRole(dims, label) !== undefined)) return;
  const described = shapes.map(({ output, dims }) => `"${output}" (${dims.join(' x ')})`);
  const held = label.length === 1 ? `the number ${label[0]}` : `${label.length} numbers`;
  throw new LabelMismatch(
    `sample ${samples[sample]?.name}: its label, ${held}, fits none of the outputs ${described.join(', ')}: ` +
      'write a class from 0 up for each row of one (its last axis are the classes), or a number for each of its elements',
  );
}
