/** Folders for tests, in the system's own place for what does not last. Knows nothing of what they hold. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A new folder, and how to remove it: for whoever has to end something else in between. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'onnx-precision-test-'));
  return {
    path,
    remove: () => {
      // A process that has just ended may hold a file for a moment longer.
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * A folder that is removed after the last test of the file, or of the `describe` that asks. What still writes there has to end
 * first, in an `afterAll` that stands behind this call: the hook that was added last runs first.
 */
export function folderForTests(): string {
  const { path, remove } = temporaryFolder();
  afterAll(remove);
  return path;
}

/** Makes such folders, for tests of which each wants its own. */
export function foldersForTests(): () => string {
  const path = folderForTests();
  return () => mkdtempSync(join(path, 'folder-'));
}
