/** What the jobs of a live analysis keep for each other, and for how long. */
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../store/index.js';
import { startCompute } from '../sessions/compute.js';
import { JobContext } from './job-context.js';

/** A context whose compute process is never asked for anything, so that none starts; and which samples were read. */
function startContext() {
  const context = new JobContext(startCompute({ log: () => undefined }), memoryStore());
  const reads: string[] = [];
  const ask = (key: string) =>
    context.samplesOf(key, () => {
      reads.push(key);
      return Promise.resolve([]);
    });
  return { ask, reads };
}

describe('samples', () => {
  it('are read once for all who ask', async () => {
    const { ask, reads } = startContext();
    await Promise.all([ask('a'), ask('a')]);
    await ask('a');
    expect(reads).toEqual(['a']);
  });

  it('are not kept for ever: an input that is edited again and again does not fill the memory', async () => {
    const { ask, reads } = startContext();
    const edits = ['a', 'b', 'c', 'd', 'e'];
    for (const key of edits) await ask(key);
    await ask('e');
    expect(reads).toEqual(edits);
    await ask('a');
    expect(reads).toEqual([...edits, 'a']);
  });
});
