/** Who has the machine while a command computes. */
import { describe, expect, it } from 'vitest';
import { CommandContext } from './context.js';

/** A context with a log of when the live analysis stands still; its compute processes are never asked for anything, so none starts. */
function startContext() {
  const log: string[] = [];
  const context = new CommandContext({
    runsInference: true,
    pauseAnalysis: () => {
      log.push('paused');
      return () => log.push('goes on');
    },
    // Nothing of this is for the user's own.
    cacheFolder: null,
    nodePath: undefined,
    log: () => undefined,
    remark: () => undefined,
  });
  return { context, log };
}

const never = new AbortController().signal;

describe('a command that computes', () => {
  it('has the machine for itself: the live analysis stands still meanwhile', async () => {
    const { context, log } = startContext();
    const found = await context.compute(never, () => {
      log.push('works');
      return Promise.resolve(7);
    });
    expect(found).toBe(7);
    expect(log).toEqual(['paused', 'works', 'goes on']);
  });

  it('lets the live analysis go on also when it fails', async () => {
    const { context, log } = startContext();
    await expect(context.compute(never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(log).toEqual(['paused', 'goes on']);
  });

  it('does not begin when it is cancelled before, or when the server ends', async () => {
    const { context, log } = startContext();
    const work = () => Promise.resolve('done');
    expect(await context.compute(AbortSignal.abort(), work)).toBeUndefined();
    await context.dispose();
    expect(await context.compute(never, work)).toBeUndefined();
    expect(log).toEqual([]);
  });
});
