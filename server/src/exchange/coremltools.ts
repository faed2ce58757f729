/**
 * A table for the `op_selector` of coremltools' `FP16ComputePrecision`: by name of an operation, whether it computes in FP16.
 *
 *     table = json.load(open("table.json"))
 *     ct.transform.FP16ComputePrecision(op_selector=lambda op: table.get(op.name, True))
 */
import type { TracedPlan } from '../plan/index.js';
import { unknownNodes } from './block-list.js';
import type { ExchangeKind, Exported, Imported, ImportedDecision, ImportProblem, Loss } from './kind.js';
import {
  commonLosses,
  isFp32,
  layerFormats,
  lossOf,
  lowDecision,
  type LayerFormat,
} from './layer-formats.js';
import { layersByNodeOrOutput, nodeOrOutput } from './node-names.js';
import { entriesOf, jsonText, readObject } from './read-json.js';

export const coremltools: ExchangeKind = {
  name: 'coremltools',
  summary: "a JSON table for coremltools' op_selector: the name of an operation, and whether it is FP16",
  exported: write,
  imported: { from: 'text', read },
};

const OTHER_NAMES: Loss = {
  code: 'other-names',
  message:
    'coremltools converts from PyTorch or TensorFlow and names operations after these: check that the names are those of the ONNX model.',
  layers: [],
};

function write(plan: TracedPlan): Exported {
  const formats = layerFormats(plan).filter(({ present }) => present === 'fp32');
  const isLow = ({ format }: LayerFormat): boolean => format === 'fp16';
  const table = new Map<string, boolean>();
  const shared: LayerFormat[] = [];
  for (const one of formats) {
    const name = nodeOrOutput(one.layer);
    // Where two share a name, FP32 is the safe choice for both.
    if (table.has(name) && table.get(name) !== isLow(one)) shared.push(one);
    table.set(name, (table.get(name) ?? true) && isLow(one));
  }
  return {
    text: jsonText(Object.fromEntries(table)),
    losses: [
      OTHER_NAMES,
      ...commonLosses(formats),
      ...lossOf(
        'shared-name',
        shared,
        (count) => `${count} with the name of a layer in another format: FP32 for both`,
      ),
      ...lossOf(
        'other-low-format',
        formats.filter(({ format }) => format === 'bf16'),
        (count) => `${count} in bf16, which Core ML does not have: they stay FP32`,
      ),
    ],
  };
}

function read(plan: TracedPlan, text: string): Imported | ImportProblem {
  const read = readObject(text);
  if ('problem' in read) return read;
  const table = new Map<string, boolean>();
  for (const [name, value] of entriesOf(read.object) ?? []) {
    if (typeof value !== 'boolean') {
      return {
        problem: `${JSON.stringify(name)} is neither true nor false: this is no table for an op_selector.`,
      };
    }
    table.set(name, value);
  }
  if (table.size === 0) return { problem: 'This table is empty.' };
  const byName = layersByNodeOrOutput(plan);
  const decisions = new Map<string, ImportedDecision>();
  for (const [name, isLow] of table) {
    for (const layer of byName.get(name) ?? []) {
      if (!isFp32(plan, layer)) continue;
      decisions.set(layer.name, isLow ? lowDecision(plan, layer, 'fp16') : { format: 'fp32' });
    }
  }
  const undecided = plan.layers.filter((one) => isFp32(plan, one) && !decisions.has(one.name));
  return {
    decisions,
    losses: [
      OTHER_NAMES,
      ...unknownNodes(
        plan,
        [...table.keys()].filter((name) => !byName.has(name)),
      ),
      ...lossOf(
        'undecided',
        undecided,
        (count) => `${count} not in the table: the plan stays as it is there`,
      ),
    ],
  };
}
