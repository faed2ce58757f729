/** What analysis knows of each layer, joined: its decision, its errors, its range, its flags and the reason. Pure. */
import {
  UNDERFLOW_SHARE,
  type LayerRange,
  type LocalError,
  type LocalErrors,
  type MeasuredError,
  type MeasuredErrors,
} from '../analysis/index.js';
import type { BoundPlan, Layer } from '../plan/index.js';
import { formatNumber, formatPercent } from '../report/index.js';

/** Over this local error a layer is outside the range in which errors add up, and is flagged. */
const LARGE_LOCAL_ERROR = 0.05;
/** The same of the error that it causes in an output by itself. */
const LARGE_MEASURED_ERROR = 0.2;

interface ErrorReport {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What analysis knows of one layer, as the JSON document has it. */
export interface LayerReport {
  readonly name: string;
  readonly op: string;
  readonly format: string;
  readonly error: ErrorReport & { readonly method: 'local' | 'measured' };
  /** The local error, where `error` is measured and both were asked for. */
  readonly local?: ErrorReport;
  /** Where `error` is measured: the error of each output. */
  readonly outputs?: readonly (ErrorReport & { readonly output: string })[];
  /** Where `error` is measured: what the tolerances say of a plan that lowers this layer only. */
  readonly tolerances?: readonly {
    readonly output: string;
    readonly metric: string;
    readonly measured: number;
    readonly limit: number;
    readonly holds: boolean;
  }[];
  readonly range: { readonly maxAbs: number; readonly overflow: number; readonly underflow: number };
  readonly flags: readonly string[];
  readonly reason: string;
}

/** One report per layer, worst error first: the measured one where there is one, otherwise the local one. */
export function layerReports(
  plan: BoundPlan,
  local: LocalErrors | undefined,
  ranges: readonly LayerRange[],
  format: 'fp16' | 'bf16',
  measured?: MeasuredErrors,
): LayerReport[] {
  const rangeOf = new Map(ranges.map((range) => [range.layer, range]));
  const decisionOf = new Map(plan.decisions.map((decision) => [decision.layer, decision.format]));
  const localOf = new Map(local?.errors.map((error) => [error.layer, error]));
  const measuredOf = new Map(measured?.errors.map((error) => [error.layer, error]));
  const errors: readonly LocalError[] = measured?.errors ?? local?.errors ?? [];
  const method = measured === undefined ? ('local' as const) : ('measured' as const);
  return errors
    .map((error): LayerReport => {
      const range = rangeOf.get(error.layer);
      const beside = measured === undefined ? undefined : localOf.get(error.layer);
      const { flags, reason } = explain(error, method, range, format);
      return {
        name: error.layer.name,
        op: operator(error.layer),
        format: decisionOf.get(error.layer) ?? 'original',
        error: { ...errorReport(error), method },
        ...(beside === undefined ? {} : { local: errorReport(beside) }),
        ...measuredReport(measuredOf.get(error.layer)),
        range: {
          maxAbs: range?.maxAbs ?? Number.NaN,
          overflow: range?.overflow ?? 0,
          underflow: range?.underflow ?? 0,
        },
        flags,
        reason,
      };
    })
    .toSorted((a, b) => (a.error.value === b.error.value ? 0 : b.error.value - a.error.value));
}

function errorReport({ value, low, high }: ErrorReport): ErrorReport {
  return { value, low, high };
}

function measuredReport(error: MeasuredError | undefined): Pick<LayerReport, 'outputs' | 'tolerances'> {
  if (error === undefined) return {};
  return {
    outputs: error.perOutput.map(({ output, value, low, high }) => ({ output, value, low, high })),
    tolerances: error.tolerances.map(({ tolerance, measured, holds }) => {
      const { output, metric, limit } = tolerance;
      return { output, metric: metric.name, measured, limit, holds };
    }),
  };
}

function operator({ node }: Layer): string {
  return node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
}

function explain(
  error: LocalError,
  method: 'local' | 'measured',
  range: LayerRange | undefined,
  format: string,
): { readonly flags: readonly string[]; readonly reason: string } {
  const flags: string[] = [];
  const reasons: string[] = [];
  if (range !== undefined && range.overflow > 0) {
    flags.push('overflow');
    reasons.push(`${range.overflow} values beyond ${format}, largest ${formatNumber(range.maxAbs)}`);
  }
  if (range !== undefined && range.underflow > UNDERFLOW_SHARE) {
    flags.push('underflow');
    reasons.push(`${formatPercent(range.underflow)} of the values become subnormal or zero`);
  }
  const output = method === 'local' ? 'the' : 'an';
  if (error.ofZero === true) {
    flags.push('zero-output');
    reasons.push(`${output} output is exactly 0 in every sample, so that no error is small beside it`);
  } else if (!Number.isFinite(error.value)) {
    flags.push('nonfinite');
    reasons.push(`rounding makes ${output} output non-finite`);
  } else if (method === 'local' && error.value > LARGE_LOCAL_ERROR) {
    flags.push('large-local-error');
    reasons.push('rounding inputs and weights moves the output by more than 5 %');
  } else if (method === 'measured' && error.value > LARGE_MEASURED_ERROR) {
    flags.push('large-error');
    reasons.push('this layer alone moves an output by more than 20 %');
  }
  return { flags, reason: reasons.join('; ') };
}
