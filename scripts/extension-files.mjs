/**
 * What an installed extension consists of: the files that .vscodeignore allows, the native runtime of one platform, and a
 * manifest without what only a checkout needs. Knows neither how a package is made nor who installs it.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup.mjs';
import { thirdPartyNotices } from './third-party-notices.mjs';

/**
 * Every platform that ONNX Runtime's package has binaries for, by VS Code's name for it, with their folder there.
 * `universal` has none: everything that needs no inference works, and the rest says what it lacks.
 */
const binaries = {
  'linux-x64': 'linux/x64',
  'linux-arm64': 'linux/arm64',
  'darwin-arm64': 'darwin/arm64',
  'win32-x64': 'win32/x64',
  'win32-arm64': 'win32/arm64',
  universal: undefined,
};

export const targets = Object.keys(binaries);

/** The target of the machine that this runs on. */
export function currentTarget() {
  const name = `${process.platform}-${process.arch}`;
  return targets.includes(name) ? name : 'universal';
}

/** The second of two equal files: the binding asks for the one without the minor version. */
const unneeded = /\/libonnxruntime\.\d+\.\d+\.\d+\.dylib$/;

/** Where the bundle beside it finds the runtime, and where packaging does not take it for a dependency of its own. */
const modules = 'dist/node_modules';

/**
 * The files of the extension for a target, as pairs of an absolute path here and a path in the extension.
 *
 * @param {string} target one of `targets`
 */
function copiedFiles(target) {
  const ours = allowedFiles().map((file) => ({ from: path.join(root, file), to: file }));
  const folder = binaries[target];
  if (folder === undefined) return ours;
  const patterns = [
    'onnxruntime-common/package.json',
    'onnxruntime-common/dist/cjs/*.js',
    'onnxruntime-common/dist/cjs/package.json',
    'onnxruntime-node/package.json',
    'onnxruntime-node/dist/*.js',
    `onnxruntime-node/bin/napi-v6/${folder}/**`,
  ];
  const runtime = patterns
    .flatMap((pattern) => matching(path.join(root, 'node_modules'), pattern))
    .filter((file) => !unneeded.test(file))
    .map((file) => ({ from: path.join(root, 'node_modules', file), to: `${modules}/${file}` }));
  return [...ours, ...runtime];
}

/** What .vscodeignore lets through, in its order. Throws where a line of it names nothing. */
function allowedFiles() {
  const lines = readFileSync(path.join(root, '.vscodeignore'), 'utf8').split('\n');
  return lines.flatMap((line) => (line.startsWith('!') ? matching(root, line.slice(1).trim()) : []));
}

/** Files by a path whose last part may be `*` with an ending, or `**` for all below. */
function matching(folder, pattern) {
  const parent = path.posix.dirname(pattern);
  const last = path.posix.basename(pattern);
  const names = last.startsWith('*')
    ? readdirSync(path.join(folder, parent), { recursive: last === '**' })
    : [last];
  const ending = last.replace(/^\*+/, '');
  const files = names
    .map((name) => `${parent === '.' ? '' : `${parent}/`}${name.split(path.sep).join('/')}`)
    .filter((file) => file.endsWith(ending) && statSync(path.join(folder, file)).isFile())
    .sort();
  if (files.length === 0) throw new Error(`${pattern} names no file in ${folder}`);
  return files;
}

/** What a checkout needs and an installed extension does not. */
const developmentKeys = [
  'allowScripts',
  'bin',
  'dependencies',
  'devDependencies',
  'overrides',
  'private',
  'scripts',
];

function installedManifest() {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const key of developmentKeys) delete manifest[key];
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/**
 * The read-me as the extension's page shows it. That page follows no path into the package, so pictures come along in the text;
 * a link to what only a checkout has is its text alone.
 */
function installedReadme() {
  const text = readFileSync(path.join(root, 'README.md'), 'utf8');
  return text.replace(/(!?)\[([^\]]*)\]\((?![\w+.-]+:|#)([^)\s]+)\)/g, (_, mark, words, file) => {
    if (mark === '') return words;
    const picture = readFileSync(path.join(root, file)).toString('base64');
    return `![${words}](data:image/${path.extname(file).slice(1)};base64,${picture})`;
  });
}

/** The name of the folder that VS Code keeps an installed extension in. */
export function installedFolderName() {
  const { publisher, name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return `${publisher}.${name}-${version}`;
}

/**
 * Writes the extension, built before, to a folder that is emptied first.
 *
 * @param {string} folder
 * @param {string} target one of `targets`
 */
export function writeExtension(folder, target) {
  rmSync(folder, { recursive: true, force: true });
  for (const { from, to } of copiedFiles(target)) {
    const copy = path.join(folder, to);
    mkdirSync(path.dirname(copy), { recursive: true });
    cpSync(from, copy);
  }
  writeFileSync(path.join(folder, 'package.json'), installedManifest());
  writeFileSync(path.join(folder, 'README.md'), installedReadme());
  writeFileSync(path.join(folder, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices());
}
