/** `exchange` as whole command lines, and a converted model read back as the plan that it was made by. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { EXCHANGE_KINDS, intoPlan } from '../exchange/index.js';
import { parse } from '../language/index.js';
import { openModel } from '../onnx/index.js';
import { bindPlan, type TracedPlan } from '../plan/index.js';
import { exportModel, isRefused } from '../work/index.js';
import { loadPlan } from './load.js';
import { diskFiles } from './plan-files.js';
import { commandFolder, PLAN, problems } from './testing/index.js';

const { path: folder, writePlan, run, runJson } = commandFolder();
const ROOT = resolve(import.meta.dirname, '../../..');
const POSE = join(ROOT, 'samples/pose/pose_landmark_lite.precision');

function bound(text: string, path: string): TracedPlan {
  const plan = bindPlan({ path, tree: parse(text), files: diskFiles() });
  if (plan.model === undefined) throw new Error(plan.diagnostics[0]?.message);
  return plan;
}

/** The plan's decisions, converted, read back from the mixed model into a plan that decides nothing. */
async function throughModel(plan: TracedPlan): Promise<TracedPlan> {
  const target = join(folder, 'mixed.onnx');
  const exported = await exportModel(plan, plan.decisions, target);
  if (isRefused(exported)) throw new Error(exported.problem.message);
  const opened = openModel(target);
  const kind = EXCHANGE_KINDS.find(({ name }) => name === 'mixed-model');
  if ('problem' in opened || kind?.imported.from !== 'model') throw new Error('the model does not open');
  const text = `model ${JSON.stringify(plan.modelPath)}\n`;
  const path = join(folder, 'back.precision');
  const bare = bound(text, path);
  const imported = kind.imported.read(bare, opened.model);
  if ('problem' in imported) throw new Error(imported.problem);
  expect(imported.losses).toEqual([]);
  return bound(intoPlan(parse(text), bare, imported).text, path);
}

const decided = (plan: TracedPlan) => plan.decisions.map(({ layer, format }) => [layer.name, format]);

describe('a mixed model', () => {
  it('comes back as the plan of the pose sample', async () => {
    const { plan } = loadPlan(POSE);
    if (plan.model === undefined) throw new Error('the sample does not open');
    expect(decided(await throughModel(plan))).toEqual(decided(plan));
  });

  it('comes back with BF16 and FP32 here and there', async () => {
    const { plan } = loadPlan(POSE);
    if (plan.model === undefined) throw new Error('the sample does not open');
    const lines = plan.layers.map(
      ({ name }, index) => `layer ${JSON.stringify(name)}: ${['fp32', 'fp16', 'bf16'][index % 3] ?? ''}\n`,
    );
    const mixed = bound(
      `model ${JSON.stringify(plan.modelPath)}\n${lines.join('')}`,
      join(folder, 'a.precision'),
    );
    expect(decided(await throughModel(mixed))).toEqual(decided(mixed));
  });
});

describe('exchange', () => {
  const ajv = new Ajv();
  const schema = JSON.parse(readFileSync(join(ROOT, 'docs/schemas/exchange.schema.json'), 'utf8')) as object;

  it('writes for another tool and reads it back into the plan', async () => {
    const written = await run('exchange p.precision --to tensorrt -o out.txt');
    expect([written.status, problems(written.error)]).toEqual([0, []]);
    writePlan(PLAN.replace('default: fp16\n', ''));
    const read = await run(`exchange p.precision --from tensorrt ${join(folder, 'out.txt')} --write`);
    expect([read.status, problems(read.error)]).toEqual([0, []]);
    expect(readFileSync(join(folder, 'p.precision'), 'utf8')).toBe(
      `${PLAN.replace('default: fp16\n', '')}\ndefault: fp16\n`,
    );
  });

  it('prints what it would write, and begins a plan for a model', async () => {
    const lists = join(folder, 'lists.json');
    writeFileSync(lists, '{ "op_block_list": ["Relu"], "node_block_list": [] }');
    const printed = await run(`exchange m.onnx --from onnxconverter-common ${lists}`);
    expect(printed.out).toBe('model "m.onnx"\n\ndefault: fp16\nop Relu: fp32\n');
    expect((await run(`exchange m.onnx --from onnxconverter-common ${lists} -o out.precision`)).status).toBe(
      0,
    );
    expect(readFileSync(join(folder, 'out.precision'), 'utf8')).toBe(printed.out);
  });

  it('prints one document that keeps to its schema', async () => {
    for (const { name, exported } of EXCHANGE_KINDS) {
      if (exported === undefined) continue;
      const document = await runJson<object>(`exchange p.precision --to ${name}`);
      expect(ajv.validate(schema, document), JSON.stringify(ajv.errors)).toBe(true);
      expect(document).toMatchObject({ kind: name, direction: 'to', output: null });
    }
  });

  it.each([
    ['exchange p.precision', 'either --to KIND or --from'],
    ['exchange p.precision --to tensort', 'the nearest is tensorrt'],
    ['exchange p.precision --to mixed-model', 'onnx-precision convert'],
    ['exchange p.precision --from tensorrt', 'the FILE to read'],
    ['exchange p.precision --from tensorrt none.txt', 'ENOENT'],
    ['exchange p.precision --from tensorrt m.onnx', 'NAME:PRECISION'],
    ['exchange p.precision --from mixed-model p.precision', 'model-unreadable'],
    ['exchange p.precision --to json -o m.onnx', 'name of a plan or of its model'],
    ['exchange m.onnx --from mixed-model m.onnx -o p.precision', 'this file exists'],
  ])('%s: %s', async (line, message) => {
    const ran = await run(line);
    expect([ran.status, ran.out]).toEqual([2, '']);
    expect(ran.error).toContain(message);
    expect(readFileSync(join(folder, 'p.precision'), 'utf8')).toBe(PLAN);
  });

  it('leaves a lock beside a plan that names layers', async () => {
    writePlan(PLAN.replace('default: fp16', 'default: fp32'));
    const table = join(folder, 'table.json');
    const { layers } = await runJson<{ layers: { name: string }[] }>('inspect m.onnx');
    writeFileSync(table, JSON.stringify({ layers: { [layers[0]?.name ?? '']: 'fp16' } }));
    expect((await run(`exchange p.precision --from json ${table} --write`)).status).toBe(0);
    expect(existsSync(join(folder, 'p.precision.lock'))).toBe(true);
  });
});
