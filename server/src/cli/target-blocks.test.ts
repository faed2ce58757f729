/** What `targets` writes, for findings that are given. */
import { expect, it } from 'vitest';
import { targetBlock } from './target-blocks.js';

function operator(name: string, outcome: 'native' | 'through casts' | 'elsewhere' | 'refused', detail = '') {
  return { operator: name, format: 'fp16', outcome, detail } as const;
}

it('shows operators by what becomes of them, and sums by how they are added up', () => {
  const found = (name: string, accumulation: 'fp16' | 'fp32' | 'between', chunk?: number) => ({
    ...{ operator: name, accumulation, sum: Number.NaN },
    ...(chunk === undefined ? {} : { chunk }),
  });
  const lines = targetBlock(
    {
      ...{ name: 'webgpu', usable: true, summary: 'It runs on a device.', advice: undefined },
      accumulation: [
        found('Conv', 'fp16'),
        found('MatMul', 'between', 64),
        found('Gemm', 'fp16'),
        { ...found('Softmax', 'between'), lanes: 64 },
      ],
    },
    [
      operator('Det', 'elsewhere', 'CPUExecutionProvider'),
      operator('Conv', 'native', 'WebGpuExecutionProvider'),
      operator('Loop', 'refused', 'It is not known.'),
      operator('Relu', 'native', 'WebGpuExecutionProvider'),
      operator('If', 'refused', 'It failed.'),
    ],
  );
  expect(lines).toEqual([
    'webgpu: usable',
    '  It runs on a device.',
    '  FP16 layers are added up: Conv, Gemm in FP16; MatMul in FP16, in several sums of about 64 products; Softmax',
    '  in FP16, in about 64 sums side by side',
    '  operators in fp16:',
    '    native         Conv, Relu',
    '    elsewhere      Det: CPUExecutionProvider',
    '    refused        Loop: It is not known.',
    '                   If: It failed.',
  ]);
});

it('is no wider than a terminal, and breaks no command', () => {
  const command = `npm rebuild ${'--option '.repeat(9)}--last`;
  const words = 'What it takes to get it here is said at length. '.repeat(9);
  const unusable = { name: 'cuda', usable: false, accumulation: [] } as const;
  const lines = targetBlock({ ...unusable, summary: words, advice: `${words}(\`${command}\`) ${words}` }, []);
  expect(lines[0]).toBe('cuda: not usable');
  expect(lines.filter((line) => line.includes(`(\`${command}\`)`))).toHaveLength(1);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
  const many = Array.from({ length: 60 }, (_, index) => operator(`Operator${index}`, 'native'));
  const usable = { ...unusable, usable: true, summary: '', advice: undefined };
  for (const line of targetBlock(usable, many)) expect(line.length).toBeLessThanOrEqual(110);
});
