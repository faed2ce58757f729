/** Whatever the bytes: a model or a problem, never an exception, and what is a model is written back as it was. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Attribute, Graph, Tensor } from './model.js';
import { encodeModel } from './encode.js';
import { encodeBytes } from './pieces.js';
import { readModel } from './read-model.js';
import { bufferSource } from './source.js';
import { tensorLocation } from './tensor-bytes.js';
import { tensorValues } from './tensor-values.js';
import { everythingModel } from './testing/models.js';

const whole = everythingModel();

/** Reads, decodes every tensor and writes again. Tells whether the bytes are a model. */
function exercise(bytes: Uint8Array): boolean {
  const result = readModel(bufferSource(bytes));
  if ('problem' in result) {
    expect(result.problem.message.length).toBeGreaterThan(10);
    return false;
  }
  const { model } = result;
  for (const tensor of tensorsOf(model.graph)) {
    const values = tensorValues(tensor, undefined);
    if ('problem' in values) expect(values.problem.message.length).toBeGreaterThan(10);
    tensorLocation(tensor, model);
  }
  expect(Buffer.compare(encodeBytes(encodeModel(model)), bytes)).toBe(0);
  const copy = { ...model.graph, nodes: model.graph.nodes.map((node) => ({ ...node })) };
  encodeBytes(encodeModel(model, { graph: copy }));
  return true;
}

function tensorsOf(graph: Graph): Tensor[] {
  return [...graph.initializers, ...graph.nodes.flatMap((node) => node.attributes.flatMap(attributeTensors))];
}

function attributeTensors(attribute: Attribute): Tensor[] {
  if (attribute.kind === 'tensor') return [attribute.value];
  if (attribute.kind === 'graph') return tensorsOf(attribute.value);
  return attribute.kind === 'graphs' ? attribute.value.flatMap(tensorsOf) : [];
}

describe('a small model', () => {
  it('is a model', () => {
    expect(exercise(whole)).toBe(true);
  });

  it('cut at any byte is a model or a problem', () => {
    let models = 0;
    for (let length = 0; length < whole.length; length += 1) {
      if (exercise(whole.subarray(0, length))) models += 1;
    }
    // Cuts between the fields behind the graph and the first operator set leave a smaller model.
    expect(models).toBeGreaterThan(0);
    expect(models).toBeLessThan(10);
  });

  it('with any one byte changed is a model or a problem', () => {
    const bytes = new Uint8Array(whole);
    for (let at = 0; at < whole.length; at += 1) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff, (whole[at] ?? 0) ^ 1, (whole[at] ?? 0) ^ 0x40]) {
        bytes[at] = value;
        exercise(bytes);
      }
      bytes[at] = whole[at] ?? 0;
    }
  });

  it('with many bytes changed, put in or taken out is a model or a problem', () => {
    const edit = fc.record({
      at: fc.nat(whole.length),
      remove: fc.nat(20),
      insert: fc.uint8Array({ maxLength: 12 }),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
        let bytes = Buffer.from(whole);
        for (const { at, remove, insert } of edits) {
          bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
        }
        exercise(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('random bytes', () => {
  it('are a model or a problem', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        exercise(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});
