/**
 * What large models cost the command: time and peak memory of `inspect` and `convert` on generated models from 10 MB to
 * 4 GB, and of decoding the whole file with `protobufjs` beside them; then how both grow with the number of nodes. Every
 * measure is a process of its own. Prints one line of JSON for each; `processor` is its processor time, `mb` what it held
 * at most, in MB, and `mbPerSecond` counts the bytes of the model. Sizes that do not fit on the disk are left out with a line that says so.
 * Run with `npm run bench:models -- [bytes] [nodes] [MOST_MB] [COMMAND.js]`; the last is another command to measure.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { weightedModel } from './shared/generated.js';
import { writeLargeModel, type LargeModel } from './shared/large-models.js';

const MB = 1e6;
/** Beyond 2 GB a model cannot be one file. */
const MODELS: readonly LargeModel[] = [
  { bytes: 10 * MB, weights: 16, external: false },
  { bytes: 100 * MB, weights: 16, external: false },
  { bytes: 1000 * MB, weights: 16, external: false },
  { bytes: 1000 * MB, weights: 2, external: false },
  { bytes: 1900 * MB, weights: 16, external: false },
  { bytes: 1000 * MB, weights: 16, external: true },
  { bytes: 4000 * MB, weights: 16, external: true },
  { bytes: 4600 * MB, weights: 16, external: true },
];
const NODES = [1_000, 3_000, 10_000, 30_000, 100_000];
const RUNS = 3;
/** The model, what is converted from it, and what is copied to compare with. */
const ROOM = 2.5;
const PREFIX = 'onnx-precision-bench-models-';
const PLAN = 'model "model.onnx"\ninput "x" = zeros\ndefault: fp16\n';

/** `npm run bench` starts in the project's root. */
const words = process.argv.slice(2);
const COMMAND = path.resolve(words.find((word) => word.endsWith('.js')) ?? 'bin/onnx-precision.js');
const DECODE = path.resolve('test/bench/shared/decode-whole.mjs');
const PEAK = pathToFileURL(path.resolve('test/bench/shared/peak-memory.mjs')).href;

let folder: string | undefined;
let running: ChildProcess | undefined;

/** Nothing is left behind, however this ends; what a killed one has left behind is removed by the next. */
function cleanUp(): void {
  running?.kill('SIGKILL');
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}

function removeOldFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const [, owner] = new RegExp(`^${PREFIX}(\\d+)-`).exec(name) ?? [];
    if (owner !== undefined && !isRunning(Number(owner))) {
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

interface Measure {
  readonly milliseconds: number;
  /** Of all threads, in milliseconds: what a machine that others use as well does not change much. */
  readonly processor: number;
  readonly peak: number;
}

type Outcome = Measure | { readonly failed: string };

/** Runs a program of Node once, and tells how long it took from start to end and how much memory it held. */
async function measure(words: readonly string[], at: string): Promise<Outcome> {
  const peakFile = path.join(at, 'peak');
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', PEAK, ...words], {
    cwd: at,
    env: { ...process.env, BENCH_PEAK_FILE: peakFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  let out = '';
  let error = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (error += text));
  const [status] = (await once(child, 'close')) as [number | null];
  running = undefined;
  if (status !== 0) {
    const lines = (error || out).trim().split('\n');
    return { failed: (lines.find((line) => line.includes('rror')) ?? lines.at(-1) ?? '').slice(0, 400) };
  }
  const milliseconds = performance.now() - start;
  const used = JSON.parse(readFileSync(peakFile, 'utf8')) as { peak: number; processor: number };
  return { milliseconds, ...used };
}

function report(name: string, facts: object): void {
  console.log(JSON.stringify({ name, ...facts }));
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Of several runs the time of the one in the middle and of the quickest, and the most memory. */
async function reportMeasure(
  name: string,
  words: readonly string[],
  at: string,
  { bytes, ...facts }: { readonly bytes: number },
  before: () => void = () => undefined,
): Promise<void> {
  const measures: Measure[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    before();
    const outcome = await measure(words, at);
    if ('failed' in outcome) {
      report(name, { bytes, ...facts, failed: outcome.failed });
      return;
    }
    measures.push(outcome);
  }
  const times = measures.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  const middle = times[RUNS >> 1] ?? Number.NaN;
  const mb = rounded(Math.max(...measures.map(({ peak }) => peak)) / MB);
  const ms = rounded(middle);
  const least = rounded(times[0] ?? Number.NaN);
  const processor = rounded(Math.min(...measures.map((one) => one.processor)));
  const mbPerSecond = rounded(bytes / MB / (middle / 1000));
  report(name, { bytes, ...facts, ms, least, processor, mb, mbPerSecond });
}

/** The bytes of all files of a folder. */
function bytesIn(at: string): number {
  return readdirSync(at).reduce((sum, name) => sum + statSync(path.join(at, name)).size, 0);
}

/** The least that a conversion can take: a file is read and half of its bytes are written and flushed to the disk. */
function reportDisk(file: string, at: string): void {
  const target = path.join(at, 'copy');
  const buffer = new Uint8Array(2 ** 20);
  const start = performance.now();
  const from = openSync(file, 'r');
  const to = openSync(target, 'w');
  let bytes = 0;
  for (let got = 1; got > 0; bytes += got) {
    got = readSync(from, buffer);
    writeSync(to, buffer, 0, got >> 1);
  }
  fsyncSync(to);
  closeSync(from);
  closeSync(to);
  const milliseconds = performance.now() - start;
  rmSync(target);
  const mbPerSecond = rounded(bytes / MB / (milliseconds / 1000));
  report('disk: read, write half', { bytes, ms: rounded(milliseconds), mbPerSecond });
}

async function measureModel(at: string, facts: object): Promise<void> {
  writeFileSync(path.join(at, 'plan.precision'), PLAN);
  const model = path.join(at, 'model.onnx');
  const output = path.join(at, 'out');
  const size = { bytes: bytesIn(at), ...facts };
  await reportMeasure('inspect', [COMMAND, 'inspect', model], at, size);
  await reportMeasure('check', [COMMAND, 'check', '--no-cache', 'plan.precision'], at, size);
  for (const [name, folderOf, words] of [
    ['convert', at, []],
    ['convert to another folder', output, []],
    ['convert --external-data', at, ['--external-data']],
  ] as const) {
    const target = path.join(folderOf, 'mixed.onnx');
    const remove = (): void => {
      for (const ending of ['', '.data']) rmSync(`${target}${ending}`, { force: true });
    };
    mkdirSync(output, { recursive: true });
    await reportMeasure(
      name,
      [COMMAND, 'convert', 'plan.precision', '-o', target, ...words],
      at,
      size,
      remove,
    );
    remove();
  }
  await reportMeasure('protobufjs, whole file', [DECODE, model], at, {
    ...size,
    bytes: statSync(model).size,
  });
}

async function main(): Promise<void> {
  removeOldFolders();
  folder = mkdtempSync(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
  const parts = words.filter((word) => /^[a-z]+$/.test(word));
  const most = Number(words.find((word) => /^\d+$/.test(word)) ?? Infinity) * MB;
  const isWanted = (part: string): boolean => parts.length === 0 || parts.includes(part);
  await reportMeasure('the command doing nothing', [COMMAND, '--version'], folder, { bytes: 0 });
  for (const model of isWanted('bytes') ? MODELS.filter(({ bytes }) => bytes <= most) : []) {
    const { bavail, bsize } = statfsSync(folder);
    if (model.bytes * ROOM > bavail * bsize) {
      const free = rounded((bavail * bsize) / MB);
      console.log(
        `left out: ${model.bytes / MB} MB do not fit on the disk of ${folder}, which has ${free} MB`,
      );
      continue;
    }
    const at = path.join(folder, 'bytes');
    mkdirSync(at);
    const file = writeLargeModel(at, model);
    reportDisk(model.external ? path.join(at, 'weights.bin') : file, at);
    await measureModel(at, { weights: model.weights, external: model.external });
    rmSync(at, { recursive: true });
  }
  for (const nodes of isWanted('nodes') ? NODES : []) {
    const at = path.join(folder, 'nodes');
    mkdirSync(at);
    writeFileSync(path.join(at, 'model.onnx'), weightedModel(nodes));
    await measureModel(at, { nodes });
    rmSync(at, { recursive: true });
  }
}

process.on('exit', cleanUp);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    process.exit(1);
  });
}
main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
