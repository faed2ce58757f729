/** Profiles of another device on this model's layers: real ones of the pose model, and a file of `trtexec` for a small one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finish } from '../../../onnx/index.js';
import { inferredShapes, precisionGraph, type TracedPlan } from '../../../plan/index.js';
import { folderForTests } from '../../../testing/index.js';
import { layerTime, predictedLatency, type CostModel } from '../index.js';
import { bindTo, POSE_MODEL, realModel, ROOT, writeChain } from '../../testing/index.js';
import { elsewhereCostModel, latencySourceFindings, mappedSources, type MappedProfile } from './index.js';

const folder = folderForTests();
const pose = realModel(POSE_MODEL);
const chain = writeChain(join(folder, 'chain.onnx'), 3);

const files = Object.fromEntries(
  ['pose-cpu-fp32.json', 'pose-webgpu-mixed.json'].map((name) => [
    name,
    readFileSync(join(ROOT, 'test/profiles', name), 'utf8'),
  ]),
);

function costsOf(plan: TracedPlan): CostModel {
  const costs = finish(elsewhereCostModel(plan, plan.latencySources ?? [], inferredShapes(plan)));
  if ('problem' in costs) throw new Error(costs.problem);
  return costs;
}

/** What `plan` is predicted to take by its profiles. */
function predicted(plan: TracedPlan) {
  const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
  return { ...predictedLatency(costsOf(plan), graph), casts: graph.casts };
}

function mapped(plan: TracedPlan): readonly MappedProfile[] {
  return finish(mappedSources(plan, plan.latencySources ?? [])).map((one) => one.mapped);
}

/** The parts of a mapped profile make up its run, but for what the runtime does between kernels. */
function checkAddsUp(plan: TracedPlan): void {
  for (const { layers, casts, others, unmapped, whole } of mapped(plan)) {
    const inLayers = [...layers.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const sum = inLayers + casts + others + unmapped;
    expect(sum).toBeLessThanOrEqual(whole);
    expect(sum).toBeGreaterThan(0.7 * whole);
  }
}

describe('a profile of ONNX Runtime', () => {
  it('of a CPU, which fuses nodes and renames them, gives every layer its time', () => {
    const { plan } = bindTo(pose, 'latency from "pose-cpu-fp32.json"\n', files);
    const [profile] = mapped(plan);
    expect(profile?.layers.size).toBe(plan.layers.length);
    expect(profile?.unmappedKernels).toEqual([]);
    expect(profile?.layers.get('re_lu/Relu6')?.fusedInto?.name).toBe('conv2d/Conv');
    checkAddsUp(plan);
    expect(latencySourceFindings(plan)).toEqual([]);
  });

  it('of a mixed model on WebGPU tells the format of every layer, and counts casts apart', () => {
    const { plan } = bindTo(
      pose,
      'latency from "pose-webgpu-mixed.json"\ndefault: fp16\nbetween "conv2d_1/Conv" and "conv2d_10/Conv": fp32\n',
      files,
    );
    const [profile] = mapped(plan);
    // The plan that was profiled there.
    const formats = plan.decisions.map(({ layer }) => profile?.layers.get(layer.name)?.format);
    expect(formats).toEqual(plan.decisions.map(({ format }) => format));
    expect(profile?.castRuns.length).toBe(predicted(plan).casts.length);
    checkAddsUp(plan);
    // What was run there takes what it took.
    expect(predicted(plan).whole / (profile?.whole ?? 0)).toBeGreaterThan(0.85);
    expect(predicted(plan).whole / (profile?.whole ?? 0)).toBeLessThan(1.15);
  });

  it('of casts that do not tell in which format layers ran counts for what no other profile has', () => {
    const events = JSON.parse(files['pose-cpu-fp32.json'] ?? '') as readonly Readonly<
      Record<string, unknown>
    >[];
    const kernel = events.find(({ name }) => String(name).endsWith('_kernel_time'));
    const slower = events.map((event) => ({ ...event, dur: 2 * Number(event['dur']) }));
    const added = { ...kernel, name: 'InsertedPrecisionFreeCast_x_kernel_time' };
    const untold = { ...files, 'mixed.json': JSON.stringify([...slower, added]) };
    const timesOf = (text: string) => {
      const costs = costsOf(bindTo(pose, text, untold).plan);
      return { whole: costs.whole, first: layerTime(costs, 'conv2d/Conv', 'fp32').milliseconds };
    };
    const alone = timesOf('latency from "pose-cpu-fp32.json"\n');
    expect(timesOf('latency from "pose-cpu-fp32.json"\nlatency from "mixed.json"\n')).toEqual(alone);
    expect(timesOf('latency from "mixed.json"\n').first).toBeCloseTo(2 * alone.first, 9);
  });

  it('is mapped once, however often the plan is bound', () => {
    const bound = ['fp16', 'fp32'].map((format) => {
      return bindTo(pose, `latency from "pose-cpu-fp32.json"\ndefault: ${format}\n`, files).plan;
    });
    const [first, second] = bound.map((plan) => mapped(plan)[0]);
    expect(first).toBeDefined();
    expect(second).toBe(first);
  });

  it('of another model belongs to no layer, and that is said at the statement', () => {
    const { plan, text } = bindTo(chain, 'latency from "pose-cpu-fp32.json"\n', files);
    const [finding] = latencySourceFindings(plan);
    expect(finding).toMatchObject({ code: 'latency-unmapped', severity: 'warning' });
    expect(text.slice(finding?.range.start, finding?.range.end)).toBe('"pose-cpu-fp32.json"');
    expect(finish(elsewhereCostModel(plan, plan.latencySources ?? [], new Map()))).toHaveProperty('problem');
  });
});

/** Entries of a file of `trtexec`, by name. */
function engine(times: Readonly<Record<string, number>>): string {
  const entries = Object.entries(times).map(([name, averageMs]) => ({
    name,
    timeMs: 10 * averageMs,
    averageMs,
  }));
  return JSON.stringify([{ count: 10 }, ...entries]);
}

const ENGINES = {
  'fp32.json': engine({
    'mul_0 + relu_0': 4,
    '{ForeignNode[mul_1...relu_1]}': 3,
    mul_2: 2,
    'PWN(relu_2)': 1,
    __myl_Move_0: 1,
  }),
  'fp16.json': engine({
    'Reformatting CopyNode for Input Tensor 0 to mul_0 + relu_0': 0.5,
    'mul_0 + relu_0': 1,
    '{ForeignNode[mul_1...relu_1]}': 1,
    'mul_2 + PWN(relu_2)': 1,
  }),
};

describe('files of trtexec', () => {
  const text = 'latency from "fp32.json" { format: fp32 }\nlatency from "fp16.json" { format: fp16 }\n';

  it('give the layers that are fused in an engine their time, in each format', () => {
    const { plan } = bindTo(chain, text, ENGINES);
    const costs = costsOf(plan);
    const times = (format: 'fp32' | 'fp16') =>
      plan.layers.map(({ name }) => layerTime(costs, name, format).milliseconds);
    const [first, second, ...shared] = times('fp32');
    expect([first, second, ...shared.slice(2)]).toEqual([4, 0, 2, 1]);
    // A part of the graph that is one kernel is shared by multiply-adds, of which only the product has any.
    expect(shared.slice(0, 2)).toEqual([3, 0]);
    expect(times('fp16')).toEqual([1, 0, 1, 0, 1, 0]);
    expect(costs).toMatchObject({ files: ['fp32.json', 'fp16.json'], whole: 11, format: 'fp16' });
    expect(costs.unmapped).toEqual({ kernels: ['__myl_Move_0'], milliseconds: 1 });
  });

  it('predict plans of them, and by the roofline what is in none', () => {
    const { plan } = bindTo(chain, `${text}default: fp16\n`, ENGINES);
    expect(predicted(plan).inLayers).toBe(3);
    expect(predicted(plan).estimated).toBe(0);
    const small = bindTo(chain, `${text}layer "mul_0": int8\n`, ENGINES).plan;
    expect(predicted(small).estimated).toBe(1);
    const costs = costsOf(small);
    const byRoofline = layerTime(costs, 'mul_0', 'int8');
    expect(byRoofline.by).toBe('roofline');
    expect(byRoofline.milliseconds).toBeGreaterThan(0);
    expect(byRoofline.milliseconds).toBeLessThanOrEqual(4);
  });

  it('say how much of them belongs to no layer', () => {
    const { plan } = bindTo(chain, text, ENGINES);
    const findings = latencySourceFindings(plan);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.severity).toBe('information');
    expect(findings[0]?.message).toContain('__myl_Move_0');
  });
});
