/** The files that a path which is being typed may lead to. Knows folders, no plan. */
import { dirname, resolve } from 'node:path';
import { quote } from '../language/index.js';
import type { OfferedName } from './completion-names.js';
import type { WorkspaceFiles } from './workspace-files.js';

/** A folder with more is no folder that one picks a file from. */
const MOST_ENTRIES = 2000;

/**
 * Folders, and files with one of the extensions, in the folder that is typed so far; for sample files a glob over all
 * files of a kind where there are several.
 *
 * @param plan the path of the plan, which the typed path is relative to
 * @param typed what stands between the quotes before the cursor
 */
export function offeredPaths(
  files: WorkspaceFiles,
  plan: string,
  typed: string,
  extensions: readonly string[],
): readonly OfferedName[] {
  const folder = typed.slice(0, typed.lastIndexOf('/') + 1);
  const entries = files.listFolder(resolve(dirname(plan), folder)).slice(0, MOST_ENTRIES);
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const inFolder = (name: string): string => quote(folder + name).slice(1, -1);
  const found = visible
    .filter(({ name, isFolder }) => isFolder || extensions.some((extension) => name.endsWith(extension)))
    .sort((a, b) => Number(a.isFolder) - Number(b.isFolder) || (a.name < b.name ? -1 : 1))
    .map(({ name, isFolder }): OfferedName => {
      return isFolder
        ? { text: inFolder(`${name}/`), detail: 'folder' }
        : { text: inFolder(name), detail: 'file' };
    });
  // Samples are given by a glob; nothing else takes one.
  const globs = extensions.length === 1 ? [] : extensions;
  const series = globs.flatMap((extension): OfferedName[] => {
    const count = visible.filter(({ name, isFolder }) => !isFolder && name.endsWith(extension)).length;
    return count < 2 ? [] : [{ text: inFolder(`*${extension}`), detail: `${count} files` }];
  });
  return [...series, ...found];
}
