import { describe, expect, it } from 'vitest';
import { oneAtATime } from './one-at-a-time.js';

/** An action whose runs the test ends by hand; `log` has a line for each beginning and end. */
function slowAction() {
  const log: string[] = [];
  const pending: { end: () => void; fail: (error: Error) => void }[] = [];
  const action = async (): Promise<void> => {
    log.push('begin');
    await new Promise<void>((resolve, reject) => pending.push({ end: resolve, fail: reject }));
    log.push('end');
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const end = async (): Promise<void> => {
    pending.shift()?.end();
    await settle();
  };
  const fail = async (): Promise<void> => {
    pending.shift()?.fail(new Error('no'));
    await settle();
  };
  return { log, action, end, fail };
}

describe('an action one at a time', () => {
  it('runs at once when it is idle, and again when it is idle again', async () => {
    const { log, action, end } = slowAction();
    const restart = oneAtATime(action);
    const first = restart();
    expect(log).toEqual(['begin']);
    await end();
    await first;
    const second = restart();
    await end();
    await second;
    expect(log).toEqual(['begin', 'end', 'begin', 'end']);
  });

  it('makes exactly one further run of all calls during a run', async () => {
    const { log, action, end } = slowAction();
    const restart = oneAtATime(action);
    const calls = [restart(), restart(), restart(), restart()];
    await end();
    expect(log).toEqual(['begin', 'end', 'begin']);
    await end();
    await Promise.all(calls);
    expect(log).toEqual(['begin', 'end', 'begin', 'end']);
  });

  it('tells the caller of a failure and still makes the further run', async () => {
    const { log, action, end, fail } = slowAction();
    const restart = oneAtATime(action);
    const first = restart();
    const second = restart();
    const refused = expect(first).rejects.toThrow('no');
    await fail();
    await refused;
    await end();
    await second;
    expect(log).toEqual(['begin', 'begin', 'end']);
  });
});
