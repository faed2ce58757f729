/** Machines as their files show them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { folderForTests } from '../testing/index.js';
import { graphicsDevices } from './graphics-devices.js';

const folder = folderForTests();

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

it('tells cards, drivers and chosen devices apart', () => {
  const seen = [graphicsDevices({}, folder)];
  write('sys/class/drm/card0/device/vendor', '0x8086\n');
  write('sys/class/drm/card0/device/device', '0x9a49\n');
  seen.push(graphicsDevices({}, folder));
  write('sys/class/drm/card1/device/vendor', '0x10de\n');
  seen.push(graphicsDevices({}, folder));
  write('proc/driver/nvidia/version', 'NVRM version: 550.54\nGCC version: 12\n');
  seen.push(graphicsDevices({}, folder), graphicsDevices({ VK_DRIVER_FILES: '/a.json' }, folder));
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.at(-1)).toMatch(
    /^0x8086:0x9a49, 0x10de:\?, NVRM version: 550\.54, .*VK_DRIVER_FILES=\/a\.json$/,
  );
});
