/**
 * The numbers of a plan as far as the store has them, for whoever does not want to wait: what an editor or the command
 * measured before. Measures nothing.
 */
import type { LowFormatName } from '../../formats/index.js';
import { allowsFormat, integerRanges, type BoundPlan, type Layer } from '../../plan/index.js';
import { storedLocalErrors, storedMeasuredErrors } from '../errors/known-errors.js';
import { storedRanges } from '../ranges/known-ranges.js';
import { storedVerdict } from '../measurement/known-verdict.js';
import { withRanges } from '../ranges/planned-ranges.js';
import type { Results } from '../remembered.js';
import type { Store } from '../../store/index.js';
import { storedSupport } from '../targets/index.js';
import { lowFormats } from './low-format.js';
import { namedFigures, withShare } from './measuring.js';
import { inSlices } from '../sessions/in-slices.js';
import { withPlannedWeights } from '../ranges/weights-as-planned.js';
import { NOTHING_KNOWN, type FormatNumbers, type PlanNumbers } from './numbers.js';
import { localSensitivities, withMeasured } from './sensitivities.js';

/** What is kept of `plan` under the identity of `results`. */
export async function storedNumbers(results: Results, plan: BoundPlan, store: Store): Promise<PlanNumbers> {
  const [format = 'fp16', ...others] = lowFormats(plan);
  const all = plan.layers.filter((layer) => allowsFormat(plan.model, layer, format));
  const beside = new Map<LowFormatName, FormatNumbers>();
  for (const other of others) {
    const layers = plan.decisions.flatMap((one) => (one.format === other ? [one.layer] : []));
    beside.set(other, await storedInFormat(results, plan, other, layers));
  }
  const verdict = await storedVerdict(results, plan);
  return {
    ...NOTHING_KNOWN,
    format,
    ...(await storedInFormat(results, plan, format, all)),
    others: beside,
    verdict:
      verdict === undefined
        ? undefined
        : {
            verdicts: verdict.verdicts,
            outputs: verdict.measurement.outputs,
            samples: results.samples.length,
          },
    support: await storedSupport(plan, results.runtime, store),
    sampleNames: results.samples.map(({ name }) => name),
  };
}

async function storedInFormat(
  results: Results,
  plan: BoundPlan,
  format: LowFormatName,
  layers: readonly Layer[],
): Promise<FormatNumbers> {
  const layerResults = withRanges(results, integerRanges(plan.decisions, format));
  const whole = await storedRanges(results, layers, format);
  const ranges = await inSlices(withPlannedWeights(plan.model, whole, format, plan.decisions));
  const local = localSensitivities(
    (await storedLocalErrors(layerResults, layers, format)).map(({ layer, ...error }) => ({
      ...error,
      name: layer.name,
    })),
  );
  const measured = await storedMeasuredErrors(layerResults, layers, format, plan.tolerances);
  const shared = measured.errors.map((one) => withShare(namedFigures(one), plan.tolerances));
  return {
    sensitivity: withMeasured(local, measured.complete ? shared : [], measured.complete),
    ranges: new Map(ranges.map(({ layer, ...range }) => [layer.name, range])),
  };
}
