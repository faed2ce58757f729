/** The files that a plan names, as the editor has them: an open document counts before the file on disk. */
import { readFileSync } from 'node:fs';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { PlanFiles } from '../plan/index.js';
import { pathOfUri } from './document-path.js';
import { ModelCache } from './model-cache.js';

/** @param openDocuments gives the documents that are open at the time of the call */
export function workspaceFiles(openDocuments: () => readonly TextDocument[]): PlanFiles {
  const models = new ModelCache();
  return {
    readText: (path) => {
      const open = openDocuments().find(({ uri }) => pathOfUri(uri) === path);
      if (open !== undefined) return open.getText();
      try {
        return readFileSync(path, 'utf8');
      } catch {
        // The plan's own diagnostics say that the file is missing.
        return undefined;
      }
    },
    openModel: (path) => models.open(path),
  };
}
