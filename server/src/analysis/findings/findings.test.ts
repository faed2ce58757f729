/** Findings on a small model: each on the statement that decides the layer, once per statement. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { precisionGraph } from '../../plan/index.js';
import { openEvaluation } from '../sessions/evaluation.js';
import { rangeFindings, toleranceFindings } from './findings.js';
import { measure } from '../measurement/measurement.js';
import { judge } from '../measurement/noise.js';
import { knownRanges } from '../ranges/known-ranges.js';
import { measuredAnew } from '../remembered.js';
import { bindTo, computeForTests, floatTensor, sampleOf, writeModel } from '../testing/index.js';

const { runtime, folder } = await computeForTests();
const model = writeModel(join(folder, 'findings.onnx'), {
  nodes: [
    makeNode({ opType: 'Mul', name: 'up', inputs: ['x', 'thousand'], outputs: ['a'] }),
    makeNode({ opType: 'Mul', name: 'further', inputs: ['a', 'thousand'], outputs: ['b'] }),
    makeNode({ opType: 'Tanh', name: 'squash', inputs: ['b'], outputs: ['z'] }),
    makeNode({ opType: 'Mul', name: 'weighted', inputs: ['x', 'w'], outputs: ['c'] }),
    makeNode({ opType: 'Mul', name: 'down', inputs: ['x', 'tiny'], outputs: ['d'] }),
    makeNode({ opType: 'Mul', name: 'lift', inputs: ['d', 'thousand'], outputs: ['f'] }),
    makeNode({ opType: 'LpNormalization', name: 'norm', inputs: ['c'], outputs: ['e'] }),
    makeNode({ opType: 'Sum', name: 'all', inputs: ['b', 'c', 'd', 'e', 'f'], outputs: ['y'] }),
  ],
  weights: [
    floatTensor('thousand', [1], Float32Array.of(1000)),
    floatTensor('tiny', [1], Float32Array.of(2 ** -13)),
    floatTensor('w', [1, 4], Float32Array.of(1, 1, 1e5, 1)),
  ],
  inputs: { x: [1, 4] },
  outputs: { y: [1, 4] },
});
const samples = [
  sampleOf(0, { x: { dims: [1, 4], values: Float32Array.of(0.1, 0.2, 0.3, 0.4) } }),
  sampleOf(1, { x: { dims: [1, 4], values: Float32Array.of(0.1, 99, 0.3, 0.25) } }),
];
const evaluation = await openEvaluation(runtime, model, samples);

const FILE = { path: '/plans/p.precision' };

/** Each finding as `code «the text it stands on» message`, with the file before it where it is another one. */
async function rangeFindingsOf(
  text: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { plan, text: whole } = bindTo(evaluation.model, text, files);
  const counter = () => Promise.resolve(() => 4);
  const { ranges } = await knownRanges(measuredAnew(evaluation), plan.layers, 'fp16', counter);
  return rangeFindings(plan, ranges, 'fp16', evaluation.samples).map(
    ({ code, severity, range, message, path }) => {
      const file = path === undefined ? whole : (files[path.slice('/plans/'.length)] ?? '');
      const place = `«${file.slice(range.start, range.end)}»`;
      return `${path === undefined ? '' : `${path} `}${severity} ${code} ${place} ${message}`;
    },
  );
}

describe('what is beyond the range', () => {
  it('stands on the statement that decides, with the sample, the index and the value', async () => {
    expect(await rangeFindingsOf('default: fp32\nlayer "up", "further": fp16\n')).toEqual([
      'error overflow «layer "up", "further": fp16» beyond the range of fp16: ' +
        '"further" 8 of 8 values, largest 9.900e+7 (sample sample 1, index 1); ' +
        '"up" 1 of 8 values, largest 9.900e+4 (sample sample 1, index 1)',
    ]);
  });

  it('is told of what a layer reads, where no layer in the format writes it', async () => {
    expect(await rangeFindingsOf('default: fp32\nlayer "squash": fp16\n')).toEqual([
      'error overflow «layer "squash": fp16» read beyond the range of fp16: ' +
        '"squash" 8 of 8 values of "b", largest 9.900e+7 (sample sample 1, index 1)',
    ]);
    // What is written in the format is told of its writer.
    const both = await rangeFindingsOf('default: fp32\nlayer "further", "squash": fp16\n');
    expect(both).toEqual([expect.stringContaining(' beyond the range of fp16: "further" 8 of 8 values')]);
  });

  it('is one finding for each statement', async () => {
    const findings = await rangeFindingsOf('layer "up": fp16\nlayer "further": fp16\nlayer "all": fp32\n');
    expect(findings.map((one) => /«(.*)»/.exec(one)?.[1])).toEqual([
      'layer "further": fp16',
      'layer "up": fp16',
    ]);
  });

  it('stands in the file that was included', async () => {
    const [finding] = await rangeFindingsOf('include "part.precision"\n', {
      'part.precision': '# a line\nlayer "up": fp16\n',
    });
    expect(finding).toMatch(/^\/plans\/part\.precision error overflow «layer "up": fp16»/);
  });

  it('in a weight names the weight', async () => {
    expect(await rangeFindingsOf('layer "weighted": fp16\n')).toEqual([
      expect.stringContaining('"weighted" 1 of 4 values, largest 1.000e+5 (weight "w", index 2)'),
    ]);
  });

  it('in a weight is no finding where the plan says what becomes of it', async () => {
    expect(await rangeFindingsOf('layer "weighted": fp16 { overflow: saturate }\n')).toEqual([]);
    expect(await rangeFindingsOf('layer "up": fp16 { overflow: saturate }\n')).toHaveLength(1);
  });

  it('is no finding where the scale of the plan holds it, and one where it does not', async () => {
    expect(await rangeFindingsOf('layer "up": fp16 { scale: 2^-1 }\n')).toEqual([]);
    const [finding] = await rangeFindingsOf('layer "up": fp16 { scale: 2^1 }\n');
    expect(finding).toContain('"up" 1 of 8 values, largest 9.900e+4');
  });

  it('is no finding for layers in another format', async () => {
    expect(await rangeFindingsOf('default: bf16\n')).toEqual([]);
    expect(await rangeFindingsOf('default: fp32\n')).toEqual([]);
  });
});

describe('what is beyond the range inside an operator', () => {
  const inside = '"norm" a sum of squares of 4 terms reaches 9.000e+8';

  it('is a warning where the plan says nothing of sums', async () => {
    const [finding] = await rangeFindingsOf('layer "norm": fp16\n');
    expect(finding).toBe(
      `warning overflow «layer "norm": fp16» inside the operator beyond the range of fp16, where the target holds sums in it: ${inside}`,
    );
  });

  it('is an error where the plan holds sums in it', async () => {
    const [finding] = await rangeFindingsOf('accumulate: fp16\nlayer "norm": fp16\n');
    expect(finding).toContain('error overflow «layer "norm": fp16» inside the operator');
    expect(await rangeFindingsOf('accumulate: fp32\nlayer "norm": bf16\n')).toEqual([]);
  });
});

describe('what is lost to underflow', () => {
  it('is a warning', async () => {
    expect(await rangeFindingsOf('layer "down": fp16\n')).toEqual([
      'warning underflow «layer "down": fp16» become subnormal or zero in fp16: "down" 87.5 % of its values',
    ]);
  });

  it('is told of what a layer reads, where no layer in the format writes it', async () => {
    expect(await rangeFindingsOf('default: fp32\nlayer "lift": fp16\n')).toEqual([
      'warning underflow «layer "lift": fp16» read, and become subnormal or zero in fp16: "lift" 87.5 % of the values of "d"',
    ]);
    // What is written in the format is told of its writer.
    const both = await rangeFindingsOf('default: fp32\nlayer "down", "lift": fp16\n');
    expect(both).toEqual([expect.stringContaining(' become subnormal or zero in fp16: "down" 87.5 %')]);
    expect(await rangeFindingsOf('layer "lift": bf16\n')).toEqual([]);
    expect(await rangeFindingsOf('layer "lift": fp16 { scale: 2^10 }\n')).toEqual([]);
  });
});

describe('a tolerance', () => {
  async function toleranceFindingsOf(noise: number, limit: string) {
    const { plan, text } = bindTo(evaluation.model, `layer "up": bf16\ntolerance "y" max_abs <= ${limit}\n`);
    const graph = precisionGraph(plan.model, plan.roles, plan.layers, plan.decisions);
    const { tolerances } = await measure(evaluation, graph, plan.tolerances);
    const verdicts = tolerances.map((one) => judge(one, noise));
    return toleranceFindings(plan, verdicts).map(
      ({ range, message, path }) => `${path ?? FILE.path} «${text.slice(range.start, range.end)}» ${message}`,
    );
  }

  it('that is exceeded stands on its statement, with measure, noise and a way out', async () => {
    const [finding, ...others] = await toleranceFindingsOf(0, '1e-12');
    expect(others).toEqual([]);
    expect(finding).toMatch(
      /^\/plans\/p\.precision «tolerance "y" max_abs <= 1e-12» "y" max_abs is [\de.+-]+ \(worst of the samples, noise 0\.0\), wanted <= 1e-12; `tune` finds/,
    );
    expect((await toleranceFindingsOf(1e6, '1e-12'))[0]).toContain('exceeded within noise');
  });

  it('that holds is no finding', async () => {
    expect(await toleranceFindingsOf(0, '1e6')).toEqual([]);
  });
});
