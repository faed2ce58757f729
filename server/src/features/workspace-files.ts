/** The files that a plan names, as the editor has them: an open document counts before the file on disk. */
import { existsSync, readdirSync } from 'node:fs';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Steps } from '../onnx/index.js';
import type { FindTarget, PlanFiles } from '../plan/index.js';
import { pathOfUri } from './document-path.js';
import { learnModel } from './learn-model.js';
import { ModelCache } from './model-cache.js';
import { TextCache } from './text-cache.js';

export interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** What features ask of the world around a plan; paths are absolute. */
export interface WorkspaceFiles extends PlanFiles {
  /** The entries of a folder in no order; none where there is no such folder. */
  listFolder(path: string): readonly FolderEntry[];
  exists(path: string): boolean;
  readonly findTarget: FindTarget;
  /** What is left to do before `openModel`, and all that is asked of the model, answers at once. */
  modelSteps(path: string): Steps<void> | undefined;
}

/**
 * @param openDocuments gives the documents that are open at the time of the call
 * @param findTarget what is known of targets at that time
 */
export function workspaceFiles(
  openDocuments: () => readonly TextDocument[],
  findTarget: FindTarget = () => undefined,
): WorkspaceFiles {
  const models = new ModelCache(learnModel);
  const texts = new TextCache();
  return {
    readText: (path) => {
      const open = openDocuments().find(({ uri }) => pathOfUri(uri) === path);
      if (open !== undefined) return open.getText();
      return texts.read(path);
    },
    openModel: (path) => models.open(path),
    modelSteps: (path) => models.steps(path),
    findTarget,
    listFolder: (path) => {
      try {
        const entries = readdirSync(path, { withFileTypes: true });
        return entries.map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
      } catch {
        // A folder that is half typed, or that we may not read, has nothing to offer.
        return [];
      }
    },
    exists: (path) => existsSync(path),
  };
}
