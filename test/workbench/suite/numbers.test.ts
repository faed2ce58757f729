/** Numbers of real inference in the editor: they appear in the lenses of a plan and change when layers are flipped. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import {
  type CodeAction,
  commands,
  ConfigurationTarget,
  Range,
  type TextDocument,
  type Uri,
  workspace,
  WorkspaceEdit,
} from 'vscode';
import { lensesOf, lensesUntil, verdictOf } from './lenses.js';
import { computeProcesses, crash } from './processes.js';
import { openPlan, sampleModel, until } from './workspace.js';

const HEADER = `model "${sampleModel()}"
input "input_1" = uniform(0, 1) { count: 1 }
tolerance "ld_3d" relative_l2 <= 1e-3
`;
const TEXT = `${HEADER}default: fp16\n`;

async function append(document: TextDocument, line: string): Promise<void> {
  const edit = new WorkspaceEdit();
  const end = document.positionAt(document.getText().length);
  edit.replace(document.uri, new Range(end, end), `${line}\n`);
  await workspace.applyEdit(edit);
}

/** The action with this title on the word. */
async function actionOn(document: TextDocument, word: string, title: RegExp): Promise<CodeAction> {
  const start = document.getText().indexOf(word);
  const range = new Range(document.positionAt(start), document.positionAt(start + word.length));
  return until(`an action ${String(title)}`, async () => {
    const actions = await commands.executeCommand<CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      range,
      'refactor',
      100,
    );
    return actions.find((action) => title.test(action.title) && action.edit !== undefined);
  });
}

function setLenses(mode: string | undefined): Thenable<void> {
  return workspace.getConfiguration('onnxPrecision').update('codeLens', mode, ConfigurationTarget.Workspace);
}

function lensesAre(uri: Uri, wanted: (lenses: string) => boolean): Promise<string> {
  return until('lenses', async () => {
    const lenses = await lensesOf(uri);
    return wanted(lenses) ? `found:${lenses}` : undefined;
  });
}

suite('numbers', () => {
  test('of real inference appear in code lenses, and follow an edit', async () => {
    const document = await openPlan('numbers.precision', TEXT);
    const before = await lensesUntil(document.uri, '133 of 133 layers in low precision');
    await append(document, 'op Conv: fp32');
    const after = await lensesUntil(document.uri, '67 of 133 layers in low precision');
    assert.notEqual(verdictOf(after), verdictOf(before));
  });

  test('follow the flip of a layer, also when the process that measures was killed before', async () => {
    const document = await openPlan(
      'flip.precision',
      `${HEADER}default: fp32\nlayer "conv2d_1/Conv": fp32\n`,
    );
    const before = await lensesUntil(document.uri, '\n0 of 133 layers in low precision');
    for (const id of computeProcesses()) crash(id);
    const action = await actionOn(document, '"conv2d_1/Conv"', /FP16/);
    assert.ok(action.edit);
    await workspace.applyEdit(action.edit);
    assert.match(document.getText(), /^layer "conv2d_1\/Conv": fp16$/m);
    const after = await lensesUntil(document.uri, '\n1 of 133 layers in low precision');
    assert.notEqual(verdictOf(after), verdictOf(before));
  });

  test('are not shown where the user turns lenses off', async () => {
    const document = await openPlan('quiet.precision', TEXT);
    await lensesAre(document.uri, (lenses) => lenses.includes('133 of 133'));
    await setLenses('off');
    try {
      await lensesAre(document.uri, (lenses) => lenses === '');
    } finally {
      await setLenses(undefined);
    }
    await lensesAre(document.uri, (lenses) => lenses.includes('133 of 133'));
  });
});
