/**
 * The file beside a model that says how its session is best opened: its name, and whether it is of the model that is there. Knows not
 * how settings are found.
 */
import { readFileSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { contentHash, openModel } from '../onnx/index.js';

export function sessionFile(model: string): string {
  return `${model}.session.json`;
}

/** A hash of the content of the model at `path`, external data included; undefined where it cannot be read. */
export async function modelHash(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const opened = openModel(path);
  if ('problem' in opened) return undefined;
  try {
    const hashed = await contentHash(opened.model, signal);
    return 'problem' in hashed ? undefined : hashed.hash;
  } finally {
    opened.model.source.close();
  }
}

/**
 * Removes the settings beside the model at `path`, which was written a moment ago, where they were found for another model: gives a
 * sentence that says so. Undefined where there are none, they are of this model, or the file is none that a tuning of sessions writes.
 */
export async function removeStaleSession(path: string, signal?: AbortSignal): Promise<string | undefined> {
  const file = sessionFile(path);
  const settings = settingsIn(file);
  if (settings?.['model'] !== basename(path) || !Array.isArray(settings['executionProviders']))
    return undefined;
  const tuned = settings['modelHash'];
  if (tuned !== undefined && tuned === (await modelHash(path, signal))) return undefined;
  const name = basename(file);
  const of = 'which held the settings of a session for the model that was here before';
  try {
    rmSync(file, { force: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `${name}, ${of}, does not fit the new one and could not be removed: ${reason}`;
  }
  return `removed ${name}, ${of}; --tune-session, in the editor Tune Session of Converted Model, finds those for the new one`;
}

function settingsIn(file: string): Readonly<Record<string, unknown>> | undefined {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  return typeof document === 'object' && document !== null ? { ...document } : undefined;
}
