/** Where WebGPU is to be had on this machine: a device of its own, or a software driver. Knows environments, no tests. */
import { targetState } from '../../server/src/analysis/index.js';
import { startTestCompute } from '../../server/src/analysis/testing/index.js';
import { softwareVulkan } from './software-vulkan.js';

/** Variables for the compute process with which WebGPU runs. Throws an `Error` that says what is missing where it does not. */
export async function webgpuEnvironment(): Promise<Readonly<Record<string, string>>> {
  const own = await webgpuState({});
  if (own.usable) return {};
  const environment = softwareVulkan();
  const state = await webgpuState(environment);
  if (!state.usable) throw new Error(`${own.summary} With a software driver: ${state.summary}`);
  return environment;
}

async function webgpuState(environment: Readonly<Record<string, string>>) {
  const runtime = await startTestCompute({ environment });
  try {
    return await targetState(runtime, 'webgpu');
  } finally {
    await runtime.dispose();
  }
}
