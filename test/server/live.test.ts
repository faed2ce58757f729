/** Live numbers over the real protocol: lenses stay where they are while numbers of real inference arrive; a flip. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeLens, InlayHint } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { startEditor, type Editor } from './editor.js';

const TEXT = `model "pose_landmark_lite.onnx"
input "input_1" from "inputs/*.npy"
tolerance "ld_3d" relative_l2 <= 1e-3

default: fp16
layer "conv2d_5/Conv": fp32
`;

const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-server-'));
const uri = pathToFileURL(join(folder, 'pose.precision')).href;
let editor: Editor;
let document: TextDocument;

beforeAll(async () => {
  const pose = resolve('samples/pose');
  mkdirSync(join(folder, 'inputs'));
  cpSync(join(pose, 'pose_landmark_lite.onnx'), join(folder, 'pose_landmark_lite.onnx'));
  cpSync(join(pose, 'inputs/walker_a.npy'), join(folder, 'inputs/walker_a.npy'));
  writeFileSync(join(folder, 'pose.precision'), TEXT);
  editor = await startEditor(
    {
      workspace: { applyEdit: true, codeLens: { refreshSupport: true }, inlayHint: { refreshSupport: true } },
    },
    { cacheFolder: join(folder, 'cache') },
  );
});

afterAll(async () => {
  await editor.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function lenses(): Promise<CodeLens[]> {
  const found = await editor.request<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
  return Promise.all(
    found.map(async (lens) => (lens.command ? lens : editor.request<CodeLens>('codeLens/resolve', lens))),
  );
}

/** Asks again at every notification of the analysis until the lenses are as wanted. */
async function lensesUntil(wanted: (titles: readonly string[]) => boolean): Promise<CodeLens[]> {
  while (true) {
    const heard = editor.nextStatus();
    const found = await lenses();
    if (wanted(found.map((lens) => lens.command?.title ?? ''))) return found;
    await heard;
  }
}

const places = (found: readonly CodeLens[]): number[] => found.map((lens) => lens.range.start.line);

describe('a plan that is open', () => {
  it('has its lenses at once, in their places, and numbers in them when they are measured', async () => {
    document = await editor.open(uri, TEXT);
    const before = await lenses();
    expect(places(before)).toEqual([0, 0, 0, 4, 5]);
    expect(before[0]?.command?.title).toMatch(
      /^132 of 133 layers in low precision · 65 of 66 with weights · /,
    );

    const after = await lensesUntil((titles) =>
      titles.some((title) => /^132 layers · local error in fp16 [\d.e-]+/.test(title)),
    );
    expect(places(after)).toEqual(places(before));
    const measured = await lensesUntil((titles) =>
      /ld_3d relative_l2 [\d.e-]+ of 1\.00e-3: /.test(titles[1] ?? ''),
    );
    expect(measured[4]?.command?.title).toMatch(/ · flip to fp16$/);

    const hints = await editor.request<InlayHint[]>('textDocument/inlayHint', {
      textDocument: { uri },
      range: { start: { line: 0, character: 0 }, end: { line: 6, character: 0 } },
    });
    expect(hints.map((hint) => hint.position.line)).toEqual([5]);
    expect(hints[0]?.label).toMatch(/^local [\d.e-]+ in fp16 · \d+ of 133$/);
  });

  it('is flipped by the command of a lens, and its totals follow', async () => {
    const [, , , , lens] = await lenses();
    const edit = editor.nextEdit();
    await editor.request('workspace/executeCommand', {
      command: lens?.command?.command,
      arguments: lens?.command?.arguments,
    });
    const { edit: change } = await edit;
    expect(change.documentChanges).toMatchObject([{ edits: [{ newText: 'fp16' }] }]);
    const start = document.getText().lastIndexOf('fp32');
    const range = { start: document.positionAt(start), end: document.positionAt(start + 4) };
    await editor.edit(document, [{ range, newText: 'fp16' }]);
    const found = await lenses();
    expect(found[0]?.command?.title).toMatch(/^133 of 133 layers/);
  });
});
