/**
 * Models that plans were last bound to, kept open so that a keystroke does not open a file. A model is opened again
 * when the file at its path is another one or has changed. Knows nothing of plans.
 */
import { statSync } from 'node:fs';
import { openModel } from '../onnx/index.js';

type OpenedModel = ReturnType<typeof openModel>;

/** Each holds a file descriptor and the model's names; plans that are worked on at once are few. */
const keptModels = 16;

export class ModelCache {
  /** By path, the model used longest ago first. */
  private readonly models = new Map<string, { readonly identity: string; readonly opened: OpenedModel }>();

  /** What `openModel` gives for the file as it is now. */
  open(path: string): OpenedModel {
    const identity = fileIdentity(path);
    const kept = this.models.get(path);
    if (kept !== undefined) {
      this.models.delete(path);
      if (kept.identity === identity) {
        this.models.set(path, kept);
        return kept.opened;
      }
      close(kept.opened);
    }
    const opened = openModel(path);
    this.models.set(path, { identity, opened });
    for (const [oldest, { opened: unused }] of this.models) {
      if (this.models.size <= keptModels) break;
      this.models.delete(oldest);
      close(unused);
    }
    return opened;
  }
}

/** Changes whenever the file may have; files that do not exist are alike. */
function fileIdentity(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false, bigint: true });
  return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeNs}`;
}

function close(opened: OpenedModel): void {
  if ('model' in opened) opened.model.source.close();
}
