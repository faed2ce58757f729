/** Numbers of real inference in the editor: they appear in the lenses of a plan and change when layers are flipped. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { type CodeLens, commands, Range, type Uri, workspace, WorkspaceEdit } from 'vscode';
import { openPlan, sampleModel, until } from './workspace.js';

suite('numbers', () => {
  test('of real inference appear in code lenses, and follow a flip', async () => {
    const text = `model "${sampleModel()}"\ninput "input_1" = uniform(0, 1) { count: 1 }\ntolerance "ld_3d" relative_l2 <= 1e-3\ndefault: fp16\n`;
    const document = await openPlan('numbers.precision', text);
    const before = await lensesUntil(document.uri, '133 of 133 layers in low precision');

    const edit = new WorkspaceEdit();
    const end = document.positionAt(document.getText().length);
    edit.replace(document.uri, new Range(end, end), 'op Conv: fp32\n');
    await workspace.applyEdit(edit);
    const after = await lensesUntil(document.uri, '67 of 133 layers in low precision');
    assert.notEqual(verdictOf(after), verdictOf(before));
  });
});

/** The text of all lenses once it holds `totals`, a settled verdict and a sensitivity. */
async function lensesUntil(uri: Uri, totals: string): Promise<string> {
  let last = '';
  try {
    return await until(totals, async () => {
      const lenses = await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
      last = lenses.map((lens) => lens.command?.title ?? '').join('\n');
      const settled = verdictOf(last) !== undefined && !last.includes('before the last change');
      return settled && last.includes(totals) && last.includes(' error in fp16 ') ? last : undefined;
    });
  } catch (error) {
    throw new Error(`${String(error)}; the lenses were:\n${last}`);
  }
}

/** The measured figure of the tolerance; undefined while it is not known. */
function verdictOf(lenses: string): string | undefined {
  return /ld_3d relative_l2 ([\d.e-]+) of /.exec(lenses)?.[1];
}
