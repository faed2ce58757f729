/**
 * Live numbers over the real protocol, of real inference: lenses stay where they are while numbers arrive, findings come
 * and go with what the plan says, flips are edits, and the editor is asked again only for what looks different.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ApplyWorkspaceEditParams,
  type CodeLens,
  type Diagnostic,
  DiagnosticSeverity,
  type InlayHint,
  TextDocumentEdit,
  type TextEdit,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { folderForTests } from '../../server/src/testing/index.js';
import { startEditor, type Editor } from './editor.js';

const TEXT = `model "pose_landmark_lite.onnx"
input "input_1" from "inputs/*.npy"
tolerance "ld_3d" relative_l2 <= 1e-3

default: fp16
layer "conv2d_5/Conv": fp32
`;

/** Values beyond FP16 from the first layer on. */
const OVERFLOWING = `model "pose_landmark_lite.onnx"
input "input_1" = constant(1e6) { count: 1 }

default: fp16
`;

const folder = folderForTests();
const everything = { start: { line: 0, character: 0 }, end: { line: 100, character: 0 } };
const options = { cacheFolder: join(folder, 'cache') };
let editor: Editor;

beforeAll(async () => {
  const pose = resolve('samples/pose');
  mkdirSync(join(folder, 'inputs'));
  cpSync(join(pose, 'pose_landmark_lite.onnx'), join(folder, 'pose_landmark_lite.onnx'));
  cpSync(join(pose, 'inputs/walker_a.npy'), join(folder, 'inputs/walker_a.npy'));
  const refresh = { refreshSupport: true };
  editor = await startEditor(
    {
      workspace: { applyEdit: true, codeLens: refresh, inlayHint: refresh, diagnostics: refresh },
      textDocument: { diagnostic: {}, publishDiagnostics: { relatedInformation: true } },
    },
    { ...options, computeNode: process.execPath },
  );
});

afterAll(() => editor.stop());

async function open(name: string, text: string): Promise<TextDocument> {
  writeFileSync(join(folder, name), text);
  return editor.open(pathToFileURL(join(folder, name)).href, text);
}

async function lensesOf(document: TextDocument): Promise<CodeLens[]> {
  const found = await editor.ask<CodeLens[]>('textDocument/codeLens', document);
  return Promise.all(
    found.map(async (lens) => (lens.command ? lens : editor.request<CodeLens>('codeLens/resolve', lens))),
  );
}

const titleOf = (lens: CodeLens | undefined): string => lens?.command?.title ?? '';
const placesOf = (lenses: readonly CodeLens[]): number[] => lenses.map(({ range }) => range.start.line);

/** Looks again at every word of the analysis until it finds what is wanted. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  while (true) {
    const heard = editor.nextStatus();
    const found = await look();
    if (found !== undefined) return found;
    await heard;
  }
}

/** Waits until the analysis of a plan has come to its end. */
async function idle(document: TextDocument): Promise<void> {
  await until(async () => {
    const [, verdict] = await lensesOf(document);
    return / · (waiting|measuring)/.test(titleOf(verdict)) || titleOf(verdict).includes('not measured')
      ? undefined
      : true;
  });
}

/** The findings among the diagnostics of a plan, as `CODE on TEXT`. */
async function findings(document: TextDocument, code: string): Promise<Diagnostic[]> {
  return (await editor.pull(document)).filter((one) => one.code === code);
}

/** Asks for diagnostics as an editor does: at first, and whenever it is told to ask again. */
async function findingsUntil(
  document: TextDocument,
  code: string,
  wanted: (found: readonly Diagnostic[]) => boolean,
): Promise<Diagnostic[]> {
  while (true) {
    const refreshed = editor.nextRefresh();
    const found = await findings(document, code);
    if (wanted(found)) return found;
    await refreshed;
  }
}

/** Clicks a lens, and gives the edits that the server wants made. */
async function click(lens: CodeLens | undefined): Promise<TextEdit[]> {
  const edit = editor.nextEdit();
  await editor.request('workspace/executeCommand', {
    command: lens?.command?.command,
    arguments: lens?.command?.arguments,
  });
  return textEdits(await edit);
}

function textEdits({ edit }: ApplyWorkspaceEditParams): TextEdit[] {
  return (edit.documentChanges ?? [])
    .filter((change) => TextDocumentEdit.is(change))
    .flatMap(({ edits }) => edits.filter((one): one is TextEdit => 'newText' in one));
}

describe('a plan that is open', () => {
  let document: TextDocument;

  it('has its lenses at once, and the same ones while numbers arrive', async () => {
    document = await open('pose.precision', TEXT);
    const before = await lensesOf(document);
    // At the top: totals, verdict and the actions; then each statement, and three layers of the one that decides many.
    const statements = placesOf(before).filter((line) => line > 0);
    expect(statements).toEqual([4, 4, 4, 4, 5]);
    expect(titleOf(before[0])).toMatch(/^132 of 133 layers in low precision · 65 of 66 with weights · /);
    expect(before.map(titleOf)).toEqual(
      expect.arrayContaining(['132 layers · error not measured · flip to fp32', '…']),
    );

    const seen = new Set<string>();
    const measured = await until(async () => {
      const now = await lensesOf(document);
      expect(placesOf(now)).toEqual(placesOf(before));
      now.map(titleOf).forEach((title) => seen.add(title));
      return now.some((lens) => /measured error in fp16 .* ms · flip/.test(titleOf(lens))) ? now : undefined;
    });
    await idle(document);
    expect([...seen].some((title) => /^132 layers · worst local error in fp16 [\d.e-]+/.test(title))).toBe(
      true,
    );
    const whole = measured.find((lens) => titleOf(lens).startsWith('132 layers'));
    expect(titleOf(whole)).toMatch(
      /^132 layers · worst measured error in fp16 [\d.e-]+, [\d.]+ (% of|times) the tolerance · [\d.]+ → [\d.]+ ms · flip to fp32$/,
    );
    const [, verdict] = await lensesOf(document);
    expect(titleOf(verdict)).toMatch(/^measured: ld_3d relative_l2 [\d.e-]+ of 1\.00e-3: exceeded$/);
  });

  it('has hints at the ends of the lines that set a tolerance or name a layer', async () => {
    const hints = await editor.ask<InlayHint[]>('textDocument/inlayHint', document, { range: everything });
    expect(hints.map(({ position }) => position.line)).toEqual([2, 5]);
    expect(hints[0]?.label).toMatch(/^[\d.e-]+: exceeded$/);
    expect(hints[1]?.label).toMatch(/^would use .* the tolerance in fp16 · \d+ of 133$/);
  });

  it('is not asked about again where a second analysis finds the same', async () => {
    const before = [editor.refreshes(), editor.hintRefreshes()];
    const lenses = await lensesOf(document);
    const analyze = lenses.find((lens) => titleOf(lens) === 'Analyze');
    const started = editor.nextStatus();
    await editor.request('workspace/executeCommand', { ...analyze?.command });
    await started;
    await idle(document);
    // Times are taken anew where the machine was too busy for them to be kept.
    const withoutTimes = (lens: CodeLens) => titleOf(lens).replace(/[\d.]+ → [\d.]+ ms/, 'ms');
    expect((await lensesOf(document)).map(withoutTimes)).toEqual(lenses.map(withoutTimes));
    expect([editor.refreshes(), editor.hintRefreshes()]).toEqual(before);
  });

  it('is flipped layer by layer, and says what is predicted of it until it is measured again', async () => {
    const [exceeded, ...others] = await findingsUntil(document, 'tolerance-exceeded', (all) =>
      all.some(({ severity }) => severity === DiagnosticSeverity.Error),
    );
    expect(exceeded?.severity).toBe(DiagnosticSeverity.Error);
    expect(document.getText(exceeded?.range)).toBe('tolerance "ld_3d" relative_l2 <= 1e-3');
    expect(others.map(({ severity, range }) => [severity, document.getText(range)])).toEqual([
      [DiagnosticSeverity.Information, 'default: fp16'],
    ]);

    const lens = (await lensesOf(document)).find((one) => titleOf(one).startsWith('flip '));
    const name = String(lens?.command?.arguments?.[1]);
    const edits = await click(lens);
    const comment = {
      range: { start: document.positionAt(0), end: document.positionAt(0) },
      newText: '# pose\n',
    };
    document = await editor.edit(document, [comment, ...edits]);
    expect(document.getText()).toContain(`default: fp16\nlayer "${name}": fp32\n`);
    const [predicted] = await findings(document, 'tolerance-predicted');
    expect(predicted?.severity).toBe(DiagnosticSeverity.Warning);
    expect(predicted?.message).toMatch(/^"ld_3d" relative_l2 is predicted to be 0\.00\d+ \(/);
    expect(document.getText(predicted?.range)).toBe('tolerance "ld_3d" relative_l2 <= 1e-3');
    expect(titleOf((await lensesOf(document))[0])).toMatch(/^131 of 133 layers/);
  });

  it('loses its finding when it is flipped as a whole', async () => {
    const whole = (await lensesOf(document)).find((lens) => titleOf(lens).startsWith('131 layers'));
    const edits = await click(whole);
    expect(edits).toMatchObject([{ newText: 'fp32' }]);
    document = await editor.edit(document, edits);
    expect(await findingsUntil(document, 'tolerance-exceeded', (found) => found.length === 0)).toEqual([]);
    await idle(document);
    expect(titleOf((await lensesOf(document))[1])).toBe('measured: ld_3d relative_l2 0 of 1.00e-3: holds');
    await editor.close(document);
  });

  it('leaves no error in the log, which tells of the compute process', () => {
    expect(editor.logged).toEqual([]);
    expect(editor.remarks).toContainEqual(expect.stringMatching(/^compute process \d+: ONNX Runtime 1\./));
  });
});

describe('a plan whose layers overflow', () => {
  it('says so, and is mended by the quick fix', async () => {
    let document = await open('overflow.precision', OVERFLOWING);
    const [overflow, ...others] = await findingsUntil(document, 'overflow', (found) => found.length > 0);
    expect(others).toEqual([]);
    expect(overflow).toMatchObject({
      severity: DiagnosticSeverity.Error,
      message: expect.stringContaining('beyond the range of fp16') as string,
    });
    expect(document.getText(overflow?.range)).toBe('default: fp16');
    // This editor shows no listing of the model: the layers stand on what decides them.
    const related = overflow?.relatedInformation ?? [];
    expect(related.length).toBeGreaterThan(0);
    for (const { location, message } of related) {
      expect(location).toEqual({ uri: document.uri, range: overflow?.range });
      expect(message).toMatch(/^"[^"]+"$/);
    }

    const fixes = await editor.quickFixes(document, overflow?.range ?? everything);
    const fix = fixes.find(({ title }) => /^Run .* in FP32$/.test(title));
    document = await editor.edit(document, fix?.edit?.changes?.[document.uri] ?? []);
    // Ranges are those of the original model: no other layer begins to overflow.
    expect(await findings(document, 'overflow')).toEqual([]);
    await editor.close(document);
  });
});

describe('an editor', () => {
  it('that does not ask for diagnostics is sent the findings', async () => {
    const other = await startEditor({}, options);
    try {
      const uri = pathToFileURL(join(folder, 'pushed.precision')).href;
      const document = await other.open(uri, OVERFLOWING);
      const found = await other.pushed(document, (all) => all.some(({ code }) => code === 'overflow'));
      const overflow = found.find(({ code }) => code === 'overflow');
      expect(document.getText(overflow?.range)).toBe('default: fp16');
      await other.stop();
    } finally {
      await other.kill();
    }
  });

  it('that names another Node for inference is told when that does not run', async () => {
    const other = await startEditor({}, { ...options, computeNode: join(folder, 'no-such-node') });
    try {
      const document = await other.open(pathToFileURL(join(folder, 'node.precision')).href, TEXT);
      while ((await other.nextStatus()).state !== 'failed');
      const [, verdict] = await other.ask<CodeLens[]>('textDocument/codeLens', document);
      const resolved = await other.request<CodeLens>('codeLens/resolve', verdict ?? {});
      expect(titleOf(resolved)).toMatch(/^analysis failed: /);
      await other.stop();
    } finally {
      await other.kill();
    }
  });

  it('that says which plan the user sees has that one analysed first', async () => {
    // What is kept already is told at once, before anybody can overtake.
    const other = await startEditor({}, { cacheFolder: join(folder, 'empty cache') });
    try {
      const uris = ['hidden', 'seen'].map((name) => pathToFileURL(join(folder, `${name}.precision`)).href);
      await other.notify('onnxPrecision/visible', { uris: uris.slice(1) });
      for (const [index, uri] of uris.entries())
        await other.open(uri, `${TEXT}op Clip: fp${16 * (index + 1)}\n`);
      let status = await other.nextStatus();
      while (status.state !== 'idle') status = await other.nextStatus();
      expect(status.path).toBe(join(folder, 'seen.precision'));
      await other.stop();
    } finally {
      await other.kill();
    }
  });
});
