/** Replaces a text file as a whole: every moment has the old text or the new one. Knows nothing of plans. */
import { readFileSync } from 'node:fs';
import { applyEdits, type TextEdit } from '../language/index.js';
import { writePieces, type WritableFileSystem } from '../onnx/index.js';
import { refused, type Refused } from './problem.js';

/** Writes `text` to `path`; a problem says why it could not, and the old file is then untouched. */
export async function replaceFile(
  path: string,
  text: string,
  files?: WritableFileSystem,
): Promise<{ readonly path: string } | Refused> {
  const written = await writePieces(path, [{ kind: 'bytes', bytes: Buffer.from(text, 'utf8') }], files);
  return 'problem' in written
    ? refused('input', written.problem.code, written.problem.message, path)
    : { path };
}

/** Applies edits to a file that held `text` when it was read; what was saved there since then is never written over. */
export async function editFile(
  { path, text }: { readonly path: string; readonly text: string },
  edits: readonly TextEdit[],
): Promise<{ readonly path: string } | Refused> {
  if (textOf(path) !== text) {
    const message = 'the file was changed meanwhile and is left as it is; run the command again';
    return refused('input', 'changed-meanwhile', message, path);
  }
  return await replaceFile(path, applyEdits(text, edits));
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
