/**
 * What each layer alone does, from local and from measured errors, with its rank. Local errors stand in for what is not
 * measured yet; the two are different questions, so that ranks never mix them. Pure.
 */
import type { LayerSensitivity } from './numbers.js';

/** An error of one layer as it is kept: by the layer's name. */
export interface NamedError {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A measured error, with the share of the tolerance that it uses most of. */
export interface NamedMeasuredError extends NamedError {
  readonly share: number | undefined;
}

/** Local errors, most sensitive first. */
export function localSensitivities(errors: readonly NamedError[]): ReadonlyMap<string, LayerSensitivity> {
  return new Map(
    errors
      .toSorted(mostFirst)
      .map(({ name, value, low, high }, index) => [
        name,
        { value, low, high, method: 'local', rank: index + 1, share: undefined },
      ]),
  );
}

/**
 * `local` with what is measured put in its place. Until `complete` every layer keeps its rank among the local errors; then the
 * measured ones are ranked among themselves, by the share of a tolerance that they use where there is one, and layers that cannot
 * be measured come after them.
 */
export function withMeasured(
  local: ReadonlyMap<string, LayerSensitivity>,
  measured: readonly NamedMeasuredError[],
  complete: boolean,
): ReadonlyMap<string, LayerSensitivity> {
  const ordered = complete ? measured.toSorted(dearestFirst) : measured;
  const all = new Map(complete ? [] : local);
  for (const [index, { name, value, low, high, share }] of ordered.entries()) {
    const before = local.get(name);
    const rank = complete ? index + 1 : (before?.rank ?? local.size + 1);
    all.set(name, { value, low, high, method: 'measured', local: localOf(before), rank, share });
  }
  for (const [name, one] of local) if (!all.has(name)) all.set(name, { ...one, rank: all.size + 1 });
  return all;
}

function localOf(before: LayerSensitivity | undefined): LayerSensitivity['local'] {
  if (before?.method !== 'local') return before?.local;
  const { value, low, high } = before;
  return { value, low, high };
}

/** By the share of a tolerance, which is what is shown where it is known, then by the error. */
function dearestFirst(a: NamedMeasuredError, b: NamedMeasuredError): number {
  const [first, second] = [a.share ?? 0, b.share ?? 0];
  return first === second ? mostFirst(a, b) : second > first ? 1 : -1;
}

/** Infinite errors are equal to each other, which their difference would not tell. */
function mostFirst(a: NamedError, b: NamedError): number {
  return a.value === b.value ? 0 : b.value > a.value ? 1 : -1;
}
