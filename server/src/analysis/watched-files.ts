/**
 * Whether the files of a model are still those that work on it began with. Weights are read while a model runs: what is
 * written over them meanwhile makes numbers that belong to no model, or ends the compute process.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { externalLocations, weightsFolder, type Model } from '../onnx/index.js';

export interface WatchedFiles {
  /** The path of a file that has changed since, or is gone; undefined while all are as they were. */
  changed(): string | undefined;
}

/** Remembers the state of a model's external data as of now; that of its own file is as of when it was opened. */
export function watchFiles(model: Model): WatchedFiles {
  const folder = weightsFolder(model);
  const states = new Map(
    [...externalLocations(model)].map((location) => {
      const path = join(folder ?? '.', location);
      return [path, stateOf(path)];
    }),
  );
  return {
    changed: () => {
      if (model.source.changed?.() === true) return model.source.path;
      for (const [path, state] of states) if (stateOf(path) !== state) return path;
      return undefined;
    },
  };
}

function stateOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}`;
  } catch {
    return 'missing';
  }
}
