/** `--cache` and `--no-cache`: what was measured is not measured again, is found by `check`, and never outlives its model. */
import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LiveAnalysis, openResultStore, type PlanVerdict } from '../analysis/index.js';
import { startTestCompute, writeChain } from '../analysis/testing/index.js';
import { loadPlan } from './load.js';
import { commandFolder, PLAN, problems } from './testing/index.js';

const { path: folder, writePlan, run, runJson } = commandFolder();

interface Effort {
  readonly sessions: number;
  readonly inferences: number;
}

const NOTHING: Effort = { sessions: 0, inferences: 0 };

/** What of a document is to be the same, however it came about. */
function found(document: object): unknown {
  // What was timed anew is another time, and what is not run takes no memory.
  const {
    sessions,
    inferences,
    seconds,
    peakMemory,
    latency: _,
    ...rest
  } = document as Record<string, unknown>;
  expect(peakMemory === undefined || Number(peakMemory) > 1e6).toBe(true);
  expect([sessions, inferences]).toEqual([expect.any(Number), expect.any(Number)]);
  expect(seconds === undefined || typeof seconds === 'number').toBe(true);
  return rest;
}

/** A file that was changed just now may change again without its time showing it, and is not remembered. */
function settle(): void {
  utimesSync(join(folder, 'm.onnx'), 1_700_000_000, 1_700_000_000);
}

describe('what was measured', () => {
  it.each([
    'verify p.precision --draws 1',
    'analyze p.precision',
    'analyze p.precision --method sketch',
    'predict p.precision',
    'analyze p.precision --method measured',
    'analyze p.precision --method all',
    'tune p.precision --draws 1',
    'tune p.precision --draws 1 --rank measured --strategy bisect',
  ])('by `%s` is not measured again, and gives the same document', async (line) => {
    const first = await runJson<Effort>(line);
    expect(first.inferences).toBeGreaterThan(0);
    expect(first.sessions).toBeGreaterThan(0);
    const again = await runJson<Effort>(line);
    expect(again).toMatchObject(NOTHING);
    expect(found(again)).toEqual(found(first));
    const anew = await runJson<Effort>(`${line} --no-cache`);
    // How often the model is run may differ: where it is cut follows from times that were measured.
    expect(anew.inferences).toBeGreaterThan(0);
    expect(found(anew)).toEqual(found(first));
  });

  it('lies in the folder that is named, and in no other', async () => {
    await run('verify p.precision --cache caches-own');
    expect(existsSync(join(folder, 'caches-own'))).toBe(true);
    expect(existsSync(join(folder, 'caches'))).toBe(false);
    expect(await runJson('verify p.precision --cache caches-own')).toMatchObject(NOTHING);
    expect((await runJson<Effort>('verify p.precision')).inferences).toBeGreaterThan(0);
  });

  it('is kept nowhere with --no-cache', async () => {
    await run('verify p.precision --no-cache');
    expect(existsSync(join(folder, 'caches'))).toBe(false);
  });

  it('in a folder that cannot be written to is measured all the same, and that is said', async () => {
    const ran = await run('verify p.precision --cache p.precision');
    expect(ran.status).toBe(0);
    expect(problems(ran.error).join('\n')).toMatch(/^warning store-un(readable|writable): /);
  });

  it('serves other limits and other subcommands', async () => {
    await run('verify p.precision --draws 1');
    writePlan(PLAN.replace('0.5', '1e-9'));
    const verified = await runJson<Effort & { holds: boolean }>('verify p.precision --draws 1');
    expect(verified).toMatchObject({ ...NOTHING, holds: false });
    writePlan(PLAN);
    await run('analyze p.precision --method local');
    const anew = await runJson<Effort>('tune p.precision --draws 1 --no-cache');
    const tuned = await runJson<Effort>('tune p.precision --draws 1');
    expect(found(tuned)).toEqual(found(anew));
    // Local errors are those of `analyze`; that all layers in FP16 hold, and by how much, `verify` measured.
    expect(tuned.sessions).toBeLessThanOrEqual(anew.sessions - 3);
  });

  it('by an editor is not measured again: both draw as many jitters for the noise floor', async () => {
    const { plan } = loadPlan(join(folder, 'p.precision'));
    if (plan.model === undefined) throw new Error('the plan has no model');
    const live = new LiveAnalysis({
      runtime: await startTestCompute(),
      store: openResultStore({ folder: join(folder, 'caches-own'), onProblem: () => undefined }),
      delayMilliseconds: 0,
      log: () => undefined,
      onModelChanged: () => undefined,
    });
    live.update(plan);
    const shown = await new Promise<PlanVerdict>((settle) => {
      live.onChange(() => {
        const { verdict } = live.numbers(plan.path);
        if (verdict !== undefined) settle(verdict);
      });
    });
    await live.dispose();
    const verified = await runJson<{ tolerances: { noise: number }[] }>(
      'verify p.precision --cache caches-own',
    );
    expect(verified).toMatchObject(NOTHING);
    expect(verified.tolerances.map(({ noise }) => noise)).toEqual(shown.verdicts.map(({ noise }) => noise));
  });

  it('is not that of another model, plan or sample', async () => {
    await run('verify p.precision');
    writePlan(PLAN.replace('seed: 5', 'seed: 6'));
    expect((await runJson<Effort>('verify p.precision')).inferences).toBeGreaterThan(0);
    writePlan(PLAN.replace('default: fp16', 'default: bf16'));
    expect((await runJson<Effort>('verify p.precision')).inferences).toBeGreaterThan(0);
    writePlan(PLAN);
    writeChain(join(folder, 'm.onnx'), 4);
    expect((await runJson<Effort>('verify p.precision')).inferences).toBeGreaterThan(0);
  });
});

describe('Ctrl-C', () => {
  it('keeps what was learnt until then', async () => {
    const line = 'analyze p.precision --method all';
    const whole = await runJson<Effort>(`${line} --no-cache`);
    const interrupt = new AbortController();
    const stopped = await run(line, {
      signal: interrupt.signal,
      watch: (error) => {
        if (error.includes('measured errors: ')) interrupt.abort();
      },
    });
    expect(stopped.status).toBe(130);
    const rest = await runJson<Effort>(line);
    expect(found(rest)).toEqual(found(whole));
    // Local errors, at least, were known.
    expect(rest.inferences).toBeGreaterThan(0);
    expect(rest.inferences).toBeLessThan(whole.inferences);
  });
});

describe('check', () => {
  it('says what was measured before, where it is still true', async () => {
    writePlan(PLAN.replace('0.5', '1e-9'));
    settle();
    expect((await run('check p.precision')).status).toBe(0);
    await run('verify p.precision');
    const known = await run('check p.precision');
    expect(known.status).toBe(1);
    expect(problems(known.error)[0]).toMatch(
      /p\.precision:4:1: error tolerance-exceeded: "y" relative_l2 is /,
    );
    expect((await run('check p.precision --no-cache')).status).toBe(0);
    // Another limit is judged by the same figures; other decisions were never measured.
    writePlan(PLAN);
    expect((await run('check p.precision')).status).toBe(0);
    writePlan(PLAN.replace('0.5', '1e-9').replace('default: fp16', 'default: bf16'));
    expect((await run('check p.precision')).status).toBe(0);
  });

  it('starts no process where nothing is known', async () => {
    expect(await run('check p.precision', { script: join(folder, 'none.js') })).toMatchObject({ status: 0 });
  });
});
