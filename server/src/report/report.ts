/** What a report shows, as data: the same for the page, the terminal and whoever reads it by machine. */
import type { KeptBenchmark, OutputMeasurement, ToleranceVerdict } from '../analysis/index.js';
import type { LowFormatName } from '../formats/index.js';
import type { FormatShare } from '../plan/index.js';

/** One variant of the model: the original, the plan, or everything in the low format. */
export interface ComparisonRow {
  readonly name: string;
  /** One figure per tolerance of the plan, in its order. */
  readonly errors: readonly number[];
  /** Milliseconds; undefined where it was not measured. */
  readonly latency: { readonly median: number; readonly p10: number; readonly p90: number } | undefined;
  readonly bytes: number;
  readonly low: FormatShare;
  readonly casts: number;
}

export interface Comparison {
  /** Column titles of `errors`: `ld_3d nme`. */
  readonly errorTitles: readonly string[];
  readonly rows: readonly ComparisonRow[];
  readonly total: FormatShare;
  readonly busy: boolean;
  /** Timed runs of each row; left out where that is not known. */
  readonly runs?: number;
}

export interface ReportTensor {
  readonly tensor: string;
  readonly kind: 'output' | 'weight' | 'input';
  readonly elements: number;
  /** The power of two that would suit the values best in the format that the layer is judged in. */
  readonly scale: number;
  /** Pairs of an exponent e and how many magnitudes are from 2^e up to 2^(e+1). */
  readonly histogram: { readonly zeros: number; readonly binades: readonly (readonly [number, number])[] };
}

export interface ReportLayer {
  readonly name: string;
  readonly operator: string;
  readonly format: string;
  /** The low format that errors, overflow and underflow are told of: the one that it has, or else one that it could have. */
  readonly judgedIn: LowFormatName;
  readonly localError: number;
  /** Undefined where what it writes was not looked at, as the two that follow. */
  readonly maxAbs: number | undefined;
  readonly overflow: number | undefined;
  readonly underflow: number | undefined;
  /** Its outputs and weights, with how their values are spread. */
  readonly tensors: readonly ReportTensor[];
  readonly multiplyAdds: number | undefined;
  /** Microjoules of them, by operation counts: in FP32 and as it is decided. */
  readonly energy?: { readonly fp32: number; readonly plan: number } | undefined;
  readonly weighted: boolean;
  readonly reason: string;
}

/** What is undefined was not asked for, and has no place on the page. */
export interface Report {
  readonly title: string;
  readonly model: string;
  readonly plan: string;
  readonly samples: number;
  readonly device: string;
  readonly versions: string;
  /** Plain sentences: what came out and what it is worth on this machine. */
  readonly conclusions: readonly string[];
  readonly comparison: Comparison | undefined;
  /** Benchmarks of the same model on the same target that are kept, the newest first. */
  readonly earlier?: readonly KeptBenchmark[] | undefined;
  readonly verdicts: readonly ToleranceVerdict[] | undefined;
  /** Figures of every output, tolerance or not. */
  readonly outputs?: readonly OutputMeasurement[] | undefined;
  /** In graph order. */
  readonly layers: readonly ReportLayer[] | undefined;
  /** The low formats that layers are judged in. */
  readonly formats?: readonly ReportFormat[] | undefined;
}

/** What a format holds by itself; nothing for integers, whose range is that of their scale. */
export interface ReportFormat {
  readonly name: LowFormatName;
  /** Drawn as a line in the range chart. */
  readonly largest: number | undefined;
  /** What lies below it in a histogram loses digits. */
  readonly smallestNormal: number | undefined;
}
