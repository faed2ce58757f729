/** Changes of documents, with editors that answer all kinds of things. */
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { createConnection } from 'vscode-languageserver/node';
import { parse } from '../../language/index.js';
import { applyTextEdits } from './apply-edits.js';

/** What becomes of a change in an editor that answers so. */
async function failureWhere(answer: () => unknown): Promise<string | undefined> {
  const [toEditor, toServer] = [new PassThrough(), new PassThrough()];
  const server = createConnection(new StreamMessageReader(toServer), new StreamMessageWriter(toEditor));
  const editor = createMessageConnection(
    new StreamMessageReader(toEditor),
    new StreamMessageWriter(toServer),
  );
  editor.onRequest('workspace/applyEdit', answer);
  server.listen();
  editor.listen();
  const document = { uri: 'file:///p.precision', version: 1, tree: parse('default: fp16\n') };
  const edits = [{ range: { start: 9, end: 13 }, newText: 'fp32' }];
  try {
    return await applyTextEdits(server, document, edits, 'Flip');
  } finally {
    server.dispose();
    editor.dispose();
  }
}

it.each([
  [{ applied: true }, undefined],
  [{ applied: false, failureReason: 'It is locked.' }, 'It is locked.'],
  [{ applied: false }, 'the editor refused the change'],
  [{ applied: false, failureReason: '' }, 'the editor refused the change'],
  [null, 'the editor does not say whether it made the change'],
  [{}, 'the editor does not say whether it made the change'],
  [true, 'the editor does not say whether it made the change'],
])('an editor that answers %j: %s', async (answer, failure) => {
  expect(await failureWhere(() => answer)).toBe(failure);
});

it('an editor that fails says why', async () => {
  const failing = (): never => {
    throw new Error('no such document');
  };
  expect(await failureWhere(failing)).toMatch(/^the editor refused the change: .*no such document/);
});
