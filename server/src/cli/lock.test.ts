/** The lock beside a plan: which command lines write it, and what `check` says by it after a new export. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeBytes, encodeModel, openModel, withNode } from '../onnx/index.js';
import { commandFolder, PLAN } from './testing/index.js';

const { path: folder, writePlan, run, runJson } = commandFolder();
const lock = join(folder, 'p.precision.lock');

/** Gives all nodes of `m.onnx` other names. */
function renameNodes(): void {
  const opened = openModel(join(folder, 'm.onnx'));
  if ('problem' in opened) throw new Error(opened.problem.message);
  const { graph } = opened.model;
  const nodes = graph.nodes.map((node) => withNode(node, { name: `/net/${node.name}` }));
  const bytes = encodeBytes(encodeModel(opened.model, { graph: { ...graph, nodes } }));
  opened.model.source.close();
  writeFileSync(join(folder, 'm.onnx'), bytes);
}

async function layerNames(): Promise<readonly string[]> {
  const { layers } = await runJson<{ layers: { name: string }[] }>('inspect m.onnx');
  return layers.map(({ name }) => name);
}

describe('the lock of a plan', () => {
  it('is written by `check --lock` and by what writes a plan that names layers', async () => {
    const [first = ''] = await layerNames();
    writePlan(`${PLAN}layer ${JSON.stringify(first)}: fp32\n`);
    expect((await run('check p.precision')).status).toBe(0);
    expect(existsSync(lock)).toBe(false);
    expect((await run('check p.precision --lock')).status).toBe(0);
    expect(readFileSync(lock, 'utf8')).toContain(JSON.stringify(first));
    rmSync(lock);
    expect((await run('init m.onnx -o out.precision --expand')).status).toBe(0);
    expect(existsSync(join(folder, 'out.precision.lock'))).toBe(true);
  });

  it('tells what layers are called after a new export, and is kept until the plan is mended', async () => {
    const [first = ''] = await layerNames();
    writePlan(`${PLAN}layer ${JSON.stringify(first)}: fp32\n`);
    await run('check p.precision --lock');
    const locked = readFileSync(lock, 'utf8');
    renameNodes();
    const ran = await run('check p.precision --lock');
    expect(ran.status).toBe(1);
    expect(ran.out + ran.error).toContain(`it is called "/net/${first}" now`);
    expect(readFileSync(lock, 'utf8')).toBe(locked);
    writePlan(`${PLAN}layer ${JSON.stringify(`/net/${first}`)}: fp32\n`);
    expect((await run('check p.precision --lock')).status).toBe(0);
    expect(readFileSync(lock, 'utf8')).not.toBe(locked);
  });
});
