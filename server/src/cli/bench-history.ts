/** Benchmarks that are kept of a model on a target, as a table; and on what they ran, in words. Pure. */
import { basename } from 'node:path';
import type { KeptBenchmark } from '../analysis/index.js';
import { dayAndTime, formatMilliseconds } from '../report/index.js';
import { formatTable } from './table.js';

/** One row for each, the newest first. */
export function historyTable(kept: readonly KeptBenchmark[]): string[] {
  if (kept.length === 0) return ['no benchmark of this model on this target is kept'];
  const median = ({ rows }: KeptBenchmark, name: string): string =>
    formatMilliseconds(rows.find((row) => row.name === name)?.median ?? Number.NaN);
  const titles = [
    'when (UTC)',
    'fp32',
    'plan',
    'fp16',
    'runs',
    'threads',
    'load',
    'plan',
    'machine and versions',
  ];
  return formatTable(
    titles.map((title, index) => ({ title, align: index > 0 && index < 7 ? 'right' : 'left' })),
    kept.map((one) => [
      dayAndTime(one.at),
      ...['fp32', 'plan', 'fp16'].map((name) => median(one, name)),
      ...[one.runs, one.threads].map(String),
      `${one.load.toFixed(1)}${one.busy ? ' (busy)' : ''}`,
      basename(one.plan),
      `${deviceWords(one)}, ${one.platform}, ONNX Runtime ${one.onnxRuntime}, onnx-precision ${one.version}`,
    ]),
  );
}

/** The processor, and for another target the graphics device, or all of them where it is not told which, and the options of its provider. */
export function deviceWords({
  device,
  graphics,
  graphicsDevice,
  options = {},
}: Pick<KeptBenchmark, 'device' | 'graphics' | 'graphicsDevice' | 'options'>): string {
  const given = Object.entries(options).map(([name, value]) => `${name}: ${String(value)}`);
  return [
    ...(graphicsDevice === undefined ? [device] : [graphicsDevice, `processor ${device}`]),
    ...(graphics === undefined || graphicsDevice !== undefined ? [] : [`graphics ${graphics}`]),
    ...(given.length === 0 ? [] : [`{ ${given.join(', ')} }`]),
  ].join(', ');
}
