/** Opens the model that a subcommand was given by path. */
import { resolve } from 'node:path';
import { openModel, type Model } from '../onnx/index.js';
import { CommandFailure, EXIT } from './exit-status.js';

/** The model, or a `CommandFailure` with what is wrong and at which byte. */
export function openModelArgument(path: string): Model {
  const opened = openModel(resolve(path));
  if ('model' in opened) return opened.model;
  throw new CommandFailure(EXIT.usage, opened.problem.code, opened.problem.message, path);
}
