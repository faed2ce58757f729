/**
 * Why a provider whose shared libraries come apart from ONNX Runtime's own does not load: they are not there, or something
 * that they need is not. ONNX Runtime says only that it failed. Runs in the compute process; knows no sessions.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Provider } from './types.js';

/** What the install script of onnxruntime-node fetches, by provider. */
const LIBRARIES: Readonly<Partial<Record<Provider, string>>> = {
  cuda: 'libonnxruntime_providers_cuda.so',
  tensorrt: 'libonnxruntime_providers_tensorrt.so',
};

/** Where the package keeps the binaries of this platform. */
function binaryFolder(): string {
  const library = require.resolve('onnxruntime-node');
  return join(dirname(library), '../bin/napi-v6', process.platform, process.arch);
}

/** A sentence for a provider that failed to load; undefined for one that has no libraries of its own. */
export function libraryProblem(provider: Provider, folder = binaryFolder()): string | undefined {
  const library = LIBRARIES[provider];
  if (library === undefined) return undefined;
  const path = join(folder, library);
  if (!existsSync(path)) {
    return `${library} is not installed in ${folder}: the package onnxruntime-node comes without it.`;
  }
  try {
    // The system's loader names what is missing; a library that loads is no module of Node's, which is another message.
    process.dlopen({ exports: {} }, path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!/did not self-register/i.test(reason)) return `${library} does not load: ${reason}`;
  }
  return `${library} loads, and ONNX Runtime does not take it.`;
}
