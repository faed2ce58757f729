/**
 * `npm run demo`: the main job on the bundled pose model. Tunes the sample plan, exports it, compares FP32, mixed
 * and all-FP16, and writes a report. Its own files go to `out/demo`; the sample is not touched.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { startCompute } from '../analysis/index.js';
import { applyEdits, parse, quote } from '../language/index.js';
import { conclude, reportPage } from '../report/index.js';
import { tune } from '../search/index.js';
import { parseArguments } from './arguments.js';
import { comparePlan, comparisonTable } from './comparison.js';
import { CommandFailure, EXIT } from './exit-status.js';
import { exportModel } from './export-model.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import { replaceFile } from './replace-file.js';
import { writeTuning } from './tune.js';
import { tuningReport } from './tuning-report.js';
import { toleranceTable } from './verdicts.js';
import { withWork } from './work.js';

const SAMPLE = 'samples/pose/pose_landmark_lite.precision';
const TITLE = 'ONNX Precision: pose landmarks';
/** Timed runs of each model. */
const RUNS = 30;

/** Runs the demo in the folder of the checkout. */
export async function runDemo(root: string, output: Output, signal: AbortSignal): Promise<void> {
  const folder = join(root, 'out', 'demo');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const loaded = loadPlan(copyPlan(root, folder));
  const plan = needModel(loaded, output);
  const parsed = parseArguments({ name: 'demo', arguments: '', count: [0, 0], summary: '', options: {} }, []);
  output.line('The pose landmark model: which of its layers can run in FP16 without moving the landmarks?');
  output.line();
  await withWork(loaded, plan, { parsed, output, signal, startRuntime: startCompute }, async (work) => {
    const options = { strategy: 'greedy', objective: 'macs', signal, progress: output.progress } as const;
    const tuning = await tune(await work.evaluation(), plan, options);
    if ('code' in tuning) throw new CommandFailure(EXIT.short, tuning.code, tuning.message, plan.path);
    const compared = await comparePlan(work, plan, tuning, RUNS, output);
    await writeTuning(loaded, plan, tuning);
    const model = join(folder, 'pose_landmark_lite.mixed.onnx');
    await exportModel(loaded, plan, tuning.decisions, model, signal);
    for (const line of comparisonTable(compared.comparison)) output.line(line);
    output.line();
    for (const line of toleranceTable(tuning.verdicts)) output.line(line);
    output.line();
    const conclusions = conclude(compared.comparison, 'fp16');
    for (const sentence of conclusions) output.line(sentence);
    const report = join(folder, 'report.html');
    const data = await tuningReport(work, plan, { title: TITLE, tuning, compared, conclusions }, output);
    await replaceFile(report, reportPage(data));
    output.line();
    for (const [what, path] of [
      ['tuned plan', loaded.path],
      ['mixed model', model],
      ['report', report],
    ] as const) {
      output.line(`${what.padEnd(12)} ${relative(root, path)}`);
    }
  });
}

/** A copy of the sample plan whose paths hold from `folder`. */
function copyPlan(root: string, folder: string): string {
  const sample = resolve(root, SAMPLE);
  const text = readFileSync(sample, 'utf8');
  const there = relative(folder, resolve(sample, '..')).replaceAll('\\', '/');
  const paths = parse(text).statements.flatMap((statement) => {
    if (statement.kind === 'model') return statement.path ?? [];
    return statement.kind === 'input' ? (statement.files ?? []) : [];
  });
  const edits = paths.map(({ range, value }) => ({ range, newText: quote(`${there}/${value}`) }));
  const path = join(folder, basename(sample));
  writeFileSync(path, applyEdits(text, edits));
  return path;
}
