/** From the name of a layer to its line in the listing of the model. */
import assert from 'node:assert/strict';
import { suite, test } from 'mocha';
import { commands, type Location, type LocationLink, window, workspace } from 'vscode';
import { openPlan, sampleModel, until } from './workspace.js';

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
    assert.equal(found.targetUri.scheme, 'onnx-precision-listing');
    const listing = await workspace.openTextDocument(found.targetUri);
    const line = listing.lineAt(found.targetRange.start.line).text;
    assert.match(line, /"conv2d_5\/Conv".* = Conv /);

    await window.showTextDocument(document);
  });
});
