/** How long runs take. Knows nothing of stores and of what a good measurement is: warm-up is the caller's. */
import type { InferenceSession } from 'onnxruntime-node';
import { runSession, type Feeds } from './sessions.js';

/**
 * Milliseconds of each of `runs` runs of each session, `[session][run]`. The sessions take turns, and each round
 * begins with another one, so that a machine that becomes slow is slow for all of them. A run includes the few
 * microseconds that the JavaScript interface takes to reach the native call.
 * @param stop asked before each run; may throw to end the measurement
 */
export async function timeSessions(
  sessions: readonly { readonly session: InferenceSession; readonly feeds: Feeds }[],
  runs: number,
  stop: () => void,
): Promise<number[][]> {
  const times = sessions.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (let turn = 0; turn < sessions.length; turn++) {
      const index = (run + turn) % sessions.length;
      const one = sessions[index];
      const row = times[index];
      if (one === undefined || row === undefined) continue;
      stop();
      const start = process.hrtime.bigint();
      await runSession(one.session, one.feeds, undefined);
      row.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
  }
  return times;
}
