import { describe, expect, it } from 'vitest';
import { CallQueue } from './call-queue.js';
import { checkFails } from './testing/failures.js';
import { RuntimeFailure } from './types.js';

/** A call that ends when it is told to. */
function manual(): { call: () => Promise<string>; begun: () => boolean; end: (result: string) => void } {
  let begun = false;
  let end: (result: string) => void = () => undefined;
  const done = new Promise<string>((resolve) => (end = resolve));
  return {
    call: () => {
      begun = true;
      return done;
    },
    begun: () => begun,
    end: (result) => {
      end(result);
    },
  };
}

const quiet = (): void => undefined;

describe('queue of calls', () => {
  it('begins a call when the one before is done', async () => {
    const queue = new CallQueue(quiet);
    const [first, second] = [manual(), manual()];
    const results = [queue.add(first.call, undefined), queue.add(second.call, undefined)];
    expect([first.begun(), second.begun()]).toEqual([true, false]);
    first.end('1');
    expect(await results[0]).toBe('1');
    second.end('2');
    expect(await results[1]).toBe('2');
    expect(second.begun()).toBe(true);
  });

  it('goes on after a call that fails', async () => {
    const queue = new CallQueue(quiet);
    const failing = queue.add(() => Promise.reject(new Error('no')), undefined);
    const next = queue.add(() => Promise.resolve('yes'), undefined);
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  it('never begins a call that is aborted while it waits, and rejects it at once', async () => {
    const queue = new CallQueue(quiet);
    const [first, second] = [manual(), manual()];
    const busy = queue.add(first.call, undefined);
    const abort = new AbortController();
    const waiting = queue.add(second.call, abort.signal);
    abort.abort();
    await checkFails(waiting, 'cancelled');
    first.end('1');
    await busy;
    expect(second.begun()).toBe(false);
  });

  it('does not take a call that is aborted already', async () => {
    const { call, begun } = manual();
    await checkFails(new CallQueue(quiet).add(call, AbortSignal.abort()), 'cancelled');
    expect(begun()).toBe(false);
  });

  it('drops the waiting calls, not the one that runs, when it is cleared', async () => {
    const queue = new CallQueue(quiet);
    const [first, second] = [manual(), manual()];
    const results = [queue.add(first.call, undefined), queue.add(second.call, undefined)];
    queue.clear(new RuntimeFailure('cancelled', 'over'));
    await expect(results[1]).rejects.toThrow('over');
    first.end('1');
    expect(await results[0]).toBe('1');
  });

  it('tells when it becomes busy and when idle', async () => {
    const told: boolean[] = [];
    const queue = new CallQueue((busy) => told.push(busy));
    await Promise.all([1, 2, 3].map((value) => queue.add(() => Promise.resolve(value), undefined)));
    await queue.add(() => Promise.resolve(4), undefined);
    await new Promise(setImmediate);
    expect(told).toEqual([true, false, true, false]);
  });
});
