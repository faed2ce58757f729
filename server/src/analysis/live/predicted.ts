/**
 * What the plan is predicted to do as it is now, from sketches of its model: said at every keystroke, until inference has measured
 * it. Data for an editor; how it is predicted is `prediction`'s.
 */
import { metricLabel } from '../../metrics/index.js';
import type { Diagnostic } from '../../language/index.js';
import type { BoundPlan, Layer } from '../../plan/index.js';
import type { PredictedOutput, PredictedTolerance, Prediction, Predictor } from '../prediction/index.js';

export interface PlanPrediction {
  /** Empty where the effect of a layer is not known. */
  readonly outputs: readonly PredictedOutput[];
  /** In the plan's order. Without a value where the metric, or the effect of a layer, cannot be predicted. */
  readonly tolerances: readonly PredictedTolerance[];
}

/** Arithmetic only, well under a millisecond. */
export function predictedNow(
  predictor: Predictor,
  { decisions, tolerances }: Pick<BoundPlan, 'decisions' | 'tolerances'>,
): PlanPrediction {
  const found = predictor.predict(decisions, tolerances);
  // What leaves out a layer would promise too much.
  const isWhole = found.missing.length === 0 && found.nonFinite.length === 0;
  return {
    outputs: isWhole ? found.outputs : [],
    tolerances: found.tolerances.map((one) => {
      if (isWhole && Number.isFinite(one.value?.value)) return one;
      return { ...one, value: undefined, holds: undefined, reason: reasonOf(found) ?? one.reason };
    }),
  };
}

/** Why nothing is predicted of any tolerance. */
function reasonOf({ missing, nonFinite }: Prediction): string | undefined {
  const named = ([first, ...others]: readonly Layer[]): string =>
    `"${first?.name ?? ''}"${others.length === 0 ? '' : ` and ${others.length} more`}`;
  if (missing.length > 0)
    return `what ${named(missing)} ${missing.length === 1 ? 'does' : 'do'} is not known yet`;
  if (nonFinite.length > 0)
    return `${named(nonFinite)} ${nonFinite.length === 1 ? 'makes' : 'make'} something infinite or NaN`;
  return undefined;
}

/** `tolerance-predicted` for each tolerance of `plan` that is predicted to be exceeded. */
export function predictedFindings(
  plan: Pick<BoundPlan, 'path' | 'tolerances'>,
  prediction: PlanPrediction | undefined,
): readonly Diagnostic[] {
  return (prediction?.tolerances ?? []).flatMap(({ tolerance, value, holds }): Diagnostic[] => {
    const own = plan.tolerances.find(
      ({ output, text }) => output === tolerance.output && text === tolerance.text,
    );
    if (own === undefined || value === undefined || holds !== false) return [];
    const { source, output, operator, limit, metric } = own;
    return [
      {
        code: 'tolerance-predicted',
        severity: 'warning',
        range: source.range,
        message:
          `"${output}" ${metricLabel(metric)} is predicted to be ${value.value.toPrecision(3)} (${value.low.toPrecision(2)} to ` +
          `${value.high.toPrecision(2)}), wanted ${operator} ${limit}; inference measures it`,
        ...(source.path === plan.path ? {} : { path: source.path }),
      },
    ];
  });
}
