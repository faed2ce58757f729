/**
 * Where the standard's own tests lie: a folder that someone names, one that is installed, or Debian's package of them,
 * unpacked into a folder of this project that git does not keep. Knows packages and folders, not what a test is.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { unpackPackages } from '../shared/debian-packages.js';

const PACKAGE = 'libonnx-testdata';
/** Inside the package, and where it is once installed. */
const INSTALLED = `usr/share/${PACKAGE}/data`;
const UNPACKED = join(import.meta.dirname, 'data');
const ADVICE =
  `install the Debian package ${PACKAGE}, or name a folder that has the standard's tests ` +
  '(onnx/backend/test/data of the Python package) in ONNX_TEST_DATA';

/** The folder with the standard's tests, in it `node`, `simple` and others. Throws an `Error` that says how to get it. */
export function standardData(): string {
  const named = process.env['ONNX_TEST_DATA'];
  if (named !== undefined && named !== '') {
    if (holdsTests(named)) return named;
    throw new Error(`ONNX_TEST_DATA is ${named}, which has no folder "node" with the standard's tests.`);
  }
  return [join(UNPACKED, INSTALLED), `/${INSTALLED}`].find(holdsTests) ?? download();
}

function holdsTests(folder: string): boolean {
  return existsSync(join(folder, 'node'));
}

function download(): string {
  unpackPackages(UNPACKED, { packages: [PACKAGE] }, ADVICE);
  return join(UNPACKED, INSTALLED);
}
