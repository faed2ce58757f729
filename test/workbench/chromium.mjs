/** The browser that shows the workbench: finds an installed Chromium or Chrome, or installs Debian's. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../../scripts/command.mjs';

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
];

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function findChromium() {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return named;
    throw new Error(`CHROMIUM_PATH is ${named}, which cannot be run`);
  }
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isExecutable);
}

/** The path of a browser; throws an `Error` that says how to get one where there is none and none can be installed. */
export async function installChromium() {
  const found = findChromium();
  if (found !== undefined) return found;
  const advice = 'install Chromium or Chrome, or name one in CHROMIUM_PATH';
  if (process.getuid?.() !== 0) throw new Error(`no browser found; ${advice}`);
  console.log('Installing Chromium (apt-get) ...');
  for (const args of [['update'], ['install', '-y', 'chromium']]) {
    const { status, output } = await runCommand('apt-get', ['-qq', ...args], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      quiet: true,
      limitSeconds: 900,
    });
    if (status !== 0)
      throw new Error(`no browser found, and apt-get ${args[0]} failed; ${advice}:\n${output}`);
  }
  const installed = findChromium();
  if (installed === undefined) throw new Error(`apt-get installed no browser; ${advice}`);
  return installed;
}
