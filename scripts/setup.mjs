/**
 * From a fresh clone to something that runs: dependencies as the lock file says, then the bundles. Everything that a
 * person starts (`npm test`, `npm run demo`, `npm run bench`) begins here. Knows Node's own modules only.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Holds the hash of the lock file that node_modules was installed from. */
const stamp = path.join(root, 'node_modules/.onnx-precision-lock');

/** The path of a tool's own script inside node_modules, to be run by the Node that runs us. */
export function tool(relativePath) {
  return path.join(root, 'node_modules', relativePath);
}

/** The hash of a file, or an empty text where there is none. */
export function fileHash(file) {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return '';
  }
}

function installedHash() {
  try {
    return readFileSync(stamp, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Throws an `Error` that says what to do when the dependencies cannot be installed. */
export async function installDependencies() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new Error(`Node 20 or later is needed; this is ${process.version}.`);
  }
  const wanted = fileHash(path.join(root, 'package-lock.json'));
  if (installedHash() === wanted) return;
  console.log('Installing dependencies (npm ci) ...');
  const { status } = await runCommand('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    // The CPU runtime is in the package; the install script would only fetch the CUDA one.
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (status !== 0) throw new Error('npm ci failed; it needs the npm registry. Its messages are above.');
  writeFileSync(stamp, `${wanted}\n`);
}

/** Throws an `Error` when a bundle does not build; esbuild's messages are then on standard error. */
export async function build() {
  const { status } = await runCommand(process.execPath, [path.join(root, 'scripts/build.mjs')], {
    cwd: root,
  });
  if (status !== 0) throw new Error('The build failed; its messages are above.');
}

/** Dependencies and bundles. */
export async function setUp() {
  await installDependencies();
  await build();
}
