/** Which low formats a layer can run in at all. Knows one layer at a time, no plan. */
import type { FormatName } from '../../formats/index.js';
import type { Model } from '../../onnx/index.js';
import { runnableFormat } from './run-format.js';
import type { Layer } from '../types.js';

/** The 16-bit formats that the operator of `layer` allows at the model's opset. */
export function allowedFormats(model: Model, layer: Layer): ('fp16' | 'bf16')[] {
  const formats = ['fp16', 'bf16'] as const;
  return formats.filter((format) => runnableFormat(model, layer, format).format === format);
}

/** Whether `layer` can run in the format, or be emulated in it where no operator computes in it. */
export function allowsFormat(model: Model, layer: Layer, format: FormatName): boolean {
  return runnableFormat(model, layer, format).format === format;
}
