/**
 * Mesa's software driver for Vulkan, so that WebGPU runs with real FP16 shaders on a machine without a graphics card. Knows where
 * the driver lies and what a process has to be told to find it; not what is run on it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { unpackPackages } from '../shared/debian-packages.js';

/** Tests and benchmarks start in the project's root. */
const FOLDER = resolve('test/webgpu/driver');
/** Earlier ones lack indexing that shaders of WebGPU need. */
const LEAST_MAJOR_VERSION = 25;
const ADVICE = `install mesa-vulkan-drivers, version ${LEAST_MAJOR_VERSION} or newer, and libvulkan1`;

/**
 * The environment of a process that finds Vulkan's loader where the system has none, and with it the drivers of the machine's own
 * devices. Throws an `Error` that says how to get it.
 */
export function vulkanLoader(): Readonly<Record<string, string>> {
  const unpacked = join(FOLDER, 'loader');
  if (!existsSync(unpacked)) unpackPackages(unpacked, { packages: ['libvulkan1'] }, 'install libvulkan1');
  const own = join(unpacked, 'usr/lib/x86_64-linux-gnu');
  // The system's own libraries come first.
  const libraries = [process.env['LD_LIBRARY_PATH'], own].filter((folder) => folder !== undefined);
  return { LD_LIBRARY_PATH: libraries.join(':') };
}

/** The environment of a process that finds the driver. Throws an `Error` that says how to get it. */
export function softwareVulkan(): Readonly<Record<string, string>> {
  const unpacked = join(FOLDER, 'unpacked');
  if (!existsSync(unpacked)) {
    const packages = ['mesa-vulkan-drivers', 'libvulkan1'];
    const request = { packages, withDependencies: true, leastMajorVersion: LEAST_MAJOR_VERSION };
    unpackPackages(unpacked, request, ADVICE);
  }
  const libraries = join(unpacked, 'usr/lib/x86_64-linux-gnu');
  const cache = join(FOLDER, 'shaders');
  mkdirSync(cache, { recursive: true });
  return {
    LD_LIBRARY_PATH: libraries,
    VK_DRIVER_FILES: driverFile(unpacked, libraries),
    MESA_SHADER_CACHE_DIR: cache,
    // The driver asks for a folder of the user's, which need not exist without a desktop.
    XDG_RUNTIME_DIR: cache,
  };
}

/** The driver's own description, with the place where its library lies here. */
function driverFile(unpacked: string, libraries: string): string {
  const path = join(FOLDER, 'lvp_icd.json');
  if (!existsSync(path)) {
    const text = readFileSync(join(unpacked, 'usr/share/vulkan/icd.d/lvp_icd.json'), 'utf8');
    writeFileSync(`${path}.new`, text.replace('libvulkan_lvp.so', join(libraries, 'libvulkan_lvp.so')));
    renameSync(`${path}.new`, path);
  }
  return path;
}
