/**
 * `npm run demo`: the main job on the bundled pose model. Tunes the sample plan, exports it, compares FP32, mixed
 * and all-FP16, and writes a report. Its own files go to `out/demo`; the sample is not touched.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { startCompute } from '../analysis/index.js';
import { applyEdits, parse, quote } from '../language/index.js';
import { reportPage } from '../report/index.js';
import { comparePlan, exportModel, replaceFile, tunePlan, tuningReport } from '../work/index.js';
import { parseArguments } from './arguments.js';
import { comparisonTable } from './comparison.js';
import { loadPlan, needModel } from './load.js';
import type { Output } from './output.js';
import { writeTuning } from './tune.js';
import { toleranceTable } from './verdicts.js';
import { resultOf } from './work-failure.js';
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
  const parsed = parseArguments(
    { name: 'demo', arguments: '', count: [0, 0], summary: '', shared: [], options: {} },
    [],
  );
  output.line('The pose landmark model: which of its layers can run in FP16 without moving the landmarks?');
  output.line();
  await withWork(loaded, plan, { parsed, output, signal, startRuntime: startCompute }, async (work) => {
    const tuned = resultOf(await tunePlan(work, plan, { objective: 'macs' }), loaded);
    const decided = { ...tuned.plan, decisions: tuned.tuning.decisions };
    const compared = resultOf(await comparePlan(work, decided, { runs: RUNS }), loaded);
    await writeTuning(loaded, tuned);
    const model = join(folder, 'pose_landmark_lite.mixed.onnx');
    resultOf(await exportModel(plan, decided.decisions, model, { signal }), loaded);
    for (const line of comparisonTable(compared.comparison)) output.line(line);
    output.line();
    for (const line of toleranceTable(tuned.tuning.verdicts)) output.line(line);
    output.line();
    for (const sentence of compared.conclusions) output.line(sentence);
    const report = join(folder, 'report.html');
    const data = resultOf(await tuningReport(work, TITLE, tuned, compared), loaded);
    resultOf(await replaceFile(report, reportPage(data)));
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
