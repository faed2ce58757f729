/** Work that ends the compute process is tried twice, work that loses its process through no fault of its own, longer. */
import { describe, expect, it } from 'vitest';
import { RuntimeFailure, type RuntimeFailureKind } from '../../runtime/index.js';
import { Attempts, GivenUp } from './attempts.js';

/** Work that fails in these ways, one after the other, and then succeeds. */
function failing(...kinds: readonly RuntimeFailureKind[]) {
  const left = [...kinds];
  const happened = { calls: 0, losses: 0 };
  return {
    happened,
    attempt: {
      what: 'the work',
      signal: new AbortController().signal,
      lost: () => (happened.losses += 1),
      excused: () => false,
      work: () => {
        happened.calls += 1;
        const kind = left.shift();
        return kind === undefined
          ? Promise.resolve('done')
          : Promise.reject(new RuntimeFailure(kind, `it ${kind}`));
      },
    },
  };
}

describe('attempts', () => {
  it('are two where the work crashes, and none after that until it is another one', async () => {
    const attempts = new Attempts();
    const { attempt, happened } = failing('crashed', 'crashed');
    for (let time = 0; time < 2; time++) {
      await expect(attempts.perform({ ...attempt, key: 'a' })).rejects.toThrow(GivenUp);
    }
    expect(happened).toEqual({ calls: 2, losses: 2 });
    await expect(attempts.perform({ ...attempt, key: 'b' })).resolves.toBe('done');
    attempts.forget();
    await expect(attempts.perform({ ...attempt, key: 'a' })).resolves.toBe('done');
  });

  it('say what crashed, how, and when it is tried again', async () => {
    const { attempt } = failing('crashed', 'crashed');
    await expect(new Attempts().perform({ ...attempt, key: 'a' })).rejects.toThrow(
      'the work crashed the runtime 2 times and is not tried again until the plan, its model or its samples change: it crashed',
    );
  });

  it('go on after one crash, and after tensors that another call took along', async () => {
    const { attempt, happened } = failing('crashed', 'stale', 'stale');
    await expect(new Attempts().perform({ ...attempt, key: 'a' })).resolves.toBe('done');
    expect(happened).toEqual({ calls: 4, losses: 3 });
  });

  it('end at once where the failure is no crash, or the crash has another reason', async () => {
    const { attempt } = failing('refused');
    await expect(new Attempts().perform({ ...attempt, key: 'a' })).rejects.toThrow('it refused');
    const changed = failing('crashed');
    const attempts = new Attempts();
    await expect(attempts.perform({ ...changed.attempt, key: 'a', excused: () => true })).rejects.toThrow(
      'it crashed',
    );
    expect(changed.happened.calls).toBe(1);
  });

  it('end where the caller has no more use for them', async () => {
    const abort = new AbortController();
    const { attempt, happened } = failing('crashed', 'crashed');
    const work = (): Promise<string> => {
      abort.abort();
      return attempt.work();
    };
    const attempts = new Attempts();
    await expect(attempts.perform({ ...attempt, work, key: 'a', signal: abort.signal })).rejects.toThrow(
      'it crashed',
    );
    expect(happened.calls).toBe(1);
  });
});
