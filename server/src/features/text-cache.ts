/**
 * Texts of files that plans name, kept so that a keystroke does not read them: fragments, and locks of thousands of lines.
 * A file is read again when the one at its path is another one or has changed. Knows no plan.
 */
import { readFileSync } from 'node:fs';
import { fileIdentity } from './file-identity.js';

interface KeptText {
  readonly identity: string;
  /** Undefined where there is no such file, or none that we may read. */
  readonly text: string | undefined;
}

/** Plans that are worked on at once are few, and so are the files that each names. */
const KEPT_TEXTS = 64;

export class TextCache {
  /** By path, the text used longest ago first. */
  private readonly texts = new Map<string, KeptText>();

  /** @param readFile reads a file as it is now, and throws where it cannot */
  constructor(private readonly readFile = (path: string): string => readFileSync(path, 'utf8')) {}

  /** The text of a file as it is now; the same string while the file stays the same. */
  read(path: string): string | undefined {
    // Before the text: of a file that is written meanwhile the old identity makes it read again.
    const identity = identityOf(path);
    const kept = this.texts.get(path);
    this.texts.delete(path);
    const found = kept?.identity === identity ? kept : { identity, text: this.readNow(path) };
    this.texts.set(path, found);
    for (const oldest of this.texts.keys()) {
      if (this.texts.size <= KEPT_TEXTS) break;
      this.texts.delete(oldest);
    }
    return found.text;
  }

  private readNow(path: string): string | undefined {
    try {
      return this.readFile(path);
    } catch {
      // The plan's own diagnostics say that the file is missing.
      return undefined;
    }
  }
}

/** A path that cannot even be looked at is like one where there is nothing. */
function identityOf(path: string): string {
  try {
    return fileIdentity(path);
  } catch {
    return '';
  }
}
