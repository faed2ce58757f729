/**
 * Program for tests: one of several processes that share a store. `store-process FOLDER NAME ROUNDS` says `ready`, waits
 * for a message, and then stores and looks up values under the same keys as the others and under keys of its own; as
 * `collector` it empties the store over and over. Says how often a value was found, and which were wrong.
 */
import { isDeepStrictEqual } from 'node:util';
import { openStore } from '../index.js';
import { SHARED, sharedValue, type Outcome } from './shared-values.js';

const [folder = '', name = '', rounds = '0'] = process.argv.slice(2);

async function share(): Promise<Outcome> {
  const problems: string[] = [];
  // Nothing is remembered, so that every look goes to the disk.
  const store = openStore({ folder, memoryBytes: 0, onProblem: ({ message }) => problems.push(message) });
  let found = 0;
  let wrong = 0;
  for (let round = 0; round < Number(rounds); round += 1) {
    if (name === 'collector') {
      await store.clear();
      continue;
    }
    const index = round % SHARED;
    await store.put('shared', { index }, sharedValue(index));
    await store.put('own', { name, round }, { name, round });
    const looks = [
      [await store.get('shared', { index: round % 7 }), sharedValue(round % 7)],
      [await store.get('own', { name, round }), { name, round }],
    ];
    for (const [value, expected] of looks) {
      if (value === undefined) continue;
      found += 1;
      if (!isDeepStrictEqual(value, expected)) wrong += 1;
    }
  }
  await store.close();
  return { found, wrong, problems };
}

process.once('message', () => {
  void share().then((outcome) => {
    process.send?.(outcome, () => {
      process.disconnect();
    });
  });
});
process.send?.('ready');
