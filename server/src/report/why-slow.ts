/** What keeps a low format from being faster on a machine, in plain sentences. Pure. */
import { formatMilliseconds, formatPercent } from './text.js';

/** An operator that the target does not run in the format, and how many layers of the model it is. */
export interface MissingKernel {
  readonly operator: string;
  /** `elsewhere`: the target has no kernel in any format; `refused`: nothing runs such a layer alone. */
  readonly outcome: 'through casts' | 'elsewhere' | 'refused';
  /** The provider that runs it elsewhere, as ONNX Runtime names it, or what was said of the refusal. */
  readonly detail: string;
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
  sentences.push(...withoutKernelSentences(withoutKernel, format.toUpperCase()));
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

/** A sentence for each thing that becomes of layers without a kernel. */
function withoutKernelSentences(missing: readonly MissingKernel[], format: string): string[] {
  const listOf = (some: readonly MissingKernel[]): string =>
    some
      .map(({ operator, layers }) => `${operator} (${layers} ${layers === 1 ? 'layer' : 'layers'})`)
      .join(', ');
  const throughCasts = missing.filter(({ outcome }) => outcome === 'through casts');
  const sentences: string[] = [];
  if (throughCasts.length > 0) {
    sentences.push(
      `This target has no ${format} kernel for ${listOf(throughCasts)}: there it computes in FP32, between casts.`,
    );
  }
  const elsewhere = missing.filter(({ outcome }) => outcome === 'elsewhere');
  for (const provider of new Set(elsewhere.map(({ detail }) => detail))) {
    const own = elsewhere.filter(({ detail }) => detail === provider);
    const place = provider === 'CPUExecutionProvider' ? 'the CPU' : provider;
    sentences.push(
      `This target has no kernel at all for ${listOf(own)}: that runs on ${place}, and the data goes there and back.`,
    );
  }
  for (const one of missing) {
    if (one.outcome !== 'refused') continue;
    sentences.push(`This target was found not to run ${listOf([one])} alone in ${format}: ${one.detail}`);
  }
  return sentences;
}
