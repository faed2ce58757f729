/**
 * How long binding a plan of 10,000 decisions to a model of 5,000 layers takes: the first time, when everything about
 * the model is learnt, and after a keystroke. Prints one line of JSON for each measurement.
 * Run with `npm run bench -- bind`.
 */
import { parse } from '../../server/src/language/index.js';
import {
  bufferSource,
  DataType,
  encodeBytes,
  encodeFresh,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  readModel,
} from '../../server/src/onnx/index.js';
import { bindPlan, type PlanFiles } from '../../server/src/plan/index.js';

const LAYERS = 5_000;
const STATEMENTS = 10_000;
const KEYSTROKES = 50;

const OPERATORS = ['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Softmax'];

function nameOf(layer: number): string {
  return `/encoder/block.${Math.floor(layer / 20)}/layer.${layer % 20}/Op_${layer}`;
}

function openGenerated(): PlanFiles {
  const type = makeTensorType(DataType.FLOAT, [1, 64]);
  const nodes = Array.from({ length: LAYERS }, (_, layer) =>
    makeNode({
      opType: OPERATORS[layer % OPERATORS.length] ?? 'Relu',
      name: nameOf(layer),
      inputs: [layer === 0 ? 'x' : `t${layer - 1}`],
      outputs: [`t${layer}`],
    }),
  );
  const graph = makeGraph({
    name: 'chain',
    nodes,
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo(`t${LAYERS - 1}`, type)],
  });
  const result = readModel(
    bufferSource(encodeBytes(encodeFresh({ irVersion: 8, opsets: new Map([['', 17]]), graph }))),
  );
  return { readText: () => undefined, openModel: () => result };
}

/** Three in four statements name a layer; the rest are patterns and operators. `wrong` names layers that are not there. */
function planText(wrong: boolean): string {
  const lines = ['model "m.onnx"', 'input "x" = zeros', 'default: fp16'];
  for (let index = 0; index < STATEMENTS; index += 1) {
    const format = index % 3 === 0 ? 'fp32' : 'fp16';
    if (index % 100 === 99) {
      lines.push(`layers "/encoder/block.${index % 250}/**": ${format}`);
    } else if (index % 1000 === 500) {
      lines.push(`op ${OPERATORS[index % OPERATORS.length] ?? 'Relu'}: ${format}`);
    } else {
      lines.push(`layer "${nameOf((index * 7) % LAYERS)}${wrong ? 'x' : ''}": ${format}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function report(name: string, milliseconds: readonly number[], more: object = {}): void {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2));
  console.log(
    JSON.stringify({ name, median: at(0.5), p95: at(0.95), unit: 'ms', runs: sorted.length, ...more }),
  );
}

for (const wrong of [false, true]) {
  const files = openGenerated();
  const text = planText(wrong);
  const label = wrong ? 'bind, every name unknown' : 'bind';
  const times: number[] = [];
  let diagnostics = 0;
  for (let keystroke = 0; keystroke <= KEYSTROKES; keystroke += 1) {
    // Each edit is a fresh one, so that nothing but what is kept by design can answer.
    const tree = parse(text.replace('default: fp16', `default: fp16 { reason: "${keystroke}" }`));
    const start = performance.now();
    diagnostics = bindPlan({ path: '/plans/p.precision', tree, files }).diagnostics.length;
    times.push(performance.now() - start);
  }
  report(`${label}, first`, times.slice(0, 1), { layers: LAYERS, statements: STATEMENTS, diagnostics });
  report(`${label}, keystroke`, times.slice(1), { layers: LAYERS, statements: STATEMENTS, diagnostics });
}
