/** The code lenses of a plan as VS Code shows them. */
import { type CodeLens, commands, type Uri } from 'vscode';
import { until } from './workspace.js';

/** The text of all lenses of a plan, one a line. */
export async function lensesOf(uri: Uri): Promise<string> {
  const lenses = await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
  return lenses.map((lens) => lens.command?.title ?? '').join('\n');
}

/** The text of all lenses once it holds `totals`, a settled verdict and a sensitivity. */
export async function lensesUntil(uri: Uri, totals: string): Promise<string> {
  let last = '';
  try {
    return await until(totals, async () => {
      last = await lensesOf(uri);
      const settled = verdictOf(last) !== undefined && !last.includes('before the last change');
      return settled && last.includes(totals) && last.includes(' error in fp16 ') ? last : undefined;
    });
  } catch (error) {
    throw new Error(`${String(error)}; the lenses were:\n${last}`);
  }
}

/** The measured figure of the tolerance; undefined while it is not known. */
export function verdictOf(lenses: string): string | undefined {
  return /ld_3d relative_l2 ([\d.e-]+) of /.exec(lenses)?.[1];
}
