/** The lenses of plans, with numbers that are given: where they stand and what they say. */
import { describe, expect, it } from 'vitest';
import type { CodeLens, Command } from 'vscode-languageserver';
import type { LayerLatencyNumbers, PlanNumbers } from '../analysis/index.js';
import { type ActionCommands, NO_ACTIONS } from './action-commands.js';
import { finish } from '../onnx/index.js';
import { codeLensSteps, type LensMode, readLensData, resolvedLens } from './code-lens.js';
import type { OpenPlan } from './open-plan.js';
import {
  exceeded,
  header,
  inThreeFormats,
  longModel,
  longName,
  measured,
  openWorkspace,
  ranged,
  sensitivities,
} from './testing.js';

function resolved(
  open: OpenPlan,
  numbers: PlanNumbers,
  mode: LensMode = 'all',
  actions = NO_ACTIONS,
): CodeLens[] {
  return finish(codeLensSteps(open, mode, actions)).map((lens) => {
    const data = readLensData(JSON.parse(JSON.stringify(lens.data ?? null)));
    return data === undefined ? lens : resolvedLens(lens, data, open, numbers);
  });
}

/** The lenses of a plan as `LINE: TITLE`, those at its top left out. */
function checkStatements(fixture: string, numbers: PlanNumbers, expected: readonly string[]): void {
  const { open } = openWorkspace(fixture);
  expect(
    resolved(open, numbers)
      .filter(({ range }) => range.start.line > 0)
      .map(({ range, command }) => `${range.start.line}: ${command?.title ?? ''}`),
  ).toEqual(expected);
}

/** The titles at the top of a plan. */
function top(fixture: string, numbers: PlanNumbers, actions?: ActionCommands): string[] {
  const { open } = openWorkspace(fixture);
  return resolved(open, numbers, 'header', actions).map(({ command }) => command?.title ?? '');
}

function times(...all: readonly [name: string, fp32: number, plan: number, casts: number][]) {
  const whole = { fp32: 4.3, plan: 5.58 };
  const layers = all.map(([name, fp32, plan, casts]): [string, LayerLatencyNumbers] => [
    name,
    { fp32, plan, casts, fusedInto: { fp32: undefined, plan: undefined } },
  ]);
  const others = { others: whole, unmapped: whole, outside: whole, p10: whole, p90: whole, notes: [] };
  return { layers: new Map(layers), whole, ...others };
}

const two = `${header}default: fp16\nlayer "conv2d/Conv": fp32\n`;

const errors = sensitivities([
  { name: 'conv2d_5/Conv', value: 4.1e-3, share: 0.82 },
  { name: 'conv2d/Conv', value: 1e-3, share: 0.124 },
  { name: 'conv2d_1/Conv', value: 1e-5, share: 2e-4 },
  { name: 'add/add', value: 0, share: 0 },
]);

describe('lenses above statements', () => {
  it('say nothing but the flip while nothing is known', () => {
    checkStatements(two, measured({}), [
      '2: 132 layers · error not measured · flip to fp32',
      '2: …',
      '2: …',
      '2: …',
      '3: error not measured · flip to fp16',
    ]);
  });

  it('tell the error in the format that the layers have, whichever it is, and flip what is low to FP32', () => {
    const plan = `${header}op Softmax: fp32\nlayer "conv2d/Conv": fp8_e4m3\nlayer "add/add": int8\n`;
    checkStatements(plan, inThreeFormats(), [
      '2: decides nothing: it matches no layer of the model',
      '3: measured error in fp8_e4m3 8.00e-3, 90 % of the tolerance · flip to fp32',
      '4: local error in int8 0.04 · 1 beyond int8 · flip to fp32',
    ]);
  });

  it('tell the error, the latency before and after, and the worst layers', () => {
    const latency = times(
      ['conv2d/Conv', 0.2, 0.1, 0.05],
      ['conv2d_5/Conv', 1, 2, 0.5],
      ['add/add', 10, 20, 0],
    );
    checkStatements(two, measured({ sensitivity: errors, latency }), [
      '2: 132 layers · worst measured error in fp16 4.10e-3, 82 % of the tolerance · 11.0 → 22.5 ms · flip to fp32',
      '2: flip conv2d_5/Conv (82 %)',
      '2: flip conv2d_1/Conv (less than 0.1 %)',
      '2: flip add/add (0 %)',
      '3: measured error in fp16 1.00e-3, 12 % of the tolerance · 0.200 → 0.150 ms · flip to fp16',
    ]);
  });

  it('tell what options do where that is known, and name those that an error leaves out', () => {
    const plan = `${header}op Add: fp16 { accumulate: fp16 }\nlayer "conv2d/Conv", "conv2d_5/Conv": fp16 { scale: 4 }\n`;
    const decision = openWorkspace(plan).open.plan?.decisions.find(
      ({ layer }) => layer.name === 'conv2d/Conv',
    );
    if (decision === undefined) throw new Error('the model has the layer');
    const known = { decision, value: 0.02, low: 0.01, high: 0.04, share: 19 };
    // What adds nothing up has no such option.
    checkStatements(plan, measured({ sensitivity: errors, optioned: new Map([['conv2d/Conv', known]]) }), [
      '2: 16 layers · worst measured error in fp16 0, 0 % of the tolerance · flip to fp32',
      '2: flip add/add (0 %)',
      '2: …',
      '2: …',
      '3: 2 layers · worst predicted error in fp16 with scale: 4 0.02, 19 times the tolerance · flip to fp32',
      '3: flip conv2d/Conv (19 times)',
      '3: flip conv2d_5/Conv (82 %)',
    ]);
    checkStatements(plan, measured({ sensitivity: errors }), [
      '2: 16 layers · worst measured error in fp16 0, 0 % of the tolerance · flip to fp32',
      '2: flip add/add (0 %)',
      '2: …',
      '2: …',
      '3: 2 layers · worst measured error in fp16 without scale: 4 4.10e-3, 82 % of the tolerance · flip to fp32',
      '3: flip conv2d_5/Conv (82 %)',
      '3: flip conv2d/Conv (12 %)',
    ]);
  });

  it('of layers in FP32 offer those that would cost least', () => {
    checkStatements(`${header}default: fp32\n`, measured({ sensitivity: errors }), [
      '2: 133 layers · worst measured error in fp16 4.10e-3, 82 % of the tolerance · flip to fp16',
      '2: flip add/add (0 %)',
      '2: flip conv2d_1/Conv (less than 0.1 %)',
      '2: flip conv2d/Conv (12 %)',
    ]);
  });

  it('show local errors while nothing else is known, and say what is of an earlier plan', () => {
    const sensitivity = sensitivities([{ name: 'conv2d/Conv', value: 2e-4 }]);
    const latency = times(['conv2d/Conv', 0.2, 0.1, 0]);
    const numbers = measured({ sensitivity, latency, latencyIsStale: true });
    checkStatements(`${header}layer "conv2d/Conv": fp16\n`, numbers, [
      '2: local error in fp16 2.00e-4 · 0.200 → 0.100 ms before the last change · flip to fp32',
    ]);
  });

  it('flip the layers with most work where no error will be known, and none while errors may come', () => {
    const { open } = openWorkspace(`${header}op Conv: fp16\n`);
    const names = (numbers: PlanNumbers) =>
      resolved(open, numbers)
        .map(({ command }) => command?.title ?? '')
        .filter((title) => /^flip|^…$/.test(title));
    for (const coming of [{}, { state: 'waiting' }, { state: 'working' }] as const) {
      expect(names(measured(coming))).toEqual(['…', '…', '…']);
    }
    const layers = open.plan?.layers.filter(({ node }) => node.opType === 'Conv') ?? [];
    const byWork = layers.toSorted((a, b) => (b.multiplyAdds ?? 0) - (a.multiplyAdds ?? 0));
    const flips = byWork.slice(0, 3).map(({ name }) => `flip ${name}`);
    expect(names(measured({ message: 'stopped' }))).toEqual(flips);
    expect(names(measured({ state: 'failed', message: 'no memory' }))).toEqual(flips);
  });

  it('say how many layers go beyond the range', () => {
    const beyond = ranged({ maxAbs: 1e5, overflow: 3 });
    const ranges = new Map([['conv2d/Conv', beyond]]);
    checkStatements(`${header}op Conv: fp16\nlayer "add/add": fp16\n`, measured({ ranges }), [
      '2: 66 layers · error not measured · 1 beyond fp16 · flip to fp32',
      '2: …',
      '2: …',
      '2: …',
      '3: error not measured · flip to fp32',
    ]);
  });

  it('stand above statements that decide nothing, too, and reserve no more than there are layers', () => {
    checkStatements(`${header}layer "add/add": fp16\nlayer "add/add", "add_1/add": fp32\n`, measured({}), [
      '2: decides nothing: later statements decide its layers',
      '3: 2 layers · error not measured · flip to fp16',
      '3: …',
      '3: …',
    ]);
  });

  it('flip a layer by its name and a statement by its place', () => {
    const { open } = openWorkspace(two);
    const commands = resolved(open, measured({ sensitivity: errors })).map(({ command }) => command);
    const flips = commands.filter((one): one is Command => one?.title.includes('flip ') === true);
    const { uri } = open.document;
    expect(
      flips.map(({ command, arguments: words = [] }): unknown[] => [command, ...(words as unknown[])]),
    ).toEqual([
      ['onnxPrecision.server.flip', uri, header.length, 'fp32'],
      ['onnxPrecision.server.flipLayer', uri, 'conv2d_5/Conv', 'fp32'],
      ['onnxPrecision.server.flipLayer', uri, 'conv2d_1/Conv', 'fp32'],
      ['onnxPrecision.server.flipLayer', uri, 'add/add', 'fp32'],
      ['onnxPrecision.server.flip', uri, header.length + 'default: fp16\n'.length, 'fp16'],
    ]);
  });

  it('are as many and where they are whatever is known', () => {
    const { open } = openWorkspace(two);
    const places = (numbers: PlanNumbers) => resolved(open, numbers).map(({ range }) => range);
    const before = places(measured({}));
    expect(places(measured({ sensitivity: errors, state: 'working', message: 'ranges' }))).toEqual(before);
    expect(before.map(({ start }) => start.line)).toEqual([0, 0, 0, 2, 2, 2, 2, 3]);
  });

  it('of thousands of layers name the worst', () => {
    const model = longModel(5000);
    const { open } = openWorkspace('model "m.onnx"\ndefault: fp16\n', model);
    const names = Array.from({ length: 5000 }, (_, layer) => ({
      name: longName(layer),
      value: 1 - layer / 5000,
    }));
    const titles = resolved(open, measured({ sensitivity: sensitivities(names) })).map(
      (lens) => lens.command?.title,
    );
    expect(titles.at(-3)).toBe('flip /encoder/block.0/layer.0/Op:0 (1)');
  });
});

describe('lenses at the top', () => {
  it('tell totals with the time of a run, and what can be done', () => {
    expect(top(two, measured({ latency: times() }))).toEqual([
      '132 of 133 layers in low precision · 65 of 66 with weights · 93 % of the multiply-adds · 4.30 → 5.58 ms',
      'tolerances not measured',
      'Analyze',
    ]);
  });

  it('name the profiles of another device that a time comes from', () => {
    const latency = { ...times(), files: ['jetson.json'] };
    expect(top(two, measured({ latency }))[0]).toMatch(
      /4\.30 → 5\.58 ms on another device \(jetson\.json\)$/,
    );
  });

  it('name the target that a time is of, where it is not the CPU', () => {
    const latency = { ...times(), target: 'webgpu' };
    expect(top(two, measured({ latency }))[0]).toMatch(/4\.30 → 5\.58 ms on webgpu$/);
  });

  it('offer what the client has commands for, or else the server, and nothing that nobody does', () => {
    const ofServer = new Set(['onnxPrecision.server.tune', 'onnxPrecision.server.verify']);
    expect(top(two, measured({}), { ofClient: false, ofServer }).slice(2)).toEqual([
      'Analyze',
      'Tune',
      'Verify',
    ]);
    expect(top(two, measured({}), { ofClient: true, ofServer }).slice(2)).toEqual([
      'Analyze',
      'Tune',
      'Convert',
      'Verify',
      'Benchmark',
    ]);
  });

  it('say what is being done, and offer to stop it', () => {
    const { open } = openWorkspace(two);
    const numbers = measured({ state: 'working', message: 'ranges', progress: { done: 1, total: 2 } });
    expect(resolved(open, numbers, 'header')[1]?.command).toEqual({
      title: 'tolerances not measured · measuring ranges · stop',
      command: 'onnxPrecision.server.stop',
      arguments: [open.document.uri],
    });
    expect(top(two, measured({ state: 'failed', message: 'no memory' }))[1]).toBe(
      'analysis failed: no memory',
    );
    expect(top(two, measured({ message: 'stopped' }))[1]).toBe('tolerances not measured · stopped');
    expect(top(two, measured({ notes: ['no latency: '.padEnd(200, 'x')] }))[1]).toMatch(
      /^tolerances not measured · no latency: x{67}…$/,
    );
  });

  it('tell a plan without tolerances from one whose tolerances are in error', () => {
    const check = (tolerances: string, words: string): void => {
      const { open } = openWorkspace(`${header}${tolerances}default: fp16\n`);
      expect(
        top(`${header}${tolerances}default: fp16\n`, measured({ verdict: exceeded(open, 3.5) }))[1],
      ).toBe(words);
    };
    check('', 'no tolerance');
    check('tolerance "no_such" max_abs <= 1\n', 'a tolerance is in error');
    check('tolerance "no_such" max_abs <= 1\ntolerance max_ab <= 1\n', '2 tolerances are in error');
    check(
      'tolerance "no_such" max_abs <= 1\ntolerance "ld_3d" max_abs <= 1\n',
      'measured: ld_3d max_abs 3.5 of 1: exceeded · a tolerance is in error',
    );
  });

  it('say that a model has changed, and that it is looked at again', () => {
    const message = 'the model changed, starting again';
    expect(top(two, measured({ state: 'waiting', message }))[1]).toBe(`tolerances not measured · ${message}`);
  });

  it('count the tolerances, tell a single one, and whether they were measured before the last change', () => {
    const tolerances = [1, 2, 3, 4].map((limit) => `tolerance "ld_3d" max_abs <= ${limit}\n`).join('');
    const { open } = openWorkspace(`${header}${tolerances}default: fp16\n`);
    const verdicts = (open.plan?.tolerances ?? []).map((tolerance) => {
      const holds = tolerance.limit > 3.5;
      const verdict = holds ? ('holds' as const) : ('exceeded' as const);
      return { tolerance, measured: 3.5, figures: [], noise: 0, holds, verdict };
    });
    const verdict = { verdicts: verdicts.toReversed(), outputs: [], samples: 1 };
    const title = (numbers: PlanNumbers) => resolved(open, numbers, 'header')[1]?.command?.title;
    expect(title(measured({ verdict }))).toBe('3 of 4 tolerances exceeded');
    expect(title(measured({ verdict, verdictIsStale: true }))).toBe(
      '3 of 4 tolerances exceeded before the last change',
    );
    const kept = verdicts.filter(({ holds }) => holds);
    const one = { ...verdict, verdicts: kept };
    expect(title(measured({ verdict: one }))).toBe('measured: ld_3d max_abs 3.5 of 4: holds');
    const both = kept.flatMap((single) => [single, { ...single, verdict: 'holds within noise' as const }]);
    expect(title(measured({ verdict: { ...verdict, verdicts: both } }))).toBe(
      '2 tolerances hold, 1 within noise',
    );
  });

  it('say what the plan is predicted to do until it is measured, of what can be predicted', () => {
    const text = (tolerances: string): OpenPlan =>
      openWorkspace(`${header}${tolerances}default: fp16\n`).open;
    const title = (
      open: OpenPlan,
      values: readonly (number | undefined)[],
      known: Partial<PlanNumbers> = {},
    ) => {
      const tolerances = (open.plan?.tolerances ?? []).map((tolerance, index) => {
        const value = values[index];
        const interval = value === undefined ? undefined : { value, low: value / 2, high: value * 2 };
        return {
          tolerance,
          value: interval,
          holds: value === undefined ? undefined : value <= tolerance.limit,
        };
      });
      const prediction = { outputs: [], tolerances };
      return resolved(open, measured({ prediction, ...known }), 'header')[1]?.command?.title;
    };
    const one = text('tolerance "ld_3d" relative_l2 <= 4\n');
    expect(title(one, [3])).toBe('predicted: ld_3d relative_l2 3 (1.5 to 6) of 4: would hold');
    expect(title(one, [8])).toBe('predicted: ld_3d relative_l2 8 (4 to 16) of 4: would be exceeded');
    expect(title(one, [undefined])).toBe('tolerances not measured');
    const verdict = exceeded(one, 5);
    expect(title(one, [3], { verdict, verdictIsStale: true })).toMatch(/^predicted: /);
    expect(title(one, [3], { verdict })).toMatch(/^measured: /);
    const two = text('tolerance "ld_3d" relative_l2 <= 4\ntolerance "ld_3d" max_abs <= 1\n');
    expect(title(two, [3, undefined])).toBe('predicted: 1 of 2 tolerances would hold, 1 not predicted');
    expect(title(two, [8, 1])).toBe('predicted: 1 of 2 tolerances exceeded');
  });

  it('are alone where only they are wanted, and gone where none are', () => {
    const { open } = openWorkspace(two);
    expect(finish(codeLensSteps(open, 'header', NO_ACTIONS))).toHaveLength(3);
    expect(finish(codeLensSteps(open, 'off', NO_ACTIONS))).toEqual([]);
  });
});
