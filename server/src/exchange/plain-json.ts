/**
 * Decisions as plain JSON, for scripts: `{ "model": PATH, "layers": { NAME: FORMAT } }`, where a layer with options has
 * `{ "format": FORMAT, "pinned": true, "overflow": "saturate", "reason": "..." }`. Holds all that a plan decides.
 */
import { basename } from 'node:path';
import { FORMAT_NAMES } from '../formats/index.js';
import type { TracedPlan } from '../plan/index.js';
import { decisionReasons } from './decision-reasons.js';
import type { ExchangeKind, Exported, Imported, ImportedDecision, ImportProblem, Loss } from './kind.js';
import { entriesOf, fieldOf, jsonText, readObject } from './read-json.js';

export const plainJson: ExchangeKind = {
  name: 'json',
  summary: 'plain JSON: the format of each layer by its name, with its options',
  exported: write,
  imported: { from: 'text', read },
};

function write(plan: TracedPlan): Exported {
  const reasons = decisionReasons(plan);
  const layers = plan.decisions.map(({ layer, wanted, pinned, overflow }) => {
    const reason = reasons.get(layer.name);
    const options = {
      ...(pinned ? { pinned } : {}),
      ...(overflow === 'error' ? {} : { overflow }),
      ...(reason === undefined ? {} : { reason }),
    };
    const decided = Object.keys(options).length === 0 ? wanted : { format: wanted, ...options };
    return [layer.name, decided] as const;
  });
  return {
    text: jsonText({ model: basename(plan.modelPath), layers: Object.fromEntries(layers) }),
    losses: [],
  };
}

function read(plan: TracedPlan, text: string): Imported | ImportProblem {
  const read = readObject(text);
  if ('problem' in read) return read;
  const layers = entriesOf(fieldOf(read.object, 'layers'));
  if (layers === undefined) {
    return { problem: 'This holds no object `layers` with the format of each layer by its name.' };
  }
  const known = new Set(plan.layers.map(({ name }) => name));
  const decisions = new Map<string, ImportedDecision>();
  const unknown: string[] = [];
  for (const [name, value] of layers) {
    const decision = decisionOf(value);
    if (decision === undefined) {
      return { problem: `The value of ${JSON.stringify(name)} is no format, nor an object with one.` };
    }
    if (known.has(name)) decisions.set(name, decision);
    else unknown.push(name);
  }
  return { decisions, losses: unknown.length === 0 ? [] : [unknownLayers(unknown)] };
}

function unknownLayers(names: readonly string[]): Loss {
  const some = names.slice(0, 5).map((name) => JSON.stringify(name));
  const more = names.length > some.length ? ` and ${names.length - some.length} more` : '';
  return {
    code: 'unknown-node',
    message: `The model has no layer named ${some.join(', ')}${more}.`,
    layers: [],
  };
}

function decisionOf(value: unknown): ImportedDecision | undefined {
  const written = typeof value === 'string' ? value : fieldOf(value, 'format');
  const format = written === 'original' ? written : FORMAT_NAMES.find((name) => name === written);
  if (format === undefined) return undefined;
  const [pinned, overflow, reason] = [
    fieldOf(value, 'pinned'),
    fieldOf(value, 'overflow'),
    fieldOf(value, 'reason'),
  ];
  return {
    format,
    ...(pinned === true ? { pinned } : {}),
    ...(overflow === 'error' || overflow === 'saturate' || overflow === 'inf' ? { overflow } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}
