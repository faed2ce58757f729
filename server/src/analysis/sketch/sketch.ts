/**
 * A Gauss-Newton sketch: what every possible rounding of a model does to its outputs, to first order, from one forward and a
 * few backward passes per sample. Runs the graph that sketch-graph.ts builds; what is made of the numbers is in
 * ../prediction. Activations are those of one sample at a time.
 */
import { DataType, inferShapesSteps, type Model } from '../../onnx/index.js';
import { modelFacts, type RoundingEvents } from '../../plan/index.js';
import { RuntimeFailure, type Session, type TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { ownQuantizations } from '../measurement/own-quantizations.js';
import { observedShapes } from '../sessions/observed-shapes.js';
import { concreteShapes } from '../sessions/sample-shapes.js';
import type { Label, Sample } from '../samples/index.js';
import { elementsOf, floatsOf, takenBy } from '../sessions/session-tensors.js';
import { checkLabel } from './label-mismatch.js';
import { lossOf } from './loss.js';
import { outputDirections } from './output-directions.js';
import { probeRows, type ProbeKinds, type ProbeRows } from './probes.js';
import { isSaturated, saturatingOperator } from './saturation.js';
import type { SketchFigure, SketchPiece } from './joined-parts.js';
import { sketchGraphSteps, type EventState, type SketchGraph } from './sketch-graph.js';

/** What the events do to one output in one sample. Errors are relative: divided by the norm of the exact output. */
export interface OutputSketch extends ProbeKinds {
  readonly output: string;
  /** The squared norm of the exact output. */
  readonly norm: number;
  /** The largest squared element of the exact output. */
  readonly peak: number;
  readonly elements: number;
  /** The output is a Softmax or Sigmoid that hardly moves any more. */
  readonly saturated: boolean;
  /**
   * Event by event, K numbers each: probe . J atom. The sum of their squares is, or estimates, the squared error. Behind those of
   * all events the same again for output events alone, of a layer that rounds exact inputs itself: what it puts together of
   * rounded numbers may be representable already, or lie midway between two that are.
   */
  readonly dots: Float32Array;
  /** The same of the sum of g^2 atom^2: the expected square if elements are rounded independently of each other. */
  readonly diagonals: Float32Array;
}

export interface SampleSketch {
  /** By event. */
  readonly states: readonly EventState[];
  /** By event: the squared norm of the local error. */
  readonly atoms: Float32Array;
  /** By event: the squared norm of what it is an error of. */
  readonly exact: Float32Array;
  /** By event: the squared norm of the change of a layer's constants. */
  readonly constants: Float32Array;
  /** By event: the squared norms of the gradients of all outputs, summed; zeros where it was not asked for. */
  readonly curvature: Float32Array;
  /** By event: the same over the number of elements, times the squared norm of the error, tensor by tensor. */
  readonly weighed: Float32Array;
  readonly outputs: readonly OutputSketch[];
}

/** Those of a sample's figures that no single output has. */
type Norms = Pick<SampleSketch, 'atoms' | 'exact' | 'constants' | 'curvature' | 'weighed'>;

export interface SketchOptions extends WorkOptions {
  /** Rows of probes for each output. */
  readonly probes: number;
  readonly seed: number;
  /** `output`: one row, the output itself, so that products are changes of half its squared norm, relative to that. */
  readonly direction?: 'random' | 'output' | 'loss';
  /** By sample, for `loss`. An output that a label does not fit has no part in it; each label has to fit one of them. */
  readonly labels?: readonly Label[] | undefined;
  /** Also the squared norms of gradients, those of weights included. */
  readonly curvature?: boolean;
}

/** A session for samples of the same shapes. */
interface OpenSketch {
  readonly key: string;
  /** Rows of probes: no more than tell every output exactly. */
  readonly rows: number;
  readonly graph: SketchGraph;
  readonly session: Session | undefined;
}

/**
 * Sketches samples one at a time. The sketch of a sample depends on that sample, the events, the outputs, the probes and the
 * seed alone. Whoever makes it closes it.
 */
export class Sketcher {
  sessions = 0;
  inferences = 0;
  private open: OpenSketch | undefined;

  constructor(
    private readonly evaluation: Evaluation,
    private readonly events: RoundingEvents,
    private readonly outputs: readonly string[],
    private readonly options: SketchOptions,
  ) {}

  /**
   * @throws {RuntimeFailure} as the runtime does; a graph that it refuses is `refused` or `failed`.
   * @throws {LabelMismatch} for a loss against a label that fits no output
   */
  async sketch(sample: number): Promise<SampleSketch> {
    const found = this.evaluation.samples[sample];
    if (found === undefined) throw new RangeError(`no sample ${sample}`);
    if (this.options.direction === 'loss') {
      checkLabel(this.evaluation, sample, this.outputs, this.options.labels);
    }
    const open = await this.sessionFor(found, this.rowsFor(sample));
    const directions = await this.directionsFor(open, sample);
    const outputs: OutputSketch[] = [];
    const { events } = this.events;
    let norms = noNorms(events.length);
    for (const [index, output] of this.outputs.entries()) {
      const ran = await this.run(open, sample, index, directions.get(output) ?? []);
      if (ran === undefined) continue;
      outputs.push({ output, ...ran.sketch });
      // All but what gradients are part of is the same whatever output has probes.
      if (ran.norms !== undefined) {
        const { curvature, weighed } = norms;
        norms = {
          ...ran.norms,
          curvature: added(curvature, ran.norms.curvature),
          weighed: added(weighed, ran.norms.weighed),
        };
      }
    }
    return { states: open.graph.states, ...norms, outputs };
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    if (open?.session !== undefined) await this.evaluation.runtime.close(open.session);
  }

  /** Each costs as much as all others: an output of two numbers needs two. */
  private rowsFor(sample: number): number {
    const all = this.evaluation.references[sample] ?? {};
    const most = Math.max(1, ...this.outputs.map((output) => elementsOf(all[output]?.dims ?? [])));
    return Math.min(this.options.probes, most);
  }

  private async directionsFor(
    { rows, session }: OpenSketch,
    sample: number,
  ): Promise<ReadonlyMap<string, readonly Float64Array[]>> {
    const { direction = 'random', signal } = this.options;
    if (direction !== 'random' || session === undefined) return new Map();
    const seed = this.seedOf(sample, this.outputs.length);
    const found = await outputDirections(this.evaluation, sample, this.outputs, {
      probes: rows,
      seed,
      signal,
    });
    this.inferences += found.inferences;
    return found.directions;
  }

  private async sessionFor(sample: Sample, rows: number): Promise<OpenSketch> {
    const inputs = Object.entries(sample.inputs).map(([name, { dims }]) => `${name}:${dims.join()}`);
    const key = [rows, ...inputs].join(' ');
    if (this.open?.key === key) return this.open;
    await this.close();
    const { runtime, model, folder, ranges } = this.evaluation;
    const { signal, curvature = false } = this.options;
    const shapes = await this.shapesOf(sample);
    const { events, outputs } = this;
    const quantizations = await ownQuantizations(this.evaluation, events.layers, events.format, { signal });
    const graph = await inSlices(
      sketchGraphSteps({ model, events, shapes, outputs, probes: rows, curvature, quantizations, ranges }),
    );
    let session: Session | undefined;
    if (graph.result !== undefined) {
      const model = { bytes: graph.bytes, weightsFolder: folder };
      const request = { model, ...EMULATION_SETTINGS, keepsMemory: true };
      session = await runtime.open(request, signal);
      this.sessions += 1;
    }
    this.open = { key, rows, graph, session };
    return this.open;
  }

  /** Shapes as they are in the run: inferred from those of the sample where that finds all of them, otherwise observed. */
  private async shapesOf(sample: Sample): Promise<ReadonlyMap<string, readonly number[]>> {
    const { runtime, model } = this.evaluation;
    const inputShapes = new Map(Object.entries(sample.inputs).map(([name, { dims }]) => [name, dims]));
    const inferred = concreteShapes(await inSlices(inferShapesSteps(model, { inputShapes })));
    const shapes = new Map([...inferred, ...inputShapes]);
    if (isComplete(model, shapes)) return shapes;
    const observed = concreteShapes(
      await observedShapes(runtime, model, sample, { signal: this.options.signal }),
    );
    this.sessions += 1;
    this.inferences += 1;
    return new Map([...shapes, ...observed]);
  }

  private async run(
    { graph, session, rows }: OpenSketch,
    sample: number,
    place: number,
    directions: readonly Float64Array[],
  ): Promise<
    | {
        readonly sketch: Omit<OutputSketch, 'output'>;
        readonly norms: Norms | undefined;
      }
    | undefined
  > {
    const { runtime, feeds, references } = this.evaluation;
    const { signal, probes } = this.options;
    const output = this.outputs[place] ?? '';
    const reference = references[sample]?.[output];
    const feed = feeds[sample];
    if (reference === undefined || feed === undefined) return undefined;
    const elements = elementsOf(reference.dims);
    const sums = [{ name: 'relative_l2' }, { name: 'psnr' }] as const;
    const [squares, peaks] = await runtime.compare(reference, reference, sums, signal);
    const norm = squares?.sums[1] ?? Number.NaN;
    const count = 2 * this.events.events.length;
    const own = await this.probesFor(reference, rows, norm, sample, place, directions);
    const { aligned, random } = own;
    const sketch = {
      ...{ aligned, random },
      norm,
      peak: peaks?.sums[1] ?? Number.NaN,
      elements,
      saturated: await this.isSaturated(output, reference),
      dots: new Float32Array(count * probes),
      diagonals: new Float32Array(count * probes),
    };
    const { result } = graph;
    if (session === undefined || result === undefined) return { sketch, norms: undefined };
    const seeds: TensorHandle[] = [];
    let answers: Readonly<Record<string, TensorHandle>> = {};
    try {
      const probeFeeds: [string, TensorHandle][] = [];
      for (const [index, name] of this.outputs.entries()) {
        const input = graph.probeOf.get(name);
        const dims = references[sample]?.[name]?.dims;
        if (input === undefined || dims === undefined) continue;
        const values = new Float32Array(elementsOf(dims) * rows);
        if (index === place) values.set(own.values);
        const bytes = new Uint8Array(values.buffer);
        const handle = await runtime.put(DataType.FLOAT, [rows, ...dims], { kind: 'bytes', bytes }, signal);
        seeds.push(handle);
        probeFeeds.push([input, handle]);
      }
      const given = { ...feed, ...Object.fromEntries(probeFeeds) };
      answers = await runtime.run(session, takenBy(session, given), [result], signal);
      this.inferences += 1;
      const norms = noNorms(count);
      const { dots, diagonals } = sketch;
      const figures = floatsOf(await runtime.read(handleOf(answers, result), signal));
      addPieces(figures, graph.pieces, { rows, probes }, { ...norms, dots, diagonals });
      for (const [column, square] of graph.constants) {
        norms.constants[column] = (norms.constants[column] ?? 0) + square;
      }
      return { sketch, norms };
    } finally {
      await runtime.release([...seeds, ...Object.values(answers)]);
    }
  }

  /** As many rows as are asked for, or fewer, which come first. */
  private async probesFor(
    reference: TensorHandle,
    count: number,
    norm: number,
    sample: number,
    place: number,
    directions: readonly Float64Array[],
  ): Promise<ProbeRows> {
    const { direction, signal } = this.options;
    const elements = elementsOf(reference.dims);
    const scale = scaleFor(norm);
    if (direction === 'loss') {
      const label = this.options.labels?.[sample];
      const values = floatsOf(await this.evaluation.runtime.read(reference, signal));
      const output = this.outputs[place] ?? '';
      const isSoftmax = saturatingOperator(this.evaluation.model, output) === 'Softmax';
      const scores = isSoftmax ? 'probabilities' : 'logits';
      const own = label && lossOf(values, reference.dims, label.values, scores);
      return aligned(own === undefined ? new Float32Array(elements) : Float32Array.from(own.gradient));
    }
    if (direction !== 'output') {
      return probeRows(elements, count, scale, this.seedOf(sample, place), directions);
    }
    const values = floatsOf(await this.evaluation.runtime.read(reference, signal));
    return aligned(values.map((value) => value * scale * scale));
  }

  private async isSaturated(output: string, reference: TensorHandle): Promise<boolean> {
    const { runtime, model } = this.evaluation;
    const operator = saturatingOperator(model, output);
    if (operator === undefined || reference.dataType !== DataType.FLOAT) return false;
    return isSaturated(
      operator,
      floatsOf(await runtime.read(reference, this.options.signal)),
      reference.dims,
    );
  }

  /** Samples and outputs have draws of their own. */
  private seedOf(sample: number, place: number): number {
    return (this.options.seed * 1_000_003 + sample * 1009 + place) | 0;
  }
}

/** So that products are relative errors, and neither overflow nor vanish in FP32. An output of zeros is left as it is. */
export function scaleFor(norm: number): number {
  return norm > 0 && Number.isFinite(norm) ? 1 / Math.sqrt(norm) : 1;
}

/** One row, not a unit vector but of the caller's choice. */
function aligned(values: Float32Array): ProbeRows {
  return { values, aligned: 1, random: 0 };
}

function noNorms(events: number): Norms {
  return {
    atoms: new Float32Array(events),
    exact: new Float32Array(events),
    constants: new Float32Array(events),
    curvature: new Float32Array(events),
    weighed: new Float32Array(events),
  };
}

/** Element by element; `more` may be longer. */
function added(some: Float32Array, more: Float32Array): Float32Array {
  return more.map((value, at) => value + (some[at] ?? 0));
}

/** Adds the numbers of a result to the figures of the columns that they belong to. */
function addPieces(
  result: Float32Array,
  pieces: readonly SketchPiece[],
  { rows, probes }: { readonly rows: number; readonly probes: number },
  figures: Readonly<Record<SketchFigure, Float32Array>>,
): void {
  for (const { figure, columns, factor = 1, from, step } of pieces) {
    const isPerProbe = figure === 'dots' || figure === 'diagonals';
    const size = isPerProbe ? rows : 1;
    const stride = isPerProbe ? probes : 1;
    const to = figures[figure];
    for (const column of columns) {
      for (let at = 0; at < size; at++) {
        const value = result[from + at * step] ?? 0;
        to[column * stride + at] = (to[column * stride + at] ?? 0) + factor * value;
      }
    }
  }
}

function handleOf(handles: Readonly<Record<string, TensorHandle>>, name: string): TensorHandle {
  const handle = handles[name];
  if (handle === undefined) throw new RuntimeFailure('failed', `The sketch gave no ${name}.`);
  return handle;
}

/** Whether the shape of every computed tensor of numbers is known. */
function isComplete(model: Model, shapes: ReadonlyMap<string, readonly number[]>): boolean {
  const facts = modelFacts(model);
  return model.graph.nodes.every(({ outputs }) =>
    outputs.every((name) => name === '' || facts.elementType(name) === undefined || shapes.has(name)),
  );
}
