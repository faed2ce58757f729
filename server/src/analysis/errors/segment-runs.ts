/**
 * One segment of a cut graph, run once for each of its layers and each sample: the activations that cross the cut stay
 * in the compute process, one sample at a time, and a layer is switched by a flag. Knows what was asked of the
 * outputs, not what becomes of the answers.
 */
import { prefixSteps, segmentSteps, type SegmentVariant, type SwitchedLayer } from '../../emulate/index.js';
import type { Figure } from '../../metrics/index.js';
import { DataType } from '../../onnx/index.js';
import type { Layer, Tolerance } from '../../plan/index.js';
import type { Session, TensorHandle } from '../../runtime/index.js';
import { EMULATION_SETTINGS, type Evaluation, type Feeds, type Outputs } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { metricOf } from '../sessions/sample-metric.js';

/** The figures of a layer: `[question][sample]`. */
export type Figures = readonly (readonly Figure[])[];

export interface SegmentWork {
  /** The place in the topological order at which the segment starts. */
  readonly cut: number;
  readonly switched: readonly SwitchedLayer[];
  /** Which outputs are compared by which metrics. */
  readonly questions: readonly Tolerance[];
  /** What is answered where a layer changes nothing. */
  readonly unchanged: Figures;
}

interface SegmentOptions {
  readonly signal: AbortSignal | undefined;
  /** Told of each run of a layer. */
  readonly ran: () => void;
}

/** What is open while a segment runs. */
interface OpenSegment {
  readonly session: Session;
  readonly segment: SegmentVariant;
  /** Scalars of booleans. */
  readonly off: TensorHandle;
  readonly on: TensorHandle;
}

/** Runs the segment; layers that no output depends on are left out of the figures. */
export async function runSegment(
  evaluation: Evaluation,
  work: SegmentWork,
  options: SegmentOptions,
): Promise<{
  readonly figures: ReadonlyMap<Layer, Figures>;
  readonly sessions: number;
  readonly inferences: number;
}> {
  const { runtime, model, folder, feeds } = evaluation;
  const { signal } = options;
  const segment = await inSlices(segmentSteps(model, work.cut, work.switched, evaluation.floatOutputs));
  const figures = new Map<Layer, Figure[][]>();
  if (segment.selectors.size === 0) return { figures, sessions: 0, inferences: 0 };
  for (const layer of segment.selectors.keys()) {
    figures.set(
      layer,
      work.unchanged.map((row) => [...row]),
    );
  }
  const variants = [
    segment,
    ...(segment.crossing.length > 0 ? [await inSlices(prefixSteps(model, segment.crossing))] : []),
  ];
  const sessions: Session[] = [];
  const flags: TensorHandle[] = [];
  try {
    for (const { bytes } of variants) {
      const request = { model: { bytes, weightsFolder: folder }, ...EMULATION_SETTINGS };
      sessions.push(await runtime.open(request, signal));
    }
    for (const flag of [0, 1]) {
      const content = { kind: 'bytes', bytes: Uint8Array.of(flag) } as const;
      flags.push(await runtime.put(DataType.BOOL, [], content, signal));
    }
    const [session, prefix] = sessions;
    const [off, on] = flags;
    if (session === undefined || off === undefined || on === undefined)
      throw new RangeError('nothing is open');
    for (const [sample, feed] of feeds.entries()) {
      const crossing =
        prefix === undefined ? {} : await runtime.run(prefix, named(feed, prefix.inputs), undefined, signal);
      try {
        const given = { ...feed, ...crossing };
        await runSample(evaluation, { session, segment, off, on }, given, sample, work, figures, options);
      } finally {
        await runtime.release(Object.values(crossing));
      }
    }
  } finally {
    await runtime.release(flags);
    for (const session of sessions) await runtime.close(session);
  }
  const runs = segment.selectors.size + variants.length - 1;
  return { figures, sessions: variants.length, inferences: runs * feeds.length };
}

async function runSample(
  evaluation: Evaluation,
  { session, segment, off, on }: OpenSegment,
  given: Feeds,
  sample: number,
  { questions }: SegmentWork,
  figures: ReadonlyMap<Layer, Figure[][]>,
  { signal, ran }: SegmentOptions,
): Promise<void> {
  const { runtime, references } = evaluation;
  const flags = Object.fromEntries([...segment.selectors.values()].map((name) => [name, off]));
  const feeds = { ...named(given, session.inputs), ...flags };
  for (const [layer, selector] of segment.selectors) {
    const outputs = await runtime.run(session, { ...feeds, [selector]: on }, segment.outputs, signal);
    try {
      await compareOutputs(
        evaluation,
        sample,
        references[sample] ?? {},
        outputs,
        questions,
        signal,
        (question, figure) => {
          const row = figures.get(layer)?.[question];
          if (row !== undefined) row[sample] = figure;
        },
      );
    } finally {
      await runtime.release(Object.values(outputs));
    }
    ran();
  }
}

async function compareOutputs(
  { runtime, samples }: Evaluation,
  sample: number,
  reference: Outputs,
  outputs: Outputs,
  questions: readonly Tolerance[],
  signal: AbortSignal | undefined,
  answer: (question: number, figure: Figure) => void,
): Promise<void> {
  for (const [name, actual] of Object.entries(outputs)) {
    const expected = reference[name];
    const asked = questions.flatMap((question, index) => (question.output === name ? [index] : []));
    if (expected === undefined || asked.length === 0) continue;
    const metrics = asked.flatMap((index) => {
      const metric = questions[index]?.metric;
      return metric === undefined ? [] : [metricOf(metric, samples[sample])];
    });
    const compared = await runtime.compare(expected, actual, metrics, signal);
    for (const [at, figure] of compared.entries()) answer(asked[at] ?? -1, figure);
  }
}

/** Those tensors that a session takes. */
function named(tensors: Feeds, names: readonly string[]): Feeds {
  return Object.fromEntries(
    names.flatMap((name): [string, TensorHandle][] => {
      const tensor = tensors[name];
      return tensor === undefined ? [] : [[name, tensor]];
    }),
  );
}
