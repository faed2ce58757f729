/** When each piece of work begins, whatever becomes of those before it. */
import { describe, expect, it } from 'vitest';
import { OneAfterTheOther } from './one-after-the-other.js';

/** Work that the test ends by hand. */
function slowWork(name: string, log: string[]) {
  let end: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const work = async (): Promise<string> => {
    log.push(`${name} begins`);
    await new Promise<void>((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
    log.push(`${name} ends`);
    return name;
  };
  return {
    work,
    end: () => {
      end();
    },
    fail: () => {
      fail(new Error(name));
    },
  };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const never = new AbortController().signal;

describe('work one after the other', () => {
  it('begins when what was there before has ended', async () => {
    const log: string[] = [];
    const queue = new OneAfterTheOther();
    const [a, b] = [slowWork('a', log), slowWork('b', log)];
    const runs = [queue.run(never, a.work), queue.run(never, b.work)];
    await settle();
    expect(log).toEqual(['a begins']);
    a.end();
    await settle();
    expect(log).toEqual(['a begins', 'a ends', 'b begins']);
    b.end();
    expect(await Promise.all(runs)).toEqual(['a', 'b']);
  });

  it('begins also after a failure, which only its own caller hears of', async () => {
    const log: string[] = [];
    const queue = new OneAfterTheOther();
    const [a, b] = [slowWork('a', log), slowWork('b', log)];
    const first = expect(queue.run(never, a.work)).rejects.toThrow('a');
    const second = queue.run(never, b.work);
    await settle();
    a.fail();
    await first;
    await settle();
    b.end();
    expect(await second).toBe('b');
  });

  it('is given up while it waits, and what stands behind it goes on waiting for what runs', async () => {
    const log: string[] = [];
    const queue = new OneAfterTheOther();
    const [a, b, c] = [slowWork('a', log), slowWork('b', log), slowWork('c', log)];
    const abort = new AbortController();
    void queue.run(never, a.work);
    const given = queue.run(abort.signal, b.work);
    const third = queue.run(never, c.work);
    await settle();
    abort.abort();
    expect(await given).toBeUndefined();
    await settle();
    expect(log).toEqual(['a begins']);
    a.end();
    await settle();
    expect(log).toEqual(['a begins', 'a ends', 'c begins']);
    c.end();
    expect(await third).toBe('c');
  });
});
