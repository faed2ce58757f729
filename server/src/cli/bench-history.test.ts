/** Earlier benchmarks as a table: what they ran on stands beside the times. */
import { describe, expect, it } from 'vitest';
import type { KeptBenchmark } from '../analysis/index.js';
import { deviceWords, historyTable } from './bench-history.js';

const KEPT: KeptBenchmark = {
  ...{ at: '2026-01-02T03:04:05.678Z', plan: '/plans/p.precision', decisions: '', input: '' },
  ...{ target: 'webgpu', device: 'A Processor', platform: 'linux-x64', cores: 8 },
  ...{ onnxRuntime: '1.30.0', version: '0.1.0', threads: 1, runs: 50, busy: true, load: 1.25 },
  rows: ['fp32', 'plan', 'fp16'].map((name, at) => ({ name, median: at + 1, p10: 0, p90: 9, bytes: 0 })),
};

describe('the history of benchmarks', () => {
  it('names the graphics device by itself where it is known', () => {
    const words = deviceWords({ device: 'A Processor', graphics: 'files', graphicsDevice: 'A Card' });
    expect(words).toBe('A Card, processor A Processor');
  });

  it('names the graphics devices and the options of the provider, where there are any', () => {
    const graphics = '0x10de:0x2684, driver 570';
    const options = { preferredLayout: 'NHWC', deviceId: 1 };
    const [, , onCard = '', onProcessor = ''] = historyTable([
      { ...KEPT, graphics, options },
      { ...KEPT, target: 'cpu', options: {} },
    ]);
    expect(onCard).toMatch(
      /^2026-01-02 03:04 .*1\.3 \(busy\) +p\.precision +A Processor, graphics 0x10de:0x2684, driver 570, \{ preferredLayout: NHWC, deviceId: 1 \}, linux-x64, ONNX Runtime 1\.30\.0/,
    );
    expect(onProcessor).toMatch(/p\.precision +A Processor, linux-x64, /);
  });

  it('says so where there is none', () => {
    expect(historyTable([])).toEqual(['no benchmark of this model on this target is kept']);
  });
});
