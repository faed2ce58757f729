import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finish, type Model } from '../onnx/index.js';
import { folderForTests } from '../testing/index.js';
import { ModelCache } from './model-cache.js';

const sample = 'samples/pose/pose_landmark_lite.onnx';
const folder = folderForTests();

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

  it('opens a model a little at a time, and learns it', () => {
    const learnt: Model[] = [];
    const cache = new ModelCache(function* (model) {
      yield;
      learnt.push(model);
    });
    const path = join(folder, 'in-steps.onnx');
    copyFileSync(sample, path);
    const steps = cache.steps(path);
    expect(steps?.next().done).toBe(false);
    expect(cache.steps(path)).toBeDefined();
    if (steps !== undefined) finish(steps);
    const opened = cache.open(path);
    expect('model' in opened && opened.model === learnt[0]).toBe(true);
    expect(cache.steps(path)).toBeUndefined();

    writeFileSync(path, 'no model');
    const again = cache.steps(path);
    if (again !== undefined) finish(again);
    expect(cache.steps(path)).toBeUndefined();
    expect(cache.open(path)).toMatchObject({ problem: { code: 'model-unreadable' } });
  });

  it('keeps the model that someone opened who could not wait', () => {
    const cache = new ModelCache();
    const path = join(folder, 'opened-meanwhile.onnx');
    copyFileSync(sample, path);
    const steps = cache.steps(path);
    steps?.next();
    const opened = cache.open(path);
    if (steps !== undefined) finish(steps);
    expect(cache.open(path)).toBe(opened);
    expect('model' in opened && opened.model.source.read(0, 4).length).toBe(4);
  });
});
