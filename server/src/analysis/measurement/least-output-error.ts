/**
 * The scales of tensors in an integer format with which the output of their layer errs least, everything else being exact: of a
 * tensor, or of each output channel of a weight. One small session for each layer, one sample at a time, from coarse to
 * fine. Knows layers and candidates; which tensors are looked at is for the caller.
 */
import {
  exposedSteps,
  judgedOutput,
  outputErrorSteps,
  type OutputErrorVariant,
} from '../../emulate/index.js';
import { roundQuantized, scaleOf, type Quantization } from '../../formats/index.js';
import { DataType } from '../../onnx/index.js';
import { modelScopes, type PrecisionGraph, type WantedQuantization } from '../../plan/index.js';
import type { Session, TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { readFloats } from './read-floats.js';

/** Layers that are searched together, so that the original runs once for all of them; what they read is held meanwhile. */
const LAYERS_AT_ONCE = 8;
/** Samples that are looked at, spread over all: a range takes no more. */
const MOST_SAMPLES = 8;
/** Shares of the whole range that are tried first, evenly spaced, */
const COARSE = 16;
/** and on either side of the best of them, within its neighbours. */
const FINE = 4;
/** Of the whole range; nothing is cut off further. */
const LEAST_SHARE = 1 / (COARSE * (FINE + 1));

/** From the least value to the greatest. */
export interface WholeRange {
  readonly lowest: number;
  readonly highest: number;
}

export interface SearchedTensor {
  readonly wanted: WantedQuantization;
  /** The range that clips nothing: of each channel where each has a scale, else one. */
  readonly whole: readonly WholeRange[];
  /** Of a weight; of anything else they are read. */
  readonly constant: { readonly values: Float32Array; readonly dims: readonly number[] } | undefined;
}

/** Whether the search can be made for the layer: elsewhere the tensor's own squared error stands in. */
export function canBeSearched({ model }: Evaluation, { node }: WantedQuantization): boolean {
  return judgedOutput(model, node) !== undefined;
}

/** Finds the scales of one tensor after the other; each is handed over as soon as it is known. */
export async function leastOutputErrors(
  evaluation: Evaluation,
  graph: PrecisionGraph,
  tensors: readonly SearchedTensor[],
  found: (wanted: WantedQuantization, quantization: Quantization) => Promise<void>,
  options: WorkOptions,
): Promise<void> {
  for (let start = 0; start < tensors.length; start += LAYERS_AT_ONCE) {
    const group = tensors
      .slice(start, start + LAYERS_AT_ONCE)
      .map((one) => new Search(evaluation, graph, one));
    const progress = (done: number, of: number): void => {
      const share = (start + (group.length * done) / of) / tensors.length;
      options.progress?.(Math.round(share * 100), 100, 'scales by the error of outputs');
    };
    await searchTogether(evaluation, group, progress, options.signal);
    for (const search of group) await found(search.tensor.wanted, search.best());
  }
}

async function searchTogether(
  evaluation: Evaluation,
  group: readonly Search[],
  progress: (done: number, of: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { runtime, model, folder, feeds } = evaluation;
  const open = async (bytes: Uint8Array): Promise<Session> =>
    await runtime.open({ model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS }, signal);
  const names = [...new Set(group.flatMap((search) => search.tensors))].filter(
    (name) => !(name in (feeds[0] ?? {})),
  );
  const original = await open((await inSlices(exposedSteps(model, names))).bytes);
  const count = Math.min(MOST_SAMPLES, feeds.length);
  const chosen = Array.from({ length: count }, (_, at) => Math.floor((at * feeds.length) / count));
  try {
    const passes = Math.max(...group.map((search) => search.passes.length));
    for (let pass = 0; pass < passes; pass++) {
      for (const [at, sample] of chosen.entries()) {
        progress(pass * count + at, passes * count);
        const feed = feeds[sample] ?? {};
        const outputs = names.length === 0 ? {} : await runtime.run(original, feed, names, signal);
        try {
          for (const search of group) await search.look(pass, { ...outputs, ...feed }, open, signal);
        } finally {
          await runtime.release(Object.values(outputs));
        }
      }
      for (const search of group) search.narrow();
    }
  } finally {
    await runtime.close(original);
    for (const search of group) await search.close();
  }
}

/** Which ends a pass moves, and how far: shares of the whole range. */
interface Pass {
  readonly moves: 'both' | 'upper' | 'lower';
  readonly steps: readonly number[];
}

/** From no step outwards, so that what is best so far wins where nothing is better. */
function around(count: number, step: number): readonly number[] {
  return Array.from({ length: 2 * count + 1 }, (_, at) => at - count)
    .sort((a, b) => Math.abs(a) - Math.abs(b))
    .map((at) => at * step);
}

const FINE_STEPS = around(FINE, 1 / (COARSE * (FINE + 1)));
/** Both ends together, then each by itself, and once more between the neighbours of what is best. A symmetric range has one end. */
const PASSES: readonly Pass[] = [
  { moves: 'both', steps: Array.from({ length: COARSE }, (_, at) => -at / COARSE) },
  { moves: 'upper', steps: around(FINE, 1 / COARSE) },
  { moves: 'lower', steps: around(FINE, 1 / COARSE) },
  { moves: 'upper', steps: FINE_STEPS },
  { moves: 'lower', steps: FINE_STEPS },
];
const PASSES_OF_ONE_END: readonly Pass[] = [
  { moves: 'both', steps: Array.from({ length: COARSE }, (_, at) => -at / COARSE) },
  { moves: 'both', steps: FINE_STEPS },
];

/** Which share of each end is tried in place of the best so far. */
interface Candidate {
  /** By channel. */
  readonly upper: Float64Array;
  readonly lower: Float64Array;
  /** By channel. */
  readonly errors: Float64Array;
}

/** The search for one tensor: candidates of a pass, their errors summed over samples, and what they leave. */
class Search {
  private readonly symmetric: boolean;
  private readonly channels: number;
  private upper: Float64Array;
  private lower: Float64Array;
  private candidates: readonly Candidate[] | undefined;
  private opened:
    | { readonly session: Session; readonly variant: OutputErrorVariant; readonly isApart: boolean }
    | undefined;
  private readonly output: string;

  constructor(
    private readonly evaluation: Evaluation,
    graph: PrecisionGraph,
    readonly tensor: SearchedTensor,
  ) {
    const { wanted, whole } = tensor;
    this.symmetric = wanted.rounding.isWeight;
    this.channels = whole.length;
    this.upper = new Float64Array(whole.length).fill(1);
    this.lower = new Float64Array(whole.length).fill(1);
    this.output = judgedOutput(graph.model, wanted.node) ?? '';
  }

  /** What has to be known of each sample. */
  get tensors(): readonly string[] {
    const { model } = this.evaluation;
    const { node, tensor } = this.tensor.wanted;
    const scopes = modelScopes(model);
    const inputs = scopes.nodes[node]?.node.inputs ?? [];
    const isRead = (name: string): boolean => {
      const producer = scopes.tensors.get(name)?.producer;
      const isStored = scopes.scopes[0]?.index.constantOf(name) !== undefined;
      return (
        name !== '' &&
        !isStored &&
        (producer !== undefined || scopes.scopes[0]?.index.isGraphInput(name) === true)
      );
    };
    return [
      ...inputs.filter((name) => isRead(name) && (name !== tensor || this.tensor.constant === undefined)),
      this.output,
    ];
  }

  /** Adds up the errors of the pass's candidates on one sample. */
  async look(
    pass: number,
    sample: Readonly<Record<string, TensorHandle>>,
    open: (bytes: Uint8Array) => Promise<Session>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { runtime } = this.evaluation;
    const { wanted, constant } = this.tensor;
    const wish = this.passes[pass];
    this.candidates ??= wish === undefined ? [] : this.candidatesOf(wish);
    const [exact, own] = [sample[this.output], sample[wanted.tensor]];
    if (exact === undefined || this.candidates.length === 0) return;
    const { session, variant, isApart } = (this.opened ??= await this.openFor(exact.dims, open));
    const values =
      constant?.values ?? (own === undefined ? undefined : await readFloats(this.evaluation, own, signal));
    const dims = constant?.dims ?? own?.dims ?? [];
    if (values === undefined) return;
    const read = variant.read.flatMap((name): [string, TensorHandle][] => {
      const handle = sample[name];
      return handle === undefined ? [] : [[name, handle]];
    });
    for (const candidate of this.candidates) {
      const rounded = roundQuantized(this.quantizationOf(candidate), values, dims);
      const bytes = new Uint8Array(rounded.buffer);
      const given = await runtime.put(DataType.FLOAT, dims, { kind: 'bytes', bytes }, signal);
      const held = [given];
      try {
        const feed = { ...Object.fromEntries(read), [variant.given]: given, [variant.exact]: exact };
        const outputs = await runtime.run(session, feed, [variant.squares], signal);
        held.push(...Object.values(outputs));
        const squares = outputs[variant.squares];
        if (squares === undefined) continue;
        const errors = await readFloats(this.evaluation, squares, signal);
        for (let channel = 0; channel < this.channels; channel++)
          candidate.errors[channel] =
            (candidate.errors[channel] ?? 0) + (isApart ? (errors[channel] ?? 0) : (errors[0] ?? 0));
      } finally {
        await runtime.release(held);
      }
    }
  }

  /** Keeps the best of the pass, channel by channel. */
  narrow(): void {
    const { candidates = [] } = this;
    this.candidates = undefined;
    const [upper, lower] = [this.upper.slice(), this.lower.slice()];
    for (let channel = 0; channel < this.channels; channel++) {
      let least = Infinity;
      for (const candidate of candidates) {
        const error = candidate.errors[channel] ?? Infinity;
        if (error >= least) continue;
        least = error;
        upper[channel] = candidate.upper[channel] ?? 1;
        lower[channel] = candidate.lower[channel] ?? 1;
      }
    }
    [this.upper, this.lower] = [upper, lower];
  }

  best(): Quantization {
    return this.quantizationOf({ upper: this.upper, lower: this.lower });
  }

  async close(): Promise<void> {
    if (this.opened !== undefined) await this.evaluation.runtime.close(this.opened.session);
  }

  /** How often the samples are gone through. */
  get passes(): readonly Pass[] {
    const { whole } = this.tensor;
    const hasOneEnd = whole.every(({ lowest, highest }) => lowest === 0 || highest === 0);
    return this.symmetric || hasOneEnd ? PASSES_OF_ONE_END : PASSES;
  }

  private candidatesOf({ moves, steps }: Pass): readonly Candidate[] {
    return steps.map((step) => {
      const moved = (shares: Float64Array): Float64Array =>
        shares.map((share) => Math.min(1, Math.max(share + step, LEAST_SHARE)));
      return {
        upper: moves === 'lower' ? this.upper : moved(this.upper),
        lower: moves === 'upper' ? this.lower : moved(this.lower),
        errors: new Float64Array(this.channels),
      };
    });
  }

  private quantizationOf({ upper, lower }: Pick<Candidate, 'upper' | 'lower'>): Quantization {
    const { wanted, whole } = this.tensor;
    const { axis, format } = wanted.rounding;
    const integer = format === 'int4' ? 'int4' : 'int8';
    const scales = whole.map(({ lowest, highest }, channel) => {
      const [up, down] = [
        upper[channel] ?? 1,
        this.symmetric ? (upper[channel] ?? 1) : (lower[channel] ?? 1),
      ];
      const range = { lowest: lowest * down, highest: highest * up };
      return scaleOf({ format: integer, symmetric: this.symmetric }, range);
    });
    return { format: integer, scales, ...(axis === undefined ? {} : { axis }) };
  }

  private async openFor(dims: readonly number[], open: (bytes: Uint8Array) => Promise<Session>) {
    const { model } = this.evaluation;
    const { wanted } = this.tensor;
    const axis = this.channels > 1 ? outputAxis(model, wanted, dims.length) : undefined;
    // Where the output has other channels, those of the weight share what is cut off.
    const isApart = axis !== undefined && dims[axis] === this.channels;
    const steps = outputErrorSteps(
      model,
      wanted.node,
      wanted.tensor,
      dims.length,
      isApart ? axis : undefined,
    );
    const variant = await inSlices(steps);
    return { session: await open(variant.bytes), variant, isApart };
  }
}

/** The axis of the output along which the output channels of a weight lie; undefined where there is none. */
function outputAxis(
  model: Evaluation['model'],
  { node: at, tensor }: WantedQuantization,
  rank: number,
): number | undefined {
  const node = modelScopes(model).nodes[at]?.node;
  const input = node?.inputs.indexOf(tensor);
  switch (node?.opType) {
    case 'Conv':
    case 'ConvTranspose':
      return input === 1 ? 1 : undefined;
    case 'Gemm':
      return input === 1 ? 1 : 0;
    case 'MatMul':
      return input === 1 ? rank - 1 : rank - 2;
    default:
      return undefined;
  }
}
