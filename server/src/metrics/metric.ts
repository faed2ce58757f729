/**
 * What every metric has in common. A metric compares the outputs of a changed model with those of the
 * original. Each sample gives a `Figure`; figures are then put together over the samples.
 */

export const METRIC_NAMES = [
  'max_abs',
  'mean_abs',
  'relative_l2',
  'cosine',
  'sqnr',
  'psnr',
  'ulp_fp16',
  'top1',
  'top5',
  'kl',
  'nme',
  'pck',
  'iou',
] as const;

/** A metric of the user's own: an error, of which less is better, or a score, of which more is. */
export type OwnMetricName = 'own_error' | 'own_score';

export type MetricName = (typeof METRIC_NAMES)[number] | OwnMetricName;

/** Where the function of a metric of the user's own stands. */
export interface OwnMetric {
  /** As the plan calls it. */
  readonly name: string;
  /** Absolute path of the module. */
  readonly path: string;
  /** SHA-256 of its text, in hexadecimal. */
  readonly hash: string;
}

/** How the landmarks of `nme` and `pck` lie in an output, and what their distances are divided by. */
export interface LandmarkLayout {
  /** First and last landmark that counts, both included. */
  readonly first: number;
  readonly last: number;
  /** Values from one landmark to the next. */
  readonly stride: number;
  /** How many of them are coordinates. */
  readonly dims: number;
  readonly normalize:
    | { readonly kind: 'torso'; readonly points: readonly [number, number, number, number] }
    | { readonly kind: 'bbox' }
    | { readonly kind: 'diagonal' }
    | { readonly kind: 'constant'; readonly value: number };
}

export interface MetricSpecification {
  readonly name: MetricName;
  /** T of `pck(T)` and `iou(T)`. */
  readonly threshold?: number;
  readonly landmarks?: LandmarkLayout;
  /** The axis of the classes of `top1` and `kl`; the last one if left out. */
  readonly axis?: number;
  /** Of `own_error` and `own_score`. */
  readonly own?: OwnMetric;
  /** Of these, when a sample is measured: the truth of the sample. */
  readonly label?: readonly number[];
  /** `kl` of logits. */
  readonly softmax?: boolean;
}

/** What the plan calls the metric. */
export function metricLabel({ name, own }: MetricSpecification): string {
  return own?.name ?? name;
}

/** How the figures of the samples become one. */
export type Aggregation = 'worst' | 'mean' | 'pooled';

/**
 * What one sample gives: its own value, and the sums from which a pooled value is made
 * (for `relative_l2`: sum of squared differences and sum of squared references; for `nme`: sum of normalised
 * distances and number of landmarks; ...).
 */
export interface Figure {
  readonly value: number;
  readonly sums: readonly number[];
}
