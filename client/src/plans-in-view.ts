/** Which plans the user is looking at. Knows nothing of what that is good for. */
import { type TextDocument, type TextEditor, window } from 'vscode';

export const LANGUAGE = 'onnx-precision';

function isPlan(document: TextDocument): boolean {
  return document.languageId === LANGUAGE;
}

/** The plan that commands of the palette are about. */
export function activePlan(): TextDocument | undefined {
  const document = window.activeTextEditor?.document;
  return document !== undefined && isPlan(document) ? document : undefined;
}

/** Each plan that an editor shows, once. */
export function visiblePlans(editors: readonly TextEditor[] = window.visibleTextEditors): string[] {
  const plans = editors.filter(({ document }) => isPlan(document));
  return [...new Set(plans.map(({ document }) => document.uri.toString()))];
}
