// A model whose inputs and outputs are maps, as classifiers of ai.onnx.ml have them: no subcommand fails, the signature stays, and
// ONNX Runtime loads what is written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { DataType, encodeBytes, encodeFresh, inferTypes, makeGraph } from '../../server/src/onnx/index.js';
import { mapValue } from '../../server/src/onnx/testing/index.js';
import { graphOf, modelOfBytes } from '../conversion/graph-text.js';
import { newFolder, run, runJson } from './command.js';

const TEXT = `input x: float[1,3]
  init w: float[3,3] = 0.5 0.25 2 -1
  p = ai.onnx.ml.DictVectorizer(words) {"string_vocabulary": {"strings": ["a", "b", "c"]}}
  q = ai.onnx.ml.CastMap(numbers) {"cast_to": "TO_FLOAT", "map_form": "SPARSE", "max_map": 3}
  m = Add(p, q)
  n = Mul(m, x)
  g = MatMul(n, w)
  scores = Softmax(g)
  classes = ai.onnx.ml.ZipMap(scores) {"classlabels_strings": {"strings": ["a", "b", "c"]}}
  output scores: float[1,3]`;

function modelBytes(): Uint8Array {
  const parts = graphOf(TEXT);
  const graph = makeGraph({
    ...parts,
    inputs: [mapValue('words', DataType.STRING), mapValue('numbers', DataType.INT64), ...parts.inputs],
    outputs: [...parts.outputs, mapValue('classes', DataType.STRING, 'sequence')],
  });
  const opsets = new Map([
    ['', 17],
    ['ai.onnx.ml', 3],
  ]);
  return encodeBytes(encodeFresh({ irVersion: 8, opsets, graph, functions: [] }));
}

it('maps pass through every subcommand', async () => {
  const folder = newFolder();
  const original = modelBytes();
  writeFileSync(join(folder, 'model.onnx'), original);
  writeFileSync(join(folder, 'plan.precision'), 'model "model.onnx"\ndefault: fp16\n');

  const inspected = await runJson(['inspect', 'model.onnx'], 'inspect', { folder });
  expect(inspected).toMatchObject({
    inputs: [{ name: 'words' }, { name: 'numbers' }, { name: 'x' }],
    outputs: [{ name: 'scores' }, { name: 'classes' }],
  });
  const text = await run(['inspect', 'model.onnx', '--text'], { folder });
  expect(text.status).toBe(0);
  expect(text.out).toContain('ZipMap');

  const checked = (await runJson(['check', 'plan.precision'], 'check', { folder })) as {
    diagnostics: { severity: string; message: string }[];
  };
  expect(checked.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);

  await runJson(['convert', 'plan.precision', '-o', 'mixed.onnx'], 'convert', { folder });
  const mixed = new Uint8Array(readFileSync(join(folder, 'mixed.onnx')));
  const [before, after] = [modelOfBytes(original), modelOfBytes(mixed)];
  expect(inferTypes(after).problems).toEqual([]);
  for (const side of ['inputs', 'outputs'] as const) {
    expect(after.graph[side].map(({ name, type }) => ({ name, type }))).toEqual(
      before.graph[side].map(({ name, type }) => ({ name, type })),
    );
  }
  const session = await ort.InferenceSession.create(mixed, { logSeverityLevel: 3 });
  expect(session.inputNames).toEqual(['words', 'numbers', 'x']);
  expect(session.outputNames).toEqual(['scores', 'classes']);
  await session.release();

  for (const kind of ['json', 'onnxconverter-common']) {
    const exported = await run(['exchange', 'plan.precision', '--to', kind], { folder });
    expect(exported).toMatchObject({ status: 0 });
    expect(exported.out).toContain('p');
  }
  const imported = await run(['exchange', 'plan.precision', '--from', 'mixed-model', 'mixed.onnx'], {
    folder,
  });
  expect(imported).toMatchObject({ status: 0 });
});
