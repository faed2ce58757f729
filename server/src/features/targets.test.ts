/** The targets of this machine as an editor shows them: in completion, in the list to choose from, and in hovers of layers. */
import { describe, expect, it } from 'vitest';
import type { Accumulation } from '../formats/index.js';
import type { FoundTarget, PlanTarget } from '../plan/index.js';
import { completionOf } from './completion.js';
import { hoverOf } from './hover.js';
import { targetEntries, targetStatus } from './targets.js';
import { everything, header, measured, nothing, openWorkspace, type Workspace } from './testing.js';

const FOUND: Readonly<Record<string, FoundTarget>> = {
  cpu: {
    ...{ usable: true, summary: 'It runs here.', advice: undefined },
    sums: new Map<string, Accumulation>([
      ['Gemm', { kind: 'lanes', count: 4 }],
      ['MatMul', { kind: 'fp32' }],
      ['Conv', { kind: 'lanes', count: 4 }],
    ]),
  },
  cuda: { usable: false, summary: 'There is none.', advice: 'Get one.', sums: new Map() },
};

function find({ name }: PlanTarget): FoundTarget | undefined {
  return FOUND[name];
}

/** The fixture on a machine of which some targets were looked at. */
function onMachine(fixture: string): Workspace {
  const workspace = openWorkspace(fixture);
  const { open } = workspace;
  const { document, path, tree, bound, plan, model } = open;
  const files = { ...open.files, findTarget: find };
  return { ...workspace, open: { document, path, tree, bound, plan, model, files } };
}

describe('targets', () => {
  it('are offered with whether this machine has them, and looked at when they are', () => {
    const { open, cursor } = onMachine(`${header}target $0`);
    let wanted = 0;
    const { items, isIncomplete } = completionOf(open, cursor, everything, ' ', () => (wanted += 1));
    const details = Object.fromEntries(items.map(({ label, detail }) => [label, detail]));
    expect(details['cpu']).toMatch(/^on this machine/);
    expect(details['cuda']).toMatch(/^not on this machine/);
    expect(details['webgpu']).not.toMatch(/this machine/);
    expect(items.find(({ label }) => label === 'cuda')?.documentation).toBe('There is none. Get one.');
    expect([wanted, isIncomplete]).toEqual([1, true]);
    completionOf(open, { line: 0, character: 0 }, everything, undefined, () => (wanted += 1));
    expect(wanted).toBe(1);
  });

  it('have options of their own', () => {
    const { open, cursor } = onMachine(`${header}target cuda { $0 }`);
    const labels = completionOf(open, cursor, everything).items.map(({ label }) => label);
    expect(labels).toEqual(['threads', 'deviceId']);
  });

  it('are listed to choose from, those of the plan marked', () => {
    const entries = targetEntries(onMachine(`${header}target cuda\n`).open);
    expect(entries.map(({ name, usable, isChosen }) => [name, usable, isChosen]).slice(0, 3)).toEqual([
      ['cpu', true, false],
      ['webgpu', undefined, false],
      ['cuda', false, true],
    ]);
    expect(targetStatus([{ name: 'cuda', threads: undefined }], find)).toEqual([
      { name: 'cuda', usable: false, detail: 'There is none. Get one.' },
    ]);
  });

  it('tell in their own hover what this machine has of them, and how they add up', () => {
    const hoverOn = (fixture: string): string => {
      const { open, cursor } = onMachine(fixture);
      return JSON.stringify(hoverOf(open, cursor, nothing)?.contents);
    };
    const here = hoverOn(`${header}target cp$0u`);
    expect(here).toMatch(/On this machine: It runs here\./);
    expect(here).toMatch(/FP16 layers are added up in lanes\(4\): Gemm, Conv\..*in fp32: MatMul\./);
    expect(hoverOn(`${header}target cu$0da`)).toMatch(/Not on this machine: There is none\. Get one\./);
    expect(hoverOn(`${header}target web$0gpu`)).not.toMatch(/this machine/);
  });

  it('tell in the hover of a layer how they run it', () => {
    const { open, cursor } = onMachine(`${header}layer "conv2d_5/$0Conv": fp16\n`);
    const layers = new Map([
      ['conv2d_5/Conv', { outcome: 'elsewhere' as const, detail: 'CPUExecutionProvider' }],
    ]);
    const numbers = measured({ support: [{ target: 'webgpu', format: 'fp16', layers }] });
    const contents = JSON.stringify(hoverOf(open, cursor, nothing, numbers)?.contents);
    expect(contents).toMatch(/webgpu.*in fp16 it runs on the CPU, since webgpu has no kernel at all/);
  });
});
