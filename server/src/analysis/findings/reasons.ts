/**
 * Why a layer stands out: one function from all that was found of it to reasons, each a code and a sentence. What is shown
 * of them, and how, is not known here.
 */
import {
  formatInformation,
  isFloatFormat,
  largestNumber,
  type Accumulation,
  type FormatName,
} from '../../formats/index.js';
import { formatNumber, formatPercent, formatPower } from './number-text.js';
import {
  insideBeyond,
  lostShare,
  readBeyond,
  readUnderflowing,
  UNDERFLOW_SHARE,
  type LayerRangeFigures,
} from '../ranges/ranges.js';
import type { RelativeErrors } from '../errors/relative-errors.js';
import type { OwnError } from './own-errors.js';
import type { TensorRange } from '../ranges/tensor-range.js';

/**
 * The codes of reasons to look at a layer:
 * - `overflow`: values beyond the format, read, written, stored, or (measured) inside the operator
 * - `original-nan`: the original itself writes NaN; a note where it reads that already
 * - `underflow`: values that become subnormal or zero, read, written or stored
 * - `weights-lost`: weights that become zero or infinite
 * - `cancellation`: the inputs cancel out, and their errors do not
 * - `amplified`: what follows makes the error larger
 * - `accumulation`: sums of more terms than their format can count
 * - `only-zeros`, `no-effect`, `unused`: its error was measured as nothing, because of these samples or because no output depends on it
 * - `clamped`: the format is not the one that the plan asks for
 * - `nonfinite`, `zero-output`, `large-local-error`, `large-error`: outside the range in which errors add up
 * - `zero-gradient`, `no-gradient`, `saturated-output`, `unresolved-output`: a sketch says little of it
 * - `unsupported-on-target`: a target of the plan does not run it in its format
 */
export const FLAG_CODES = [
  'overflow',
  'underflow',
  'weights-lost',
  'cancellation',
  'amplified',
  'accumulation',
  'clamped',
  'nonfinite',
  'zero-output',
  'large-local-error',
  'large-error',
  'original-nan',
  'only-zeros',
  'no-effect',
  'unused',
  'zero-gradient',
  'no-gradient',
  'saturated-output',
  'unresolved-output',
  'unsupported-on-target',
] as const;
export type FlagCode = (typeof FLAG_CODES)[number];

/** The codes of notes, which only explain a layer's figures. Some of those that flag are also notes, where there is less to them. */
export const NOTE_CODES = [
  'original-nan',
  'amplified',
  'accumulation',
  'overflow-inside',
  'attenuated',
  'rounds-nothing',
  'options-left-out',
] as const;
export type NoteCode = (typeof NOTE_CODES)[number];

export type Reason = {
  readonly sentence: string;
} & ({ readonly code: FlagCode; readonly flags: true } | { readonly code: NoteCode; readonly flags: false });

/** All that was found of a layer; what is undefined was not looked at. */
export interface LayerEvidence {
  /** The low format that the figures are of. */
  readonly format: FormatName;
  readonly range?: LayerRangeFigures | undefined;
  readonly local?: RelativeErrors | undefined;
  readonly measured?: RelativeErrors | undefined;
  /** What it errs by where it rounds, to tell what becomes of that; `local` where it is left out. */
  readonly own?: OwnError | undefined;
  /** Why the layer does not have the format that the plan asks for. */
  readonly clamped?: string | undefined;
  /** How its sums are held, as far as the plan says. */
  readonly accumulate?: Accumulation | undefined;
  /** In this plan, all that it rounds is rounded already. */
  readonly roundsNothing?: boolean | undefined;
  /** What a method of its own flagged. A code that is found here as well is not said twice. */
  readonly found?: readonly Reason[] | undefined;
  /** By position. */
  readonly samples?: readonly { readonly name: string }[] | undefined;
}

/** Over this local error a layer is outside the range in which errors add up, and is flagged. */
const LARGE_LOCAL_ERROR = 0.05;
/** The same of the error that it causes in an output by itself. */
const LARGE_MEASURED_ERROR = 0.2;
/** Four bits of the inputs' digits are lost. */
const STRONG_CANCELLATION = 16;
/** A layer of a network without nonlinearities moves its outputs about as much as its own output. */
const AMPLIFIED = 4;
/** From here on it explains much of a large error, though it is nothing out of the ordinary. */
const SOMEWHAT_AMPLIFIED = 2;
const ATTENUATED = 1 / 10;

/** The reasons, those that weigh most first. */
export function explain(evidence: LayerEvidence): readonly Reason[] {
  const own = [
    ...clamped(evidence),
    ...overflow(evidence),
    ...readOverflow(evidence),
    ...nanOfOriginal(evidence),
    ...inside(evidence),
    ...outsideLinearRange(evidence),
    ...weightsLost(evidence),
    ...underflow(evidence),
    ...readUnderflow(evidence),
    ...cancellation(evidence),
    ...withoutEffect(evidence),
    ...passedOn(evidence),
    ...accumulation(evidence),
    ...roundsNothing(evidence),
  ];
  const codes = new Set<string>(own.map(({ code }) => code));
  const others = (evidence.found ?? []).filter(({ code }) => !codes.has(code));
  return [...own.filter(({ flags }) => flags), ...others, ...own.filter(({ flags }) => !flags)];
}

/** The codes of the reasons that flag, each once. */
export function flagsOf(reasons: readonly Reason[]): readonly FlagCode[] {
  return [...new Set(reasons.flatMap((one) => (one.flags ? [one.code] : [])))];
}

/** The codes of the others, each once. */
export function notesOf(reasons: readonly Reason[]): readonly NoteCode[] {
  return [...new Set(reasons.flatMap((one) => (one.flags ? [] : [one.code])))];
}

/** All the reasons in one line; empty where nothing stands out. */
export function reasonText(reasons: readonly Reason[]): string {
  return reasons.map(({ sentence }) => sentence).join('; ');
}

function flag(code: FlagCode, sentence: string): Reason[] {
  return [{ code, sentence, flags: true }];
}

function note(code: NoteCode, sentence: string): Reason[] {
  return [{ code, sentence, flags: false }];
}

function clamped({ clamped: why }: LayerEvidence): Reason[] {
  return why === undefined ? [] : flag('clamped', why);
}

function overflow({ range, format, samples }: LayerEvidence): Reason[] {
  const worst = largest(range?.tensors.filter((one) => one.overflow > 0) ?? []);
  if (range === undefined || worst === undefined) return [];
  const { overflow: count, elements, maxAbs, scale } = worst;
  const values = `${count} of ${elements} values of "${worst.tensor}" beyond ${format}`;
  const cure = `times ${formatPower(scale)} they would fit`;
  return flag('overflow', `${values}, largest ${formatNumber(maxAbs)} (${placeOf(worst, samples)}); ${cure}`);
}

/** Of what another layer writes, or is given to the model. */
function readOverflow({ range, format, samples }: LayerEvidence): Reason[] {
  const [worst] = range === undefined ? [] : readBeyond(range);
  if (worst === undefined) return [];
  const { overflow: count, elements, maxAbs, scale } = worst;
  return flag(
    'overflow',
    `reads ${count} of ${elements} values of "${worst.tensor}" beyond ${format}, largest ${formatNumber(maxAbs)} ` +
      `(${placeOf(worst, samples)}); times ${formatPower(scale)} they would fit`,
  );
}

function nanOfOriginal({ range, samples = [] }: LayerEvidence): Reason[] {
  const written = range?.tensors.find(({ nan }) => nan !== undefined);
  if (written?.nan === undefined) return [];
  const read = range?.reads?.find(({ nan }) => nan !== undefined);
  if (read !== undefined)
    return note('original-nan', `reads NaN from "${read.tensor}" in the original already`);
  const { count, sample } = written.nan;
  const where = sample === undefined ? '' : `, first in sample ${samples[sample]?.name ?? sample}`;
  return flag(
    'original-nan',
    `the original itself makes ${count} of ${written.elements} values of "${written.tensor}" NaN${where}: errors are told of the others`,
  );
}

/** Where a range's largest value is. */
export function placeOf(
  { sample, index }: Pick<TensorRange, 'sample' | 'index'>,
  samples: readonly { readonly name: string }[] = [],
): string {
  if (sample === undefined) return `weight, index ${index}`;
  return `sample ${samples[sample]?.name ?? sample}, index ${index}`;
}

function inside({ range, format }: LayerEvidence): Reason[] {
  if (range === undefined) return [];
  const found = insideBeyond(range, largestNumber(format));
  // Bounds of products are far from what they bound, so that nearly every layer would have one.
  if (found === undefined || (found.evidence === 'bounded' && found.quantity === 'sum of products'))
    return [];
  const { quantity, terms, value, evidence, inFp32 } = found;
  const of = terms === 1 ? '' : ` of ${terms} terms`;
  const reach = evidence === 'measured' ? 'reaches' : 'could reach, by a bound,';
  const where = inFp32 ? `; the operator's definition computes it in FP32` : '';
  const sentence = `inside, a ${quantity}${of} ${reach} ${formatNumber(value)}, beyond ${format}${where}`;
  return evidence === 'measured' ? flag('overflow', sentence) : note('overflow-inside', sentence);
}

function outsideLinearRange({ local, measured }: LayerEvidence): Reason[] {
  const error = measured ?? local;
  if (error === undefined) return [];
  const output = measured === undefined ? 'the' : 'an';
  if (error.ofZero === true) {
    return flag(
      'zero-output',
      `${output} output is exactly 0 in every sample, so that no error is small beside it`,
    );
  }
  if (!Number.isFinite(error.value)) return flag('nonfinite', `rounding makes ${output} output non-finite`);
  if (measured === undefined) {
    return error.value > LARGE_LOCAL_ERROR
      ? flag('large-local-error', 'rounding inputs and weights moves the output by more than 5 %')
      : [];
  }
  return error.value > LARGE_MEASURED_ERROR
    ? flag('large-error', 'this layer alone moves an output by more than 20 %')
    : [];
}

function weightsLost({ range, format }: LayerEvidence): Reason[] {
  const weights = range?.tensors.filter(({ kind }) => kind === 'weight') ?? [];
  const share = (one: TensorRange): number =>
    one.nonZero === 0 ? 0 : (one.becomesZero + one.overflow) / one.nonZero;
  const worst = weights.toSorted((a, b) => share(b) - share(a))[0];
  if (worst === undefined || (worst.overflow === 0 && share(worst) <= UNDERFLOW_SHARE)) return [];
  const becomes = [
    ...(worst.becomesZero === 0 ? [] : [`${formatPercent(worst.becomesZero / worst.nonZero)} become zero`]),
    ...(worst.overflow === 0
      ? []
      : [`${formatPercent(worst.overflow / worst.nonZero)} are beyond ${format}`]),
  ];
  return flag('weights-lost', `of the weights "${worst.tensor}" ${becomes.join(' and ')}`);
}

function underflow({ range }: LayerEvidence): Reason[] {
  const worst = range?.tensors.toSorted((a, b) => lostShare(b) - lostShare(a))[0];
  if (worst === undefined || lostShare(worst) <= UNDERFLOW_SHARE) return [];
  return flag('underflow', underflowSentence(worst, ''));
}

/** Of what another layer writes, or is given to the model: rounded as it is read. */
function readUnderflow({ range }: LayerEvidence): Reason[] {
  const [worst] = range === undefined ? [] : readUnderflowing(range);
  return worst === undefined ? [] : flag('underflow', underflowSentence(worst, 'that it reads '));
}

function underflowSentence(range: TensorRange, which: string): string {
  const { tensor, becomesZero, nonZero, scale, isUnscaled } = range;
  const zero = becomesZero === 0 ? '' : ` (${formatPercent(becomesZero / nonZero)} zero)`;
  const cure = scale === 1 || isUnscaled === true ? '' : `; scaled by ${formatPower(scale)}, fewer would`;
  return `${formatPercent(lostShare(range))} of the values of "${tensor}" ${which}become subnormal or zero${zero}${cure}`;
}

function cancellation({ range }: LayerEvidence): Reason[] {
  const factor = range?.cancellation;
  if (factor === undefined || factor < STRONG_CANCELLATION) return [];
  const bits = `${Math.floor(Math.log2(factor))} bits`;
  return flag(
    'cancellation',
    `its inputs cancel out to 1/${formatNumber(factor)} of their size, which loses ${bits} of their digits`,
  );
}

/** Its error is nothing, which looks as if it were harmless. */
function withoutEffect(evidence: LayerEvidence): Reason[] {
  const { range, measured, found = [] } = evidence;
  if (measured?.value !== 0) return [];
  const written = range?.tensors.filter(({ kind }) => kind === 'output') ?? [];
  if (written.length > 0 && written.every(({ maxAbs, nonFinite }) => maxAbs === 0 && nonFinite === 0)) {
    return flag('only-zeros', 'writes nothing but 0 in any sample, which no format changes');
  }
  const own = ownError(evidence);
  // Why it has no effect is known then.
  if (
    own === undefined ||
    own.value === 0 ||
    !Number.isFinite(own.value) ||
    found.some(({ code }) => SILENT.has(code))
  )
    return [];
  return flag(
    'no-effect',
    `errs by ${formatNumber(own.value)} of its own output, and no output changes: what follows is flat there or a choice, ` +
      'which is no evidence for other samples',
  );
}

const SILENT: ReadonlySet<string> = new Set(['unused', 'saturated-output', 'zero-gradient']);

/** What the network behind a layer makes of its error: comparable, since both are relative. */
function passedOn(evidence: LayerEvidence): Reason[] {
  const { measured } = evidence;
  const own = ownError(evidence);
  if (own === undefined || measured === undefined || own.value === 0 || measured.value === 0) return [];
  const factor = measured.value / own.value;
  // Infinite, zero by zero: other reasons tell.
  if (!Number.isFinite(factor) || factor === 0 || own.ofZero === true || measured.ofZero === true) return [];
  const isOutput = own.of !== 'roundings';
  const about = own.of === 'output' ? '' : 'about ';
  const errors =
    `${about}${formatNumber(own.value)} of ${isOutput ? 'its own output' : 'what it rounds'}, ` +
    `${formatNumber(measured.value)} of an output of the model`;
  const change = ([alone, together]: readonly [string, string], times: number): string =>
    `${isOutput ? `what follows ${alone}` : `its operator and what follows ${together}`} its error ` +
    `${about}${formatNumber(times)} times: ${errors}`;
  if (factor >= SOMEWHAT_AMPLIFIED) {
    const sentence = change(['amplifies', 'amplify'], factor);
    return factor >= AMPLIFIED ? flag('amplified', sentence) : note('amplified', sentence);
  }
  if (factor <= ATTENUATED) return note('attenuated', change(['attenuates', 'attenuate'], 1 / factor));
  return [];
}

/** What cancels out is not amplified behind the layer: it is in what the layer writes already. */
function ownError({ own, local, range }: LayerEvidence): OwnError | undefined {
  if (own?.of === 'about-output') {
    const grown = Math.max(1, range?.cancellation ?? 1);
    return { ...own, value: own.value * grown };
  }
  return own ?? (local === undefined ? undefined : { ...local, of: 'output' });
}

/** A sum stands still where a term is less than half the distance to the next number: at 2/epsilon equal terms. */
function accumulation({ range, format, accumulate }: LayerEvidence): Reason[] {
  const terms = range?.terms;
  if (terms === undefined || format === 'fp32' || accumulate?.kind === 'fp32') return [];
  // Integers are summed in 32 bits.
  if (!isFloatFormat(format)) return [];
  const counts = 2 / formatInformation('fp16').epsilon;
  const held = longestSum(terms, accumulate);
  if (held <= counts) return [];
  const sentence = `adds up ${terms} terms, and a sum in fp16 stands still after ${counts} equal ones`;
  return accumulate === undefined
    ? note('accumulation', `${sentence}, where the target holds sums in it`)
    : flag('accumulation', sentence);
}

/** Of chunks the sums are summed in turn; those of lanes two and two. */
function longestSum(terms: number, accumulate: Accumulation | undefined): number {
  if (accumulate?.kind === 'chunked') return Math.max(accumulate.length, terms / accumulate.length);
  return accumulate?.kind === 'lanes' ? terms / accumulate.count : terms;
}

function roundsNothing({ roundsNothing: isSo }: LayerEvidence): Reason[] {
  return isSo === true
    ? note('rounds-nothing', 'rounds nothing in this plan: its neighbours round the same tensors')
    : [];
}

function largest(tensors: readonly TensorRange[]): TensorRange | undefined {
  return tensors.reduce<TensorRange | undefined>(
    (best, one) => (best === undefined || one.maxAbs > best.maxAbs ? one : best),
    undefined,
  );
}
