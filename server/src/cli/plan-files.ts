/** Plans and models as the command finds them: on disk. */
import { readFileSync } from 'node:fs';
import { openModel } from '../onnx/index.js';
import type { PlanFiles } from '../plan/index.js';

/** Reads texts and opens models from disk, each model once. */
export function diskFiles(): PlanFiles {
  const models = new Map<string, ReturnType<typeof openModel>>();
  return {
    readText: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    openModel: (path) => {
      let opened = models.get(path);
      if (opened === undefined) {
        opened = openModel(path);
        models.set(path, opened);
      }
      return opened;
    },
  };
}
