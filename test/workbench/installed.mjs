/**
 * The package of this platform: what is in it, and that VS Code installs it and shows numbers of inference from it,
 * with nothing of the checkout in reach.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCommand } from '../../scripts/command.mjs';
import { root } from '../../scripts/setup.mjs';
import { startVscodeServer } from '../../scripts/workbench/vscode-server.mjs';
import { checkBenchmark } from './benchmark-page.mjs';
import { keepScreenshot, openBrowser } from './browser.mjs';
import { measuredVerdict, untilLensesMatch } from './plan-page.mjs';
import { copyWorkspace } from './workspace.mjs';

/** ONNX Runtime is most of it, then the sample. */
const sizeLimit = 30e6;
/** Without ONNX Runtime the sample is most of it. */
const universalSizeLimit = 10e6;

async function run(command, args, options = {}) {
  const { status, output } = await runCommand(command, args, { quiet: true, limitSeconds: 300, ...options });
  assert.equal(status, 0, `${path.basename(command)} ${args.join(' ')}:\n${output}`);
}

/** All files below a folder, as sorted paths with `/`. */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

/** Every path that the manifest names, such as a grammar or an icon. */
function pathsIn(value) {
  if (typeof value === 'string') return value.startsWith('./') ? [value.slice(2)] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(pathsIn) : [];
}

/** What no package may hold, and what each must. */
function checkContent(folder, binaries) {
  const files = filesBelow(folder);
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const programs = ['extension.js', 'runtime-process.js', 'server.js'].map((name) => `dist/${name}`);
  const missing = [...programs, ...pathsIn(manifest)].filter((file) => !files.includes(file));
  assert.deepEqual(missing, [], 'named in the manifest, and not in the package');
  assert.deepEqual(
    files.filter((file) => /^dist\/[^/]+$/.test(file)),
    programs,
  );
  const places = new Set(files.map((file) => file.split('/')[0]?.toLowerCase()));
  const others = [...places].filter((place) => !allowedPlaces.has(place));
  assert.deepEqual(others, [], 'not on the list of what is packaged');
  const development = files.filter((file) => /\.(ts|mts|map|test\.\w+)$|(^|\/)(test|src)\//.test(file));
  assert.deepEqual(development, [], 'sources or tests');
  assert.deepEqual(
    files.filter((file) => /\.(node|so|dll|dylib)(\.[\d.]+)?$/.test(file)).map((file) => path.basename(file)),
    binaries,
  );
}

/** The page of an extension follows no path into its package: pictures come along in the text. */
function checkReadme(folder) {
  const text = readFileSync(path.join(folder, 'readme.md'), 'utf8');
  const pictures = [...text.matchAll(/!\[[^\]]*\]\(([^)]*)\)/g)].map(([, address]) => address);
  const wanted = readFileSync(path.join(root, 'README.md'), 'utf8').match(/!\[/g) ?? [];
  assert.equal(pictures.length, wanted.length);
  const broken = pictures.filter((address) => !address.startsWith('data:image/png;base64,iVBORw0KGgo'));
  assert.deepEqual(
    broken.map((address) => address.slice(0, 80)),
    [],
    'pictures that the page does not show',
  );
}

const allowedPlaces = new Set([
  // VS Code's own note of the installation, and the package's.
  '.vsixmanifest',
  'changelog.md',
  'dist',
  'license.txt',
  'package.json',
  'readme.md',
  'samples',
  'syntaxes',
  'third-party-notices.txt',
]);

/** Installs the package into an extensions folder of its own and returns where the extension lies. */
async function install(host, vsix, extensionsFolder, scratch) {
  await run(host.node, [
    host.serverMain,
    '--accept-server-license-terms',
    ...['--extensions-dir', extensionsFolder],
    ...['--server-data-dir', path.join(scratch, 'install-data')],
    ...['--install-extension', vsix],
    '--force',
  ]);
  const name = readdirSync(extensionsFolder).find((one) => one.startsWith('onnx-precision.onnx-precision-'));
  assert.ok(name, 'not installed');
  return path.join(extensionsFolder, name);
}

/** Opens the sample with what is installed, waits for its lenses, and does what else is to be checked of the page. */
async function checkLenses(host, { extensionsFolder, scratch, name, wanted, check }) {
  // No results of earlier runs: what is shown has been measured here.
  const environment = { XDG_CACHE_HOME: path.join(scratch, `cache-${name}`) };
  const workspaceParent = path.join(scratch, `workspace-${name}`);
  mkdirSync(workspaceParent);
  const workspace = copyWorkspace(workspaceParent);
  const server = await startVscodeServer(host, { extensionsFolder, environment });
  let browser;
  try {
    browser = await openBrowser();
    await browser.page.goto(server.address(workspace, { file: 'pose_landmark_lite.precision' }));
    await untilLensesMatch(browser.page, wanted);
    await check?.(browser.page);
  } catch (error) {
    if (browser !== undefined) await keepScreenshot(browser.page, name);
    throw error;
  } finally {
    await browser?.close();
    await server.stop();
  }
}

async function withPackage(host, target, check) {
  const scratch = mkdtempSync(path.join(tmpdir(), 'package-test-'));
  try {
    await run(process.execPath, [
      path.join(root, 'scripts/package.mjs'),
      ...['--target', target],
      ...['--out', scratch],
    ]);
    const vsix = path.join(scratch, `onnx-precision-${target}.vsix`);
    const extensionsFolder = path.join(scratch, 'extensions');
    const folder = await install(host, vsix, extensionsFolder, scratch);
    await check({ size: statSync(vsix).size, folder, extensionsFolder, scratch });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

export async function checkPackage(host) {
  await withPackage(host, 'linux-x64', async ({ size, folder, extensionsFolder, scratch }) => {
    assert.ok(size < sizeLimit, `the package has ${size} bytes`);
    checkContent(folder, ['libonnxruntime.so.1', 'onnxruntime_binding.node']);
    checkReadme(folder);
    const wanted = measuredVerdict;
    await checkLenses(host, { extensionsFolder, scratch, name: 'package', wanted, check: checkBenchmark });
  });
}

export async function checkUniversalPackage(host) {
  await withPackage(host, 'universal', async ({ size, folder, extensionsFolder, scratch }) => {
    assert.ok(size < universalSizeLimit, `the package has ${size} bytes`);
    checkContent(folder, []);
    checkReadme(folder);
    const wanted = /layers in low precision[^]*ONNX Runtime does not load/;
    await checkLenses(host, { extensionsFolder, scratch, name: 'universal-package', wanted });
  });
}
