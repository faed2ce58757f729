/** The live analysis of a server: with a compute process of its own and the store that all of this product share. */
import { startCompute } from '../sessions/compute.js';
import { openResultStore } from '../remembered.js';
import { LiveAnalysis } from './live-analysis.js';

/** Quiet time after a keystroke before inference begins. */
const DELAY_MILLISECONDS = 500;

export interface LiveStart {
  /** Told of what went wrong. */
  readonly log: (line: string) => void;
  /** Told of what the compute process says and when it comes and goes. */
  readonly remark: (line: string) => void;
  /** Where results are kept; the platform's folder for caches if left out, in memory alone if null. */
  readonly cacheFolder?: string | null | undefined;
  /** Path of the Node that runs the compute process; the one that runs this if left out. */
  readonly nodePath?: string | undefined;
  /** Told of a plan whose model was changed while it was analysed: it has to be bound again and given to `update`. */
  readonly onModelChanged: (path: string) => void;
  /** Told when something was found of targets: open plans have to be bound again and given to `update`. */
  readonly onTargetsFound: () => void;
}

/** Starts nothing yet: the process begins with the first plan that is analysed, and leaves the processor to others. */
export function startLiveAnalysis({
  log,
  remark,
  cacheFolder,
  nodePath,
  onModelChanged,
  onTargetsFound,
}: LiveStart): LiveAnalysis {
  return new LiveAnalysis({
    runtime: startCompute({
      ...{ log: remark, lowPriority: true },
      ...(nodePath === undefined ? {} : { node: nodePath }),
    }),
    store: openResultStore({
      folder: cacheFolder,
      onProblem: ({ message }) => {
        log(message);
      },
    }),
    delayMilliseconds: DELAY_MILLISECONDS,
    log,
    onModelChanged,
    onTargetsFound,
  });
}
