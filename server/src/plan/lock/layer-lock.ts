/**
 * The lock file beside a plan, `NAME.precision.lock`: what every layer of the model was when the plan's names were last
 * right, so that a layer is known again after the model was exported anew and its names have shifted. A plan's text cannot tell: of a
 * name that is gone nothing else is left, and a guess by likeness of names would be one. One line for each layer, for
 * reviews. It is written where the plan's file is written, by the command and when an editor saves, never while a plan is read. Knows the
 * file's form; compares nothing.
 */
import { isStep, type Steps } from '../../onnx/index.js';
import type { LayerRecord, SourceRecord, WeightRecord } from './layer-records.js';

export interface LayerLock {
  /** The layers that the plan named one by one, in the order of their names. */
  readonly named: readonly string[];
  /** All layers of the model. */
  readonly layers: readonly LayerRecord[];
}

const VERSION = 1;

/** Where the lock of a plan lies. */
export function lockPath(planPath: string): string {
  return `${planPath}.lock`;
}

/** The text of a lock, a few layers at a time. */
export function* writeLockSteps({ named, layers }: LayerLock): Steps<string> {
  const lines: string[] = [];
  for (const [index, record] of layers.entries()) {
    if (isStep(index)) yield;
    lines.push(JSON.stringify(written(record)));
  }
  yield;
  return [
    '{',
    `"version": ${VERSION},`,
    `"about": "What the layers of the model were when the plan beside this file last named them. Keep it with the plan.",`,
    `"named": ${JSON.stringify([...named].sort(), null, 0)},`,
    '"layers": [',
    lines.join(',\n'),
    ']',
    '}',
    '',
  ].join('\n');
}

/** A lock, or why the text is none, a few layers at a time. */
export function* readLockSteps(text: string): Steps<LayerLock | { readonly problem: string }> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
  const version = fieldOf(value, 'version');
  if (version !== VERSION) return { problem: `it has version ${String(version)}, not ${VERSION}` };
  const named = fieldOf(value, 'named');
  const lines = fieldOf(value, 'layers');
  if (!isTexts(named) || !Array.isArray(lines)) return { problem: 'it lacks "named" or "layers"' };
  yield;
  const layers: LayerRecord[] = [];
  for (const [index, line] of lines.entries()) {
    if (isStep(index)) yield;
    const record = readRecord(line, lines.length);
    if (record === undefined) return { problem: `layer ${index + 1} of it is not understood` };
    layers.push(record);
  }
  return { named, layers };
}

function written({ name, operator, weights, parameters, from, to }: LayerRecord): object {
  return {
    name,
    operator,
    ...(weights.length === 0 ? {} : { weights: weights.map(writtenWeight) }),
    ...(parameters === '' ? {} : { parameters }),
    from: from.map(({ layer, path }) => `${layer ?? '-'} ${path}`),
    ...(to.length === 0 ? {} : { to }),
  };
}

/** `64x3x3x3 DIGEST`, with `=` before the digest of a weight that is the same number throughout. */
function writtenWeight({ shape, content, isUniform }: WeightRecord): string {
  return content === undefined ? shape : `${shape} ${isUniform ? '=' : ''}${content}`;
}

function readRecord(line: unknown, count: number): LayerRecord | undefined {
  const name = fieldOf(line, 'name');
  const operator = fieldOf(line, 'operator');
  const weights = fieldOf(line, 'weights') ?? [];
  const parameters = fieldOf(line, 'parameters') ?? '';
  const from = fieldOf(line, 'from');
  const to = fieldOf(line, 'to') ?? [];
  if (typeof name !== 'string' || typeof operator !== 'string' || typeof parameters !== 'string') return;
  if (!isTexts(weights) || !isTexts(from) || !Array.isArray(to)) return;
  const outputs = to.filter((one) => typeof one === 'number');
  const sources = from.map((text) => readSource(text, count)).filter((source) => source !== undefined);
  if (outputs.length !== to.length || sources.length !== from.length) return;
  return { name, operator, weights: weights.map(readWeight), parameters, from: sources, to: outputs };
}

function readWeight(text: string): WeightRecord {
  const [shape = '', content] = text.split(' ');
  const isUniform = content === undefined || content.startsWith('=');
  return { shape, content: content?.replace(/^=/, ''), isUniform };
}

function readSource(text: string, count: number): SourceRecord | undefined {
  const match = /^(-|\d+) (.*)$/.exec(text);
  if (match === null) return undefined;
  const [, index = '-', path = ''] = match;
  if (index === '-') return { layer: undefined, path };
  const layer = Number(index);
  return layer < count ? { layer, path } : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}
