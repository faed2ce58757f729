/** What a target made of a plan beside what emulation says of it: for people and as part of the document of `verify --executed`. Pure. */
import { formatNumber } from '../report/index.js';
import type { LayerComparison } from '../analysis/index.js';
import type { VerifiedExecuted } from '../work/index.js';
import { formatTable } from './table.js';
import { toleranceDocuments } from './verdicts.js';

/** Layers that are named; all of them are in the document. */
const SHOWN = 5;

/** Each output and the layers that err most beyond emulation, relative L2 of both side by side. */
export function executedTables(
  { measurement, emulated, layers }: VerifiedExecuted,
  target: string,
): string[] {
  const beside = (executed: number, foreseen: number): string[] => [
    formatNumber(executed),
    formatNumber(foreseen),
    foreseen > 0 ? `${formatNumber(executed / foreseen)}×` : '–',
  ];
  const titles = [`on ${target}`, 'emulated', 'factor'].map((title) => ({ title, align: 'right' }) as const);
  const outputs = measurement.outputs.map(({ name, worst }) => [
    name,
    ...beside(worst.relative_l2, emulatedOf(emulated, name)?.worst.relative_l2 ?? Number.NaN),
  ]);
  const excess = ({ executed, emulated: foreseen }: LayerComparison): number =>
    executed === 0 ? 0 : executed / foreseen;
  const worst = layers.toSorted((a, b) => excess(b) - excess(a) || 0).slice(0, SHOWN);
  const rows = worst.map((one) => [
    one.layer.name,
    one.layer.node.opType,
    ...beside(one.executed, one.emulated),
  ]);
  return [
    ...formatTable([{ title: 'relative L2, worst sample' }, ...titles], outputs),
    ...(rows.length === 0
      ? []
      : [
          '',
          ...formatTable([{ title: 'relative L2, all samples' }, { title: 'operator' }, ...titles], rows),
        ]),
  ];
}

/** A sentence for each layer that a target computes worse than its format explains, as far as they are named, and one for those behind them. */
export function suspiciousSentences(
  { suspicious }: Pick<VerifiedExecuted, 'suspicious'>,
  target: string,
): string[] {
  const causes = suspicious.filter(({ follows }) => !follows);
  const [worst, ...others] = suspicious.filter(({ follows }) => follows);
  const more = causes.length - SHOWN;
  return [
    ...causes.slice(0, SHOWN).map(({ layer, executed, emulated, format }) => {
      const foreseen = formatNumber(emulated);
      return Number.isFinite(executed)
        ? `layer "${layer.name}" (${layer.node.opType}) errs by ${formatNumber(executed)} on ${target}, by ${foreseen} in emulation: its kernel there computes worse than its format explains`
        : `layer "${layer.name}" (${layer.node.opType}) gives infinities or NaN on ${target}, where emulation errs by ${foreseen}: ${withoutNumbers(format, target)}`;
    }),
    ...(more > 0 ? [`and ${more} more layers`] : []),
    ...(worst === undefined
      ? []
      : [
          `${others.length === 0 ? 'one layer' : `${others.length + 1} layers`} behind ${causes.length === 1 ? 'it' : 'them'} err${others.length === 0 ? 's' : ''} with ` +
            `${causes.length === 1 ? 'it' : 'them'}, most of all "${worst.layer.name}": ${formatNumber(worst.executed)} on ${target}, ${formatNumber(worst.emulated)} in emulation`,
        ]),
  ];
}

/** Why a layer has no numbers left where emulation has them, and the way out. */
function withoutNumbers(format: VerifiedExecuted['suspicious'][number]['format'], target: string): string {
  const inside = 'something that its kernel there computes on the way is beyond the range of its format';
  if (format === undefined) return `${inside}; keep it in fp32, if it is not`;
  if (format !== 'fp32' && format !== 'original') return `${inside}; keep it in fp32`;
  const away = target === 'webgpu' ? ' (`forceCpuNodeNames` does)' : '';
  return `it is not lowered, so its kernel there is wrong, whatever the plan says; keep it off ${target}${away}, or take another target`;
}

/** What the document says of an execution beside what it says of any verification. */
export function executedDocument(verified: VerifiedExecuted, target: string): object {
  const { placement, layers, suspicious, optimization, measurement, verdicts, emulated, unlike } = verified;
  return {
    mode: 'executed',
    target,
    optimization,
    unlike: unlike ?? null,
    tolerances: toleranceDocuments(verdicts).map((one, at) => ({
      ...one,
      emulated: emulated.tolerances[at]?.measured ?? Number.NaN,
    })),
    outputs: measurement.outputs.map(({ name, worst }) => ({
      ...{ name, ...worst },
      emulated: emulatedOf(emulated, name)?.worst,
    })),
    kernels: { onTarget: placement.onTarget, copies: placement.copies, elsewhere: placement.elsewhere },
    layers: layers.map(({ layer, executed, emulated: foreseen }) => ({
      ...{ name: layer.name, op: layer.node.opType, executed, emulated: foreseen },
    })),
    suspicious: suspicious.map(({ layer }) => layer.name),
    causes: suspicious.filter(({ follows }) => !follows).map(({ layer }) => layer.name),
  };
}

function emulatedOf(
  { outputs }: VerifiedExecuted['emulated'],
  name: string,
): VerifiedExecuted['emulated']['outputs'][number] | undefined {
  return outputs.find((one) => one.name === name);
}
