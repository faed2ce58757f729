/**
 * What an Einsum adds up: along which labels of its equation its operands are multiplied and added up, and how each operand's axes
 * are called. Knows equations; not in what they are added up.
 */
import { parseEinsum, stringAttribute, type Node } from '../../onnx/index.js';
import type { ModelScopes } from './scope.js';
import { tensorShape } from './tensor-shapes.js';

export interface SummedLabels {
  /** The labels of each operand, one an axis, none of them twice. */
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
  /** Labels that the output does not have, in the order in which their sums are nested. */
  readonly summed: readonly string[];
}

/** Whether a label of the node's equation is missing in its output, so that something is added up. */
export function addsUpLabels(node: Node): boolean {
  const [left = '', right] = equationOf(node).split('->');
  const letters: readonly string[] = left.match(/[A-Za-z]/g) ?? [];
  // Without an arrow the output has each letter that stands there once.
  const isKept = (letter: string): boolean =>
    right === undefined ? letters.indexOf(letter) === letters.lastIndexOf(letter) : right.includes(letter);
  return letters.some((letter) => !isKept(letter)) || (right?.includes('.') === false && left.includes('.'));
}

/**
 * Undefined where a rank that the equation needs is not known, an operand has a label twice (a diagonal), or a letter that the output
 * keeps is 1 where it stands first and may be more elsewhere: the runtime then takes the output to be 1 there, too, and runs nothing
 * that reads its shape.
 */
export function summedLabels(scopes: ModelScopes, at: number): SummedLabels | undefined {
  const scoped = scopes.nodes[at];
  if (scoped === undefined) return undefined;
  const shapes = scoped.inputs.map((id) => tensorShape(scopes, id));
  const parsed = parseEinsum(equationOf(scoped.node), shapes);
  if (parsed === undefined) return undefined;
  const { terms: operands, output } = parsed;
  const isDiagonal = [...operands, output].some((labels) => new Set(labels).size < labels.length);
  if (isDiagonal) return undefined;
  const isRepeated = output.some((label) => {
    const [first, ...others] = operands.flatMap((labels, operand) =>
      labels.includes(label) ? [shapes[operand]?.[labels.indexOf(label)]] : [],
    );
    return !label.startsWith('.') && first === 1 && others.some((length) => length !== 1);
  });
  if (isRepeated) return undefined;
  const summed = [...new Set(operands.flat())].filter((label) => !output.includes(label)).sort();
  return summed.length === 0 ? undefined : { operands, output, summed };
}

function equationOf(node: Node): string {
  return stringAttribute(node, 'equation', '').replaceAll(' ', '');
}
