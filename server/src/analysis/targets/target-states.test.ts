/** Whether a target is there, told by a run on it: what happens to the process for another's sake says nothing of that. */
import { expect, it } from 'vitest';
import { RuntimeFailure, type Runtime } from '../../runtime/index.js';
import { computeForTests } from '../testing/index.js';
import { targetState } from './target-states.js';

const { runtime } = await computeForTests();

/** The process ends behind this many openings of a session. */
function losing(times: number): Runtime {
  let left = times;
  return {
    ...runtime,
    open: async (request, signal) => {
      const session = await runtime.open(request, signal);
      left -= 1;
      if (left >= 0) await runtime.dispose();
      return session;
    },
  };
}

it('a target is there though the process was ended under the run', async () => {
  expect(await targetState(losing(2), 'cpu')).toMatchObject({ name: 'cpu', usable: true });
});

it('a process that is ended time and again says nothing of the target', async () => {
  await expect(targetState(losing(Infinity), 'cpu')).rejects.toMatchObject({ kind: 'stale' });
});

it('a target on which two runs in a row end the process does not start', async () => {
  const crashing = { ...runtime, run: () => Promise.reject(new RuntimeFailure('crashed', 'It died')) };
  const summary = expect.stringMatching(/which does not start: It died\.$/) as unknown;
  expect(await targetState(crashing, 'cpu')).toMatchObject({ usable: false, summary });
});
