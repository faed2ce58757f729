/** The folder that the suite has open: a copy of the sample, since the tests edit and add files in it. */
import { cpSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../scripts/setup.mjs';

/** Copies the sample below `folder` and returns the copy's path. */
export function copyWorkspace(folder) {
  const workspace = path.join(folder, 'workspace');
  cpSync(path.join(root, 'samples/pose'), workspace, { recursive: true });
  return workspace;
}
