/** The extension in VS Code: it is there, starts with a plan, and its commands work. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { commands, extensions } from 'vscode';
import { crash, serverProcess } from './processes.js';
import { codeOf, openPlan, samplePlan, until, untilDiagnostics } from './workspace.js';

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

  test('registers every command of its manifest, and of its own no other', async () => {
    await extension().activate();
    const manifest = extension().packageJSON as { contributes: { commands: { command: string }[] } };
    const declared = manifest.contributes.commands.map(({ command }) => command).sort();
    const isOurs = (command: string) => /^onnxPrecision\.(?!server\.)/.test(command);
    assert.deepEqual((await commands.getCommands(true)).filter(isOurs).sort(), declared);
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

  test('starts the server again when that crashes', async () => {
    const document = await openPlan('crash.precision', 'model "no-such-file.onnx"\n');
    const first = await until('a server', serverProcess);
    crash(first);
    await until('another server', () => {
      const now = serverProcess();
      return now === first ? undefined : now;
    });
    // Asked of the new server: what the old one gave may still be shown.
    await until('an answer', async () => {
      const symbols = await commands.executeCommand<unknown[] | undefined>(
        'vscode.executeDocumentSymbolProvider',
        document.uri,
      );
      return symbols !== undefined && symbols.length > 0 ? symbols : undefined;
    });
  });
});
