/** What is written, and what is never written over or left behind. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { bindTo, floatTensor, randomValues, writeModel } from '../analysis/testing/index.js';
import { makeNode } from '../onnx/index.js';
import type { BoundPlan } from '../plan/index.js';
import { folderForTests } from '../testing/index.js';
import { exportModel, type ExportOptions } from './export-model.js';
import { isRefused } from './problem.js';

const SIZE = 64;
const root = folderForTests();
const folder = join(root, 'work');
const at = (name: string): string => join(folder, name);
let plan: BoundPlan;

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  // Large enough for weights that go into a file of their own.
  const model = writeModel(at('m.onnx'), {
    nodes: [makeNode({ opType: 'MatMul', name: 'product', inputs: ['x', 'w'], outputs: ['y'] })],
    weights: [floatTensor('w', [SIZE, SIZE], randomValues(SIZE * SIZE, 3))],
    inputs: { x: [1, SIZE] },
    outputs: { y: [1, SIZE] },
  });
  plan = { ...bindTo(model, 'default: fp16\n').plan, path: at('p.precision') };
  writeFileSync(plan.path, 'default: fp16\n');
});

const write = (path: string, options: ExportOptions = {}): ReturnType<typeof exportModel> =>
  exportModel(plan, plan.decisions, path, options);

/** The export is refused, and every file of the folder is as it was. */
async function checkRefused(
  path: string,
  reason: RegExp,
  code = 'cannot-write',
  options?: ExportOptions,
): Promise<void> {
  const before = contents();
  const outcome = await write(path, options);
  if (!isRefused(outcome)) throw new Error(`${path} was written`);
  expect(outcome.problem).toMatchObject({ kind: 'input', code });
  expect(outcome.problem.message).toMatch(reason);
  expect(contents()).toEqual(before);
}

function contents(): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(at(name), 'base64')]));
}

describe('an exported model', () => {
  it('is a new file', async () => {
    const exported = await write(at('out.onnx'));
    expect(exported).toMatchObject({ path: at('out.onnx'), layers: { fp16: 1 } });
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'out.onnx', 'p.precision']);
  });

  it.each([
    ['its own path', () => at('m.onnx')],
    ['a path with detours', () => `${folder}/../work/./m.onnx`],
    ['a relative path', () => relative(process.cwd(), at('m.onnx'))],
    ['a symbolic link', () => (symlinkSync(at('m.onnx'), at('link.onnx')), at('link.onnx'))],
    ['a hard link', () => (linkSync(at('m.onnx'), at('twin.onnx')), at('twin.onnx'))],
    ['a linked folder', () => (symlinkSync(folder, join(root, 'linked')), join(root, 'linked/m.onnx'))],
  ])('is never written over the model by %s, whatever of it is read', async (_, path) => {
    const target = path();
    const reason = /the model that is read; choose another name/;
    await checkRefused(target, reason);
    // A conversion that reads no weights from the file, which the writing of files could not tell.
    plan = { ...plan, decisions: plan.decisions.map((one) => ({ ...one, format: 'original' as const })) };
    await checkRefused(target, reason);
    symlinkSync(at('m.onnx'), at('out.onnx.data'));
    await checkRefused(at('out.onnx'), reason, 'cannot-write', { externalData: true });
  });

  it('is never written over a plan, by no name of it', async () => {
    const reason = /the name of a plan/;
    await checkRefused(plan.path, reason);
    await checkRefused(at('other.precision'), reason);
    symlinkSync(plan.path, at('link.onnx'));
    await checkRefused(at('link.onnx'), reason);
    linkSync(plan.path, at('twin.onnx'));
    await checkRefused(at('twin.onnx'), reason);
  });

  it('leaves no weights alone where it could not be written after them', async () => {
    mkdirSync(at('out.onnx'));
    const outcome = await write(at('out.onnx'), { externalData: true });
    expect(isRefused(outcome) && outcome.problem.message).toMatch(/it is a folder/);
    expect(existsSync(at('out.onnx.data'))).toBe(false);
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'out.onnx', 'p.precision']);
  });

  it('that could not be written leaves the earlier weights of its name', async () => {
    await write(at('out.onnx'), { externalData: true });
    const before = contents();
    plan = { ...plan, decisions: plan.decisions.map((one) => ({ ...one, format: 'bf16' as const })) };
    const cancel = new AbortController();
    // Stops once other weights are there.
    const signal = new Proxy(cancel.signal, {
      get: (of, name): unknown => {
        const data = existsSync(at('out.onnx.data')) ? readFileSync(at('out.onnx.data'), 'base64') : '';
        if (name === 'aborted' && data !== before['out.onnx.data']) cancel.abort();
        return Reflect.get(of, name, of);
      },
    });
    expect(isRefused(await write(at('out.onnx'), { externalData: true, signal }))).toBe(true);
    expect(cancel.signal.aborted).toBe(true);
    expect(contents()).toEqual(before);
  });

  it('replaces the earlier weights of its name, and keeps nothing of them', async () => {
    await write(at('out.onnx'), { externalData: true });
    const before = contents();
    plan = { ...plan, decisions: plan.decisions.map((one) => ({ ...one, format: 'bf16' as const })) };
    const exported = await write(at('out.onnx'), { externalData: true });
    expect(contents()['out.onnx.data']).not.toBe(before['out.onnx.data']);
    if (isRefused(exported)) throw new Error(exported.problem.message);
    expect(exported.externalBytes).toBe(2 * SIZE * SIZE);
    expect(readFileSync(at('out.onnx.data')).length).toBe(exported.externalBytes);
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'out.onnx', 'out.onnx.data', 'p.precision']);
  });

  it.each([
    ['no model', undefined],
    ['a model that keeps its weights to itself', () => readFileSync(at('m.onnx'))],
    ['what is no model', () => 'no model'],
  ])('never takes the place of weights beside %s', async (_, model) => {
    if (model !== undefined) writeFileSync(at('out.onnx'), model());
    writeFileSync(at('out.onnx.data'), 'of somebody else');
    await checkRefused(at('out.onnx'), /out\.onnx\.data exists and is left as it is/, 'exists', {
      externalData: true,
    });
    // Where no such file is written it is in nobody's way.
    expect(isRefused(await write(at('out.onnx')))).toBe(false);
    expect(readFileSync(at('out.onnx.data'), 'utf8')).toBe('of somebody else');
  });

  it('takes no place at all where nothing is to be replaced', async () => {
    await write(at('out.onnx'), { externalData: true });
    const replaces = 'nothing';
    await checkRefused(at('out.onnx'), /out\.onnx exists/, 'exists', { replaces });
    rmSync(at('out.onnx'));
    await checkRefused(at('out.onnx'), /out\.onnx\.data exists/, 'exists', { replaces, externalData: true });
    expect(isRefused(await write(at('out.onnx'), { replaces }))).toBe(false);
  });

  it('that is cancelled behind its weights leaves neither', async () => {
    const cancel = new AbortController();
    let asked = 0;
    // Stops after the weights are there: the first time that the model is looked after.
    const signal = new Proxy(cancel.signal, {
      get: (of, name): unknown => {
        if (name === 'aborted' && existsSync(at('out.onnx.data')) && asked++ === 0) cancel.abort();
        return Reflect.get(of, name, of);
      },
    });
    const outcome = await write(at('out.onnx'), { externalData: true, signal });
    expect(isRefused(outcome) && outcome.problem.kind).toBe('cancelled');
    expect(asked).toBeGreaterThan(0);
    expect(readdirSync(folder).sort()).toEqual(['m.onnx', 'p.precision']);
  });
});
