/**
 * `npm run package [-- --target TARGET]`: the extension as VSIX files, one for each platform, all made on one machine;
 * the target `universal` is the one without ONNX Runtime. `--target` may be repeated; without it all are made.
 * `--out FOLDER` is where they go, out/packages by default.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { targets, writeExtension } from './extension-files.mjs';
import { root, setUp } from './setup.mjs';

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: targets },
    out: { type: 'string', default: path.join(root, 'out/packages') },
  },
});
const unknown = values.target.filter((target) => !targets.includes(target));
if (unknown.length > 0) {
  console.error(`No target ${unknown.join(', ')}; there are ${targets.join(', ')}.`);
  process.exit(2);
}

/** Writes the package of a target and returns its path. */
async function makePackage(target) {
  const { createVSIX } = await import('@vscode/vsce');
  const scratch = mkdtempSync(path.join(tmpdir(), 'package-'));
  try {
    const folder = path.join(scratch, 'extension');
    writeExtension(folder, target);
    // Everything there is packaged; without the file vsce asks whether that is meant.
    writeFileSync(path.join(folder, '.vscodeignore'), '');
    const file = path.join(values.out, `onnx-precision-${target}.vsix`);
    await createVSIX({
      cwd: folder,
      packagePath: file,
      // None: it is what VS Code takes where no package names the platform.
      ...(target === 'universal' ? {} : { target }),
      // The folder is complete as it stands.
      dependencies: false,
      allowMissingRepository: true,
      rewriteRelativeLinks: false,
    });
    return file;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  await setUp();
  mkdirSync(values.out, { recursive: true });
  for (const target of values.target) {
    const file = await makePackage(target);
    console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
