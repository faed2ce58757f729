/**
 * What the measured sensitivity of every layer of the pose model costs: by segments, and by a session for each layer;
 * and how the cheap local errors rank the layers beside it. Both ways must give the same numbers. Prints one line of
 * JSON for each measurement. Run with `npm run bench -- measured [SAMPLES]`.
 */
import path from 'node:path';
import {
  closeEvaluation,
  localErrors,
  measuredErrors,
  openEvaluation,
  rankCorrelation,
  resolveSamples,
  startCompute,
  type MeasuredErrors,
} from '../../server/src/analysis/index.js';
import { parse } from '../../server/src/language/index.js';
import { openModel } from '../../server/src/onnx/index.js';
import { bindPlan } from '../../server/src/plan/index.js';

/** `npm run bench` starts in the project's root. */
const FOLDER = path.resolve('samples/pose');
const TEXT = 'model "pose_landmark_lite.onnx"\ninput "input_1" from "inputs/*.npy"\ndefault: fp16\n';

async function main(count: number): Promise<void> {
  const files = { readText: () => undefined, openModel: (file: string) => openModel(file) };
  const bound = bindPlan({ path: path.join(FOLDER, 'bench.precision'), tree: parse(TEXT), files });
  if (bound.model === undefined) throw new Error('the sample has no model');
  const { samples } = await resolveSamples(bound.inputs, FOLDER);
  const runtime = startCompute({ script: path.resolve('dist/runtime-process.js'), lowPriority: false });
  const { model, layers } = bound;
  const evaluation = await openEvaluation(runtime, model, samples.slice(0, count));
  const timed = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    const start = performance.now();
    const result = await work();
    const seconds = Number(((performance.now() - start) / 1000).toFixed(2));
    const { sessions, inferences, segments } = result as Partial<MeasuredErrors>;
    console.log(
      JSON.stringify({
        name,
        seconds,
        sessions,
        inferences,
        segments,
        layers: layers.length,
        samples: count,
      }),
    );
    secondsOf.set(name, seconds);
    return result;
  };
  const secondsOf = new Map<string, number>();
  const local = await timed('local', () => localErrors(evaluation, layers, 'fp16'));
  const segments = await timed('measured, segments', () => measuredErrors(evaluation, layers, 'fp16'));
  const plain = await timed('measured, a session per layer', () =>
    measuredErrors(evaluation, layers, 'fp16', [], { way: 'plain' }),
  );
  const difference = segments.errors.reduce(
    (most, error, index) => Math.max(most, Math.abs(error.value / (plain.errors[index]?.value ?? 0) - 1)),
    0,
  );
  const values = (errors: readonly { readonly value: number }[]): number[] => errors.map((one) => one.value);
  console.log(
    JSON.stringify({
      name: 'segments against a session per layer',
      timeRatio: Number(
        (
          (secondsOf.get('measured, a session per layer') ?? 0) / (secondsOf.get('measured, segments') ?? 0)
        ).toFixed(2),
      ),
      largestRelativeDifference: difference,
      spearmanLocal: rankCorrelation(values(local.errors), values(plain.errors)),
    }),
  );
  await closeEvaluation(evaluation);
  await runtime.dispose();
}

main(Number(process.argv[2] ?? 4)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
