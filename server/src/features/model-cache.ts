/**
 * Models that plans were last bound to, kept open so that a keystroke does not open a file. A model is opened again
 * when the file at its path is another one or has changed. Knows nothing of plans, nor what there is to learn of a model.
 */
import { type Model, openModel, openModelSteps, type Steps } from '../onnx/index.js';
import { fileIdentity } from './file-identity.js';

type OpenedModel = ReturnType<typeof openModel>;

interface KeptModel {
  readonly identity: string;
  readonly opened: OpenedModel;
  /** Nothing that is asked of it takes long any more. */
  isLearnt: boolean;
}

/** Each holds a file descriptor and the model's names; plans that are worked on at once are few. */
const keptModels = 16;

export class ModelCache {
  /** By path, the model used longest ago first. */
  private readonly models = new Map<string, KeptModel>();

  /** @param learn does once what is asked of every model, so that it is remembered when it is asked */
  constructor(private readonly learn?: (model: Model) => Steps<void>) {}

  /** What `openModel` gives for the file as it is now. */
  open(path: string): OpenedModel {
    const identity = fileIdentity(path);
    return (this.find(path, identity) ?? this.keep(path, identity, openModel(path))).opened;
  }

  /** What is left to do before `open` answers at once, and whatever is asked of the model; undefined if nothing is. */
  steps(path: string): Steps<void> | undefined {
    const isLearnt = this.find(path, fileIdentity(path))?.isLearnt === true;
    return isLearnt ? undefined : this.learning(path);
  }

  private *learning(path: string): Steps<void> {
    const identity = fileIdentity(path);
    let kept = this.find(path, identity);
    if (kept === undefined) {
      const opened = yield* openModelSteps(path);
      // Someone who could not wait may have opened it meanwhile, and holds on to that one.
      kept = this.find(path, identity);
      if (kept === undefined) kept = this.keep(path, identity, opened);
      else close(opened);
    }
    if ('model' in kept.opened && this.learn !== undefined) yield* this.learn(kept.opened.model);
    kept.isLearnt = true;
  }

  private find(path: string, identity: string): KeptModel | undefined {
    const kept = this.models.get(path);
    if (kept === undefined) return undefined;
    this.models.delete(path);
    if (kept.identity === identity) {
      this.models.set(path, kept);
      return kept;
    }
    close(kept.opened);
    return undefined;
  }

  private keep(path: string, identity: string, opened: OpenedModel): KeptModel {
    const kept = { identity, opened, isLearnt: 'problem' in opened };
    this.models.set(path, kept);
    for (const [oldest, { opened: unused }] of this.models) {
      if (this.models.size <= keptModels) break;
      this.models.delete(oldest);
      close(unused);
    }
    return kept;
  }
}

function close(opened: OpenedModel): void {
  if ('model' in opened) opened.model.source.close();
}
