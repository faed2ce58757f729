/**
 * `--layerPrecisions` of TensorRT's `trtexec`: `NAME:PRECISION,...`, a later one overriding an earlier one, an exact name any
 * pattern; a name holds at most one `*`, and goes up to the last colon. Takes effect with `--precisionConstraints`.
 */
import type { FormatName } from '../formats/index.js';
import type { Layer, TracedPlan } from '../plan/index.js';
import { unknownNodes } from './block-list.js';
import type { ExchangeKind, Exported, Imported, ImportedDecision, ImportProblem, Loss } from './kind.js';
import { commonLosses, layerFormats, lossOf } from './layer-formats.js';
import { layersByNode } from './node-names.js';

/** Of precisions that layers compute in; `int32` and the like are for layers that no plan speaks of. */
const FORMATS: Readonly<Record<string, FormatName | undefined>> = {
  fp32: 'fp32',
  fp16: 'fp16',
  bf16: 'bf16',
  int8: 'int8',
  fp8: 'fp8_e4m3',
};
const OTHERS: ReadonlySet<string> = new Set(['int32', 'int64', 'uint8', 'int4', 'bool', 'best']);

/** What Linux takes as one argument of a command. */
const LONGEST_ARGUMENT = 131_071;

export const tensorrt: ExchangeKind = {
  name: 'tensorrt',
  summary: 'the value of --layerPrecisions of trtexec, to be used with --precisionConstraints=obey',
  exported: write,
  imported: { from: 'text', read },
};

function write(plan: TracedPlan): Exported {
  const formats = layerFormats(plan);
  const byName = layersByNode(plan);
  const formatByLayer = new Map(formats.map(({ layer, format }) => [layer.name, format]));
  const isAlike = ({ node, name }: Layer): boolean =>
    (byName.get(node.name) ?? []).every((one) => formatByLayer.get(one.name) === formatByLayer.get(name));
  const stated = formats.filter(({ format }) => format !== undefined);
  const unnamed = stated.filter(({ layer }) => layer.node.name === '');
  const unwritable = stated.filter(({ layer }) => /[,'*]/.test(layer.node.name));
  const shared = stated.filter(({ layer }) => layer.node.name !== '' && !isAlike(layer));
  const left = new Set([...unnamed, ...unwritable, ...shared]);
  const entries = new Map(
    stated.filter((one) => !left.has(one)).map(({ layer, format }) => [layer.node.name, format ?? '']),
  );
  const text = [...entries].map(([name, format]) => `${name}:${format}`).join(',');
  const chooses = (what: string) => (count: string) =>
    `${count} ${what}: TensorRT chooses their precision itself`;
  return {
    text: `${text}\n`,
    losses: [
      ...commonLosses(formats),
      ...lossOf('unnamed-node', unnamed, chooses('without a name of the node')),
      ...lossOf('name-not-writable', unwritable, chooses("with `,`, `'` or `*` in the name")),
      ...lossOf('shared-name', shared, chooses('with the name of a layer in another format')),
      ...(text.length > LONGEST_ARGUMENT ? [tooLong(text.length)] : []),
    ],
  };
}

function tooLong(length: number): Loss {
  const message = `The value has ${length} characters, and Linux takes no argument of more than ${LONGEST_ARGUMENT}.`;
  return { code: 'too-long', message, layers: [] };
}

interface Entry {
  readonly name: string;
  readonly precision: string;
}

function read(plan: TracedPlan, text: string): Imported | ImportProblem {
  const value = text
    .trim()
    .replace(/^--layerPrecisions[= ]/, '')
    .replace(/^(["'])(.*)\1$/s, '$2');
  if (value === '') return { problem: 'This holds no precision of any layer.' };
  const entries: Entry[] = [];
  for (const part of value.split(',')) {
    const colon = part.lastIndexOf(':');
    const [name, precision] = [part.slice(0, Math.max(colon, 0)).replaceAll("'", ''), part.slice(colon + 1)];
    const isKnown = precision in FORMATS || OTHERS.has(precision);
    if (colon <= 0 || !isKnown || name.split('*').length > 2) {
      return { problem: `${JSON.stringify(part)} is not \`NAME:PRECISION\` of TensorRT.` };
    }
    entries.push({ name, precision });
  }
  return decide(plan, entries);
}

function decide(plan: TracedPlan, entries: readonly Entry[]): Imported {
  const exact = new Map(entries.map(({ name, precision }) => [name, precision]));
  const patterns = entries.filter(({ name }) => name.includes('*'));
  const decisions = new Map<string, ImportedDecision>();
  const other: Layer[] = [];
  for (const layer of plan.layers) {
    const { name } = layer.node;
    const precision = exact.get(name) ?? patterns.findLast((entry) => isMatched(entry.name, name))?.precision;
    const format = FORMATS[precision ?? ''];
    if (format !== undefined) decisions.set(layer.name, { format });
    else if (precision !== undefined) other.push(layer);
  }
  const undecided = plan.layers.filter((one) => !decisions.has(one.name) && !other.includes(one));
  return {
    decisions,
    losses: [
      ...unknownNodes(
        plan,
        entries.filter(({ name }) => !name.includes('*')).map(({ name }) => name),
      ),
      ...lossOf('no-such-format', other, (count) => `${count} with a precision that is no format of layers`),
      ...lossOf(
        'undecided',
        undecided,
        (count) => `${count} not named: TensorRT chooses, the plan stays as it is`,
      ),
    ],
  };
}

/** @param pattern holds one `*`, which stands for any text. */
function isMatched(pattern: string, name: string): boolean {
  const [head = '', tail = ''] = pattern.split('*');
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}
