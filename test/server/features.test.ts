/**
 * Each feature as an editor meets it, over the server's real protocol: one that can do what VS Code can, and one that can
 * do no more than the protocol's first version. What features say in detail is tested beside them.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CancellationTokenSource } from 'vscode-jsonrpc';
import {
  type ClientCapabilities,
  type CodeAction,
  type CompletionList,
  type DocumentLink,
  type DocumentSymbol,
  type FoldingRange,
  type Hover,
  LSPErrorCodes,
  type Location,
  type LocationLink,
  type SelectionRange,
  type SemanticTokens,
  type SymbolInformation,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { afterEach, describe, expect, it } from 'vitest';
import { DataType, makeGraph, makeNode, makeTensorType, makeValueInfo } from '../../server/src/onnx/index.js';
import { graphBytes } from '../../server/src/onnx/testing/index.js';
import { folderForTests } from '../../server/src/testing/index.js';
import { besideSample, type Editor, startEditor } from './editor.js';

/** What VS Code says of itself, as far as the server listens. */
const full: ClientCapabilities = {
  textDocument: {
    synchronization: { dynamicRegistration: true, willSave: true, didSave: true },
    diagnostic: { dynamicRegistration: true, relatedDocumentSupport: false },
    completion: {
      contextSupport: true,
      completionItem: {
        snippetSupport: true,
        documentationFormat: ['markdown', 'plaintext'],
        insertReplaceSupport: true,
        labelDetailsSupport: true,
      },
    },
    hover: { contentFormat: ['markdown', 'plaintext'] },
    definition: { linkSupport: true },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    foldingRange: { rangeLimit: 5000, lineFoldingOnly: true },
    codeAction: {
      dataSupport: true,
      resolveSupport: { properties: ['edit'] },
      codeActionLiteralSupport: {
        codeActionKind: { valueSet: ['', 'quickfix', 'refactor', 'refactor.rewrite'] },
      },
    },
    semanticTokens: {
      requests: { range: true, full: { delta: true } },
      tokenTypes: [],
      tokenModifiers: [],
      formats: ['relative'],
      augmentsSyntaxTokens: true,
    },
  },
  workspace: { diagnostics: { refreshSupport: true } },
  experimental: { onnxPrecisionListing: true },
};

const minimal: ClientCapabilities = {};

const header = 'model "pose_landmark_lite.onnx"\ninput "input_1" = uniform(0, 1)\n';

let editor: Editor;
afterEach(() => editor.kill());

interface Opened {
  readonly document: TextDocument;
  readonly position: { readonly line: number; readonly character: number };
}

/** Starts the server and opens a plan beside the sample's model; `$0` is the cursor. */
async function openIn(capabilities: ClientCapabilities, marked: string): Promise<Opened> {
  editor = await startEditor(capabilities);
  const document = await editor.open(besideSample('new.precision'), marked.replace('$0', ''));
  return { document, position: document.positionAt(Math.max(0, marked.indexOf('$0'))) };
}

describe('an editor that can do everything', () => {
  it('is offered everything, incrementally', async () => {
    await openIn(full, header);
    expect(editor.capabilities).toMatchObject({
      textDocumentSync: { openClose: true, change: 2, save: true },
      completionProvider: { triggerCharacters: expect.arrayContaining(['"', ':']) as string[] },
      hoverProvider: true,
      definitionProvider: true,
      documentLinkProvider: {},
      documentSymbolProvider: true,
      foldingRangeProvider: true,
      selectionRangeProvider: true,
      documentFormattingProvider: true,
      diagnosticProvider: { interFileDependencies: true },
      semanticTokensProvider: { full: true, range: true },
      codeActionProvider: { resolveProvider: true, codeActionKinds: ['quickfix', 'refactor.rewrite'] },
    });
  });

  it('completes names inside strings', async () => {
    const { document, position } = await openIn(full, `${header}layer "conv2d_5/C$0`);
    const list = await editor.ask<CompletionList>('textDocument/completion', document, { position });
    const item = list.items.find(({ label }) => label === 'conv2d_5/Conv');
    const edit = item?.textEdit;
    if (edit === undefined || !('range' in edit)) throw new Error('the layer is not offered');
    expect(TextDocument.applyEdits(document, [edit])).toBe(`${header}layer "conv2d_5/Conv"`);
    const keywords = await editor.ask<CompletionList>('textDocument/completion', document, {
      position: { line: 0, character: 0 },
    });
    expect(keywords.items.find(({ label }) => label === 'layer')).toMatchObject({ insertTextFormat: 2 });
  });

  it('shows layers in Markdown', async () => {
    const { document, position } = await openIn(full, `${header}layer "conv2d_5$0/Conv": fp32\n`);
    const hover = await editor.ask<Hover>('textDocument/hover', document, { position });
    expect(hover.contents).toMatchObject({
      kind: 'markdown',
      value: expect.stringContaining('**conv2d\\_5/Conv**') as string,
    });
    expect(document.getText(hover.range)).toBe('"conv2d_5/Conv"');
  });

  it('goes from a layer to its line in the listing of the model', async () => {
    const { document, position } = await openIn(full, `${header}layer "conv2d_5$0/Conv": fp32\n`);
    const links = await editor.ask<LocationLink[]>('textDocument/definition', document, { position });
    const [{ targetUri: uri, targetRange } = { targetUri: '', targetRange: undefined }] = links;
    const listing = await editor.request<string>('onnxPrecision/listing', { uri });
    expect(listing.split('\n')[targetRange?.start.line ?? -1]).toMatch(
      /^ {2}\["conv2d_5\/Conv"\] .* = Conv </u,
    );
    expect(await editor.request('onnxPrecision/listing', { uri: 'file:///nowhere' })).toBeNull();
  });

  it('sees structure: symbols, folds, links, tokens, selections', async () => {
    const text = `${header}\ndefault: fp16\nlayer "conv2d/Conv": fp32 {\n  pinned: true\n}\n`;
    const { document } = await openIn(full, text);
    const symbols = await editor.ask<DocumentSymbol[]>('textDocument/documentSymbol', document);
    expect(symbols.map(({ name }) => name)).toEqual(['Model', 'Inputs', 'Decisions']);
    const folds = await editor.ask<FoldingRange[]>('textDocument/foldingRange', document);
    expect(folds.map(({ startLine, endLine }) => [startLine, endLine])).toEqual([
      [0, 1],
      [3, 6],
      [4, 6],
    ]);
    const links = await editor.ask<DocumentLink[]>('textDocument/documentLink', document);
    expect(links.map(({ range }) => document.getText(range))).toEqual(['pose_landmark_lite.onnx']);
    const tokens = await editor.ask<SemanticTokens>('textDocument/semanticTokens/full', document);
    const some = await editor.ask<SemanticTokens>('textDocument/semanticTokens/range', document, {
      range: { start: { line: 0, character: 0 }, end: { line: 0, character: 9 } },
    });
    expect(some.data).toEqual(tokens.data.slice(0, some.data.length));
    expect(some.data.length).toBe(10);
    const selections = await editor.ask<SelectionRange[]>('textDocument/selectionRange', document, {
      positions: [{ line: 4, character: 10 }],
    });
    expect(document.getText(selections[0]?.range)).toBe('conv2d/Conv');
  });

  it('flips a layer, and gets large edits when it asks for them', async () => {
    const { document, position } = await openIn(full, `${header}default: fp16\no$0p Conv: fp16\n`);
    const context = { diagnostics: [], only: ['refactor'] };
    const range = { start: position, end: position };
    const actions = await editor.ask<CodeAction[]>('textDocument/codeAction', document, { range, context });
    const flip = actions.find(({ title }) => title.startsWith('Run this statement in FP32'));
    const flipped = await editor.edit(document, flip?.edit?.changes?.[document.uri] ?? []);
    expect(flipped.getText()).toContain('op Conv: fp32\n');
    const expand = actions.find(({ title }) => title.startsWith('Expand'));
    expect(expand?.edit).toBeUndefined();
    const stale = await editor.request<CodeAction>('codeAction/resolve', expand ?? {});
    expect(stale.edit).toBeUndefined();
    const again = await editor.ask<CodeAction[]>('textDocument/codeAction', flipped, { range, context });
    const resolved = await editor.request<CodeAction>(
      'codeAction/resolve',
      again.find(({ title }) => title.startsWith('Expand')) ?? {},
    );
    const expanded = await editor.edit(flipped, resolved.edit?.changes?.[document.uri] ?? []);
    expect(expanded.getText()).toMatch(/^layer "conv2d_5\/Conv": fp32$/mu);
    expect((await editor.pull(expanded)).filter(({ severity }) => severity === 1)).toEqual([]);
  });
});

describe('an editor that can do little', () => {
  it('gets no snippets, no Markdown, no links, no trees and whole edits', async () => {
    const { document, position } = await openIn(
      minimal,
      `${header}layer "conv2d_5$0/Conv", "conv2d/Conv": fp32\n`,
    );
    const list = await editor.ask<CompletionList>('textDocument/completion', document, {
      position: { line: 0, character: 0 },
    });
    expect(list.items.filter(({ insertTextFormat }) => insertTextFormat !== undefined)).toEqual([]);
    const hover = await editor.ask<Hover>('textDocument/hover', document, { position });
    expect(hover.contents).toMatchObject({
      kind: 'plaintext',
      value: expect.stringMatching(/^conv2d_5\/Conv: Conv/u) as string,
    });
    expect(await editor.ask('textDocument/definition', document, { position })).toBeNull();
    const model = await editor.ask<Location>('textDocument/definition', document, {
      position: { line: 0, character: 9 },
    });
    expect(model.uri).toBe(besideSample('pose_landmark_lite.onnx'));
    const symbols = await editor.ask<SymbolInformation[]>('textDocument/documentSymbol', document);
    expect(symbols.map(({ containerName }) => containerName)).toEqual(['Model', 'Inputs', 'Decisions']);
    const context = { diagnostics: [] };
    const range = { start: position, end: position };
    const actions = await editor.ask<CodeAction[]>('textDocument/codeAction', document, { range, context });
    expect(actions.length).toBeGreaterThan(2);
    expect(actions.filter(({ edit }) => edit === undefined)).toEqual([]);
    expect(editor.capabilities.codeActionProvider).toMatchObject({ resolveProvider: false });
  });
});

describe('requests that come too late', () => {
  it('are refused when the text behind them has changed', async () => {
    const { document, position } = await openIn(full, `${header}layer "conv2d_5$0/Conv": fp32\n`);
    await editor.pull(document);
    let refused: Promise<unknown> = Promise.resolve();
    let changed = document;
    await editor.whilePaused(async () => {
      refused = Promise.all([
        expect(editor.ask('textDocument/hover', document, { position })).rejects.toMatchObject({
          code: LSPErrorCodes.ContentModified,
        }),
        expect(editor.ask('textDocument/diagnostic', document)).rejects.toMatchObject({
          code: LSPErrorCodes.ServerCancelled,
          data: { retriggerRequest: true },
        }),
      ]);
      changed = await editor.type(document, 0, '# new\n');
    });
    await refused;
    expect(await editor.pull(changed)).toEqual([]);
  });

  it('are dropped when the editor cancels them', async () => {
    const { document, position } = await openIn(full, `${header}layer "conv2d_5$0/Conv": fp32\n`);
    await editor.pull(document);
    const source = new CancellationTokenSource();
    let refused: Promise<unknown> = Promise.resolve();
    await editor.whilePaused(() => {
      const hover = editor.ask('textDocument/hover', document, { position }, source.token);
      refused = expect(hover).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
      source.cancel();
      return Promise.resolve();
    });
    await refused;
  });
});

describe('a plan of many lines on a model of many layers', () => {
  const folder = folderForTests();

  it('is served in all features, with every edit in between', async () => {
    writeFileSync(path.join(folder, 'm.onnx'), longModelBytes(2000));
    const lines = Array.from({ length: 4000 }, (_, line) => `layer "/block.${line % 2000}/Op": fp16\n`);
    editor = await startEditor(full);
    const uri = pathToFileURL(path.join(folder, 'long.precision')).href;
    let document = await editor.open(uri, `model "m.onnx"\ninput "x" = zeros\n${lines.join('')}`);
    for (const character of 'layer "/block.19') {
      document = await editor.type(document, document.getText().length, character);
    }
    const position = document.positionAt(document.getText().length);
    const list = await editor.ask<CompletionList>('textDocument/completion', document, { position });
    expect(list.isIncomplete).toBe(true);
    expect(list.items[0]?.label).toBe('/block.19/Op');
    const onFirst = { position: { line: 2, character: 10 } };
    const hover = await editor.ask<Hover>('textDocument/hover', document, onFirst);
    expect(hover.contents).toMatchObject({ value: expect.stringContaining('line 2003') as string });
    const symbols = await editor.ask<DocumentSymbol[]>('textDocument/documentSymbol', document);
    expect(symbols.at(-1)?.children?.length).toBe(4001);
    const tokens = await editor.ask<SemanticTokens>('textDocument/semanticTokens/full', document);
    expect(tokens.data.length / 5).toBeGreaterThan(12_000);
    expect((await editor.pull(document)).length).toBe(1001);
    expect(editor.logged).toEqual([]);
  });
});

/** A chain of layers `/block.N/Op`. */
function longModelBytes(layers: number): Uint8Array {
  const type = makeTensorType(DataType.FLOAT, [1, 64]);
  const nodes = Array.from({ length: layers }, (_, layer) =>
    makeNode({
      opType: 'Relu',
      name: `/block.${layer}/Op`,
      inputs: [layer === 0 ? 'x' : `t${layer - 1}`],
      outputs: [`t${layer}`],
    }),
  );
  const graph = makeGraph({
    name: 'chain',
    nodes,
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo(`t${layers - 1}`, type)],
  });
  return graphBytes(graph);
}
