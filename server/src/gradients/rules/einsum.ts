/**
 * The rule for Einsum: the gradient of an operand is an Einsum of the gradient and the other operands. Indices that only this operand
 * has are broadcast by a vector of ones; what it has twice is a diagonal, which a unit matrix makes.
 */
import { stringAttribute } from '../../onnx/index.js';
import { identity } from '../axis-map.js';
import { range } from '../emitter.js';
import { inputShape, outputShape, type Contribution, type VjpContext, type VjpRules } from '../rule.js';

export const einsumRules: VjpRules = { Einsum: einsum };

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** One index of each axis. Letters of the equation are themselves; the axes of an ellipsis are counted from its end. */
type Indices = readonly string[];

/** An operand of the new equation, without the axes of size 1 that are broadcast. */
interface Operand {
  readonly name: string;
  readonly indices: Indices;
}

function einsum(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, node } = context;
  const shapes = node.inputs.map((_, input) => inputShape(context, input));
  const parsed = parseEquation(stringAttribute(node, 'equation', ''), shapes);
  if (parsed === undefined) return undefined;
  const { operands, result } = parsed;
  const sizes = new Map<string, number>();
  operands.forEach((indices, operand) => {
    indices.forEach((index, axis) => {
      sizes.set(index, Math.max(sizes.get(index) ?? 1, shapes[operand]?.[axis] ?? 1));
    });
  });
  // A result has sizes of its own where an operand is empty; there is nothing to differentiate then.
  if (outputShape(context).some((size, axis) => size !== sizes.get(result[axis] ?? ''))) return undefined;

  const isBroadcast = (operand: number, axis: number) => {
    const index = operands[operand]?.[axis] ?? '';
    return shapes[operand]?.[axis] === 1 && sizes.get(index) !== 1;
  };
  const kept = (operand: number): Indices =>
    (operands[operand] ?? []).filter((_, axis) => !isBroadcast(operand, axis));
  const others = node.inputs.map((name, operand): Operand => {
    const indices = kept(operand);
    const shape = (shapes[operand] ?? []).filter((_, axis) => !isBroadcast(operand, axis));
    return { name: indices.length === operands[operand]?.length ? name : emit.reshape(name, shape), indices };
  });

  const contributions: Contribution[] = [];
  for (const wanted of range(node.inputs.length)) {
    contributions.push(undefined);
    if (!context.needsGradient(wanted)) continue;
    const factors: Operand[] = [
      { name: gradient, indices: ['probes', ...result] },
      ...others.filter((_, operand) => operand !== wanted),
    ];
    const present = new Set(factors.flatMap(({ indices }) => indices));
    const target: string[] = [];
    for (const index of kept(wanted)) {
      const size = sizes.get(index) ?? 1;
      if (target.includes(index)) {
        const copy = `${index} again ${target.length}`;
        factors.push({ name: identity(emit, size), indices: [index, copy] });
        target.push(copy);
      } else {
        if (!present.has(index)) factors.push({ name: emit.filled(1, [size]), indices: [index] });
        target.push(index);
      }
    }
    const equation = equationOf(factors, ['probes', ...target]);
    if (equation === undefined) return undefined;
    const product = emit.op(
      'Einsum',
      factors.map(({ name }) => name),
      { equation },
    );
    const shape = [context.probes, ...inputShape(context, wanted)];
    contributions[wanted] = target.length + 1 === shape.length ? product : emit.reshape(product, shape);
  }
  return contributions;
}

/** The indices of all operands and of the result, ellipses spelt out; undefined for what is no equation. */
function parseEquation(
  equation: string,
  shapes: readonly (readonly number[])[],
): { readonly operands: readonly Indices[]; readonly result: Indices } | undefined {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (terms.length !== shapes.length) return undefined;
  const operands = terms.map((term, operand) => {
    const rank = shapes[operand]?.length ?? 0;
    return spelt(term, rank - lettersOf(term).length);
  });
  if (operands.some((indices, operand) => indices.length !== shapes[operand]?.length)) return undefined;
  const dots = Math.max(0, ...operands.map((indices) => indices.filter(isOfEllipsis).length));
  if (right !== undefined) return { operands, result: spelt(right, dots) };
  const all = terms.flatMap(lettersOf);
  const once = [...new Set(all)].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort();
  return { operands, result: [...ellipsis(dots), ...once] };
}

function spelt(term: string, dots: number): Indices {
  const [before = '', behind] = term.split('...');
  return behind === undefined
    ? Array.from(before)
    : [...Array.from(before), ...ellipsis(dots), ...Array.from(behind)];
}

/** Axes of ellipses are aligned at their ends. */
function ellipsis(count: number): Indices {
  return range(count).map((at) => `.${count - at}`);
}

function isOfEllipsis(index: string): boolean {
  return index.startsWith('.');
}

function lettersOf(term: string): readonly string[] {
  return Array.from(term.replace('...', ''));
}

/** The equation in letters of its own; undefined if there are not enough. */
function equationOf(factors: readonly Operand[], target: Indices): string | undefined {
  const letters = new Map<string, string>();
  for (const index of factors.flatMap(({ indices }) => indices)) {
    if (!letters.has(index)) letters.set(index, LETTERS[letters.size] ?? '');
  }
  if (letters.size > LETTERS.length) return undefined;
  const text = (indices: Indices) => indices.map((index) => letters.get(index) ?? '').join('');
  return `${factors.map(({ indices }) => text(indices)).join()}->${text(target)}`;
}
