/**
 * What is known of a plan's layers and tolerances at a moment, for an editor to show. Data only; layers go by name,
 * since a plan is bound anew at every keystroke.
 */
import { LOW_FORMAT_NAMES, type LowFormatName } from '../../formats/index.js';
import type { LayerDecision } from '../../plan/index.js';
import type { ToleranceVerdict } from '../measurement/noise.js';
import type { OutputMeasurement } from '../measurement/measurement.js';
import type { OwnMetricFault } from '../findings/own-metric-faults.js';
import type { LayerRangeFigures } from '../ranges/ranges.js';
import type { RelativeErrors } from '../errors/relative-errors.js';
import type { SupportOnTarget } from '../targets/index.js';
import type { PlanPrediction } from './predicted.js';

/** `predicted` of a layer with options of its own, which are in no other figure. */
export type SensitivityMethod = 'local' | 'measured' | 'predicted';

/** What this layer alone in the low format does. */
export interface LayerSensitivity {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly method: SensitivityMethod;
  /** Where the error is measured: the error in the layer's own output, as far as it is known. */
  readonly local?: RelativeErrors | undefined;
  /** 1 is the most sensitive. */
  readonly rank: number;
  /**
   * How much of a tolerance this layer alone uses up, of the tolerance that it uses most of: 1 is all of it.
   * Undefined where no tolerance stands, and for what is not measured.
   */
  readonly share: number | undefined;
}

export type LayerRangeNumbers = LayerRangeFigures;

/** What the plan as a whole does, measured by emulation. */
export interface PlanVerdict {
  readonly verdicts: readonly ToleranceVerdict[];
  readonly outputs: readonly OutputMeasurement[];
  readonly samples: number;
}

/** Milliseconds in one run, of the original and of the converted model. */
export interface ModelMilliseconds {
  readonly fp32: number;
  readonly plan: number;
}

export interface LayerLatencyNumbers extends ModelMilliseconds {
  /** Casts that the layer's format causes; not in `plan`. */
  readonly casts: number;
  /** Where the layer has no kernel of its own: the name of the layer that does its work. */
  readonly fusedInto: { readonly fp32: string | undefined; readonly plan: string | undefined };
}

/** How long each layer takes on a target of this machine, or where profiles were taken. `layers` (with casts), `others`, `unmapped` and `outside` add up to `whole`. */
export interface LatencyNumbers {
  readonly layers: ReadonlyMap<string, LayerLatencyNumbers>;
  /** Median of a whole run, with its spread. */
  readonly whole: ModelMilliseconds;
  readonly p10: ModelMilliseconds;
  readonly p90: ModelMilliseconds;
  /** Nodes that are no layers. */
  readonly others: ModelMilliseconds;
  /** Kernels that cannot be led back to a node. */
  readonly unmapped: ModelMilliseconds;
  /** What the runtime does between kernels. */
  readonly outside: ModelMilliseconds;
  readonly notes: readonly string[];
  /** Where it was timed on this machine; left out for the CPU. */
  readonly target?: string;
  /** The profiles of another device that these figures come from, as the plan names them; left out for this machine. */
  readonly files?: readonly string[];
  /** Layers whose time in one of the formats nobody measured: an estimate by the roofline. */
  readonly estimated?: ReadonlySet<string>;
}

export type LiveState = 'idle' | 'waiting' | 'working' | 'failed';

/** What a layer alone does to the outputs as it is decided, with all its options: predicted. */
export interface OptionedError {
  /** How the layer was decided then. */
  readonly decision: Pick<LayerDecision, 'format' | 'overflow' | 'numerics'>;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** As of `LayerSensitivity`. */
  readonly share: number | undefined;
}

/** What is known of layers in one low format, by name. */
export interface FormatNumbers {
  readonly sensitivity: ReadonlyMap<string, LayerSensitivity>;
  readonly ranges: ReadonlyMap<string, LayerRangeNumbers>;
}

/** `sensitivity` and `ranges` are those of all layers in `format`, which is the one that most of the plan's low layers have. */
export interface PlanNumbers extends FormatNumbers {
  readonly state: LiveState;
  /** What is being done, or why it failed. */
  readonly message: string;
  readonly progress: { readonly done: number; readonly total: number } | undefined;
  readonly format: LowFormatName;
  /** Of the layers that the plan has in other low formats, in these. */
  readonly others: ReadonlyMap<LowFormatName, FormatNumbers>;
  /** By name: of layers that the plan gives options which no sensitivity has, as far as these are known. */
  readonly optioned: ReadonlyMap<string, OptionedError>;
  /** Of metrics of the user's own that cannot be run: nothing is measured while there are any. */
  readonly faults: readonly OwnMetricFault[];
  readonly verdict: PlanVerdict | undefined;
  /** What the verdict was measured of, for `liveFindings`; undefined while there is none. */
  readonly verdictKey: string | undefined;
  /** The content of the model and of the samples that the verdict is of; files may change while the plan does not. */
  readonly verdictOf: string | undefined;
  /** The verdict is of an earlier version of the plan. */
  readonly verdictIsStale: boolean;
  /** What the plan is predicted to do as it is now, once its model is sketched; a verdict that is not stale is truer. */
  readonly prediction: PlanPrediction | undefined;
  /** How many layers have a measured sensitivity, while that is under way. */
  readonly measured: { readonly done: number; readonly total: number } | undefined;
  readonly latency: LatencyNumbers | undefined;
  /** The latency is of an earlier version of the plan. */
  readonly latencyIsStale: boolean;
  /** How the targets that the plan names run its low layers, as far as that was tried. */
  readonly support: readonly SupportOnTarget[];
  /** In the order in which figures and ranges count them. */
  readonly sampleNames: readonly string[];
  /** What could not be found out, and why, while the rest could. */
  readonly notes: readonly string[];
}

export const NOTHING_KNOWN: PlanNumbers = {
  state: 'idle',
  message: '',
  progress: undefined,
  format: 'fp16',
  sensitivity: new Map(),
  ranges: new Map(),
  others: new Map(),
  optioned: new Map(),
  faults: [],
  verdict: undefined,
  verdictKey: undefined,
  verdictOf: undefined,
  verdictIsStale: false,
  prediction: undefined,
  measured: undefined,
  latency: undefined,
  latencyIsStale: false,
  support: [],
  sampleNames: [],
  notes: [],
};

export const NOTHING_IN_FORMAT: FormatNumbers = { sensitivity: new Map(), ranges: new Map() };

/**
 * The numbers with those of layers that have `format`: of what runs in FP32, or as it is in the model, those of the format that it would be
 * flipped to.
 */
export function numbersIn(numbers: PlanNumbers, format: string): PlanNumbers {
  const own = LOW_FORMAT_NAMES.find((name) => name === format);
  if (own === undefined || own === numbers.format) return numbers;
  return { ...numbers, ...(numbers.others.get(own) ?? NOTHING_IN_FORMAT), format: own };
}
