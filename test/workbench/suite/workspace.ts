/** Plans in the open workspace: writing, opening and waiting for what VS Code shows of them. */
import { readdirSync, writeFileSync } from 'node:fs';
import {
  type Diagnostic,
  DiagnosticSeverity,
  languages,
  Range,
  type TextDocument,
  Uri,
  window,
  workspace,
  WorkspaceEdit,
} from 'vscode';

/** The copy of the sample that the runner opened. */
export function workspaceUri(...segments: string[]): Uri {
  const folder = workspace.workspaceFolders?.[0];
  if (folder === undefined) throw new Error('no workspace is open');
  return Uri.joinPath(folder.uri, ...segments);
}

/** The one file of the sample that ends so; what the sample is called is its own affair. */
function sampleFile(ending: string): string {
  const [name] = sampleFiles.filter((file) => file.endsWith(ending));
  if (name === undefined) throw new Error(`the sample has no ${ending} file`);
  return name;
}

/** As the sample came, before any test added a file. */
const sampleFiles = readdirSync(workspaceUri().fsPath).sort();

export const samplePlan = (): string => sampleFile('.precision');
export const sampleModel = (): string => sampleFile('.onnx');

/** Shows a plan beside the sample's model; writes it first where a text is given. */
export async function openPlan(name: string, text?: string): Promise<TextDocument> {
  const uri = workspaceUri(name);
  if (text !== undefined) writeFileSync(uri.fsPath, text);
  const document = await workspace.openTextDocument(uri);
  await window.showTextDocument(document);
  return document;
}

/** Asks again until the answer is something; the deadline is for a product that never gives one. */
export async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 50_000;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never came: ${what}`);
}

/** Waits for the diagnostics of a document to be as `accept` wants them. */
export function untilDiagnostics(
  uri: Uri,
  what: string,
  accept: (diagnostics: readonly Diagnostic[]) => boolean,
): Promise<readonly Diagnostic[]> {
  return until(what, () => {
    const diagnostics = languages.getDiagnostics(uri);
    return accept(diagnostics) ? diagnostics : undefined;
  });
}

/**
 * The messages of the errors of the document as it is now: a fault put at its end must show before others are judged, and is
 * taken away again.
 */
export async function errorsNow(document: TextDocument): Promise<readonly string[]> {
  const end = document.positionAt(document.getText().length);
  const fault = '\nnonsense';
  const appended = new WorkspaceEdit();
  appended.insert(document.uri, end, fault);
  await workspace.applyEdit(appended);
  const onFault = (one: Diagnostic): boolean => one.range.start.line > end.line;
  const shown = await untilDiagnostics(document.uri, 'the fault that was put in', (all) => all.some(onFault));
  const removed = new WorkspaceEdit();
  removed.delete(document.uri, new Range(end, document.positionAt(document.getText().length)));
  await workspace.applyEdit(removed);
  return shown
    .filter((one) => !onFault(one) && one.severity === DiagnosticSeverity.Error)
    .map(({ message }) => message);
}

/** The machine code of a diagnostic, such as `unknown-layer`. */
export function codeOf({ code }: Diagnostic): string {
  return String(typeof code === 'object' ? code.value : code);
}
