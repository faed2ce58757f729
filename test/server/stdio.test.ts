/** The language server as an editor meets it: its process, the protocol, the sample's real model. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { ClientCapabilities, Diagnostic } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { writeChain } from '../../server/src/analysis/testing/index.js';
import { foldersForTests } from '../../server/src/testing/index.js';
import { besideSample, type Editor, startEditor } from './editor.js';

const pulling: ClientCapabilities = {
  textDocument: { diagnostic: {} },
  workspace: { diagnostics: { refreshSupport: true }, didChangeWatchedFiles: { dynamicRegistration: true } },
};
const pushedTo: ClientCapabilities = {};

/** The two lines of a plan that nothing is to be said about. */
const model = 'model "pose_landmark_lite.onnx"\ninput "input_1" = uniform(0, 1)\n';

const newFolder = foldersForTests();
let editor: Editor;
afterEach(() => editor.kill());

async function start(capabilities: ClientCapabilities): Promise<void> {
  editor = await startEditor(capabilities);
}

/** `CODE at TEXT` for each diagnostic. */
function summary(document: TextDocument, diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, range }) => `${String(code)} at ${document.getText(range)}`);
}

describe('diagnostics', () => {
  it('are given to an editor that asks, and never sent to it', async () => {
    await start(pulling);
    expect(editor.capabilities.diagnosticProvider).toBeDefined();
    const document = await editor.open(
      besideSample('new.precision'),
      `${model}layer "conv2d_5/Convv": fp32\n`,
    );
    expect(summary(document, await editor.pull(document))).toEqual(['unknown-layer at "conv2d_5/Convv"']);
    const changed = await editor.edit(document, [{ range: wholeLine(2), newText: 'op Softmaxx: fp16\n' }]);
    expect(summary(changed, await editor.pull(changed))).toEqual(['unknown-op at Softmaxx']);
  });

  it('are not sent to an editor that asks after the delay after which they would be, either', async () => {
    const folder = newFolder();
    editor = await startEditor(pulling, { cacheFolder: path.join(folder, 'cache') });
    let status = editor.nextStatus();
    await editor.open(besideSample('new.precision'), `${model}layer "conv2d_5/Convv": fp32\n`);
    // Inference begins after a longer time of quiet.
    while ((await status).state !== 'working') status = editor.nextStatus();
    expect(editor.published).toEqual([]);
  });

  it('are sent to an editor that does not ask, and taken back when the plan is closed', async () => {
    await start(pushedTo);
    expect(editor.capabilities.diagnosticProvider).toBeUndefined();
    const document = await editor.open(
      besideSample('new.precision'),
      `${model}layer "conv2d_5/Convv": fp32\n`,
    );
    expect(summary(document, await editor.pushed(document))).toEqual(['unknown-layer at "conv2d_5/Convv"']);
    const changed = await editor.edit(document, [{ range: wholeLine(2), newText: '' }]);
    expect(await editor.pushed(changed)).toEqual([]);
    await editor.close(changed);
    await editor.stop();
    expect(editor.published.at(-1)).toEqual({ uri: document.uri, diagnostics: [] });
  });

  it('see an included fragment as it is in the editor, and stand on the include', async () => {
    await start(pulling);
    const plan = await editor.open(besideSample('new.precision'), `${model}include "team.precision"\n`);
    expect(summary(plan, await editor.pull(plan))).toEqual(['include-missing at "team.precision"']);
    const fragment = await editor.open(besideSample('team.precision'), '# ours\nop Softmaxx: fp32\n');
    const [diagnostic, ...others] = await editor.pull(plan);
    expect(others).toEqual([]);
    expect(summary(plan, diagnostic === undefined ? [] : [diagnostic])).toEqual([
      'unknown-op at "team.precision"',
    ]);
    const related = diagnostic?.relatedInformation?.[0]?.location;
    expect(related?.uri).toBe(fragment.uri);
    expect(fragment.getText(related?.range)).toBe('Softmaxx');
  });

  it('follow the model on disk when the editor tells of a change', async () => {
    const folder = newFolder();
    await start(pulling);
    const uri = pathToFileURL(path.join(folder, 'pose.precision')).href;
    const document = await editor.open(uri, model);
    expect(summary(document, await editor.pull(document))).toEqual([
      'model-not-found at "pose_landmark_lite.onnx"',
    ]);
    expect(editor.registered).toEqual(['workspace/didChangeWatchedFiles']);
    const endings = /^\*\*\/\*\.\{(.*)\}$/.exec(editor.watched.join())?.[1]?.split(',');
    // Models, plans, samples, metrics and profiles: all that a plan names and that is read as it is bound.
    expect(endings).toEqual(expect.arrayContaining(['onnx', 'precision', 'npy', 'png', 'mjs', 'json']));
    const copy = path.join(folder, 'pose_landmark_lite.onnx');
    copyFileSync('samples/pose/pose_landmark_lite.onnx', copy);
    await editor.changedOnDisk(pathToFileURL(copy).href);
    expect(await editor.pull(document)).toEqual([]);
    expect(editor.refreshes()).toBe(1);
  });

  it('of a plan that is saved nowhere are those of its text', async () => {
    await start(pulling);
    const document = await editor.open('untitled:Untitled-1', `${model}layer "nowhere": fp33\n`);
    expect(summary(document, await editor.pull(document))).toEqual(['unknown-format at fp33']);
  });
});

describe('quick fixes', () => {
  it('mend what they are offered for', async () => {
    await start(pulling);
    const document = await editor.open(
      besideSample('new.precision'),
      `${model}layer "conv2d_5/Convv": fp32\n`,
    );
    const [diagnostic] = await editor.pull(document);
    const fixes = await editor.quickFixes(document, diagnostic?.range ?? wholeLine(0));
    const fix = fixes.find(({ title }) => title.includes('"conv2d_5/Conv"'));
    expect(fix?.kind).toBe('quickfix');
    expect(fix?.diagnostics).toEqual([diagnostic]);
    const mended = await editor.edit(document, fix?.edit?.changes?.[document.uri] ?? []);
    expect(mended.getText()).toBe(`${model}layer "conv2d_5/Conv": fp32\n`);
    expect(await editor.pull(mended)).toEqual([]);
  });

  it('are not offered elsewhere', async () => {
    await start(pulling);
    const document = await editor.open(
      besideSample('new.precision'),
      `${model}layer "conv2d_5/Convv": fp32\n`,
    );
    expect(await editor.quickFixes(document, wholeLine(0, 0))).toEqual([]);
  });
});

describe('formatting', () => {
  it('changes what is to be changed, and nothing in a formatted plan', async () => {
    await start(pulling);
    const document = await editor.open(besideSample('new.precision'), `${model}op   Softmax,Mul  :fp32   \n`);
    const formatted = await editor.edit(document, await editor.formatting(document));
    expect(formatted.getText()).toBe(`${model}op Softmax, Mul: fp32\n`);
    expect(await editor.formatting(formatted)).toEqual([]);
  });
});

describe('the process', () => {
  it('survives 10 MB of garbage and goes on serving other plans', async () => {
    await start(pulling);
    const garbage = await editor.open(besideSample('garbage.precision'), makeGarbage(10 * 1024 * 1024));
    expect((await editor.pull(garbage)).length).toBeGreaterThan(0);
    await editor.formatting(garbage);
    await editor.quickFixes(garbage, wholeLine(0));
    const document = await editor.open(
      besideSample('new.precision'),
      `${model}layer "conv2d_5/Convv": fp32\n`,
    );
    expect(summary(document, await editor.pull(document))).toEqual(['unknown-layer at "conv2d_5/Convv"']);
    expect(editor.logged).toEqual([]);
  });

  it('ends as the protocol asks', async () => {
    await start(pushedTo);
    expect(await editor.stop()).toBe(0);
  });
});

describe('the command', () => {
  const command = path.resolve('bin/onnx-precision.js');

  it('serves any editor that starts `onnx-precision lsp --stdio`', async () => {
    editor = await startEditor(pulling, { runsInference: false }, { script: command, words: ['lsp'] });
    expect(editor.capabilities.documentFormattingProvider).toBe(true);
    const document = await editor.open(
      besideSample('new.precision'),
      `${model}layer "conv2d_5/Convv": fp32\n`,
    );
    expect(summary(document, await editor.pull(document))).toEqual(['unknown-layer at "conv2d_5/Convv"']);
    const changed = await editor.edit(document, [{ range: wholeLine(2), newText: '' }]);
    expect(await editor.pull(changed)).toEqual([]);
    expect(editor.logged).toEqual([]);
    expect(await editor.stop()).toBe(0);
  });

  it.each([
    [(at: string) => ['--cache', at], true],
    [() => ['--no-cache'], false],
  ])('keeps results where it is told to, whatever the editor says (%#)', async (words, isKept) => {
    const folder = newFolder();
    const [told, asked] = [path.join(folder, 'told'), path.join(folder, 'asked')];
    writeChain(path.join(folder, 'm.onnx'), 1);
    editor = await startEditor(
      pulling,
      { cacheFolder: asked },
      { script: command, words: ['lsp', ...words(told)] },
    );
    let status = editor.nextStatus();
    const uri = pathToFileURL(path.join(folder, 'p.precision')).href;
    await editor.open(uri, 'model "m.onnx"\ninput "x" = ones { count: 1 }\ndefault: fp16\n');
    while ((await status).state !== 'idle') status = editor.nextStatus();
    expect(await editor.stop()).toBe(0);
    expect([existsSync(told), existsSync(asked)]).toEqual([isKept, false]);
  });

  it('loads the server for `lsp` only, and ONNX Runtime for nobody', () => {
    const folder = newFolder();
    const report = path.join(folder, 'loaded.txt');
    const preload = path.join(folder, 'preload.cjs');
    const names = "Object.keys(require.cache).join('\\n')";
    writeFileSync(
      preload,
      `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(report)}, ${names}));`,
    );
    /** The modules that `words` loads, their input at its end. */
    const loaded = (words: readonly string[]): string => {
      spawnSync(process.execPath, ['--require', preload, command, ...words], { input: '' });
      return readFileSync(report, 'utf8').replaceAll('\\', '/');
    };
    const server = loaded(['lsp', '--stdio']);
    expect(server).toMatch(/dist\/server\.js$/m);
    expect(server).not.toMatch(/onnxruntime/);
    const version = loaded(['--version']);
    expect(version).toMatch(/dist\/cli\.js$/m);
    expect(version).not.toMatch(/dist\/server\.js|onnxruntime/);
  });
});

function wholeLine(line: number, lines = 1) {
  return { start: { line, character: 0 }, end: { line: line + lines, character: 0 } };
}

/** Text without sense, the same in every run: bytes of all kinds, with quotes, braces and line breaks among them. */
function makeGarbage(length: number): string {
  const parts: string[] = [];
  let state = 1;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    parts.push(String.fromCharCode(state >>> 24));
  }
  return parts.join('');
}
