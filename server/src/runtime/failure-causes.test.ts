/** Real messages of ONNX Runtime and of drivers, and what they mean. */
import { describe, expect, it } from 'vitest';
import { circumstanceOf, failureBecause } from './failure-causes.js';

function checkMeaning(message: string, kind: string, wayOut: RegExp): void {
  const failure = failureBecause('failed', message);
  expect(failure.kind).toBe(kind);
  expect(failure.message.startsWith(message)).toBe(true);
  expect(failure.message.slice(message.length)).toMatch(wayOut);
}

describe('what a failure means', () => {
  it('is a lack of memory, of the machine or of its device', () => {
    const running = "Non-zero status code returned while running Expand node. Name:'' Status Message:";
    checkMeaning(`${running} std::bad_alloc`, 'failed', /not enough memory.*smaller inputs/);
    checkMeaning('CUDA failure 2: out of memory ; GPU=0', 'failed', /not enough memory/);
    checkMeaning('vkAllocateMemory failed with VK_ERROR_OUT_OF_DEVICE_MEMORY', 'failed', /not enough memory/);
  });

  it('is a process that the system ended', () => {
    checkMeaning('The compute process died during a run: signal SIGKILL.', 'failed', /lack of memory.*`dim`/);
  });

  it('is a tensor that the device does not take', () => {
    checkMeaning('Status Message: narrowing_error', 'failed', /larger than this device takes/);
    checkMeaning('Too many storage buffers in shader. Current: 24, Max is 16', 'failed', /larger than/);
  });

  it('is a lost device, after which the process is of no use', () => {
    checkMeaning('VK_ERROR_DEVICE_LOST', 'crashed', /driver reset it.*target cpu/);
    checkMeaning('[Device] is lost: Device was lost', 'crashed', /driver/);
    checkMeaning(
      'CUDA failure 700: an illegal memory access was encountered ; GPU=0',
      'crashed',
      /new process/,
    );
  });

  it('is a target that is not there', () => {
    checkMeaning('Failed to get a WebGPU adapter: No supported adapters', 'unavailable', /^$/);
    checkMeaning('no available backend found. ERR: [dml] backend not found.', 'unavailable', /^$/);
  });

  it('depends on the moment, on the size or on neither', () => {
    const circumstances = ['std::bad_alloc', 'narrowing_error', 'VK_ERROR_DEVICE_LOST', 'No kernel'].map(
      (message) => circumstanceOf(failureBecause('failed', message)),
    );
    expect(circumstances).toEqual(['moment', 'size', 'size', undefined]);
  });

  it('is nothing more than it says, otherwise', () => {
    checkMeaning('Unsupported model IR version: 99', 'failed', /^$/);
    expect(failureBecause('refused', 'This is an invalid model.')).toMatchObject({
      kind: 'refused',
      message: 'This is an invalid model.',
    });
  });
});
