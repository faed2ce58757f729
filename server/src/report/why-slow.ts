/** What keeps a low format from being faster on a machine, in plain sentences. Pure. */
import { formatMilliseconds, formatPercent } from './text.js';

/** An operator that the target does not run in the format, and how many layers of the model it is. */
export interface MissingKernel {
  readonly operator: string;
  readonly layers: number;
}

/** An operator whose layers take longer in the format than in FP32, casts apart. */
export interface SlowerOperator {
  readonly operator: string;
  readonly layers: number;
  /** Those that the runtime fuses into another layer in FP32, and not in the format. */
  readonly unfused: number;
  /** All of them together. */
  readonly milliseconds: number;
}

/** Milliseconds of one run of the plan's model, and what of its operators has no kernel in its format. */
export interface PlanTimes {
  /** Undefined where only the whole model can be timed. */
  readonly whole: number | undefined;
  /** What its casts take. */
  readonly casts: number | undefined;
  readonly withoutKernel: readonly MissingKernel[];
  readonly slower?: readonly SlowerOperator[] | undefined;
  readonly format: string;
}

/** Below this share of the run nothing is worth a word. */
const SMALL_SHARE = 0.02;

/** Nothing where nothing stands in the way. */
export function whySlow({ whole, casts, withoutKernel, slower = [], format }: PlanTimes): string[] {
  const sentences: string[] = [];
  const share = whole === undefined || casts === undefined ? 0 : casts / whole;
  if (share >= SMALL_SHARE) sentences.push(`Casts take ${formatPercent(share)} of the plan's time.`);
  if (withoutKernel.length > 0) {
    const list = withoutKernel.map(
      ({ operator, layers }) => `${operator} (${layers} ${layers === 1 ? 'layer' : 'layers'})`,
    );
    sentences.push(
      `This target has no ${format.toUpperCase()} kernel for ${list.join(', ')}: there it computes in FP32, between casts.`,
    );
  }
  for (const { operator, layers, unfused, milliseconds } of slower) {
    if (whole === undefined || milliseconds / whole < SMALL_SHARE) continue;
    const fusion =
      unfused > 0 ? `; FP32 fuses ${unfused === layers ? 'them' : String(unfused)} into other layers` : '';
    sentences.push(
      `${operator} takes ${formatMilliseconds(milliseconds)} longer in ${format.toUpperCase()} (${layers} ${layers === 1 ? 'layer' : 'layers'}${fusion}).`,
    );
  }
  return sentences;
}
