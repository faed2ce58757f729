/** The extension in VS Code: it is there, starts with a plan, and its commands work. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { commands, extensions } from 'vscode';
import { codeOf, openPlan, samplePlan, untilDiagnostics } from './workspace.js';

function extension() {
  const found = extensions.getExtension('onnx-precision.onnx-precision');
  assert.ok(found, 'the extension is not installed');
  return found;
}

suite('extension', () => {
  test('starts when a plan is opened', async () => {
    const document = await openPlan(samplePlan());
    assert.equal(document.languageId, 'onnx-precision');
    await extension().activate();
    assert.equal(extension().isActive, true);
  });

  test('registers every command of its manifest', async () => {
    await extension().activate();
    const manifest = extension().packageJSON as { contributes: { commands: { command: string }[] } };
    const registered = new Set(await commands.getCommands(true));
    const missing = manifest.contributes.commands.filter(({ command }) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  test('shows its log', async () => {
    await commands.executeCommand('onnxPrecision.showLog');
  });

  test('gives diagnostics again after the server is restarted, also many times at once', async () => {
    const document = await openPlan('restart.precision', 'model "no-such-file.onnx"\n');
    const shown = () =>
      untilDiagnostics(document.uri, 'the missing model', (all) =>
        all.some((one) => codeOf(one) === 'model-not-found'),
      );
    await shown();
    await Promise.all([1, 2, 3].map(() => commands.executeCommand('onnxPrecision.restartServer')));
    await shown();
  });
});
