/**
 * Modules with metrics of the user's own. They run in the compute process alone, which can be ended whatever they do, and
 * where nothing else waits. Knows files and functions, no tensor of the process.
 */
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ownFigure, type Figure, type MetricSpecification, type OwnMetric } from '../metrics/index.js';
import { RuntimeFailure } from './types.js';

/** An output as metrics see it. */
export interface Values {
  readonly dims: readonly number[];
  readonly values: Float32Array | Float64Array;
}

/** What a module exports as `measure`. */
type Measure = (
  reference: Float32Array,
  actual: Float32Array,
  context: { readonly dims: readonly number[]; readonly label?: Float64Array },
) => unknown;

const loaded = new Map<string, Promise<Measure>>();
/** How often a module could not be loaded. */
const failures = new Map<string, number>();

/** @throws {RuntimeFailure} where the module cannot be loaded or exports no such function. */
export async function loadOwnMetric({ name, path, hash }: OwnMetric): Promise<void> {
  await functionOf({ name, path, hash });
}

/** @throws {RuntimeFailure} where the module or its function fails. */
export async function ownMetricFigure(
  { name: kind, own, label }: MetricSpecification,
  reference: Values,
  actual: Values,
): Promise<Figure | undefined> {
  if (own === undefined || (kind !== 'own_error' && kind !== 'own_score')) return undefined;
  const measure = await functionOf(own);
  let value: unknown;
  try {
    // Copies: what a function writes to its arguments is its own affair.
    value = await measure(Float32Array.from(reference.values), Float32Array.from(actual.values), {
      dims: [...reference.dims],
      ...(label === undefined ? {} : { label: Float64Array.from(label) }),
    });
  } catch (error) {
    throw failed(own, `threw: ${messageOf(error)}`);
  }
  if (typeof value !== 'number') throw failed(own, `gave ${typeof value} and no number`);
  return ownFigure(kind, value);
}

function functionOf(own: OwnMetric): Promise<Measure> {
  const key = `${own.hash} ${own.path}`;
  const known = loaded.get(key);
  if (known !== undefined) return known;
  const attempt = (failures.get(key) ?? 0) + 1;
  const begun = load(own, attempt);
  loaded.set(key, begun);
  // What it lacked, a package for instance, may be there the next time.
  begun.catch(() => {
    failures.set(key, attempt);
    loaded.delete(key);
  });
  return begun;
}

async function load(own: OwnMetric, attempt: number): Promise<Measure> {
  let module: unknown;
  try {
    // A changed file is another module; and Node keeps it under its address that a module could not be loaded.
    module = await import(`${pathToFileURL(own.path).href}?${own.hash}-${attempt}`);
  } catch (error) {
    throw failed(own, `cannot be loaded: ${messageOf(error)}`);
  }
  const found =
    typeof module === 'object' && module !== null && 'measure' in module ? module.measure : undefined;
  if (typeof found !== 'function') throw failed(own, 'exports no function called `measure`');
  return (...given) => Reflect.apply(found, undefined, given) as unknown;
}

function failed({ name, path }: OwnMetric, what: string): RuntimeFailure {
  return new RuntimeFailure('metric', `The metric ${name} of ${basename(path)} ${what}.`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
