/**
 * A model is exported again while its plan is open: the editor that saved the plan finds its layers under their new names.
 */
import { existsSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { afterEach, expect, it } from 'vitest';
import { DataType, makeGraph, makeNode, makeTensorType, makeValueInfo } from '../../server/src/onnx/index.js';
import { graphBytes } from '../../server/src/onnx/testing/index.js';
import { folderForTests } from '../../server/src/testing/index.js';
import { type Editor, startEditor } from './editor.js';

const folder = folderForTests();
const plan = path.join(folder, 'p.precision');
const lock = `${plan}.lock`;

let editor: Editor;
afterEach(() => editor.kill());

/** A chain of operators, which an exporter names by `name`. */
function writeModel(operators: readonly string[], name: (operator: string, index: number) => string): void {
  const floats = makeTensorType(DataType.FLOAT, [4]);
  const nodes = operators.map((opType, index) =>
    makeNode({
      opType,
      name: name(opType, index),
      inputs: [index === 0 ? 'x' : `t${index}`],
      outputs: [index === operators.length - 1 ? 'y' : `t${index + 1}`],
    }),
  );
  const [inputs, outputs] = [[makeValueInfo('x', floats)], [makeValueInfo('y', floats)]];
  const graph = makeGraph({ name: 'g', nodes, inputs, outputs });
  const bytes = graphBytes(graph);
  writeFileSync(path.join(folder, 'm.onnx'), bytes);
}

/** Waits until the server has written the lock. */
async function locked(): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (!existsSync(lock)) return;
      watcher.close();
      resolve();
    });
    if (existsSync(lock)) {
      watcher.close();
      resolve();
    }
  });
}

it('offers the new names of layers, all at once', async () => {
  const operators = ['Relu', 'Sigmoid', 'Tanh', 'Relu'];
  writeModel(operators, (operator, index) => `${operator}_${index}`);
  const text = `model "m.onnx"
input "x" = zeros
layer "Relu_0", "Relu_3": fp16
layer "Sigmoid_1": fp32
`;
  writeFileSync(plan, text);
  editor = await startEditor({ textDocument: { diagnostic: {} } });
  const document = await editor.open(pathToFileURL(plan).href, text);
  expect(await editor.pull(document)).toEqual([]);
  await Promise.all([
    locked(),
    editor.notify('textDocument/didSave', { textDocument: { uri: document.uri } }),
  ]);

  writeModel(operators, (operator, index) => `/net/${operator.toLowerCase()}.${index}`);
  await editor.changedOnDisk(pathToFileURL(path.join(folder, 'm.onnx')).href);
  const moved = await editor.pull(document);
  const nameIn = (message: unknown) =>
    /it is called "([^"]+)"/.exec(typeof message === 'string' ? message : '')?.[1];
  expect(moved.map(({ code, message }) => [code, nameIn(message)])).toEqual([
    ['layer-moved', '/net/relu.0'],
    ['layer-moved', '/net/relu.3'],
    ['layer-moved', '/net/sigmoid.1'],
  ]);

  const whole = { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } };
  const fixes = await editor.quickFixes(document, whole);
  const all = fixes.filter(({ title }) => title === 'Change all 3 names that have moved');
  expect(all).toHaveLength(1);
  expect(fixes).toHaveLength(4);
  const mended = await editor.edit(document, all[0]?.edit?.changes?.[document.uri] ?? []);
  expect(TextDocument.applyEdits(mended, [])).toBe(`model "m.onnx"
input "x" = zeros
layer "/net/relu.0", "/net/relu.3": fp16
layer "/net/sigmoid.1": fp32
`);
  expect(await editor.pull(mended)).toEqual([]);
  expect(editor.logged).toEqual([]);
});
