/**
 * For tests: the script of the compute process, made from the sources. The product is built with this script beside
 * it and does not need this file.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const HERE = dirname(fileURLToPath(import.meta.url));
/** Inside the project, so that the script finds the same onnxruntime-node. */
const FOLDER = join(HERE, '../../../../node_modules/.cache/onnx-precision');

let script: Promise<string> | undefined;

/** Path of the bundled script; bundled once per test worker, written once per content. */
export function processScript(): Promise<string> {
  script ??= bundle();
  return script;
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, '../process.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['onnxruntime-node'],
    logLevel: 'silent',
  });
  const text = outputFiles[0]?.text ?? '';
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const path = join(FOLDER, `runtime-process-${hash}.cjs`);
  if (!existsSync(path)) {
    mkdirSync(FOLDER, { recursive: true });
    // Renamed into place: another test worker must not run half of it.
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  }
  return path;
}
