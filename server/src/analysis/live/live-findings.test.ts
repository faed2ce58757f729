/** Findings of real numbers, on the plan as it is written now: on the right statement, and never about other decisions. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../onnx/index.js';
import { floatTensor, writeModel } from '../testing/index.js';
import { liveFindings } from './live-findings.js';
import type { PlanNumbers } from './numbers.js';
import { boundPlan, endOf, liveForTests } from './testing.js';

const HEAD = 'input "x" = ones { count: 2 }\n';
const TOLERANCE = 'tolerance "y" relative_l2 <= 1e-9\n';
/** `up` is beyond the range of FP16, `thirds` errs by what it is rounded. */
const PLAN = `${HEAD}${TOLERANCE}default: fp32\nlayer "up": bf16\nlayer "thirds": fp16\n`;

const live = liveForTests();
const { folder } = live;
const path = join(folder, 'p.precision');
const model = writeModel(join(folder, 'model.onnx'), {
  nodes: [
    makeNode({ opType: 'Mul', name: 'thirds', inputs: ['x', 'third'], outputs: ['a'] }),
    makeNode({ opType: 'Mul', name: 'up', inputs: ['a', 'million'], outputs: ['b'] }),
    makeNode({ opType: 'Add', name: 'all', inputs: ['a', 'b'], outputs: ['y'] }),
  ],
  weights: [
    floatTensor('third', [1], Float32Array.of(1 / 3)),
    floatTensor('million', [1], Float32Array.of(1e6)),
  ],
  inputs: { x: [1, 4] },
  outputs: { y: [1, 4] },
});

async function numbersOf(text: string): Promise<PlanNumbers> {
  const analysis = await live.start('findings');
  analysis.update(boundPlan(path, model, text));
  const numbers = await endOf(analysis, path);
  analysis.close(path);
  return numbers;
}

/** The findings as `severity code «the text they stand on» message`. */
function shown(text: string, numbers: PlanNumbers): string[] {
  const whole = `model "model.onnx"\n${text}`;
  return liveFindings(boundPlan(path, model, text), numbers).map(
    ({ severity, code, range, message }) =>
      `${severity} ${code} «${whole.slice(range.start, range.end)}» ${message}`,
  );
}

describe('what live analysis found', () => {
  it('stands on the tolerance, on what costs most and on what is beyond the range', async () => {
    const text = `${HEAD}${TOLERANCE}default: fp32\nlayer "thirds": fp16\nlayer "all": fp16\n`;
    expect(shown(text, await numbersOf(text))).toEqual([
      expect.stringMatching(
        /^error overflow «layer "all": fp16» beyond .* "all" 8 of 8 values, largest 3\.333e\+5 \(sample 0, index 0\)$/u,
      ),
      expect.stringMatching(/^error tolerance-exceeded «tolerance .* 1e-9» "y" relative_l2 is Infinity/u),
      expect.stringMatching(
        /^information tolerance-exceeded «layer "all": fp16» .*: "all" alone errs beyond all bounds$/u,
      ),
      expect.stringMatching(
        /^information tolerance-exceeded «layer "thirds": fp16» .*: "thirds" alone errs \S+ times as much/u,
      ),
    ]);
  });

  it('moves with the text', async () => {
    const text = `${HEAD}${TOLERANCE}default: fp16\n`;
    const numbers = await numbersOf(text);
    expect(shown(`# a comment\n\n${text}`, numbers)).toEqual(shown(text, numbers));
  });

  it('is judged by the limit of now', async () => {
    const text = PLAN.replace('layer "up": bf16\n', '');
    const numbers = await numbersOf(text);
    expect(shown(text, numbers)).toHaveLength(2);
    expect(shown(text.replace('1e-9', '0.5'), numbers)).toEqual([]);
  });

  it('of ranges holds for other decisions, of tolerances does not', async () => {
    const text = `${HEAD}${TOLERANCE}layer "thirds", "all": fp16\n`;
    const numbers = await numbersOf(text);
    const flipped = `${HEAD}${TOLERANCE}layer "thirds": fp32\nlayer "up": fp16\n`;
    expect(shown(flipped, numbers)).toEqual([
      expect.stringMatching(/^error overflow «layer "up": fp16» .*"up" \d+ of \d+ values/u),
    ]);
    expect(shown(text, { ...numbers, verdictIsStale: true })).toHaveLength(1);
  });

  it('of ranges is judged by the scale of now', async () => {
    const text = `${HEAD}layer "thirds": fp16\n`;
    const numbers = await numbersOf(text);
    expect(shown(text, numbers)).toEqual([]);
    expect(shown(text.replace('fp16', 'fp16 { scale: 2^20 }'), numbers)).toEqual([
      expect.stringMatching(
        /^error overflow «layer "thirds": fp16 \{ scale: 2\^20 \}» .*"thirds" 8 of 8 values/u,
      ),
    ]);
  });

  it('names no layers that cost most while the worst may not have been measured yet', async () => {
    const text = PLAN.replace('layer "up": bf16\n', '');
    const numbers = await numbersOf(text);
    const arriving = { ...numbers, measured: { done: 1, total: 3 } };
    expect(shown(text, arriving)).toEqual([expect.stringMatching(/^error tolerance-exceeded/u)]);
  });
});
