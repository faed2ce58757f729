/** The commands that work on a model, over the real protocol and with real inference: tune, convert, verify, benchmark, new plan. */
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CodeLens, TextEdit } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { folderForTests } from '../../server/src/testing/index.js';
import { type Editor, startEditor } from './editor.js';

/** What commands answer, as far as these tests look. */
interface Outcome {
  readonly status: string;
  readonly severity: string;
  readonly message: string;
  readonly code?: string;
  readonly report?: { readonly title: string; readonly page: string };
  readonly written?: string;
  readonly speed?: { readonly path: string };
  readonly result?: Readonly<Record<string, unknown>>;
}

const HEADER = 'model "pose.onnx"\ninput "input_1" = uniform(0, 1) { count: 1 }\n';

const folder = folderForTests();
const inFolder = (name: string): string => join(folder, name);
const uriOf = (name: string): string => pathToFileURL(inFolder(name)).href;

cpSync(resolve('samples/pose/pose_landmark_lite.onnx'), inFolder('pose.onnx'));

/** An editor that shows progress and nothing of ours. */
const plain = { workspace: { applyEdit: true }, window: { workDoneProgress: true } };

let editor: Editor;

function start(options: object = {}, experimental: object = {}): Promise<Editor> {
  return startEditor({ ...plain, experimental }, { cacheFolder: inFolder('cache'), ...options });
}

function run(name: string, ...words: unknown[]): Promise<Outcome> {
  const command = `onnxPrecision.server.${name}`;
  return editor.request<Outcome>('workspace/executeCommand', { command, arguments: words });
}

function openPlan(name: string, text: string): Promise<TextDocument> {
  writeFileSync(inFolder(name), text);
  return editor.open(uriOf(name), text);
}

describe('a command', () => {
  beforeEach(async () => {
    editor = await start();
  });
  afterEach(async () => {
    expect(await editor.stop()).toBe(0);
  });

  it('verifies a plan: holds', async () => {
    await openPlan('holds.precision', `${HEADER}tolerance "ld_3d" relative_l2 <= 1\ndefault: fp16\n`);
    const outcome = await run('verify', uriOf('holds.precision'));
    expect(outcome).toMatchObject({
      status: 'done',
      severity: 'information',
      result: { holds: true, samples: 1, tolerances: [{ metric: 'relative_l2', verdict: 'holds' }] },
    });
    expect(outcome.message).toMatch(/^the plan holds: ld_3d relative_l2 [\d.e-]+ of 1: holds$/);
    expect(outcome.report?.page).toContain('<td>relative_l2 &lt;= 1</td>');
    expect(editor.shown).toEqual([`ONNX Precision: ${outcome.message}`]);
  });

  it('verifies a plan: exceeded, and an error never holds', async () => {
    const text = `${HEADER}tolerance "ld_3d" relative_l2 <= 1e-9\ndefault: fp16\n`;
    await openPlan('exceeded.precision', text);
    const outcome = await run('verify', uriOf('exceeded.precision'));
    expect(outcome).toMatchObject({ status: 'done', severity: 'warning', result: { holds: false } });
    expect(outcome.message).toContain('exceeds its tolerances');

    await openPlan('faulty.precision', `${HEADER}default: fp32\nlayer "no-such": fp16\n`);
    const faulty = await run('verify', uriOf('faulty.precision'));
    expect(faulty).toMatchObject({ status: 'done', severity: 'warning', result: { holds: false } });
    expect(faulty.message).toContain('no-such');
  });

  it('shows progress that ends, with a button that stops it at once', async () => {
    const text = `model "pose.onnx"\ninput "input_1" = uniform(0, 1) { count: 40 }\ntolerance "ld_3d" relative_l2 <= 1e-3\ndefault: fp16\n`;
    await openPlan('long.precision', text);
    const begun = editor.nextProgress(({ kind }) => kind === 'begin');
    const outcome = run('tune', uriOf('long.precision'));
    const progress = await begun;
    expect(progress).toMatchObject({ title: 'ONNX Precision: Tuning', percentage: 0, cancellable: true });
    await editor.nextProgress(({ kind, percentage = 0 }) => kind === 'report' && percentage > 0);
    const ended = editor.nextProgress(({ kind }) => kind === 'end');
    await editor.cancelProgress(progress);
    expect((await outcome).status).toBe('cancelled');
    await ended;
    expect(editor.shown).toEqual([]);
  });

  it('stops a benchmark in the middle, and keeps nothing of it', async () => {
    await openPlan('stopped.precision', `${HEADER}default: fp16\n`);
    const begun = editor.nextProgress(({ kind }) => kind === 'begin');
    const outcome = run('benchmark', uriOf('stopped.precision'), { runs: 9999 });
    const progress = await begun;
    expect(progress).toMatchObject({ title: 'ONNX Precision: Benchmarking', cancellable: true });
    await editor.nextProgress(({ kind, message }) => kind === 'report' && message === 'timed runs');
    await editor.cancelProgress(progress);
    expect((await outcome).status).toBe('cancelled');
  });

  it('tunes a plan: one edit that keeps its comments, made by the editor', async () => {
    const text = `# kept\n${HEADER}tolerance "ld_3d" relative_l2 <= 0.5\n\ndefault: fp32 # and this\n`;
    const document = await openPlan('tune.precision', text);
    const edit = editor.nextEdit();
    const outcome = run('tune', uriOf('tune.precision'));
    const { edit: change, label } = await edit;
    expect(label).toBe('Tune');
    const [changed] = change.documentChanges ?? [];
    if (changed === undefined || !('edits' in changed)) throw new Error('no edit of a document');
    expect(changed.textDocument).toEqual({ uri: document.uri, version: 1 });
    const tuned = TextDocument.applyEdits(
      document,
      changed.edits.map((one) => ({ range: one.range, newText: 'newText' in one ? one.newText : '' })),
    );
    expect(tuned).toContain('fp16');
    expect(tuned).toMatch(/^# kept\n/);
    expect(tuned).toContain('# and this');
    const done = await outcome;
    expect(done).toMatchObject({ status: 'done', result: { edited: true } });
    expect(done.report?.page).toContain('all FP16');
    expect(readFileSync(inFolder('tune.precision'), 'utf8')).toBe(text);
  });

  it('does not touch a plan that was changed while it was tuned', async () => {
    const text = `${HEADER}tolerance "ld_3d" relative_l2 <= 0.5\ndefault: fp32\n`;
    const document = await openPlan('changed.precision', text);
    let edits = 0;
    void editor.nextEdit().then(() => edits++);
    const begun = editor.nextProgress(({ kind }) => kind === 'report');
    const outcome = run('tune', uriOf('changed.precision'));
    await begun;
    await editor.type(document, text.length, '# typed\n');
    expect(await outcome).toMatchObject({
      status: 'refused',
      code: 'changed-meanwhile',
      result: { edited: false },
    });
    expect(edits).toBe(0);
  });

  it('refuses to tune what has errors or no tolerance, and says why', async () => {
    await openPlan('errors.precision', `${HEADER}tolerance "ld_3d" relative_l2 <= 1\nlayer "gone": fp16\n`);
    const refused = await run('tune', uriOf('errors.precision'));
    expect(refused).toMatchObject({ status: 'refused', code: 'plan-has-errors' });
    expect(refused.message).toContain('gone');
    await openPlan('unbounded.precision', `${HEADER}default: fp16\n`);
    expect(await run('tune', uriOf('unbounded.precision'))).toMatchObject({ code: 'no-tolerance' });
    expect(await run('tune', uriOf('never-opened.precision'))).toMatchObject({ code: 'plan-not-open' });
    await editor.open('untitled:Untitled-1', HEADER);
    expect(await run('tune', 'untitled:Untitled-1')).toMatchObject({ code: 'plan-not-saved' });
  });

  it('converts to a new file beside the model that loads and runs, and never over another', async () => {
    await openPlan('convert.precision', `${HEADER}default: fp16\n`);
    const uri = uriOf('convert.precision');
    const outcome = await run('convert', uri);
    expect(outcome).toMatchObject({
      status: 'done',
      written: uriOf('pose_mixed.onnx'),
      result: { runs: true },
    });
    expect(outcome.message).toContain('it loads, runs and keeps its signature');

    const written = readFileSync(inFolder('pose_mixed.onnx'));
    const refused = await run('convert', uri);
    expect(refused).toMatchObject({ status: 'refused', code: 'exists' });
    expect(refused.message).toContain('pose_mixed.onnx exists and is left as it is');
    expect(readFileSync(inFolder('pose_mixed.onnx')).equals(written)).toBe(true);
    const again = await run('convert', uri, uriOf('pose_mixed.onnx'), { overwrite: true });
    expect(again).toMatchObject({ status: 'done' });

    const original = readFileSync(inFolder('pose.onnx'));
    const over = await run('convert', uri, inFolder('pose.onnx'), { overwrite: true });
    expect(over).toMatchObject({ status: 'refused', code: 'cannot-write' });
    expect(over.message).toContain('is the model that is read; choose another name');
    expect(readFileSync(inFolder('pose.onnx')).equals(original)).toBe(true);
  });

  it('converts no plan with errors, and writes nothing then', async () => {
    await openPlan('unfit.precision', `${HEADER}layer "gone": fp16\n`);
    const outcome = await run('convert', uriOf('unfit.precision'), inFolder('unfit.onnx'));
    expect(outcome).toMatchObject({ status: 'refused', code: 'plan-has-errors' });
    expect(outcome.message).toContain('gone');
    expect(existsSync(inFolder('unfit.onnx'))).toBe(false);
  });

  it('benchmarks FP32, the plan and all in FP16, and says whether it pays here', async () => {
    await openPlan('bench.precision', `${HEADER}tolerance "ld_3d" relative_l2 <= 1\ndefault: fp16\n`);
    const refused = await run('benchmark', uriOf('bench.precision'), { runs: 'many' });
    expect(refused).toMatchObject({ status: 'refused', code: 'usage' });
    const outcome = await run('benchmark', uriOf('bench.precision'), { runs: 3 });
    expect(outcome).toMatchObject({ status: 'done', speed: { path: inFolder('bench.precision') } });
    expect(outcome.message).toMatch(/FP16 (pays|does not pay) on this machine/);
    const rows = outcome.result?.['rows'] as { name: string; latency: { median: number } }[];
    expect(rows.map(({ name }) => name)).toEqual(['FP32', 'mixed', 'all FP16']);
    for (const { latency } of rows) expect(latency.median).toBeGreaterThan(0);
    expect(outcome.report?.page).toContain('FP32, the plan, all in low precision');
    expect(outcome.report?.page).toContain('class="whisker"');
    expect(outcome.report?.page).toMatch(/3 runs each, in turns, on cpu; \d+ threads?, load [\d.]+\./);
    expect(outcome.report?.page).not.toContain('Earlier benchmarks');
    expect(outcome.result).toMatchObject({ runs: 3, earlier: 0 });
    if (process.arch === 'x64') expect(outcome.message).toMatch(/no FP16 kernel for Conv \(\d+ layers\)/);

    const again = await run('benchmark', uriOf('bench.precision'), { runs: 2 });
    expect(again.result).toMatchObject({ runs: 2, earlier: 1 });
    expect(again.report?.page).toMatch(/Earlier benchmarks.*ONNX Runtime \d/s);
  });

  it('finds the fastest session of a converted model, and writes it beside that', async () => {
    await openPlan('session.precision', `${HEADER}default: fp16\n`);
    const uri = uriOf('session.precision');
    const missing = await run('tuneSession', uri, inFolder('not-converted.onnx'));
    expect(missing).toMatchObject({ status: 'refused', code: 'no-model' });
    await run('convert', uri, inFolder('session.onnx'));
    const outcome = await run('tuneSession', uri, inFolder('session.onnx'));
    expect(outcome).toMatchObject({ status: 'done', written: uriOf('session.onnx.session.json') });
    expect(outcome.message).toMatch(/^Precision: .* Session: .* Written to session\.onnx\.session\.json\.$/);
    const written = JSON.parse(readFileSync(inFolder('session.onnx.session.json'), 'utf8')) as object;
    expect(written).toMatchObject({ model: 'session.onnx', executionProviders: ['cpu'] });
  });

  it('writes a plan for a model under a name that is free, which has no errors', async () => {
    cpSync(inFolder('pose.onnx'), inFolder('fresh.onnx'));
    const first = await run('newPlan', uriOf('fresh.onnx'));
    expect(first).toMatchObject({ status: 'done', written: uriOf('fresh.precision') });
    const text = readFileSync(inFolder('fresh.precision'), 'utf8');
    const second = await run('newPlan', uriOf('fresh.onnx'), { expand: true });
    expect(second).toMatchObject({ written: uriOf('fresh_2.precision') });
    expect(second.message).toContain('since fresh.precision exists');
    expect(readFileSync(inFolder('fresh.precision'), 'utf8')).toBe(text);
    expect(readFileSync(inFolder('fresh_2.precision'), 'utf8').split('\n').length).toBeGreaterThan(130);
    const document = await editor.open(uriOf('fresh.precision'), text);
    expect((await editor.pushed(document)).filter(({ severity }) => severity === 1)).toEqual([]);
    expect(await run('newPlan', uriOf('missing.onnx'))).toMatchObject({ status: 'refused' });
  });

  it('that is none of ours is answered with nothing', async () => {
    expect(await run('unheard-of', uriOf('x.precision'))).toBeNull();
    expect(await run('tune')).toBeNull();
  });
});

describe('the status of a plan', () => {
  it('says where the plan is no faster on this machine than the original', async () => {
    editor = await start();
    const uri = uriOf('status.precision');
    await openPlan('status.precision', `${HEADER}default: fp16\n`);
    let status = await editor.nextStatus();
    while (status.state !== 'idle') status = await editor.nextStatus();
    const lenses = await editor.request<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
    const totals = await editor.request<CodeLens>('codeLens/resolve', lenses[0] ?? {});
    const [, before, after] = /([\d.]+) → ([\d.]+) ms/u.exec(totals.command?.title ?? '') ?? [];
    const ratio = Number(after) / Number(before);
    expect(ratio).toBeGreaterThan(0);
    if (status.noGain === undefined) expect(ratio).toBeLessThan(1);
    else {
      expect(status.noGain).toMatch(
        /^(?:FP16 does not pay on this machine|Whether FP16 pays on this machine cannot be told): the plan is /u,
      );
      // Faster in the medians it may be by chance alone.
      if (ratio < 0.9) expect(status.noGain).toMatch(/^Whether .* within the spread of FP32\.$/u);
    }
    await editor.stop();
  });
});

describe('in an editor that shows outcomes itself', () => {
  it('no message is shown twice', async () => {
    editor = await start({}, { onnxPrecisionCommands: true });
    await openPlan('quiet.precision', `${HEADER}default: fp16\n`);
    expect((await run('verify', uriOf('quiet.precision'))).status).toBe('done');
    expect(editor.shown).toEqual([]);
    await editor.stop();
  });
});

describe('in a workspace that is not trusted', () => {
  beforeEach(async () => {
    editor = await start({ runsInference: false });
  });
  afterEach(async () => {
    await editor.stop();
  });

  it('nothing runs a model', async () => {
    await openPlan('untrusted.precision', `${HEADER}tolerance "ld_3d" relative_l2 <= 1\ndefault: fp16\n`);
    for (const name of ['tune', 'verify', 'benchmark', 'tuneSession']) {
      const outcome = await run(name, uriOf('untrusted.precision'));
      expect(outcome).toMatchObject({ status: 'refused', code: 'inference-not-allowed' });
      expect(outcome.message).toContain('trust');
    }
  });

  it('lenses stand as always with what needs no inference, their flips work, and the rest says why it is not known', async () => {
    const text = `${HEADER}tolerance "ld_3d" relative_l2 <= 1\ndefault: fp16\n`;
    const document = await openPlan('lenses.precision', text);
    const lenses = await editor.ask<CodeLens[]>('textDocument/codeLens', document);
    const titles = await Promise.all(
      lenses.map(async (lens) =>
        lens.command === undefined ? editor.request<CodeLens>('codeLens/resolve', lens) : lens,
      ),
    );
    expect(titles.map(({ command }) => command?.title)).toEqual([
      expect.stringMatching(/^\d+ of \d+ layers in low precision · /),
      'tolerances not measured · not analysed: workspace not trusted',
      'Convert',
      expect.stringMatching(/^\d+ layers · error not measured · flip to fp32$/),
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^flip \S+$/) as string),
    ]);
    for (const [lens, edited] of [
      [titles[3], 'default: fp32\n'],
      [titles[4], /default: fp16\nlayer ".*": fp32\n$/],
    ] as const) {
      const edit = editor.nextEdit();
      await editor.request('workspace/executeCommand', {
        command: lens?.command?.command,
        arguments: lens?.command?.arguments,
      });
      const [change] = (await edit).edit.documentChanges ?? [];
      const edits = change !== undefined && 'edits' in change ? change.edits : [];
      expect(TextDocument.applyEdits(document, edits as TextEdit[])).toMatch(edited);
    }
    expect(await editor.pull(document)).toEqual([]);
    // Whoever starts a compute process says so.
    expect(editor.remarks.filter((one) => one.includes('compute process'))).toEqual([]);
  });

  it('a model is converted all the same, and said to be untried; a plan is written', async () => {
    await openPlan('untried.precision', `${HEADER}default: fp16\n`);
    const outcome = await run('convert', uriOf('untried.precision'), inFolder('untried.onnx'));
    expect(outcome).toMatchObject({ status: 'done', severity: 'warning', result: { runs: null } });
    expect(outcome.message).toContain('not run');
    expect(existsSync(inFolder('untried.onnx'))).toBe(true);
    cpSync(inFolder('pose.onnx'), inFolder('untrusted.onnx'));
    expect(await run('newPlan', uriOf('untrusted.onnx'))).toMatchObject({ status: 'done' });
  });
});
