/** Hints on choices that gain nothing: for which layers, on what evidence, on which statement, and when they keep silent. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode, type Model } from '../../onnx/index.js';
import type { TracedPlan } from '../../plan/index.js';
import { folderForTests } from '../../testing/index.js';
import { bindTo, floatTensor, writeModel } from '../testing/index.js';
import { choiceFindings } from './choice-findings.js';
import { NOTHING_KNOWN, type LatencyNumbers, type PlanNumbers } from './numbers.js';

const SIZE = 32;
const TOLERANCE = 'tolerance "y" relative_l2 <= 1e-3\n';

const folder = folderForTests();
/** `first` - `clip` - `second` - `scale` - `third`: matrix products with work, and element-wise layers with next to none. */
const model: Model = writeModel(join(folder, 'm.onnx'), {
  nodes: [
    makeNode({ opType: 'MatMul', name: 'first', inputs: ['x', 'w'], outputs: ['a'] }),
    makeNode({ opType: 'Relu', name: 'clip', inputs: ['a'], outputs: ['b'] }),
    makeNode({ opType: 'MatMul', name: 'second', inputs: ['b', 'w'], outputs: ['c'] }),
    makeNode({ opType: 'Transpose', name: 'turn', inputs: ['c'], outputs: ['d'] }),
    makeNode({ opType: 'Sigmoid', name: 'squash', inputs: ['d'], outputs: ['e'] }),
    makeNode({ opType: 'MatMul', name: 'third', inputs: ['e', 'w'], outputs: ['y'] }),
  ],
  weights: [floatTensor('w', [SIZE, SIZE], new Float32Array(SIZE * SIZE).fill(0.01))],
  inputs: { x: [SIZE, SIZE] },
  outputs: { y: [SIZE, SIZE] },
});

interface Known {
  /** What each layer alone takes of a tolerance; 0.1 % where it is not said. */
  readonly shares?: Readonly<Record<string, number>>;
  /** Layers with values beyond the range. */
  readonly beyond?: readonly string[];
  /** What the plan takes of the tolerance. */
  readonly used?: number;
  /** Milliseconds in FP32, in the plan and in casts; those of the whole run are their sums. */
  readonly times?: Readonly<Record<string, readonly [number, number, number]>>;
  /** Of runs, over their median. */
  readonly spread?: number;
}

/** What a finished analysis knows of the plan. */
function known(
  plan: TracedPlan,
  { shares = {}, beyond = [], used = 0.2, times, spread = 0 }: Known,
): PlanNumbers {
  const names = plan.layers.map(({ name }) => name);
  const tolerance = plan.tolerances[0];
  const figure = { noise: 0, figures: [], holds: used <= 1, verdict: 'holds' as const };
  return {
    ...NOTHING_KNOWN,
    sensitivity: new Map(
      names.map((name) => {
        const share = shares[name] ?? 0.001;
        return [name, { value: share / 1000, low: 0, high: 0, method: 'measured', rank: 1, share }];
      }),
    ),
    ranges: new Map(
      names.map((name) => {
        const own = { maxAbs: 1, overflow: beyond.includes(name) ? 3 : 0, underflow: 0, tensors: [] };
        return [name, { ...own, inside: undefined, terms: undefined, cancellation: undefined }];
      }),
    ),
    verdict:
      tolerance === undefined
        ? undefined
        : { verdicts: [{ tolerance, measured: used * 1e-3, ...figure }], outputs: [], samples: 1 },
    latency: times === undefined ? undefined : latencyOf(times, spread),
  };
}

function latencyOf(times: NonNullable<Known['times']>, spread: number): LatencyNumbers {
  const rows = Object.values(times);
  const whole = {
    fp32: rows.reduce((sum, [fp32]) => sum + fp32, 0),
    plan: rows.reduce((sum, [, plan, casts]) => sum + plan + casts, 0),
  };
  const nothing = { fp32: 0, plan: 0 };
  const fusedInto = { fp32: undefined, plan: undefined };
  return {
    layers: new Map(
      Object.entries(times).map(([name, [fp32, plan, casts]]) => [name, { fp32, plan, casts, fusedInto }]),
    ),
    whole,
    p10: whole,
    p90: { fp32: whole.fp32 * (1 + spread), plan: whole.plan },
    ...{ others: nothing, unmapped: nothing, outside: nothing, notes: [] },
  };
}

/** `CODE «STATEMENT» LAYERS -> FORMAT` for each finding on these decisions. */
function findings(decisions: string, facts: Known = {}, head = TOLERANCE): string[] {
  const { plan, text } = bindTo(model, head + decisions);
  return choiceFindings(plan, known(plan, facts)).map(({ code, severity, range, layers, runIn }) => {
    expect(severity).toBe('hint');
    return `${code} «${text.slice(range.start, range.end)}» ${layers.join(' ')} -> ${runIn ?? ''}`;
  });
}

describe('needlessly-fp32', () => {
  const HINT = 'needlessly-fp32 «op MatMul: fp32» first second third -> fp16';

  it('is for layers with work whose error in the low format nobody would notice', () => {
    expect(findings('default: fp16\nop MatMul: fp32\n')).toContain(HINT);
    expect(findings('op MatMul: fp32\n', { shares: { second: 0.02 } })).toEqual([
      HINT.replace(' second', ''),
    ]);
    expect(findings('op MatMul: fp32\n', { beyond: ['first'] })).toEqual([HINT.replace('first ', '')]);
  });

  it('takes no more of the tolerances than half of what they leave, the least noticed first', () => {
    const shares = { first: 0.009, second: 0.008, third: 0.001 };
    expect(findings('op MatMul: fp32\n', { shares, used: 0.97 })).toEqual([
      'needlessly-fp32 «op MatMul: fp32» third second -> fp16',
    ]);
    expect(findings('op MatMul: fp32\n', { shares, used: 0.999 })).toEqual([]);
    expect(findings('op MatMul: fp32\n', { used: 1.2 })).toEqual([]);
  });

  it('is not for what is pinned, or decided by nothing, or while it is not known what the tolerances leave', () => {
    expect(findings('op MatMul: fp32 { pinned: true }\n')).toEqual([]);
    expect(findings('layer "clip": fp32\n')).toEqual([]);
    expect(findings('op MatMul: fp32\n', {}, '')).toEqual([]);
    const { plan } = bindTo(model, `${TOLERANCE}op MatMul: fp32\n`);
    const numbers = known(plan, {});
    expect(choiceFindings(plan, numbers)).toHaveLength(1);
    expect(choiceFindings(plan, { ...numbers, verdictIsStale: true })).toEqual([]);
    expect(choiceFindings(plan, { ...numbers, measured: { done: 1, total: 5 } })).toEqual([]);
  });

  it('is not for a plan that wants speed where the low format gives none', () => {
    const slow = { first: [1, 2, 0] } as const;
    const fast = { first: [2, 1, 0] } as const;
    const decisions = 'op MatMul: fp32\n';
    expect(findings(decisions, { times: slow }, `${TOLERANCE}objective latency\n`)).toEqual([]);
    expect(findings(decisions, { times: fast }, `${TOLERANCE}objective latency\n`)).toEqual([HINT]);
    expect(findings(decisions, { times: slow }, `${TOLERANCE}objective macs\n`)).toEqual([HINT]);
    expect(findings(decisions, { times: slow })).toEqual([HINT]);
  });
});

describe('not-worth-it', () => {
  /** As a whole faster than FP32; `second` is slower by its casts alone. */
  const times = { first: [10, 4, 0], second: [1, 0.9, 0.5], third: [2, 1.9, 0.2] } as const;
  const HINT = 'not-worth-it «default: fp16» second -> fp32';

  it('is for layers that take longer in the low format, casts included', () => {
    expect(findings('default: fp16\n', { times })).toEqual([HINT]);
    const [finding] = choiceFindings(...planAndNumbers('default: fp16\n', { times }));
    expect(finding?.message).toBe('slower here in fp16 than in FP32, casts included: "second" 1.0 → 1.4 ms');
  });

  it('is for plans that want speed, said or not, and for no others', () => {
    const slower = { ...times, first: [10, 20, 0] } as const;
    const latency = `${TOLERANCE}objective latency\n`;
    expect(findings('default: fp16\n', { times: slower })).toEqual([]);
    expect(findings('default: fp16\n', { times: slower }, latency)).toEqual([
      'not-worth-it «default: fp16» first second -> fp32',
    ]);
    expect(findings('default: fp16\n', { times }, `${TOLERANCE}objective size\n`)).toEqual([]);
  });

  it('is said neither of times that waver, nor of an earlier plan, nor of what is fused or pinned', () => {
    expect(findings('default: fp16\n', { times, spread: 0.5 })).toEqual([]);
    expect(findings('default: fp16 { pinned: true }\n', { times })).toEqual([]);
    const [plan, numbers] = planAndNumbers('default: fp16\n', { times });
    expect(choiceFindings(plan, { ...numbers, latencyIsStale: true })).toEqual([]);
    const { latency } = numbers;
    const second = latency?.layers.get('second');
    if (latency === undefined || second === undefined) throw new Error('it is not timed');
    const fused = { ...second, fusedInto: { fp32: undefined, plan: 'first' } };
    const layers = new Map([...latency.layers, ['second', fused]]);
    expect(choiceFindings(plan, { ...numbers, latency: { ...latency, layers } })).toEqual([]);
  });
});

describe('cast-island', () => {
  it('is for layers with next to no work between layers in FP32', () => {
    expect(findings('default: fp32 { pinned: true }\nlayer "clip": fp16\n')).toEqual([
      'cast-island «layer "clip": fp16» clip -> fp32',
    ]);
    // Through nodes that only move values.
    expect(findings('default: fp32 { pinned: true }\nlayer "squash": fp16\n')).toEqual([
      'cast-island «layer "squash": fp16» squash -> fp32',
    ]);
  });

  it('is for such layers in FP32 between layers in the low format, where nobody would notice', () => {
    const decisions = 'default: fp16\nop Sigmoid, Relu: fp32\n';
    expect(findings(decisions)).toEqual(['cast-island «op Sigmoid, Relu: fp32» clip squash -> fp16']);
    expect(findings(decisions, { shares: { clip: 0.5 }, beyond: ['squash'] })).toEqual([]);
  });

  it('is not for layers with work, nor for those beside others in their format', () => {
    expect(findings('default: fp32 { pinned: true }\nlayer "second": fp16\n')).toEqual([]);
    expect(findings('default: fp32 { pinned: true }\nlayer "second", "clip": fp16\n')).toEqual([]);
    expect(findings('default: fp16\nlayer "clip", "second": fp32 { pinned: true }\n')).toEqual([]);
  });
});

function planAndNumbers(decisions: string, facts: Known): [TracedPlan, PlanNumbers] {
  const { plan } = bindTo(model, TOLERANCE + decisions);
  return [plan, known(plan, facts)];
}

describe('asked again while somebody types', () => {
  /** A map that counts how often it is asked. */
  class Counted<Value> extends Map<string, Value> {
    asked = 0;

    override get(name: string): Value | undefined {
      this.asked += 1;
      return super.get(name);
    }
  }

  it('looks through the numbers once, and through new ones again', () => {
    const times = { first: [10, 4, 0], second: [1, 0.9, 0.5], third: [2, 1.9, 0.2] } as const;
    const [, known] = planAndNumbers('default: fp32\n', { times });
    if (known.latency === undefined) throw new Error('it is not timed');
    const sensitivity = new Counted(known.sensitivity);
    const ranges = new Counted(known.ranges);
    const layers = new Counted(known.latency.layers);
    const numbers = { ...known, sensitivity, ranges, latency: { ...known.latency, layers } };
    const asked = (): number => sensitivity.asked + ranges.asked + layers.asked;
    const plan = (decisions: string): TracedPlan => bindTo(model, TOLERANCE + decisions).plan;
    const codes = (decisions: string, of: PlanNumbers = numbers): string[] =>
      choiceFindings(plan(decisions), of).map(({ code }) => code);

    // Nothing is open to a choice: whatever was asked for was not asked to be said.
    const closed = 'default: fp32 { pinned: true }\n';
    codes(closed);
    const once = asked();
    expect(once).toBeGreaterThan(0);
    codes(`${closed}# typed\n`);
    codes('default: fp16 { pinned: true }\n');
    // Of what else is known at the time nothing is asked of each layer.
    codes(closed, { ...numbers, state: 'working', verdictIsStale: true });
    expect(asked()).toBe(once);

    expect(codes('op MatMul: fp32\n')).toEqual(['needlessly-fp32']);
    const beyond = new Map([...known.ranges].map(([name, own]) => [name, { ...own, overflow: 1 }]));
    expect(codes('op MatMul: fp32\n', { ...numbers, ranges: beyond })).toEqual([]);
    expect(codes('op MatMul: fp32\n')).toEqual(['needlessly-fp32']);
    expect(codes('default: fp16\n')).toEqual(['not-worth-it']);
    expect(
      codes('default: fp16\n', { ...numbers, latency: { ...known.latency, layers: new Map() } }),
    ).toEqual([]);
  });
});
