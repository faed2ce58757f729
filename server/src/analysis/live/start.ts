/** The live analysis of a server: with a compute process of its own and the store that all of this product share. */
import { openStore } from '../../store/index.js';
import { startCompute } from '../compute.js';
import { LiveAnalysis } from './live-analysis.js';

/** Quiet time after a keystroke before inference begins. */
const DELAY_MILLISECONDS = 500;

export interface LiveStart {
  readonly log: (line: string) => void;
  /** Where results are kept; the platform's folder for caches if left out. */
  readonly cacheFolder?: string | undefined;
}

/** Starts nothing yet: the process begins with the first plan that is analysed. */
export function startLiveAnalysis({ log, cacheFolder }: LiveStart): LiveAnalysis {
  return new LiveAnalysis({
    runtime: startCompute({ log }),
    store: openStore({
      folder: cacheFolder,
      onProblem: ({ message }) => {
        log(message);
      },
    }),
    delayMilliseconds: DELAY_MILLISECONDS,
    log,
  });
}
