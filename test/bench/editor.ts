/**
 * What an editor feels of the server: the bundled process over its standard input and output, a plan of 10,000
 * statements for a model of 5,000 layers, real inference in the background. Every keystroke makes a text that the server
 * has not seen, so that no cache answers for it. Prints one line of JSON for each measurement; the budgets are those
 * of the architecture page. Run with `npm run bench -- editor [PART...] [SERVER]`, where a part is `cold`, `typing`,
 * `flips`, `verdict` or `growth`, all of them if none is named, and SERVER another bundle to measure. `verdict` is how long
 * after a flip the plan as a whole has been measured again and the header says so: the model is written, opened and run on
 * one sample, and again under small changes of it for the noise floor; and how long after it was flipped back, when the
 * store knows.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ClientCapabilities, CodeLens } from 'vscode-languageserver';
import { MarkupKind } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type Editor, startEditor } from '../server/editor.js';
import { planText, weightedModel } from './shared/generated.js';
import { reportTimes, reportValue } from './shared/report.js';

const LAYERS = 5_000;
const STATEMENTS = 10_000;
const KEYSTROKES = 40;
const FLIPS = 10;
const SIZES = [1_000, 3_000, 10_000, 30_000];
/** As many lines as a tall window shows. */
const VISIBLE_LINES = 60;

/** What the measured editor can do: about what VS Code can. */
const capabilities: ClientCapabilities = {
  workspace: {
    applyEdit: true,
    codeLens: { refreshSupport: true },
    inlayHint: { refreshSupport: true },
    diagnostics: { refreshSupport: true },
    semanticTokens: { refreshSupport: true },
  },
  textDocument: {
    diagnostic: { dynamicRegistration: false },
    hover: { contentFormat: [MarkupKind.Markdown] },
    completion: { completionItem: { snippetSupport: true } },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    foldingRange: { rangeLimit: 5000 },
  },
};

/** What `shared/loop-probe.mjs` says of the server's process. */
interface Load {
  readonly longestTurn: number;
  /** In processor time of the main thread; NaN where the system does not tell. */
  readonly longestTurnOfThread: number;
  readonly elapsed: number;
  readonly cpu: number;
  readonly rss: number;
  readonly heapUsed: number;
}

const folder = mkdtempSync(path.join(tmpdir(), 'onnx-precision-bench-'));
const words = process.argv.slice(2);
const script = path.resolve(words.find((word) => word.endsWith('.js')) ?? 'dist/server.js');
const parts = words.filter((word) => !word.endsWith('.js'));
const isWanted = (part: string): boolean => parts.length === 0 || parts.includes(part);
/** A number that no text held before, for edits. */
let fresh = 0;

function textOf(statements: number): string {
  return planText({
    statements,
    layers: LAYERS,
    operators: ['MatMul', 'Add', 'Relu'],
    head: ['tolerance relative_l2 <= 1e-2', 'op MatMul: fp16 { reason: "" }'],
  });
}

async function start(runsInference: boolean): Promise<Editor> {
  const profile = process.env['BENCH_CPU_PROFILE'];
  return startEditor(
    capabilities,
    { runsInference, cacheFolder: path.join(folder, `cache${fresh++}`) },
    {
      script,
      nodeOptions: [
        '--expose-gc',
        '--import',
        pathToFileURL(path.resolve('test/bench/shared/loop-probe.mjs')).href,
        ...(profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]),
      ],
    },
  );
}

/** Prints the longest turn since the process was last asked: as it was felt, and without what others took of the processor. */
function reportTurn(
  name: string,
  { longestTurn, longestTurnOfThread, cpu, elapsed }: Load,
  more: object = {},
): void {
  const used = { cpu: Math.round(cpu), cpuShare: Number((cpu / elapsed).toFixed(2)) };
  reportValue(name, longestTurn, 'ms', {
    ofThread: Number(longestTurnOfThread.toFixed(2)),
    ...used,
    ...more,
  });
}

const load = (editor: Editor, collect = false): Promise<Load> => editor.askProcess<Load>({ collect });

async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** The lines that a window at the top, middle or end of a document shows. */
function windowAt(document: TextDocument, share: number) {
  const line = Math.floor(share * Math.max(0, document.lineCount - VISIBLE_LINES));
  return { start: { line, character: 0 }, end: { line: line + VISIBLE_LINES, character: 0 } };
}

/** What an editor asks by itself when it shows a document. */
function askAll(editor: Editor, document: TextDocument): Promise<unknown>[] {
  const whole = ['documentSymbol', 'foldingRange', 'semanticTokens/full', 'codeLens', 'documentLink'];
  return [
    ...whole.map((kind) => editor.ask(`textDocument/${kind}`, document)),
    editor.ask('textDocument/inlayHint', document, { range: windowAt(document, 0) }),
  ];
}

/** Errors of requests that a keystroke made stale are part of the protocol. */
async function settled(asked: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(asked);
}

/** Types one character of a reason, which changes no decision: what is measured in the background goes on. */
function typeReason(editor: Editor, document: TextDocument): Promise<TextDocument> {
  const at = document.getText().indexOf('reason: "') + 'reason: "'.length;
  return editor.type(document, at, String.fromCharCode(97 + (fresh++ % 26)));
}

/** Types or deletes in the middle of a layer's name: its statement decides nothing, or another layer. */
function typeName(editor: Editor, document: TextDocument): Promise<TextDocument> {
  const at = document.getText().indexOf('/layer.', document.getText().length / 2);
  return editor.type(document, at, String.fromCharCode(97 + (fresh++ % 26)));
}

async function resolved(editor: Editor, lenses: readonly CodeLens[]): Promise<CodeLens[]> {
  return Promise.all(
    lenses.map(async (lens) => (lens.command ? lens : editor.request<CodeLens>('codeLens/resolve', lens))),
  );
}

async function totals(editor: Editor, document: TextDocument): Promise<string> {
  const lenses = await editor.ask<CodeLens[]>('textDocument/codeLens', document);
  const [first] = await resolved(editor, lenses.slice(0, 1));
  return first?.command?.title ?? '';
}

let shown: TextDocument | undefined;

async function verdictOf(editor: Editor): Promise<string> {
  if (shown === undefined) return '';
  const lenses = await editor.ask<CodeLens[]>('textDocument/codeLens', shown);
  const [, second] = await resolved(editor, lenses.slice(0, 2));
  return second?.command?.title ?? '';
}

/** Asks again at every word of the analysis until the verdict is as wanted. */
async function verdictUntil(editor: Editor, wanted: (verdict: string) => boolean): Promise<void> {
  while (true) {
    const heard = editor.nextStatus();
    if (wanted(await verdictOf(editor))) return;
    await heard;
  }
}

async function waitForAnalysis(editor: Editor): Promise<void> {
  await verdictUntil(editor, (verdict) => verdict.includes('stop'));
}

/** From a server that has just started to a plan with all its colours and complaints. */
async function measureCold(): Promise<void> {
  const editor = await start(true);
  const idle = await load(editor, true);
  reportValue('memory, no plan open', idle.rss, 'MB', { heap: Math.round(idle.heapUsed) });
  const uri = pathToFileURL(path.join(folder, 'p.precision')).href;
  const opening = performance.now();
  const document = await editor.open(uri, textOf(STATEMENTS));
  const others = askAll(editor, document);
  const found = await editor.pull(document);
  reportTimes('cold, first diagnostics', [performance.now() - opening], { diagnostics: found.length });
  await settled(others);
  reportTimes('cold, everything answered', [performance.now() - opening]);
  reportTurn('cold, longest turn', await load(editor));
  reportSlow('cold', editor);
  await editor.stop();
}

function reportSlow(phase: string, editor: Editor, from = 0): void {
  for (const remark of editor.remarks.slice(from)) {
    if (remark.includes(' took '))
      console.log(
        JSON.stringify({ name: `${phase}, slow turn`, remark: remark.replace(/of file:\S+/u, '') }),
      );
  }
}

/** Keystrokes one by one, each followed by everything that an editor asks, while inference runs. */
async function measureTyping(): Promise<void> {
  const editor = await start(true);
  const uri = pathToFileURL(path.join(folder, 'p.precision')).href;
  let document = await editor.open(uri, textOf(STATEMENTS));
  shown = document;
  await editor.pull(document);
  await waitForAnalysis(editor);
  await load(editor);
  for (const [label, type] of [
    ['typing', typeReason],
    ['typing in a name', typeName],
  ] as const) {
    const times = new Map<string, number[]>();
    const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      const one = await timed(work);
      times.set(name, [...(times.get(name) ?? []), one]);
    };
    const slowBefore = editor.remarks.length;
    await load(editor);
    for (let keystroke = 0; keystroke < KEYSTROKES; keystroke += 1) {
      await measure('keystroke to diagnostics', async () => {
        document = await type(editor, document);
        await editor.pull(document);
      });
      shown = document;
      const share = keystroke / KEYSTROKES;
      const range = windowAt(document, share);
      const inName = document.getText().indexOf('/layer.', document.offsetAt(range.start)) + 3;
      const position = document.positionAt(inName);
      const ask = (kind: string, more: object = {}) => editor.ask(`textDocument/${kind}`, document, more);
      await measure('completion of a name', () => ask('completion', { position }));
      await measure('hover of a name', () => ask('hover', { position }));
      await measure('code lenses', async () => {
        const lenses = (await ask('codeLens')) as CodeLens[];
        const inSight = lenses.filter((lens) => {
          const { line } = lens.range.start;
          return line >= range.start.line && line < range.end.line;
        });
        await measure('code lenses in sight resolved', () => resolved(editor, inSight));
      });
      await measure('inlay hints in sight', () => ask('inlayHint', { range }));
      await measure('semantic tokens', () => ask('semanticTokens/full'));
      await measure('semantic tokens in sight', () => ask('semanticTokens/range', { range }));
      await measure('document symbols', () => ask('documentSymbol'));
      await measure('folding', () => ask('foldingRange'));
    }
    const turns = await load(editor);
    for (const [name, values] of times) reportTimes(`${label}, ${name}`, values);
    reportTurn(`${label}, longest turn`, turns);
    const isRunning = (await verdictOf(editor)).includes('stop');
    console.log(JSON.stringify({ name: `${label}, analysis`, runs: isRunning }));
    reportSlow(label, editor, slowBefore);

    await load(editor);
    const burst: number[] = [];
    for (let keystroke = 0; keystroke < KEYSTROKES; keystroke += 1) {
      document = await type(editor, document);
      const before = performance.now();
      const asked = askAll(editor, document);
      const position = document.positionAt(document.getText().indexOf('/layer.'));
      const typed = editor.ask('textDocument/completion', document, { position });
      burst.push(await timed(() => typed));
      await settled(asked);
      await editor.pull(document);
      const left = 100 - (performance.now() - before);
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    }
    shown = document;
    reportTimes(`${label}, completion amid all requests`, burst);
    reportTurn(`${label}, longest turn amid all requests`, await load(editor));
  }
  const { rss, heapUsed } = await load(editor, true);
  reportValue('memory, plan open and analysed', rss, 'MB', { heap: Math.round(heapUsed) });
  await editor.stop();
}

/** Changes the format of the last statement, sent as what has changed alone. */
async function flipped(editor: Editor, document: TextDocument): Promise<TextDocument> {
  const text = document.getText();
  const end = text.length - '\n'.length;
  const newText = text.endsWith('32\n') ? '16' : '32';
  return editor.replace(document, end - 2, end, newText);
}

/** A format changed: how soon the totals at the top say so. */
async function measureFlips(): Promise<void> {
  const editor = await start(true);
  const uri = pathToFileURL(path.join(folder, 'p.precision')).href;
  let document = await editor.open(uri, `${textOf(STATEMENTS)}op Relu: fp32\n`);
  shown = document;
  await editor.pull(document);
  await waitForAnalysis(editor);
  await load(editor);
  const times: number[] = [];
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const before = await totals(editor, document);
    times.push(
      await timed(async () => {
        document = await flipped(editor, document);
        if ((await totals(editor, document)) === before) throw new Error('a flip changed no total');
      }),
    );
  }
  shown = document;
  reportTimes('flip to totals', times);
  reportTurn('flips, longest turn', await load(editor));
  reportSlow('flips', editor);
  await editor.stop();
}

/** A format changed, and the whole plan measured again. */
async function measureVerdict(): Promise<void> {
  const editor = await start(true);
  const uri = pathToFileURL(path.join(folder, 'p.precision')).href;
  let document = await editor.open(uri, `${textOf(STATEMENTS)}op Relu: fp32\n`);
  shown = document;
  const isKnown = (verdict: string): boolean =>
    /: (?:holds|exceeded)/u.test(verdict) && !verdict.includes('before');
  const opening = performance.now();
  await verdictUntil(editor, isKnown);
  reportTimes('opening to verdict', [performance.now() - opening]);
  await load(editor);
  for (const name of ['flip to verdict, measured', 'flip back to verdict, kept']) {
    const time = await timed(async () => {
      const heard = editor.nextStatus();
      document = await flipped(editor, document);
      shown = document;
      // Until then the verdict is that of before.
      await heard;
      await verdictUntil(editor, isKnown);
    });
    reportTimes(name, [time]);
  }
  const after = await load(editor);
  reportTurn('verdict, longest turn', after);
  reportValue('memory, after a verdict', after.rss, 'MB');
  reportSlow('verdict', editor);
  await editor.stop();
}

/** Time per line at each size against the smallest: 1 is linear. */
async function measureGrowth(): Promise<void> {
  const perLine = new Map<string, number>();
  for (const statements of SIZES) {
    const editor = await start(false);
    // Loading the program is no turn of a server that serves.
    await load(editor);
    const uri = pathToFileURL(path.join(folder, 'p.precision')).href;
    let document = await editor.open(uri, textOf(statements));
    await editor.pull(document);
    const times = new Map<string, number[]>();
    const measure = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      const one = await timed(work);
      times.set(name, [...(times.get(name) ?? []), one]);
    };
    for (let round = 0; round < 15; round += 1) {
      await measure('keystroke to diagnostics', async () => {
        document = await typeReason(editor, document);
        await editor.pull(document);
      });
      for (const kind of ['semanticTokens/full', 'documentSymbol', 'foldingRange', 'documentLink']) {
        await measure(kind, () => editor.ask(`textDocument/${kind}`, document));
      }
    }
    for (const [name, values] of times) {
      // The later half: a compiler that is still warming up is no growth.
      const late = values.slice(values.length / 2).sort((a, b) => a - b);
      const milliseconds = late[Math.floor(late.length / 2)] ?? 0;
      const own = milliseconds / statements;
      const first = perLine.get(name) ?? own;
      perLine.set(name, first);
      const growth = Number((own / first).toFixed(2));
      console.log(
        JSON.stringify({
          name: `growth, ${name}`,
          lines: statements,
          p50: Number(milliseconds.toFixed(2)),
          unit: 'ms',
          growth,
        }),
      );
    }
    const turns = await load(editor, true);
    reportValue('growth, memory', turns.rss, 'MB', { lines: statements });
    reportTurn('growth, longest turn', turns, { lines: statements });
    await editor.stop();
  }
}

async function main(): Promise<void> {
  writeFileSync(path.join(folder, 'm.onnx'), weightedModel(LAYERS));
  try {
    if (isWanted('cold')) await measureCold();
    if (isWanted('typing')) await measureTyping();
    if (isWanted('flips')) await measureFlips();
    if (isWanted('verdict')) await measureVerdict();
    if (isWanted('growth')) await measureGrowth();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
