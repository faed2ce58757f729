/** Document links: the files that a plan names, where they are there. */
import type { DocumentLink } from 'vscode-languageserver';
import { resolveBeside } from './beside.js';
import { uriOfPath } from './document-path.js';
import type { OpenPlan } from './open-plan.js';
import { type Part, partsOf } from './parts.js';
import { protocolRange } from './positions.js';

/** Each link costs a look at the disk; a plan names a handful of files. */
const MOST_LINKS = 200;

export function documentLinksOf(open: OpenPlan): DocumentLink[] {
  const links: DocumentLink[] = [];
  for (const statement of open.tree.statements) {
    // Most statements of a long plan decide layers and name no file.
    if ('format' in statement) continue;
    for (const part of partsOf(statement)) {
      const path = links.length < MOST_LINKS ? fileOf(part, open) : undefined;
      if (path === undefined) continue;
      const { start, end } = part.range;
      links.push({
        range: protocolRange(open.document, { start: start + 1, end: end - 1 }),
        target: uriOfPath(path),
      });
    }
  }
  return links;
}

/** The file that a part names; undefined for other parts, for globs, and where there is no such file. */
export function fileOf({ role, text }: Part, { path, files }: OpenPlan): string | undefined {
  if (role !== 'model path' && role !== 'fragment path' && role !== 'file path') return undefined;
  const file = resolveBeside(path, text);
  return file !== undefined && text !== '' && files.exists(file) ? file : undefined;
}
