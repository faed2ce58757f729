import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelCache } from './model-cache.js';

const sample = 'samples/pose/pose_landmark_lite.onnx';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'models-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the cache of models', () => {
  it('gives the same model while its file is the same', () => {
    const cache = new ModelCache();
    const opened = cache.open(sample);
    expect('model' in opened).toBe(true);
    expect(cache.open(sample)).toBe(opened);
  });

  it('sees a file come, change and go', () => {
    const cache = new ModelCache();
    const path = join(folder, 'changing.onnx');
    expect(cache.open(path)).toMatchObject({ problem: { code: 'model-not-found' } });
    copyFileSync(sample, path);
    const opened = cache.open(path);
    expect('model' in opened).toBe(true);
    writeFileSync(path, 'no model');
    expect(cache.open(path)).toMatchObject({ problem: { code: 'model-unreadable' } });
    rmSync(path);
    expect(cache.open(path)).toMatchObject({ problem: { code: 'model-not-found' } });
  });

  it('keeps the models used last, however many are opened', () => {
    const cache = new ModelCache();
    const paths = Array.from({ length: 20 }, (_, index) => join(folder, `model-${index}.onnx`));
    for (const path of paths) copyFileSync(sample, path);
    const [first = ''] = paths;
    const kept = cache.open(first);
    for (const path of paths) {
      cache.open(path);
      expect(cache.open(first)).toBe(kept);
    }
    const [, second = ''] = paths;
    const again = cache.open(second);
    expect('model' in again && again.model.graph.nodes.length > 0).toBe(true);
  });
});
