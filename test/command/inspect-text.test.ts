/** `inspect --text`: the whole model as ONNX text, and the same JSON document as without. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { POSE, run, runJson } from './command.js';

const model = join(POSE, 'pose_landmark_lite.onnx');

it('inspect --text prints the model as ONNX text, each node once and no weights', async () => {
  const { status, out } = await run(['inspect', model, '--text']);
  expect(status).toBe(0);
  const lines = out.trimEnd().split('\n');
  expect(lines[0]).toBe('<');
  const document = await runJson(['inspect', model, '--text'], 'inspect');
  expect(document).toEqual(await runJson(['inspect', model], 'inspect'));
  const { nodes, layers } = document as { nodes: number; layers: { name: string }[] };
  expect(lines.filter((line) => line.includes('  # ')).length).toBe(nodes);
  for (const { name } of layers) expect(out).toContain(`[${JSON.stringify(name)}] `);
  // 2.8 MB of weights would show.
  expect(out.length).toBeLessThan(200_000);
});
