/** What an author sees of a plan in VS Code: its errors and the way out of them, formatting, colours. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import {
  type CodeAction,
  commands,
  type Diagnostic,
  DiagnosticSeverity,
  type TextEdit,
  type Uri,
  workspace,
  WorkspaceEdit,
} from 'vscode';
import {
  codeOf,
  errorsNow,
  openPlan,
  sampleModel,
  samplePlan,
  until,
  untilDiagnostics,
} from './workspace.js';

async function quickFixes(uri: Uri, { range }: Diagnostic): Promise<CodeAction[]> {
  return commands.executeCommand<CodeAction[]>('vscode.executeCodeActionProvider', uri, range, 'quickfix');
}

suite('a plan', () => {
  test('that ships as the sample has no errors', async () => {
    const document = await openPlan('copy.precision', (await openPlan(samplePlan())).getText());
    assert.deepEqual(await errorsNow(document), []);
  });

  test('with an unknown layer shows it where it stands, and a quick fix mends it', async () => {
    const text = `model "${sampleModel()}"\nlayer "conv2d_5/Convv": fp32\n`;
    const document = await openPlan('unknown-layer.precision', text);
    const isUnknownLayer = (one: Diagnostic) => codeOf(one) === 'unknown-layer';
    const shown = await untilDiagnostics(document.uri, 'unknown-layer', (all) => all.some(isUnknownLayer));
    const diagnostic = shown.find(isUnknownLayer);
    assert.ok(diagnostic);
    assert.equal(document.getText(diagnostic.range), '"conv2d_5/Convv"');
    assert.equal(diagnostic.severity, DiagnosticSeverity.Error);
    assert.equal(diagnostic.source, 'onnx-precision');

    const fix = (await quickFixes(document.uri, diagnostic)).find(({ title }) =>
      title.includes('"conv2d_5/Conv"'),
    );
    assert.ok(fix?.edit, 'no quick fix names the nearest layer');
    await workspace.applyEdit(fix.edit);
    assert.match(document.getText(), /^layer "conv2d_5\/Conv": fp32$/m);
    await untilDiagnostics(document.uri, 'no more unknown-layer', (all) => !all.some(isUnknownLayer));
  });

  test('is formatted', async () => {
    const text = `model   "${sampleModel()}"\nop   Softmax  :fp32   # stays\n`;
    const document = await openPlan('unformatted.precision', text);
    const edits = await until('edits', async () => {
      const answer = await commands.executeCommand<TextEdit[] | undefined>(
        'vscode.executeFormatDocumentProvider',
        document.uri,
        { tabSize: 2, insertSpaces: true },
      );
      return answer !== undefined && answer.length > 0 ? answer : undefined;
    });
    const edit = new WorkspaceEdit();
    edit.set(document.uri, edits);
    await workspace.applyEdit(edit);
    assert.match(document.getText(), /^model "[^"]+"\nop Softmax: fp32 {1,2}# stays\n$/);
  });

  test('is coloured by the grammar', async () => {
    const document = await openPlan('colours.precision', `# a comment\nmodel "${sampleModel()}"\n`);
    // VS Code's own command for timing colours: it rejects when the language has no grammar that loads. Which scope
    // each word has is tested beside the grammar.
    const result = await commands.executeCommand<{ tokenizeTime: number }>(
      '_workbench.colorizeTextMateTokens',
      document.uri,
    );
    assert.equal(typeof result.tokenizeTime, 'number');
  });
});
