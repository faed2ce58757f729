/** What the commands that work on a model need of the server around them. Knows no command. */
import { openResultStore, type ResultStore, type Runtime, startCompute } from '../../analysis/index.js';
import { OneAfterTheOther } from './one-after-the-other.js';

export interface CommandParts {
  /** False in a workspace that is not trusted: models are read there, and not run. */
  readonly runsInference: boolean;
  /** Keeps the live analysis from working until the function that it gives is called. */
  readonly pauseAnalysis: () => () => void;
  /** Where results are kept; the platform's folder for caches if left out, in memory alone if null. */
  readonly cacheFolder: string | null | undefined;
  /** Path of the Node that runs inference; the one that runs this if left out. */
  readonly nodePath: string | undefined;
  /** Told of what went wrong, and of what the compute process says. */
  readonly log: (message: string) => void;
  readonly remark: (message: string) => void;
}

export class CommandContext {
  /** What any part of this product has found before. */
  readonly store: ResultStore;
  private readonly queue = new OneAfterTheOther();
  private readonly disposal = new AbortController();

  constructor(readonly parts: CommandParts) {
    const { cacheFolder, log } = parts;
    this.store = openResultStore({
      folder: cacheFolder,
      onProblem: ({ message }) => {
        log(message);
      },
    });
  }

  /**
   * Gives `work` a compute process for as long as it takes, and has the machine for itself meanwhile: other commands wait and the
   * live analysis stands still. Undefined where the signal is aborted before it is this one's turn.
   */
  compute<T>(signal: AbortSignal, work: (runtime: Runtime) => Promise<T>): Promise<T | undefined> {
    const either = AbortSignal.any([signal, this.disposal.signal]);
    return this.queue.run(either, async () => {
      const { nodePath, remark, pauseAnalysis } = this.parts;
      const goOn = pauseAnalysis();
      const runtime = startCompute({ log: remark, ...(nodePath === undefined ? {} : { node: nodePath }) });
      const end = (): void => {
        void runtime.dispose();
      };
      this.disposal.signal.addEventListener('abort', end);
      try {
        return await work(runtime);
      } finally {
        this.disposal.signal.removeEventListener('abort', end);
        await runtime.dispose();
        goOn();
      }
    });
  }

  /** Ends what runs, with its process; what waits does not begin any more. */
  dispose(): Promise<void> {
    this.disposal.abort();
    return this.queue.idle();
  }
}
