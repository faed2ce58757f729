/** Machines as their files show them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { graphicsDevices } from './graphics-devices.js';

const folder = mkdtempSync(join(tmpdir(), 'onnx-precision-test-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

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
