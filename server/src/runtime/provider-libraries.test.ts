/** Files of libraries as they are found on machines with too little of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { libraryProblem } from './provider-libraries.js';

const folder = folderForTests();

it('a library that was never fetched is told by its name', () => {
  expect(libraryProblem('cuda', folder)).toMatch(/^libonnxruntime_providers_cuda\.so is not installed/);
  expect(libraryProblem('cuda', folder)).toContain(`in ${folder}:`);
  expect(libraryProblem('tensorrt', folder)).toMatch(/providers_tensorrt\.so is not installed/);
});

it('a library that does not load is told with what the system says', () => {
  writeFileSync(join(folder, 'libonnxruntime_providers_cuda.so'), 'half of a download');
  expect(libraryProblem('cuda', folder)).toMatch(/^libonnxruntime_providers_cuda\.so does not load: .{10}/);
});

it('nothing is said of providers without libraries of their own', () => {
  for (const provider of ['cpu', 'webgpu', 'dml', 'coreml'] as const)
    expect(libraryProblem(provider, folder)).toBeUndefined();
});
