import { describe, expect, it } from 'vitest';
import { makeAttribute, makeGraph, makeNode } from './make.js';
import type { Model } from './model.js';
import { modelText } from './model-text.js';
import { openModel } from './read-model.js';
import { everythingModel, graphBytes, modelFromBytes, modelOf, realModels } from './testing/models.js';

function textOf(model: Model): string {
  return modelText(model).lines.join('\n');
}

describe('the text of a model', () => {
  it('has everything but the values of constants', () => {
    expect(textOf(modelFromBytes(everythingModel()))).toMatchInlineSnapshot(`
      "<
        ir_version: 10,
        opset_import: ["" : 17, "some.vendor" : 1],
        producer_name: "pytorch 2.1"
      >
      main (float[batch, 3, ?] x, bool condition, seq(int64[]) list, optional(seq(float16[1])) maybe, map(...) map) => (? y)
      <
        float[2, 2] weight = {...},
        float[4] outside = ["location": "weights.bin", "offset": "8", "length": "16"],
        int32[3] typed = {...},
        sparse_tensor sparse = {...},
        float[batch, 3, 4] chosen
      >
      {
        [choose] chosen = If (condition) <  # float[batch, 3, 4]
          then_branch: graph = then () => (float[] "then/out")
          {
            "then/value" = Constant <value: tensor = float {...}> ()
            "then/out" = Mul (x, "then/value")
          },
          else_branch: graph = else () => (float[] "else/out")
          {
            "else/value" = Constant <value: tensor = float {...}> ()
            "else/out" = Mul (x, "else/value")
          }
        >
        y, "" = some.vendor.Everything:second (chosen, "", weight) <  # ?
          float: float = 0.5,
          int: int = -1,
          string: string = "größer",
          floats: floats = [1.0, -2.5],
          ints: ints = [0, 1, 1099511627776, -3],
          strings: strings = ["", "b"],
          reference = @alpha,
          graphs: graphs = [g0 () => (float[] "g0/out")
          {
            "g0/value" = Constant <value: tensor = float {...}> ()
            "g0/out" = Mul (x, "g0/value")
          },
          g1 () => (float[] "g1/out")
          {
            "g1/value" = Constant <value: tensor = float {...}> ()
            "g1/out" = Mul (x, "g1/value")
          }]
        >
        z = Relu (y)  # ?
      }
      <
        opset_import: ["" : 17],
        domain: "local.domain"
      >
      Local <alpha, beta: int = 4> (a) => (b)
      {
        b = Relu (a)
      }"
    `);
  });

  it.each(realModels())('has every node on the line that it says: %s', (path) => {
    const model = modelOf(openModel(path));
    const { lines, nodeLines } = modelText(model);
    expect(nodeLines.size).toBeGreaterThanOrEqual(model.graph.nodes.length);
    for (const [{ opType, outputs }, at] of nodeLines) {
      const line = lines[at] ?? '';
      expect(line).toContain(` = ${opType}`);
      expect(line.split(' = ')[0]).toContain(outputs[0]);
    }
    model.source.close();
  });

  it('writes numbers as short as they are exact in FP32', () => {
    const numbers = [0.1, 1e-12, 65504, 2 ** -149, 1 / 3, 1e38].map(Math.fround);
    const attribute = makeAttribute('numbers', { kind: 'floats', value: numbers });
    const node = makeNode({ opType: 'Op', inputs: [], outputs: ['y'], attributes: [attribute] });
    const graph = makeGraph({ name: 'g', nodes: [node], inputs: [], outputs: [] });
    const bytes = graphBytes(graph);
    expect(textOf(modelFromBytes(bytes))).toContain('[0.1, 1e-12, 65504.0, 1e-45, 0.33333334, 1e+38]');
  });

  it('has each node on one line, whatever the names', () => {
    const node = makeNode({ opType: 'Op', name: 'a\nb "c" \\', inputs: [''], outputs: ['y\r\n'] });
    const graph = makeGraph({ name: 'g', nodes: [node], inputs: [], outputs: [] });
    const bytes = graphBytes(graph);
    expect(modelText(modelFromBytes(bytes)).lines).toContain('  ["a b \\"c\\" \\\\"] "y " = Op ("")  # ?');
  });
});
