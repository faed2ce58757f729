/** Replaces a text file as a whole: every moment has the old text or the new one. Knows nothing of plans. */
import { readFileSync } from 'node:fs';
import { applyEdits, type TextEdit } from '../language/index.js';
import { writePieces, type WritableFileSystem } from '../onnx/index.js';
import { CommandFailure, EXIT } from './exit-status.js';

/** Writes `text` to `path`; a `CommandFailure` says why it could not, and the old file is then untouched. */
export async function replaceFile(path: string, text: string, files?: WritableFileSystem): Promise<void> {
  const written = await writePieces(path, [{ kind: 'bytes', bytes: Buffer.from(text, 'utf8') }], files);
  if ('problem' in written) {
    throw new CommandFailure(EXIT.usage, written.problem.code, written.problem.message, path);
  }
}

/** Applies edits to a file that held `text` when it was read; what was saved there since then is never written over. */
export async function editFile(
  { path, text }: { readonly path: string; readonly text: string },
  edits: readonly TextEdit[],
): Promise<void> {
  if (textOf(path) !== text) {
    const message = 'the file was changed meanwhile and is left as it is; run the command again';
    throw new CommandFailure(EXIT.usage, 'changed-meanwhile', message, path);
  }
  await replaceFile(path, applyEdits(text, edits));
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
