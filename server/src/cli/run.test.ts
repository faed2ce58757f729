/** Whole command lines: statuses, streams, the one document, the one message. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { floatTensor, WIDTH, writeChain, writeModel } from '../analysis/testing/index.js';
import { makeNode } from '../onnx/index.js';
import { commandFolder, PLAN, problems } from './testing/index.js';

const { path: folder, writePlan, run } = commandFolder();

describe('the exit status', () => {
  it.each([
    ['--help', 0],
    ['--version', 0],
    ['tune --help', 0],
    ['check p.precision', 0],
    ['inspect m.onnx', 0],
    ['verify p.precision --draws 1', 0],
    ['convert p.precision -o out.onnx --verify', 0],
    ['format p.precision --check', 0],
    ['bench p.precision --runs 2', 0],
    ['analyze p.precision', 0],
    ['lsp', 2],
    ['', 2],
    ['chekc p.precision', 2],
    ['check', 2],
    ['check p.none', 2],
    ['check p.precision --format xml', 2],
    ['inspect m.none', 2],
    ['verify p.precision --draws 0', 2],
    ['verify p.precision --target gpu', 2],
    ['verify p.precision --model out.onnx', 2],
    ['verify p.precision --executed --draws 1', 0],
    ['targets', 0],
    ['bench p.precision --threads none', 2],
    ['convert p.precision -o out.onnx --threads 2 --verify', 0],
    ['convert p.precision -o out.onnx --threads 2', 2],
    ['verify p.precision --threads 2', 2],
    ['tune p.precision --time soon', 2],
    ['tune p.precision --draws none', 2],
    ['convert p.precision', 2],
    ['init m.onnx -o p.precision', 2],
  ])('of %j is %d', async (line, status) => {
    const ran = await run(line);
    expect({ status: ran.status, error: problems(ran.error) }).toMatchObject({ status });
    if (status === 2) expect(ran).toMatchObject({ out: '', error: expect.stringMatching(/\S/) as string });
    expect(ran.error).not.toMatch(/\n\s+at /);
  });

  it('is 1 where something falls short', async () => {
    writePlan(PLAN.replace('0.5', '1e-9'));
    expect((await run('verify p.precision --draws 1')).status).toBe(1);
    writePlan(`${PLAN}layer "none": fp16\n`);
    expect((await run('check p.precision')).status).toBe(1);
    expect((await run('convert p.precision -o out.onnx')).status).toBe(1);
    writePlan(PLAN.replace('"m.onnx"', '  "m.onnx"'));
    expect((await run('format p.precision --check')).status).toBe(1);
    expect((await run('format p.precision')).status).toBe(0);
    expect(readFileSync(join(folder, 'p.precision'), 'utf8')).toBe(PLAN);
  });

  it('is 3 where the runtime fails, with its reason', async () => {
    const crash = { environment: { ONNX_PRECISION_TEST_CRASH: 'run' } };
    const ran = await run('verify p.precision', crash);
    expect(ran.status).toBe(3);
    expect(problems(ran.error)[0]).toMatch(/^error runtime-crashed: The compute process died during a run/);
    const none = await run('verify p.precision', { script: join(folder, 'none.js') });
    expect(none.status).toBe(3);
    expect(none.error).toMatch(/error runtime-unavailable: /);
  });

  it('is 130 where the caller gave up', async () => {
    const ran = await run('tune p.precision --write', { signal: AbortSignal.abort() });
    expect([ran.status, problems(ran.error)]).toEqual([130, ['error interrupted: interrupted']]);
    expect(readFileSync(join(folder, 'p.precision'), 'utf8')).toBe(PLAN);
  });
});

describe('an option that a subcommand has no use for', () => {
  it.each([
    ['analyze p.precision', '--threads 2'],
    ['check p.precision', '--target cpu'],
    ['check p.precision', '--threads 2'],
    ['convert p.precision -o out.onnx', '--no-cache'],
    ['exchange p.precision --to json', '--no-cache'],
    ['format p.precision', '--threads 2'],
    ['format p.precision', '--cache caches'],
    ['init m.onnx -o out.precision', '--target cpu'],
    ['init m.onnx -o out.precision', '--cache caches'],
    ['inspect m.onnx', '--target cpu'],
    ['lsp --stdio', '--json'],
    ['lsp --stdio', '--threads 2'],
    ['tune p.precision', '--threads 2'],
  ])('of `%s` is refused: %s', async (line, option) => {
    const { status, error } = await run(`${line} ${option}`);
    const [name = ''] = option.split(' ');
    expect([status, problems(error)]).toEqual([2, [expect.stringContaining(`has no option ${name}`)]]);
    expect(existsSync(join(folder, 'out.onnx'))).toBe(false);
    expect(existsSync(join(folder, 'out.precision'))).toBe(false);
  });
});

describe('with --json', () => {
  it.each([
    ['check p.precision', 'diagnostics'],
    ['inspect m.onnx', 'layers'],
    ['analyze p.precision', 'layers'],
    ['verify p.precision --draws 1', 'holds'],
    ['tune p.precision --draws 1', 'decisions'],
    ['tune p.precision --draws 1 --write', 'decisions'],
    ['convert p.precision -o out.onnx --verify', 'verified'],
    ['bench p.precision --runs 2', 'rows'],
    ['format p.precision', 'changed'],
    ['init m.onnx -o out.precision', 'output'],
    ['check p.none', 'error'],
    ['nothing', 'error'],
    ['check p.precision --nothing', 'error'],
    ['convert p.precision', 'error'],
  ])('%s writes one document', async (line, key) => {
    const { out } = await run(`${line} --json`);
    expect(Object.keys(JSON.parse(out) as object)).toContain(key);
  });

  it('stands before the subcommand, too, when that is wrong', async () => {
    const { status, out } = await run('--json check p.precision');
    expect(status).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'usage' } });
  });

  it('progress goes to standard error, and nowhere when quiet', async () => {
    const loud = await run('verify p.precision --draws 1 --json --no-cache');
    expect(loud.error).toMatch(/^original model: 0\/3$/m);
    expect(loud.error).toMatch(/^plan, emulated: 3\/3$/m);
    expect(loud.error).toMatch(/^noise floor: 3\/3$/m);
    expect(await run('verify p.precision --draws 1 --json --no-cache --quiet')).toEqual({
      ...loud,
      error: '',
    });
  });

  it('and another form of output is refused', async () => {
    for (const line of ['check p.precision --format sarif', 'verify p.precision --format github']) {
      const { status, out } = await run(`${line} --json`);
      expect(status).toBe(2);
      expect(JSON.parse(out)).toMatchObject({
        error: { code: 'usage', message: expect.stringMatching(/exclude each other/) as string },
      });
    }
  });

  it('a failure that comes after the result is the document', async () => {
    // The plan is saved while the tuner works.
    const path = writePlan(PLAN);
    const log = (): void => {
      writeFileSync(path, '# saved meanwhile\n');
    };
    const { status, out } = await run('tune p.precision --write --draws 1 --json', { log });
    expect(status).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'changed-meanwhile', path } });
    expect(readFileSync(path, 'utf8')).toBe('# saved meanwhile\n');
  });
});

describe('a failure is said once, at its place', () => {
  /** Exactly these messages on standard error, and the first of them in the document. */
  async function checkFailure(line: string, status: number, code: string, place: string): Promise<void> {
    const ran = await run(line);
    expect(ran.status).toBe(status);
    const lines = problems(ran.error).filter((one) => one.includes(' error '));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(`${place}: error ${code}: `);
    const { error } = JSON.parse((await run(`${line} --json`)).out) as {
      error: { code: string; message: string; range?: { start: { line: number; character: number } } };
    };
    expect(error.code).toBe(code);
    expect(lines[0]?.endsWith(error.message)).toBe(true);
    const [, lineNumber, column] = /:(\d+):(\d+)$/.exec(place) ?? [];
    if (lineNumber === undefined) return;
    expect(error.range?.start).toEqual({ line: Number(lineNumber) - 1, character: Number(column) - 1 });
  }

  it('a model that is missing', async () => {
    writePlan(PLAN.replace('m.onnx', 'none.onnx'));
    await checkFailure('verify p.precision', 2, 'model-not-found', 'p.precision:1:7');
  });

  it('samples that are missing', async () => {
    writePlan(PLAN.replace('= normal(0, 1) { count: 3, seed: 5 }', 'from "none/*.npy"'));
    await checkFailure('verify p.precision', 2, 'input-missing', 'p.precision:2:16');
  });

  it('a weight that the format cannot hold', async () => {
    writeModel(join(folder, 'm.onnx'), {
      nodes: [makeNode({ opType: 'Mul', name: 'big', inputs: ['x', 'w'], outputs: ['y'] })],
      weights: [floatTensor('w', [1, WIDTH], new Float32Array(WIDTH).fill(1e6))],
      inputs: { x: [1, WIDTH] },
      outputs: { y: [1, WIDTH] },
    });
    writePlan(PLAN.replace('default: fp16', 'default: fp32\nlayer "big": fp16'));
    await checkFailure('convert p.precision -o out.onnx', 1, 'weight-overflow', 'p.precision:6:1');
    expect(existsSync(join(folder, 'out.onnx'))).toBe(false);
    // As a diagnostic of its own, it stands on the same statement.
    const analyzed = await run('analyze p.precision');
    expect(analyzed.error).toMatch(/p\.precision:6:1: error overflow: .*"big"/);
  });

  it('a model that is written over while it runs', async () => {
    const model = join(folder, 'm.onnx');
    // Cut off it may end the process; with other weights of the same size nothing else would tell.
    const cut = (bytes: Buffer): Buffer => bytes.subarray(0, 100);
    const other = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 1));
    const lines = ['tune p.precision', 'verify p.precision', 'analyze p.precision --method measured'];
    for (const [line, spoilt] of lines.flatMap((one) => [[one, cut] as const, [one, other] as const])) {
      writeChain(model, 3);
      const bytes = readFileSync(model);
      const watch = (error: string): void => {
        if (error.includes('original model: 0/3')) writeFileSync(model, spoilt(bytes));
      };
      const ran = await run(`${line} --no-cache`, { watch });
      expect(ran.status, ran.error).toBe(2);
      expect(problems(ran.error).filter((one) => one.includes(' error '))).toEqual([
        expect.stringMatching(/m\.onnx: error model-changed: this file was changed while/) as string,
      ]);
    }
  });

  it('a file that does not exist', async () => {
    await checkFailure('check p.none', 2, 'plan-unreadable', 'p.none');
  });
});

describe('other forms of output', () => {
  it('SARIF and GitHub commands are all there is on standard output', async () => {
    writePlan(PLAN.replace('0.5', '1e-9'));
    const sarif = await run('verify p.precision --draws 1 --format sarif');
    expect(sarif.status).toBe(1);
    expect(JSON.parse(sarif.out)).toMatchObject({ runs: [{ results: [{ ruleId: 'tolerance-exceeded' }] }] });
    const github = await run('verify p.precision --draws 1 --format github');
    expect(github.out).toMatch(/^::error file=.*p\.precision,line=4,col=1,.*title=tolerance-exceeded::.*\n$/);
    writePlan(`${PLAN.replace('0.5', '1e-9')}layer "none": fp16\n`);
    const checked = await run('check p.precision --no-cache --format sarif');
    expect(checked.status).toBe(1);
    expect(checked.error).toBe('');
    expect(JSON.parse(checked.out)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'onnx-precision', rules: [{ id: 'unknown-layer' }] } },
          results: [
            {
              ruleId: 'unknown-layer',
              level: 'error',
              message: { text: expect.stringContaining('none') as string },
              locations: [{ physicalLocation: { region: { startLine: 6 } } }],
            },
          ],
        },
      ],
    });
    const annotated = await run('check p.precision --no-cache --format github');
    expect(annotated.out).toMatch(/^::error file=.*p\.precision,line=6,col=7,.*title=unknown-layer::.*\n$/);
  });
});

it('the overview has one line for each subcommand, the first sentence of its help', async () => {
  const { out } = await run('--help');
  const [, , ...rest] = out.trimEnd().split('\n');
  const lines = rest.slice(0, rest.indexOf(''));
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) expect(line).toMatch(/^ {2}[a-z]+ .{24,}[^.]$/);
});

it('targets has a block for each provider, with the operators of the model where there is one', async () => {
  const { out } = await run('targets p.precision --no-cache');
  const [processor = '', ...others] = out.split('\n\n');
  expect(processor).toMatch(/^cpu: usable\n(?:.*\n)* {2}operators in fp16:\n(?:.*\n)* {4}.*MatMul/u);
  for (const block of others) expect(block).toMatch(/^[a-z]+: (?:not )?usable\n/u);
  expect(others.length).toBeGreaterThan(2);
});

describe('tune --write', () => {
  it('writes what verify then finds to hold', async () => {
    const { status, out } = await run('tune p.precision --write --draws 1');
    expect(status).toBe(0);
    expect(out).toMatch(/6 of 6 layers in low precision/);
    expect(out.trimEnd().split('\n').at(-1)).toBe(`wrote ${join(folder, 'p.precision')}`);
    expect((await run('verify p.precision --draws 1')).status).toBe(0);
  });
});
