/** Whether a file is still the one that was read. */
import { statSync } from 'node:fs';

/** Changes whenever the file may have: files that do not exist are alike. */
export function fileIdentity(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false, bigint: true });
  return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeNs}`;
}
