import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from './temporary-folder.js';

it('is empty, a new one each time, and gone with all that is in it once it was used', async () => {
  const used: string[] = [];
  for (const outcome of ['result', 'failure']) {
    const work = withTemporaryFolder((folder) => {
      expect(readdirSync(folder)).toEqual([]);
      writeFileSync(join(folder, 'model.onnx'), outcome);
      used.push(folder);
      return outcome === 'result' ? Promise.resolve(outcome) : Promise.reject(new Error(outcome));
    });
    if (outcome === 'result') expect(await work).toBe(outcome);
    else await expect(work).rejects.toThrow(outcome);
  }
  expect(new Set(used).size).toBe(2);
  expect(used.filter((folder) => existsSync(folder))).toEqual([]);
});
