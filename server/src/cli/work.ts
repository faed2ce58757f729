/** Work on a loaded plan as every subcommand that runs inference begins and ends it. */
import { MOST_THREADS } from '../language/index.js';
import type { BoundPlan } from '../plan/index.js';
import { openWork, type Work } from '../work/index.js';
import { CommandFailure, EXIT } from './exit-status.js';
import { reportDiagnostics, type LoadedPlan } from './load.js';
import { resultStore } from './result-store.js';
import type { SubcommandContext } from './subcommand.js';
import { resultOf } from './work-failure.js';

export interface WorkChoice {
  /** The one that is asked for on the command line, or else the first of the plan, if left out. */
  readonly target?: string | undefined;
  /** What is to be said of the samples was said before. */
  readonly isAgain?: boolean;
}

/** Runs `run` with a compute process over the samples of `plan`; everything is given back, however it ends. */
export async function withWork<T>(
  loaded: LoadedPlan,
  plan: BoundPlan,
  { parsed, output, signal, startRuntime }: SubcommandContext,
  run: (work: Work) => Promise<T>,
  { target = parsed.text('target'), isAgain = false }: WorkChoice = {},
): Promise<T> {
  const threads = parsed.text('threads') === undefined ? undefined : parsed.integer('threads', 1);
  if (threads !== undefined && threads > MOST_THREADS) {
    throw new CommandFailure(
      EXIT.usage,
      'usage',
      `--threads wants an integer from 1 to ${MOST_THREADS}, not ${threads}`,
    );
  }
  const runtime = startRuntime();
  const store = resultStore(parsed, output);
  try {
    const { progress } = output;
    const work = resultOf(
      await openWork(plan, { runtime, signal, progress, store, threads, target }),
      loaded,
    );
    const { askedThreads: asked, threads: taken } = work;
    if (taken < asked) {
      output.problem(`warning threads: ${asked} are more than this machine bears: it runs with ${taken}`);
    }
    if (!isAgain) reportDiagnostics(loaded, work.diagnostics, output);
    try {
      return await run(work);
    } finally {
      // What is interrupted ends with its process, which is quicker.
      if (!signal.aborted) await work.dispose();
    }
  } finally {
    await store?.close();
    await runtime.dispose();
  }
}
