/**
 * Where the standard's own tests lie: a folder that someone names, one that is installed, or Debian's package of them,
 * unpacked into a folder of this project that git does not keep. Knows packages and folders, not what a test is.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = 'libonnx-testdata';
/** Inside the package, and where it is once installed. */
const INSTALLED = `usr/share/${PACKAGE}/data`;
const OWN = join(import.meta.dirname, 'data');
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
  return [OWN, `/${INSTALLED}`].find(holdsTests) ?? download();
}

function holdsTests(folder: string): boolean {
  return existsSync(join(folder, 'node'));
}

/** Needs no root: package lists of its own, and nothing is installed. */
function download(): string {
  console.log(`Fetching the standard's tests (apt-get download ${PACKAGE}) ...`);
  mkdirSync(OWN, { recursive: true });
  // Moved into place at the end: what is half unpacked must not pass for the whole.
  const folder = mkdtempSync(join(OWN, 'incomplete-'));
  try {
    mkdirSync(join(folder, 'lists/partial'), { recursive: true });
    const options = ['-qq', '-o', `Dir::State::lists=${join(folder, 'lists')}`, '-o', 'Debug::NoLocking=1'];
    // The package is fetched unsandboxed where the user of apt may not write here.
    options.push('-o', 'APT::Sandbox::User=');
    perform('apt-get', [...options, 'update'], folder);
    perform('apt-get', [...options, 'download', PACKAGE], folder);
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (archive === undefined) throw new Error(`apt-get has fetched no package; ${ADVICE}.`);
    perform('dpkg-deb', ['-x', archive, 'unpacked'], folder);
    renameSync(join(folder, 'unpacked', INSTALLED, 'node'), join(OWN, 'node'));
    return OWN;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function perform(command: string, args: readonly string[], folder: string): void {
  const { status, error, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (status === 0) return;
  const reason = error?.message ?? stderr;
  throw new Error(`The standard's tests cannot be fetched: ${command} failed; ${ADVICE}.\n${reason}`);
}
