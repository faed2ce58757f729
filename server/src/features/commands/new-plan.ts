/**
 * `onnxPrecision.server.newPlan` [modelUri, { expand }?]: a starting plan beside a model, under the first name that is free. Reads weights
 * and runs nothing, so that it works in any workspace.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { isRefused, usualPlanPath, writeNewPlan } from '../../work/index.js';
import { pathOfUri, uriOfPath } from '../document-path.js';
import type { ServerCommand } from './command.js';
import type { CommandContext } from './context.js';
import { CANCELLED, outcomeOf, refusal } from './outcome.js';
import { workCommand } from './work-command.js';

export interface NewPlanResult {
  /** Absolute. */
  readonly path: string;
}

export function newPlanCommand(context: CommandContext): ServerCommand {
  return workCommand<NewPlanResult>(
    {
      name: 'newPlan',
      title: 'Writing a plan',
      run: async ({ uri, words: [options] }, { signal, progress }) => {
        const model = pathOfUri(uri);
        if (model === undefined) return refusal('not-a-file', `${uri} is no file on this machine`);
        const wanted = usualPlanPath(model);
        const path = freePath(wanted);
        const written = await context.compute(signal, (runtime) =>
          writeNewPlan(model, path, { runtime, signal, progress, expand: isExpand(options) }),
        );
        if (written === undefined) return CANCELLED;
        if (isRefused(written)) return outcomeOf(written.problem);
        const why = path === wanted ? '' : `, since ${basename(wanted)} exists`;
        return {
          status: 'done',
          severity: 'information',
          message: `wrote ${basename(path)}${why}`,
          written: uriOfPath(path),
          result: { path },
        };
      },
    },
    context,
  );
}

/** `pose.precision`, otherwise `pose_2.precision` and so on. */
function freePath(wanted: string): string {
  let path = wanted;
  for (let number = 2; existsSync(path); number++) {
    path = wanted.replace(/\.precision$/u, `_${number}.precision`);
  }
  return path;
}

function isExpand(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'expand' in options && options.expand === true;
}
