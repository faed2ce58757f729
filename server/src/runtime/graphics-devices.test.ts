/** Machines as their files show them. */
import { mkdirSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
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

it.each([
  ['beside its description', '"./libdriver.so"', 'usr/share/vulkan/icd.d/libdriver.so', {}],
  ['by its whole path', '"/opt/a \\"b\\"/libdriver.so"', 'opt/a "b"/libdriver.so', {}],
  ['among the libraries', '"libdriver.so"', 'usr/lib64/libdriver.so', {}],
  [
    'where the loader is told to look',
    '"libdriver.so"',
    'own/libdriver.so',
    { LD_LIBRARY_PATH: '/none:/own' },
  ],
])(
  'tells a driver of the same name and path from the one before it: %s',
  (_where, named, library, variables) => {
    const seen = (): string => graphicsDevices(variables, folder);
    write('usr/share/vulkan/icd.d/driver.json', `{ "ICD": { "library_path": ${named} } }`);
    const states = [seen()];
    write(library, 'the first');
    states.push(seen());
    write(library, 'the second');
    states.push(seen());
    utimesSync(join(folder, library), 1, 1);
    states.push(seen());
    expect(seen()).toBe(states.at(-1));
    expect(new Set(states).size).toBe(states.length);
    unlinkSync(join(folder, library));
  },
);

it('follows links from a library to its version, and reads the descriptions that it is told to', () => {
  write('usr/lib64/libGLX.so.1', 'the same');
  write('usr/lib64/libGLX.so.2', 'the same');
  for (const version of [1, 2]) utimesSync(join(folder, `usr/lib64/libGLX.so.${version}`), 1, 1);
  write('told/icd/card.json', '{ "ICD": { "library_path": "libGLX.so" } }');
  const seen = [1, 2].map((version) => {
    symlinkSync(`libGLX.so.${version}`, join(folder, 'usr/lib64/libGLX.so'));
    const states = ['/told/icd', '/told/icd/card.json'].map((VK_DRIVER_FILES) =>
      graphicsDevices({ VK_DRIVER_FILES }, folder),
    );
    unlinkSync(join(folder, 'usr/lib64/libGLX.so'));
    for (const state of states) expect(state).toMatch(new RegExp(`libGLX\\.so\\.${version} \\(8 bytes`, 'u'));
    return states;
  });
  expect(new Set(seen.flat()).size).toBe(4);
});
