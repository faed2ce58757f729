/** The plans that conformance tests convert each model under: what each layer is to be, by its place among them. */
import type { Wanted } from '../conversion/plans.js';

export type LayerFormat = (at: number, layers: number) => Wanted;

export const plans: Readonly<Record<string, LayerFormat>> = {
  'all FP16': () => 'fp16',
  'every other layer FP16': (at) => (at % 2 === 0 ? 'fp16' : 'fp32'),
  'one layer FP16': (at, layers) => (at === Math.floor(layers / 2) ? 'fp16' : 'fp32'),
  'all BF16': () => 'bf16',
};
