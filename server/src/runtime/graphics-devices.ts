/**
 * Which graphics devices and drivers a machine has, as far as it tells without asking a driver: what was found out on one device,
 * or with one version of its driver, does not hold on another. Knows no runtime.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { driverFiles } from './graphics-drivers.js';

/** Variables that choose the driver of a graphics device. */
const CHOOSING = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'CUDA_VISIBLE_DEVICES'] as const;

/** A line that changes where the devices or their drivers do. */
export function graphicsDevices(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  systemFolder = '/',
): string {
  const chosen = CHOOSING.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return [
    ...cards(systemFolder),
    ...driverVersions(systemFolder),
    release(),
    ...chosen,
    ...driverFiles(environment, systemFolder),
  ].join(', ');
}

/** Vendor and device of each card, where the system lists them as files. */
function cards(root: string): readonly string[] {
  const folder = join(root, 'sys/class/drm');
  return names(folder)
    .filter((name) => /^card\d+$/.test(name))
    .map((name) =>
      ['vendor', 'device'].map((file) => textOf(join(folder, name, 'device', file)) ?? '?').join(':'),
    );
}

function driverVersions(root: string): readonly string[] {
  const text = textOf(join(root, 'proc/driver/nvidia/version'));
  return text === undefined ? [] : [text.split('\n')[0] ?? ''];
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // No such system, or no card.
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
