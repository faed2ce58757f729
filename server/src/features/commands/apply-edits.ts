/** Has the editor change a document. Knows nothing of what is changed. */
import type { Connection } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { SyntaxTree, TextEdit } from '../../language/index.js';
import { protocolRange } from '../positions.js';

interface EditedDocument {
  readonly uri: string;
  /** The version that the edits are meant for: an editor that has another one refuses them. */
  readonly version: number;
  readonly tree: SyntaxTree;
}

/** One change, undone as one; undefined where it was made, otherwise why not. */
export async function applyTextEdits(
  connection: Connection,
  { uri, version, tree }: EditedDocument,
  edits: readonly TextEdit[],
  label: string,
): Promise<string | undefined> {
  const document = TextDocument.create(uri, 'onnx-precision', version, tree.text);
  const changes = edits.map(({ range, newText }) => ({ range: protocolRange(document, range), newText }));
  const edit = { documentChanges: [{ textDocument: { uri, version }, edits: changes }] };
  try {
    return refusalIn(await connection.workspace.applyEdit({ label, edit }));
  } catch (error) {
    return `the editor refused the change: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Why an answer says that the change was not made. Editors answer what they like, nothing at all among it, and then nobody knows. */
function refusalIn(answer: unknown): string | undefined {
  const { applied, failureReason }: Partial<Record<string, unknown>> =
    typeof answer === 'object' && answer !== null ? { ...answer } : {};
  if (applied === true) return undefined;
  if (applied !== false) return 'the editor does not say whether it made the change';
  return typeof failureReason === 'string' && failureReason !== ''
    ? failureReason
    : 'the editor refused the change';
}
