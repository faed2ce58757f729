/** From the name of a layer, and from what was found of it, to its line in the listing of the model. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import {
  commands,
  type Diagnostic,
  type Location,
  type LocationLink,
  type Uri,
  window,
  workspace,
} from 'vscode';
import { openPlan, sampleModel, until, untilDiagnostics } from './workspace.js';

async function listed(uri: Uri, line: number): Promise<string> {
  assert.equal(uri.scheme, 'onnx-precision-listing');
  return (await workspace.openTextDocument(uri)).lineAt(line).text;
}

suite('a definition', () => {
  test('opens the listing of the model at the line of the layer', async () => {
    const name = 'conv2d_5/Conv';
    const text = `model "${sampleModel()}"\nlayer "${name}": fp32\n`;
    const document = await openPlan('definition.precision', text);
    const position = document.positionAt(text.indexOf(name) + 3);
    const [found] = await until('a definition', async () => {
      const all = await commands.executeCommand<(Location | LocationLink)[]>(
        'vscode.executeDefinitionProvider',
        document.uri,
        position,
      );
      return all.length > 0 ? all : undefined;
    });
    assert.ok(found !== undefined && 'targetUri' in found);
    const line = await listed(found.targetUri, found.targetRange.start.line);
    assert.match(line, /"conv2d_5\/Conv".* = Conv /);

    await window.showTextDocument(document);
  });
});

suite('a finding', () => {
  test('names the layers that cost most, each with its line in the listing', async () => {
    const text =
      `model "${sampleModel()}"\ninput "input_1" = uniform(0, 1) { count: 1 }\n` +
      'tolerance "ld_3d" relative_l2 <= 1e-6\ndefault: fp16\n';
    const document = await openPlan('costs.precision', text);
    const related = (one: Diagnostic) => one.relatedInformation ?? [];
    const isOfLayers = (one: Diagnostic) => one.message.includes('cost most') && related(one).length > 0;
    const shown = await untilDiagnostics(document.uri, 'what costs most', (all) => all.some(isOfLayers));
    const places = shown.filter(isOfLayers).flatMap(related);
    assert.ok(places.length > 0);
    for (const { location, message } of places) {
      const line = await listed(location.uri, location.range.start.line);
      assert.ok(line.includes(message), `${message} is not in ${line}`);
    }
    await window.showTextDocument(document);
  });
});
