/**
 * What has been measured of a layer, or of all layers that a statement decides: error, range, latency. Says of each
 * number how it was found and whether it still counts. Knows no part of a plan's text.
 */
import {
  explain,
  insteadOf,
  layerRangeIn,
  placeOf,
  readLosses,
  type LayerEvidence,
  type LayerRangeNumbers,
  type LayerSensitivity,
  type PlannedSensitivity,
  type PlanNumbers,
  type PredictedTolerance,
} from '../analysis/index.js';
import type { Accumulation } from '../formats/index.js';
import type { Tolerance } from '../plan/index.js';
import { dayAndTime, formatNumber, formatPercent } from '../report/index.js';
import { shortNumber } from './format-figures.js';
import {
  elsewhereWords,
  intervalWords,
  latencyWords,
  milliseconds,
  optionWords,
  shareWords,
  STALE,
} from './measured-words.js';
import { type Block, bold, code, type Inline, paragraph, table } from './rich-text.js';
import { spreadText } from './spread-text.js';
import { latencyOf, overflowing, rankedLayers, type StatementNumbers } from './statement-effect.js';

/** Layers of a statement that are named. */
const NAMED = 3;

/** What the plan says of a layer's arithmetic; nothing for what it leaves open. */
export interface StatedNumerics {
  readonly accumulate?: Accumulation | undefined;
  readonly scale?: number | undefined;
  /** What is known of the layer as it is decided. */
  readonly planned?: PlannedSensitivity | undefined;
}

/** Error, range and latency of one layer, and why it stands out. `numerics` is how the plan says that it computes. */
export function describeLayerNumbers(
  name: string,
  numbers: PlanNumbers,
  numerics: StatedNumerics = {},
): readonly Block[] {
  const sensitivity = numbers.sensitivity.get(name);
  const measured = numbers.ranges.get(name);
  const range =
    measured === undefined || numerics.scale === undefined
      ? measured
      : layerRangeIn(measured, numbers.format, numerics.scale);
  const reasons = reasonBlocks({
    format: numbers.format,
    range,
    ...(sensitivity === undefined ? {} : errorsIn(sensitivity)),
    accumulate: numerics.accumulate,
    samples: numbers.sampleNames.map((sample) => ({ name: sample })),
  });
  return [
    ...(sensitivity === undefined ? [] : [errorBlock(sensitivity, numbers)]),
    ...optionBlocks(numerics.planned, numbers),
    ...reasons,
    ...(range === undefined ? [] : rangeBlocks(range, numbers)),
    ...latencyBlocks(name, numbers),
    ...supportBlocks(name, numbers),
    ...doingBlocks(numbers),
  ];
}

/** How the targets of the plan run the layer in the format that it has. */
function supportBlocks(name: string, { support }: PlanNumbers): readonly Block[] {
  return support.flatMap(({ target, format, layers }) => {
    const tried = layers.get(name);
    if (tried === undefined) return [];
    return [
      paragraph(
        bold('Target'),
        ' ',
        code(target),
        `: in ${format} it runs ${insteadOf(tried, target, format)}.`,
      ),
    ];
  });
}

/** The sums over the layers that a statement decides, and the worst of them. */
export function describeSum(names: readonly string[], numbers: StatementNumbers): readonly Block[] {
  const worst = rankedLayers(names, numbers, NAMED);
  const over = overflowing(names, numbers);
  const time = latencyOf(names, numbers);
  const listed = worst.flatMap(({ name, sensitivity }, index): readonly Inline[] => [
    index === 0 ? 'Most sensitive: ' : ', ',
    code(name),
    ` (${sensitivity.share === undefined ? formatNumber(sensitivity.value) : shareWords(sensitivity.share)}${optionWords(sensitivity.options)})`,
  ]);
  return [
    ...(listed.length === 0 ? [] : [paragraph(...listed, '.', ...sumOfShares(names, numbers))]),
    ...(over === 0
      ? []
      : [
          paragraph(
            `${over} ${over === 1 ? 'layer writes, holds or reads' : 'layers write, hold or read'} values beyond the range of `,
            code(numbers.format),
            '.',
          ),
        ]),
    ...(time === undefined
      ? []
      : [
          paragraph(
            bold('Latency'),
            `: ${latencyWords(time, numbers.latencyIsStale)}${numbers.latency === undefined ? '' : elsewhereWords(numbers.latency)} together, casts included.`,
          ),
        ]),
    ...doingBlocks(numbers),
  ];
}

/** Of layers alone: what they do together is the verdict's to say, since errors partly cancel out. */
function sumOfShares(names: readonly string[], { sensitivity }: PlanNumbers): readonly Inline[] {
  let sum = 0;
  for (const name of names) {
    const share = sensitivity.get(name)?.share;
    if (share === undefined) return [];
    sum += share;
  }
  return [` Each alone, they add up to ${shareWords(sum)}; together errors partly cancel out.`];
}

/** What was measured of the tolerances that a statement sets, one for each output that it means. `sums`: in what, and why. */
export function describeTolerances(
  tolerances: readonly Tolerance[],
  numbers: PlanNumbers,
  sums: string,
): readonly Block[] {
  const { verdict, verdictIsStale } = numbers;
  const predicted = verdict === undefined || verdictIsStale ? predictedBlocks(tolerances, numbers) : [];
  const rows = tolerances.flatMap(({ output, text, limit }): readonly Inline[][] => {
    const one = verdict?.verdicts.find(
      ({ tolerance }) => tolerance.output === output && tolerance.text === text,
    );
    if (one === undefined) return [];
    const figures = [one.measured, limit, one.noise].map(formatNumber);
    return [[code(output), ...figures, one.verdict]];
  });
  if (rows.length === 0) return predicted;
  const samples = verdict?.samples === 1 ? '1 sample' : `${verdict?.samples ?? 0} samples`;
  return [
    ...predicted,
    paragraph(`Measured on ${samples}${verdictIsStale ? ` ${STALE}` : ''}, sums in ${sums}.`),
    table(['output', 'measured', 'limit', 'noise', 'verdict'], rows),
  ];
}

/** What tolerances are predicted to be of the plan as it is now, and from which measured plan that is told; or why they are not. */
function predictedBlocks(tolerances: readonly Tolerance[], { prediction }: PlanNumbers): readonly Block[] {
  return (prediction?.tolerances ?? []).flatMap((one): readonly Block[] => {
    const { output, text } = one.tolerance;
    if (!tolerances.some((own) => own.output === output && own.text === text)) return [];
    if (one.value === undefined)
      return [
        paragraph('Not predicted of ', code(output), `: ${one.reason ?? 'nothing is known of it yet'}.`),
      ];
    return [
      paragraph(
        'Predicted of ',
        code(output),
        `: ${intervalWords(one.value)}, limit ${formatNumber(one.tolerance.limit)}; ${afterWords(one.after)}.`,
      ),
    ];
  });
}

function afterWords(after: PredictedTolerance['after']): string {
  if (after === undefined) return 'from what single roundings do, no plan near it is measured';
  const away =
    after.differing === 0 ? 'this very plan' : `the measured plan that is ${countOf(after.differing)} away`;
  const { at } = after.plan;
  return `told from ${away}${at === undefined ? '' : `, measured ${dayAndTime(at)} UTC`}`;
}

function countOf(flips: number): string {
  return flips === 1 ? 'one flip' : `${flips} flips`;
}

function errorBlock(
  { value, low, high, method, rank, share }: LayerSensitivity,
  { format, sensitivity }: PlanNumbers,
): Block {
  const where = method === 'local' ? 'at its own output' : "at the model's outputs";
  const use = share === undefined ? '' : `, ${shareWords(share)}`;
  return paragraph(
    bold('Error'),
    ' alone in ',
    code(format),
    `: ${formatNumber(value)} relative ${where} (${method}, ${formatNumber(low)} to ${formatNumber(high)} over the samples)`,
    `${use}. Rank ${rank} of ${sensitivity.size}.`,
  );
}

/** What the layer's options do to its error, as far as that is known. */
function optionBlocks(planned: PlannedSensitivity | undefined, { format }: PlanNumbers): readonly Block[] {
  const options = planned?.options;
  if (planned === undefined || options === undefined) return [];
  if (!options.areIn) return [paragraph('Without ', code(options.text), ', which this error does not have.')];
  const use = planned.share === undefined ? '' : `, ${shareWords(planned.share)}`;
  return [
    paragraph(
      bold('Error'),
      ' alone in ',
      code(format),
      ' with ',
      code(options.text),
      `: ${intervalWords(planned)} relative at the model's outputs (predicted)${use}.`,
    ),
  ];
}

function rangeBlocks(range: LayerRangeNumbers, numbers: PlanNumbers): readonly Block[] {
  const unseen =
    range.isUnseen === true
      ? [paragraph(bold('Range'), ': not known of what is read and written inside a sub-graph or function.')]
      : [];
  // Of what it reads, the writer tells; but not that this layer cannot hold it, or loses it.
  const tensors = [...range.tensors, ...readLosses(range)];
  if (tensors.length === 0) return unseen;
  return [
    ...unseen,
    table(
      ['range', 'largest', 'at', `beyond ${numbers.format}`, 'subnormal or zero', 'spread'],
      tensors.map((one) => [
        code(one.tensor),
        shortNumber(one.maxAbs),
        placeOf(
          one,
          numbers.sampleNames.map((sample) => ({ name: sample })),
        ),
        one.overflow === 0 ? 'none' : `${one.overflow} of ${one.elements}`,
        one.nonZero === 0 ? 'none' : formatPercent(one.underflow / one.nonZero),
        spreadText(one.histogram),
      ]),
    ),
  ];
}

/** What stands out, a line for each reason. */
function reasonBlocks(evidence: LayerEvidence): readonly Block[] {
  return explain(evidence).map(({ sentence, flags }) =>
    paragraph(...(flags ? [bold('Why')] : ['Note']), `: ${sentence}.`),
  );
}

function errorsIn({
  method,
  value,
  low,
  high,
  local,
}: LayerSensitivity): Pick<LayerEvidence, 'local' | 'measured'> {
  return method === 'local' ? { local: { value, low, high } } : { local, measured: { value, low, high } };
}

function latencyBlocks(name: string, { latency, latencyIsStale, notes }: PlanNumbers): readonly Block[] {
  const times = latency?.layers.get(name);
  if (times === undefined) {
    const [note] = notes;
    return note === undefined ? [] : [paragraph(`Not found out: ${note}`)];
  }
  const { fp32, plan, casts, fusedInto } = times;
  const { files, target } = latency ?? {};
  const where =
    files === undefined
      ? target === undefined
        ? []
        : [' (on ', code(target), ')']
      : [
          ' (measured on another device, ',
          ...files.flatMap((file, at) => [at === 0 ? '' : ', ', code(file)]),
          ')',
        ];
  const isEstimated = latency?.estimated?.has(name) === true;
  const owner = fusedInto.plan ?? fusedInto.fp32;
  return [
    paragraph(
      bold('Latency'),
      `: ${milliseconds(fp32)} ms in the model, ${milliseconds(plan)} ms in the plan`,
      ...(casts === 0 ? [] : [` and ${milliseconds(casts)} ms for its casts`]),
      ...(owner === undefined ? [] : ['; fused into ', code(owner)]),
      ...where,
      ...(isEstimated ? ['; in a format that was not measured there, an estimate by the roofline'] : []),
      latencyIsStale ? ` (measured ${STALE}).` : '.',
    ),
  ];
}

/** What is going on that may still change the numbers. */
function doingBlocks({ state, message, measured }: PlanNumbers): readonly Block[] {
  switch (state) {
    case 'idle':
      return message === '' ? [] : [paragraph(`The analysis was ${message}.`)];
    case 'failed':
      return [paragraph(`The analysis failed: ${message}`)];
    case 'waiting':
      return [paragraph('About to be measured again.')];
    case 'working': {
      const far = measured === undefined ? '' : `, ${measured.done} of ${measured.total} layers measured`;
      return [paragraph(`Being measured: ${message}${far}.`)];
    }
  }
}
