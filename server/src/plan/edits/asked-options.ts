/**
 * What a plan asks for of a layer in a format, beside the format: what the statement says that gives it to the layer, or else what the
 * plan says of all layers in it. By this a search tries a layer, and by this what it found is written. Knows statements; writes no text.
 */
import { isFloatFormat } from '../../formats/index.js';
import type { DecidedFormat } from './fold.js';
import { numericsOf } from '../decisions/decisions.js';
import { usualAccumulation } from '../decisions/target-sums.js';
import type { BoundStatement, LayerDecision, TracedPlan } from '../types.js';

/** Options as a plan writes them, and understood. */
export type AskedOptions = Pick<BoundStatement, 'options' | 'numerics' | 'overflow'>;

const NOTHING_ASKED: AskedOptions = { options: {}, numerics: undefined, overflow: 'error' };
/** How an integer format gets its ranges, which is a part of what the format is. */
const RANGE_OPTIONS: ReadonlySet<string> = new Set(['quantize', 'per']);

export class OptionsOfFormats {
  /** By position of a layer: the statement that decides it. */
  private readonly deciders: readonly (BoundStatement | undefined)[];
  private readonly common = new Map<DecidedFormat, AskedOptions>();

  constructor(private readonly plan: TracedPlan) {
    const deciders: (BoundStatement | undefined)[] = plan.layers.map(() => undefined);
    for (const statement of plan.statements) for (const at of statement.decides) deciders[at] = statement;
    this.deciders = deciders;
  }

  /** What is asked for where the layer at a position is given a format. */
  of(layer: number, format: DecidedFormat): AskedOptions {
    const decider = this.deciders[layer];
    if (decider?.wanted === format) return decider;
    let common = this.common.get(format);
    if (common === undefined) this.common.set(format, (common = this.commonOf(format)));
    return common;
  }

  /** The decision on the layer that a statement with these options makes. */
  decided(decision: LayerDecision, layer: number, format: DecidedFormat): LayerDecision {
    const { numerics, overflow } = this.of(layer, format);
    const usual = usualAccumulation(this.plan, decision.layer, format);
    const own = numericsOf(this.plan.model, decision.layer, format, numerics, usual);
    return { ...decision, wanted: format, format, numerics: own, overflow, clamped: undefined };
  }

  /** Those of the default, if it gives the format; of integers those that most layers in it have of how ranges are chosen. */
  private commonOf(format: DecidedFormat): AskedOptions {
    const usual = this.plan.statements.findLast(({ statement }) => statement.kind === 'default');
    if (usual?.wanted === format) return usual;
    if (format === 'original' || isFloatFormat(format)) return NOTHING_ASKED;
    const [first] = this.plan.statements
      .filter(({ wanted }) => wanted === format)
      .sort((one, other) => other.decides.length - one.decides.length);
    if (first === undefined) return NOTHING_ASKED;
    const { quantize, perChannel } = first.numerics ?? {};
    const ranges = {
      ...(quantize === undefined ? {} : { quantize }),
      ...(perChannel === undefined ? {} : { perChannel }),
    };
    return {
      options: Object.fromEntries(Object.entries(first.options).filter(([name]) => RANGE_OPTIONS.has(name))),
      numerics: Object.keys(ranges).length === 0 ? undefined : ranges,
      overflow: 'error',
    };
  }
}
