/**
 * Node data of Google's Model Explorer: by graph and node the format, with a colour. Nodes go by the names that the ONNX
 * adapter gives them: that of the node, or, without one, a tensor that it writes.
 */
import { FORMAT_NAMES, type FormatName } from '../formats/index.js';
import type { TracedPlan } from '../plan/index.js';
import { unknownNodes } from './block-list.js';
import type { ExchangeKind, Exported, Imported, ImportedDecision, ImportProblem } from './kind.js';
import { commonLosses, layerFormats, lossOf } from './layer-formats.js';
import { layersByNodeOrOutput, nodeOrOutput } from './node-names.js';
import { entriesOf, fieldOf, jsonText, readObject } from './read-json.js';

/** Light, so that the text of a node can be read on it; told apart in all common kinds of colour blindness. */
const COLOURS: Readonly<Record<string, string>> = { fp32: '#c6dbef', fp16: '#fdd0a2', bf16: '#dadaeb' };

export const modelExplorer: ExchangeKind = {
  name: 'model-explorer',
  summary: 'node data of Model Explorer: the format of each layer, in colour',
  exported: write,
  imported: { from: 'text', read },
};

function write(plan: TracedPlan): Exported {
  const formats = layerFormats(plan);
  const shown = formats.filter((one) => one.isInMainGraph && one.format !== undefined);
  const results = Object.fromEntries(
    shown.map(({ layer, format = 'fp32' }) => [
      nodeOrOutput(layer),
      { value: format, bgColor: COLOURS[format] ?? '' },
    ]),
  );
  const byName = layersByNodeOrOutput(plan);
  return {
    text: jsonText({ [plan.model.graph.name]: { name: 'precision', results } }),
    losses: [
      ...commonLosses(formats),
      ...lossOf(
        'sub-graph',
        formats.filter((one) => !one.isInMainGraph),
        (count) => `${count} inside of other nodes, which Model Explorer's adapter does not show`,
      ),
      ...lossOf(
        'shared-name',
        shown.filter(({ layer }) => (byName.get(nodeOrOutput(layer))?.length ?? 0) > 1),
        (count) => `${count} share names: the last one's format is shown`,
      ),
    ],
  };
}

function read(plan: TracedPlan, text: string): Imported | ImportProblem {
  const read = readObject(text);
  if ('problem' in read) return read;
  const graphs = entriesOf(read.object) ?? [];
  const results = graphs.flatMap(([, graph]) => entriesOf(fieldOf(graph, 'results')) ?? []);
  const byName = layersByNodeOrOutput(plan);
  const decisions = new Map<string, ImportedDecision>();
  const unread: string[] = [];
  for (const [key, result] of results) {
    const format = formatOf(fieldOf(result, 'value'));
    if (format === undefined) unread.push(key);
    else for (const layer of byName.get(key) ?? []) decisions.set(layer.name, { format });
  }
  if (unread.length === results.length) {
    return { problem: 'This is no node data whose values are number formats, such as "fp16".' };
  }
  const unreadable = unread.length === 0 ? [] : [unreadValues(unread)];
  return {
    decisions,
    losses: [
      ...unreadable,
      ...unknownNodes(
        plan,
        results.flatMap(([key]) => (byName.has(key) ? [] : [key])),
      ),
    ],
  };
}

function unreadValues(keys: readonly string[]): { code: string; message: string; layers: readonly string[] } {
  const message = `${keys.length} values are no number formats and are passed over.`;
  return { code: 'value-not-read', message, layers: keys };
}

function formatOf(value: unknown): FormatName | 'original' | undefined {
  return value === 'original' ? value : FORMAT_NAMES.find((name) => name === value);
}
