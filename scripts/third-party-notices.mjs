/** The licences of what the bundles carry and of the runtime that is packaged beside them, as one text. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup.mjs';

/** Only the install script of `onnxruntime-node` uses them, and it is not packaged. */
const notPackaged = new Set(['adm-zip', 'global-agent']);

/** Packages that come without the text of their licence, with the holder that the text in their repository names. */
const mitHolders = {
  'onnxruntime-common': 'Microsoft Corporation',
  'onnxruntime-node': 'Microsoft Corporation',
};

const mitText = (holder) => `MIT License

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/** Every package that one depends on, and so on, by its folder; as npm laid them out. */
function packagesBelow(folder, found = new Map()) {
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    if (notPackaged.has(name)) continue;
    const installed = folderOf(name, folder);
    if (found.has(installed)) continue;
    found.set(installed, JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')));
    packagesBelow(installed, found);
  }
  return found;
}

/** Node's own search: the nearest node_modules upwards that has it. */
function folderOf(name, from) {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const installed = path.join(folder, 'node_modules', name);
    if (existsSync(installed)) return installed;
    if (folder === root) throw new Error(`${name} is not installed`);
  }
}

function noticeOf([folder, { name, version, license, repository }]) {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|third-?party)/i.test(file));
  const texts = files.map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
  if (texts.length === 0) {
    if (!(name in mitHolders) || license !== 'MIT') throw new Error(`${name} has no text of its licence`);
    texts.push(mitText(mitHolders[name]));
  }
  const source = typeof repository === 'string' ? repository : repository?.url;
  return [`${name} ${version} (${license})${source === undefined ? '' : `, ${source}`}`, ...texts].join(
    '\n\n',
  );
}

/** One section for each package, sorted by name. */
export function thirdPartyNotices() {
  const packages = [...packagesBelow(root)].sort(([, a], [, b]) =>
    `${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1,
  );
  const sections = packages.map(noticeOf);
  return (
    ['This extension contains the following packages.', ...sections].join(`\n\n${'-'.repeat(72)}\n\n`) + '\n'
  );
}
