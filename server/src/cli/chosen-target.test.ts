/** Of several targets a command takes the first and says so; more threads than a machine bears are refused, or fewer taken. */
import { expect, it } from 'vitest';
import { commandFolder, PLAN } from './testing/index.js';

const { writePlan, run, runJson } = commandFolder();

it('one of several targets is taken with a word, one that is asked for without', async () => {
  writePlan(`${PLAN}target cpu\ntarget webgpu\naccumulate: fp32\n`);
  const said = /on cpu, the first target of the plan; --target webgpu takes another/;
  expect((await run('bench p.precision --runs 1')).error).toMatch(said);
  expect((await run('bench p.precision --runs 1 --target cpu')).error).not.toMatch(said);
  expect((await run('convert p.precision -o out.onnx --verify')).error).toMatch(said);
  expect((await run('convert p.precision -o out.onnx')).error).not.toMatch(said);
});

it('more threads than any machine has are an error, more than this one bears are fewer with a word', async () => {
  writePlan(`${PLAN}target cpu { threads: 100000 }\n`);
  const { error } = await run('check p.precision');
  expect(error).toMatch(/:6:23: error number: `threads` takes a whole number from 1 to 1024\./);
  writePlan(PLAN);
  const refused = await run('bench p.precision --threads 100000 --runs 1');
  expect(refused.status).toBe(2);
  expect(refused.error).toMatch(/--threads wants an integer from 1 to 1024, not 100000/);
  writePlan(`${PLAN}target cpu { threads: 1024 }\n`);
  const bounded = await run('convert p.precision -o out.onnx --verify --quiet');
  expect(bounded.status).toBe(0);
  expect(bounded.error).toMatch(
    /^warning threads: 1024 are more than this machine bears: it runs with \d+$/m,
  );
  const { threads } = await runJson<{ readonly threads: number }>('bench p.precision --threads 3 --runs 1');
  expect(threads).toBe(3);
});
