/**
 * What a target left to another provider is said by every command that runs a model there, also when quiet. The processor stands for
 * a device that has no kernel for one operator.
 */
import { expect, it } from 'vitest';
import { pretendedDevice } from '../analysis/testing/index.js';
import { commandFolder, PLAN } from './testing/index.js';

const { writePlan, run, runJson } = commandFolder();
const pretending = {
  pretending: (runtime: Parameters<typeof pretendedDevice>[0]) =>
    pretendedDevice(runtime, 'webgpu', ['Relu']),
};

/** Warned of where it runs for real, in text and in the document. */
async function checkWarned(line: string, model: string): Promise<void> {
  writePlan(`${PLAN}target webgpu\naccumulate: fp32\n`);
  const { error, status } = await run(`${line} --quiet`, pretending);
  expect(error).toMatch(
    new RegExp(
      `^warning ran-elsewhere: ${model}3 of \\d+ kernels, Relu in float\\d*, ran on CPUExecutionProvider: webgpu has none for it\\.$`,
      'm',
    ),
  );
  expect(status).toBe(0);
}

const MISSED = { provider: 'CPUExecutionProvider', opType: 'Relu', kernels: 3 };

it('by a benchmark, of each of its models', async () => {
  await checkWarned('bench p.precision --runs 1', 'plan: ');
  const { elsewhere } = await runJson<{ readonly elsewhere: readonly object[] }>(
    'bench p.precision --runs 1',
    pretending,
  );
  for (const model of ['fp32', 'plan', 'fp16']) {
    expect(elsewhere).toContainEqual(expect.objectContaining({ ...MISSED, model }));
  }
});

it('by the check of a conversion and by the tuning of its session', async () => {
  for (const option of ['--verify', '--tune-session --runs 1']) {
    const line = `convert p.precision -o out.onnx ${option}`;
    await checkWarned(line, '');
    const { elsewhere } = await runJson<{ readonly elsewhere: readonly object[] }>(line, pretending);
    expect(elsewhere).toContainEqual(expect.objectContaining(MISSED));
  }
});

it('by a verification on the target', async () => {
  await checkWarned('verify p.precision --executed --draws 1', '');
});

it('nothing is said where all runs on the target', async () => {
  const { error } = await run('bench p.precision --runs 1 --quiet');
  expect(error).not.toMatch('ran-elsewhere');
});
