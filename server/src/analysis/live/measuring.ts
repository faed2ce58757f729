/**
 * Measured errors of a plan's layers while they arrive: shown in place of local ones at most five times a second. Knows no store
 * and no plan.
 */
import { bestValue } from '../../metrics/index.js';
import type { Tolerance } from '../../plan/index.js';
import type { MeasuredError } from '../errors/measured-errors.js';
import type { LayerSensitivity, PlanNumbers } from './numbers.js';
import { withMeasured, type NamedError, type NamedMeasuredError } from './sensitivities.js';
import { toleranceShare } from './tolerance-share.js';

const INTERVAL_MILLISECONDS = 200;

/** A measured error by the name of its layer, with what each tolerance would say of it. */
export interface NamedFigures extends NamedError {
  /** In the order of the tolerances. */
  readonly measured: readonly number[];
}

export function namedFigures({ layer, value, low, high, tolerances }: MeasuredError): NamedFigures {
  return { name: layer.name, value, low, high, measured: tolerances.map((one) => one.measured) };
}

/** The error with its share of the tolerance that it uses most of, by the limits that `tolerances` have now. */
export function withShare(
  { measured, ...error }: NamedFigures,
  tolerances: readonly Tolerance[],
): NamedMeasuredError {
  const shares = tolerances.flatMap((tolerance, index) => {
    const own = measured[index];
    return own === undefined ? [] : [toleranceShare(tolerance, own, bestValue(tolerance.metric.name))];
  });
  return { ...error, share: shares.length === 0 ? undefined : Math.max(...shares) };
}

/** Shows what is known so far, and again when more is. */
export class ArrivingErrors {
  private readonly known: Map<string, NamedFigures>;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    known: readonly NamedFigures[],
    private readonly total: number,
    private readonly local: ReadonlyMap<string, LayerSensitivity>,
    private readonly tolerances: readonly Tolerance[],
    private readonly publish: (change: Partial<Pick<PlanNumbers, 'sensitivity' | 'measured'>>) => void,
  ) {
    this.known = new Map(known.map((one) => [one.name, one]));
    this.show();
  }

  add(error: MeasuredError): void {
    const named = namedFigures(error);
    this.known.set(named.name, named);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.show();
    }, INTERVAL_MILLISECONDS);
  }

  /** Shows the last of it; nothing more arrives. */
  end(): void {
    clearTimeout(this.timer);
    this.show();
    this.publish({ measured: undefined });
  }

  private show(): void {
    const { known, total, local, tolerances } = this;
    const errors = [...known.values()].map((one) => withShare(one, tolerances));
    this.publish({
      sensitivity: withMeasured(local, errors, known.size >= total),
      measured: { done: known.size, total },
    });
  }
}
