/** What `tune`, `predict` and `check` make of profiles that were taken on another device. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandFolder } from './testing/index.js';

const { path: folder, run, runJson, writePlan } = commandFolder();

/** A plan with profiles of `trtexec` in which FP16 takes so many times as long as FP32. */
function planWith(factor: number, objective = ''): void {
  for (const [name, scale] of [
    ['fp32.json', 1],
    ['fp16.json', factor],
  ] as const) {
    const entries = [0, 1, 2].map((at) => ({ name: `mul_${at} + relu_${at}`, averageMs: 10 * scale }));
    writeFileSync(join(folder, name), JSON.stringify([{ count: 5 }, ...entries]));
  }
  writePlan(
    'model "m.onnx"\ninput "x" = normal(0, 1) { count: 2, seed: 5 }\ntolerance "y" relative_l2 <= 0.5\n' +
      `latency from "fp32.json" { format: fp32 }\nlatency from "fp16.json" { format: fp16 }\n${objective}default: fp16\n`,
  );
}

interface TunedDocument {
  readonly objective: string;
  readonly layers: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
  readonly latency: {
    readonly fp32: number;
    readonly plan: number;
    readonly files: readonly string[];
  } | null;
}

it('tunes for latency where the target is faster in FP16, and says so', async () => {
  planWith(0.5);
  const tuned = await runJson<TunedDocument>('tune p.precision --draws 1');
  expect(tuned.objective).toBe('latency');
  // The last Relu takes no time of its own: either way is as good.
  expect(tuned.layers['fp16']).toBeGreaterThanOrEqual(5);
  expect(tuned.latency?.files).toEqual(['fp32.json', 'fp16.json']);
  expect(tuned.latency?.plan).toBeLessThan(tuned.latency?.fp32 ?? 0);
  expect(tuned.notes[0]).toMatch(
    /^objective latency: fp16 is faster on another device \(fp32\.json, fp16\.json\)/,
  );
});

it('tunes for multiply-adds where it is slower, and says for whom that is', async () => {
  planWith(2);
  const tuned = await runJson<TunedDocument>('tune p.precision --draws 1');
  expect(tuned).toMatchObject({ objective: 'macs', layers: { fp16: 6 } });
  expect(tuned.notes[0]).toMatch(/for a device with FP16; on another device \(.*\) it would be slower/);
});

it('never recommends what is slower where the objective is latency', async () => {
  planWith(2, 'objective latency\n');
  const tuned = await runJson<TunedDocument>('tune p.precision --draws 1');
  expect(tuned).toMatchObject({ objective: 'latency', layers: { fp32: 6 } });
  expect(tuned.notes.join(' ')).toMatch(/nothing is lowered: .* would take longer/);
});

it('predicts latency and energy by them', async () => {
  planWith(0.5);
  const predicted = await runJson<{
    readonly latency: object;
    readonly energy: Readonly<Record<string, number>>;
  }>('predict p.precision');
  expect(predicted.latency).toMatchObject({ fp32: 30, files: ['fp32.json', 'fp16.json'], estimated: 0 });
  expect(predicted.energy['plan']).toBeLessThan(predicted.energy['fp32'] ?? 0);
});

interface AnalyzedDocument {
  readonly timing: { readonly target: string; readonly reason: string | null; readonly files: unknown };
  readonly layers: readonly { readonly name: string; readonly latency: object | null }[];
}

it('tells the latency of each layer where it is known, and why where it is not', async () => {
  planWith(0.5);
  const { timing, layers } = await runJson<AnalyzedDocument>('analyze p.precision');
  expect(timing).toMatchObject({ reason: null, files: ['fp32.json', 'fp16.json'] });
  expect(layers.find(({ name }) => name === 'mul_1')?.latency).toEqual({
    ...{ fp32: 10, fp16: 5 },
    estimated: false,
  });
  expect((await run('analyze p.precision --latency')).out).toMatch(/^mul_1 .* 10 +5( |$)/mu);
  writePlan('model "m.onnx"\ntarget cpu\ntolerance "y" relative_l2 <= 0.5\ndefault: fp16\n');
  const unknown = await runJson<AnalyzedDocument>('analyze p.precision --no-cache');
  expect(unknown.timing).toMatchObject({ target: 'cpu', files: null });
  expect(unknown.timing.reason).toMatch(/has not been timed on cpu yet/);
  expect(unknown.layers.map(({ latency }) => latency)).toEqual(unknown.layers.map(() => null));
});

it.each([
  ['fp32', false],
  ['fp16', true],
] as const)('says what was measured of layers whose sums are not in FP32: %s', async (sums, isSaid) => {
  planWith(0.5, `accumulate: ${sums}\n`);
  const { out } = await run('predict p.precision');
  expect(out).toMatch(/predicted and not measured/u);
  expect(out).not.toContain('not in the prediction');
  expect(out.includes('the plan adds up in fp32 and fp16, as the plan says')).toBe(isSaid);
  expect(/what \d+ layers? asks? for beside a format .* was measured/u.test(out)).toBe(isSaid);
});

it('names the figure in FP32 an estimate where nothing was profiled in FP32', async () => {
  planWith(0.5);
  writePlan(readFileSync(join(folder, 'p.precision'), 'utf8').replace(/latency from "fp32.json".*\n/u, ''));
  const predicted = await runJson<{ readonly latency: object }>('predict p.precision');
  expect(predicted.latency).toMatchObject({ files: ['fp16.json'], estimated: 0, estimatedFp32: 6 });
  const sentence = /in FP32 [\d.]+ ms \(an estimate: 6 layers by the roofline, not profiled in FP32\)/u;
  expect((await run('predict p.precision')).out).toMatch(sentence);
  const tuned = await runJson<TunedDocument>('tune p.precision --draws 1');
  expect(tuned.latency).toMatchObject({ estimatedFp32: 6 });
  expect(tuned.notes[0]).toMatch(sentence);
});

it.each(['gone.json', 'text.json'])(
  'times nothing here in place of %s, which cannot be read',
  async (file) => {
    writeFileSync(join(folder, 'text.json'), 'no profile');
    const inputs = 'input "x" = normal(0, 1) { count: 2, seed: 5 }\ntolerance "y" relative_l2 <= 0.5\n';
    writePlan(`model "m.onnx"\n${inputs}latency from "${file}"\ndefault: fp16\n`);
    const { out, error } = await run('predict p.precision');
    const reason = `nothing can be read of ${file}, from which the plan takes its times, so that none are taken of this machine`;
    expect(out).toContain(`latency is not predicted: ${reason}`);
    expect(`${out}${error}`).not.toContain('predicted for this machine');
    expect((await runJson<{ readonly latency: null }>('predict p.precision')).latency).toBeNull();
    expect((await runJson<AnalyzedDocument>('analyze p.precision --latency')).timing.reason).toBe(reason);
  },
);

it('checks what cannot be read, and what belongs to no layer', async () => {
  planWith(1);
  writeFileSync(join(folder, 'fp16.json'), '[{ "name": "resnet/conv1", "averageMs": 1 }]');
  writeFileSync(join(folder, 'fp32.json'), 'no profile');
  const { error, out } = await run('check p.precision');
  const said = `${out}\n${error}`;
  expect(said).toMatch(/:4:14: error latency-unreadable: "fp32\.json"/);
  expect(said).toMatch(/:5:14: warning latency-unmapped: .*"resnet\/conv1"/);
});
