/** What keeps a plan from being faster on a machine, in plain sentences. Pure. */
import { formatPercent } from './text.js';

/** Milliseconds of one run of the plan's model, and what of its operators has no kernel in its format. */
export interface PlanTimes {
  readonly whole: number;
  readonly casts: number;
  readonly operatorsWithoutKernel: readonly string[];
  readonly format: string;
}

/** Below this share of the run casts are not worth a word. */
const FEW_CASTS = 0.02;

/** Nothing where nothing stands in the way. */
export function whySlow({ whole, casts, operatorsWithoutKernel, format }: PlanTimes): string[] {
  const share = casts / whole;
  const name = format.toUpperCase();
  const sentences: string[] = [];
  if (share >= FEW_CASTS) sentences.push(`Casts take ${formatPercent(share)} of the plan's time.`);
  if (operatorsWithoutKernel.length > 0) {
    const list = operatorsWithoutKernel.join(', ');
    sentences.push(
      `This target has no ${name} kernel for ${list}: there it computes in FP32, between casts.`,
    );
  }
  return sentences;
}
