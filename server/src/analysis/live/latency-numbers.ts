/**
 * The latency of a plan's layers on the CPU of this machine or its WebGPU device, known or measured, or by profiles that were taken
 * elsewhere, as data by the names of layers.
 */
import {
  isInMainGraph,
  isTimedElsewhere,
  precisionGraphSteps,
  timedTarget,
  type BoundPlan,
} from '../../plan/index.js';
import type { Runtime } from '../../runtime/index.js';
import { knownCostModel } from '../cost-model/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { decisionsText } from '../measurement/known-verdict.js';
import type { LayerLatency } from '../latency/layer-latency.js';
import { machine, mostThreads, usualThreads, WIDE_SPREAD } from '../latency/machine.js';
import { planLatency, type NoLatency } from '../latency/plan-latency.js';
import type { Results } from '../remembered.js';
import { withOptionsOf } from '../targets/index.js';
import { targetRecipe } from '../targets/target-recipe.js';
import { latencyByCosts } from './latency-elsewhere.js';
import type { LatencyNumbers, ModelMilliseconds } from './numbers.js';

/** A larger model is not written to disk behind anybody's back. */
const MOST_BYTES = 1e9;

/**
 * The latency under `plan`'s decisions, from the store where the same was timed on this machine. What was timed on a busy
 * machine is given, and not kept.
 */
export async function latencyNumbers(
  results: Results,
  runtime: Runtime,
  plan: BoundPlan,
  options: WorkOptions,
): Promise<LatencyNumbers | NoLatency> {
  if (isTimedElsewhere(plan)) return await numbersElsewhere(results, plan, options);
  const target = timedTarget(plan.targets);
  const { options: providerOptions, threads: wanted = usualThreads() } =
    plan.targets.find(({ name }) => name === target) ?? {};
  const threads = Math.min(wanted, mostThreads());
  const onTarget =
    target === 'cpu' ? {} : targetRecipe(await runtime.information(options.signal), target, providerOptions);
  const recipe = { decisions: decisionsText(plan.decisions), threads, machine: machine(), ...onTarget };
  const known = await results.find('layer-latency', recipe);
  if (known !== undefined) return known as LatencyNumbers;
  const [sample] = results.samples;
  if (sample === undefined) return { problem: 'there is no sample to time it with' };
  const measured = await planLatency(withOptionsOf(plan.targets, runtime), plan, sample, {
    ...options,
    ...{ threads, target, mostBytes: MOST_BYTES },
  });
  if ('problem' in measured) return measured;
  const spread = spreadOf(measured);
  const numbers = { ...numbersOf(plan, measured, spread), ...(target === 'cpu' ? {} : { target }) };
  if (spread <= WIDE_SPREAD) await results.keep('layer-latency', recipe, numbers);
  return numbers;
}

/** From the profiles that the plan names; nothing is run but for shapes. */
async function numbersElsewhere(
  results: Results,
  plan: BoundPlan,
  options: WorkOptions,
): Promise<LatencyNumbers | NoLatency> {
  const costs = await knownCostModel(results, plan, 'fp16', { ...options, threads: usualThreads() });
  if ('problem' in costs) return costs;
  const graph = await inSlices(precisionGraphSteps(plan.model, plan.roles, plan.layers, plan.decisions));
  return latencyByCosts(plan, costs, graph);
}

function numbersOf({ model }: BoundPlan, latency: LayerLatency, spread: number): LatencyNumbers {
  const { whole, p10, p90, others, unmapped, outside, notes } = latency;
  const busy =
    spread > WIDE_SPREAD ? [`the machine was busy: runs differ by ${Math.round(100 * spread)} %`] : [];
  // What runs inside a sub-graph is timed as part of the node that holds it.
  const timed = latency.layers.filter(({ layer }) => isInMainGraph(model, layer.nodeIndex));
  return {
    layers: new Map(
      timed.map(({ layer, fp32, plan, casts, fusedInto }) => [
        layer.name,
        { fp32, plan, casts, fusedInto: { fp32: fusedInto.fp32?.name, plan: fusedInto.plan?.name } },
      ]),
    ),
    ...{ whole, p10, p90, others, unmapped, outside },
    notes: [...notes, ...busy],
  };
}

/** Of the model that differs more from run to run. */
function spreadOf({ whole, p10, p90 }: LayerLatency): number {
  const of = (key: keyof ModelMilliseconds): number => (p90[key] - p10[key]) / whole[key];
  return Math.max(of('fp32'), of('plan'));
}
