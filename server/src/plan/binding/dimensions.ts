/**
 * `dim` statements: sizes for the dimensions that the model leaves open, by symbol or by place. Knows the shapes of
 * the model's inputs, no samples.
 */
import { nearest, quote, type Diagnostic, type DimStatement, type Fix } from '../../language/index.js';
import type { Dimension, Model, Shape } from '../../onnx/index.js';
import { diagnosticIn, type Placed, type PlanFile } from '../text/documents.js';
import { listOf } from '../text/wording.js';

export interface BoundDimensions {
  /** By symbol, or by place as `INPUT[axis]` for a dimension without one. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

/** The size of a dimension with what the plan binds; a name or nothing where it stays open. */
export function sizeOf(dimension: Dimension, place: string, sizes: ReadonlyMap<string, number>): Dimension {
  return typeof dimension === 'number'
    ? dimension
    : (sizes.get(place) ?? (dimension === undefined ? undefined : (sizes.get(dimension) ?? dimension)));
}

/** How a place is written: `"input_1"[0]` in plans, and as a key without the quotes. */
export function placeOf(input: string, axis: number): string {
  return `${input}[${axis}]`;
}

/** A shape with the plan's sizes put in. */
export function boundShape(input: string, shape: Shape, sizes: ReadonlyMap<string, number>): Shape {
  return shape.map((dimension, axis) => sizeOf(dimension, placeOf(input, axis), sizes));
}

export function bindDimensions(model: Model, placed: readonly Placed[]): BoundDimensions {
  const sizes = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  const shapes = new Map(
    model.graph.inputs.flatMap(({ name, type }) =>
      type?.kind === 'tensor' ? [[name, type.shape] as const] : [],
    ),
  );
  for (const { statement, file } of placed) {
    const size = statement.kind === 'dim' ? statement.value?.value : undefined;
    if (statement.kind !== 'dim' || size === undefined || !Number.isSafeInteger(size) || size < 0) {
      continue;
    }
    const found = statement.axis ? atPlace(statement, file, shapes) : bySymbol(statement, file, shapes);
    if (typeof found === 'string') {
      // A second statement on the same dimension is diagnosed as a duplicate: the first one counts.
      if (!sizes.has(found)) {
        sizes.set(found, size);
      }
    } else if (found) {
      diagnostics.push(found);
    }
  }
  return { sizes, diagnostics };
}

type Shapes = ReadonlyMap<string, Shape | undefined>;

function bySymbol({ name }: DimStatement, file: PlanFile, shapes: Shapes): string | Diagnostic | undefined {
  if (!name) {
    return undefined;
  }
  const written = name.kind === 'word' ? name.text : name.value;
  const symbols = new Set(
    [...shapes.values()].flatMap((shape) => shape ?? []).filter((dim) => typeof dim === 'string'),
  );
  if (symbols.has(written)) {
    return written;
  }
  const near = nearest(written, symbols, 3);
  const known =
    symbols.size === 0
      ? ' Its inputs have no symbolic dimension; one without a name is bound as `dim "INPUT"[0] = 1`.'
      : ` There ${symbols.size === 1 ? 'is' : 'are'} ${listOf([...symbols].slice(0, 8).map(quote), 'and')}.`;
  const message = `No input of the model has a dimension named ${quote(written)}.${known}`;
  const fixes = near.map((symbol): Fix => ({
    title: `Change to ${quote(symbol)}`,
    edits: [{ range: name.range, newText: quote(symbol) }],
  }));
  return file.include ? undefined : diagnosticIn(file, 'no-match', 'warning', name.range, message, { fixes });
}

function atPlace(
  { name, axis, value }: DimStatement,
  file: PlanFile,
  shapes: Shapes,
): string | Diagnostic | undefined {
  if (!name || !axis || !value || !Number.isSafeInteger(axis.value) || axis.value < 0) {
    return undefined;
  }
  const input = name.kind === 'word' ? name.text : name.value;
  if (!shapes.has(input)) {
    const near = nearest(input, shapes.keys(), 3);
    const fixes = near.map((other): Fix => ({
      title: `Change to ${quote(other)}`,
      edits: [{ range: name.range, newText: quote(other) }],
    }));
    const hint = near.length === 0 ? '' : ` Did you mean ${listOf(near.map(quote), 'or')}?`;
    const message = `The model has no input ${quote(input)}.${hint}`;
    return diagnosticIn(file, 'input-unknown', 'error', name.range, message, { fixes });
  }
  const shape = shapes.get(input);
  if (!shape) {
    return placeOf(input, axis.value);
  }
  if (axis.value >= shape.length) {
    const message = `${quote(input)} has ${shape.length} dimensions: the last index is ${shape.length - 1}.`;
    return diagnosticIn(file, 'input-shape', 'error', axis.range, message);
  }
  const dimension = shape[axis.value];
  if (typeof dimension === 'number' && dimension !== value.value) {
    const message = `This dimension of ${quote(input)} is ${dimension} in the model and cannot be bound to ${value.text}.`;
    const fixes = [
      { title: `Change to ${dimension}`, edits: [{ range: value.range, newText: String(dimension) }] },
    ];
    return diagnosticIn(file, 'input-shape', 'error', value.range, message, { fixes });
  }
  return typeof dimension === 'string' ? dimension : placeOf(input, axis.value);
}
