/**
 * Work that the editor shows the progress of and that it can stop: by the progress that the server begins, or by cancelling
 * its own request. Knows nothing of what is worked on.
 */
import { performance } from 'node:perf_hooks';
import type { CancellationToken, Connection } from 'vscode-languageserver';
import type { Progress } from '../../analysis/index.js';

/** As often as a person can see a number change; every report is a message. */
const INTERVAL_MILLISECONDS = 100;

export interface ProgressWork {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Runs `work` under a title. Where the editor shows no progress, its request can be cancelled all the same. */
export async function withProgress<T>(
  connection: Connection,
  title: string,
  token: CancellationToken,
  work: (parts: ProgressWork) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort();
  };
  const shown = await connection.window.createWorkDoneProgress();
  if (token.isCancellationRequested) stop();
  const listening = [token.onCancellationRequested(stop), shown.token.onCancellationRequested(stop)];
  let last = Number.NEGATIVE_INFINITY;
  const progress: Progress = (done, total, what) => {
    const now = performance.now();
    if (total <= 0 || abort.signal.aborted || (now - last < INTERVAL_MILLISECONDS && done < total)) return;
    last = now;
    shown.report(Math.min(100, Math.floor((100 * done) / total)), what);
  };
  // A percentage at the beginning is what makes the later ones count.
  shown.begin(title, 0, undefined, true);
  try {
    return await work({ signal: abort.signal, progress });
  } finally {
    for (const one of listening) one.dispose();
    shown.done();
  }
}
