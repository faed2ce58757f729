/** Lines of Vulkan's loader, as its versions write them. */
import { expect, it } from 'vitest';
import { deviceWords, isLoaderLine, speakingLoader, spokenDevice } from './spoken-device.js';

const LLVMPIPE =
  'DRIVER:                  Using "llvmpipe (LLVM 15.0.6, 256 bits)" with driver: "/usr/lib/libvulkan_lvp.so"';
const CARD =
  '[Vulkan Loader] DRIVER | LAYER:   Using "NVIDIA "H" 200" with driver: "/usr/lib/libGLX_nvidia.so.0"';

it('tells a card from a driver that computes on the processor', () => {
  expect(spokenDevice(CARD)).toEqual({
    name: 'NVIDIA "H" 200',
    driver: '/usr/lib/libGLX_nvidia.so.0',
    isSoftware: false,
  });
  const software = spokenDevice(LLVMPIPE);
  expect(software).toMatchObject({ name: 'llvmpipe (LLVM 15.0.6, 256 bits)', isSoftware: true });
  expect(software && deviceWords(software)).toBe(
    'llvmpipe (LLVM 15.0.6, 256 bits), software (no graphics card)',
  );
});

it.each([
  ['SwiftShader Device (LLVM 10.0.0)', '/opt/libvk_swiftshader.so', true],
  ['AMD Radeon RX 7900 (RADV NAVI31)', '/home/llvmpipe/libvulkan_radeon.so', false],
  ['Intel(R) Arc(tm) A770', 'libvulkan_intel.so', false],
])('%s of %s is software: %s', (name, driver, isSoftware) => {
  const line = `DRIVER: Using "${name}" with driver: "${driver}"`;
  expect(spokenDevice(line)).toEqual({ name, driver, isSoftware });
});

it('takes no other line for one, and knows which nobody wants to read', () => {
  const others = ['DRIVER:              <Device>', 'Using "x"', 'a model: Using "x" with driver: ""'];
  expect(others.map(spokenDevice)).toEqual([undefined, undefined, undefined]);
  expect([LLVMPIPE, CARD, 'DRIVER:   ||', 'LAYER | DRIVER: x'].map(isLoaderLine)).toEqual(
    Array(4).fill(true),
  );
  expect(['Warning: DRIVER: x', 'ERROR: no driver', '[Vulkan Loader] ERROR: x'].map(isLoaderLine)).toEqual(
    Array(3).fill(false),
  );
});

it('asks the loader for no less than the user does', () => {
  expect(speakingLoader({})).toEqual({ VK_LOADER_DEBUG: 'driver' });
  expect(speakingLoader({ VK_LOADER_DEBUG: 'error' })).toEqual({ VK_LOADER_DEBUG: 'error,driver' });
});
