/** For tests of the command: runs the built program as a process of its own and reads what it wrote. */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'vitest';
import { folderForTests, foldersForTests } from '../../server/src/testing/index.js';

/** Where all tests of a file keep results; no user's cache is read or written. */
const caches = folderForTests();

export const ROOT = resolve(import.meta.dirname, '../..');
export const POSE = join(ROOT, 'samples/pose');

export interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
}

export interface RunOptions {
  readonly folder?: string;
  /** Called with what was written to standard error so far; may end the process. */
  readonly watch?: (error: string, interrupt: () => void) => void;
}

/** Runs `onnx-precision` with `words` and waits for its end. */
export function run(words: readonly string[], { folder = ROOT, watch }: RunOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, 'bin/onnx-precision.js'), ...words], {
    cwd: folder,
    env: { ...process.env, HOME: caches, XDG_CACHE_HOME: caches, LOCALAPPDATA: caches },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let error = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text;
    watch?.(error, () => child.kill('SIGINT'));
  });
  return new Promise((settle) => {
    child.on('close', (status) => {
      settle({ status, out, error });
    });
  });
}

/** Runs with `--json`, checks the document against its schema, and gives it. */
export async function runJson(
  words: readonly string[],
  schema: string,
  options: RunOptions = {},
): Promise<unknown> {
  const outcome = await run([...words, '--json', '--quiet'], options);
  return checkDocument(outcome, schema);
}

/** The one document on standard output, valid by `docs/schemas/SCHEMA.schema.json`. */
export function checkDocument({ out, error }: Outcome, schema: string): unknown {
  const document = parseJson(out, error);
  const validate = new Ajv({ allErrors: true }).compile(
    JSON.parse(readFileSync(join(ROOT, `docs/schemas/${schema}.schema.json`), 'utf8')) as object,
  );
  validate(document);
  expect(validate.errors ?? [], out.slice(0, 2000)).toEqual([]);
  return document;
}

function parseJson(out: string, error: string): unknown {
  try {
    return JSON.parse(out);
  } catch {
    throw new Error(`no JSON document: ${out.slice(0, 500)}\n${error.slice(0, 2000)}`);
  }
}

/** A folder of the test's own, removed when the tests of the file have ended. */
export const newFolder = foldersForTests();

/** The pose model with a few of its samples and a plan of the test's own. Gives the plan's path. */
export function poseFolder(
  plan: string,
  samples = ['walker_a', 'walker_b', 'walker_c', 'astronaut'],
): string {
  const folder = newFolder();
  mkdirSync(join(folder, 'inputs'));
  cpSync(join(POSE, 'pose_landmark_lite.onnx'), join(folder, 'pose_landmark_lite.onnx'));
  for (const name of samples) cpSync(join(POSE, `inputs/${name}.npy`), join(folder, `inputs/${name}.npy`));
  const path = join(folder, 'pose.precision');
  writeFileSync(path, plan);
  return path;
}

export const POSE_PLAN = `model "pose_landmark_lite.onnx"
input "input_1" from "inputs/*.npy"
objective macs

tolerance "ld_3d" relative_l2 <= 1e-3
tolerance "ld_3d" nme <= 0.002 { points: 0..32, stride: 5, dims: 2, normalize: torso(11, 12, 23, 24) }

default: fp16
`;
