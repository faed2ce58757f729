/**
 * How long binding a plan of 10,000 decisions to a model of 5,000 layers takes: the first time, when everything about
 * the model is learnt, and after a keystroke. Prints one line of JSON for each measurement.
 * Run with `npm run bench -- bind`.
 */
import { parse } from '../../server/src/language/index.js';
import { bufferSource, readModel } from '../../server/src/onnx/index.js';
import { bindPlan } from '../../server/src/plan/index.js';
import { CHAIN_OPERATORS, chainModel, planText } from './shared/generated.js';
import { reportTimes } from './shared/report.js';

const LAYERS = 5_000;
const STATEMENTS = 10_000;
const KEYSTROKES = 50;

for (const wrong of [false, true]) {
  const opened = readModel(bufferSource(chainModel(LAYERS)));
  const files = { readText: () => undefined, openModel: () => opened };
  const text = planText({ statements: STATEMENTS, layers: LAYERS, operators: CHAIN_OPERATORS, wrong });
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
  const size = { layers: LAYERS, statements: STATEMENTS, diagnostics };
  reportTimes(`${label}, first`, times.slice(0, 1), size);
  reportTimes(`${label}, keystroke`, times.slice(1), size);
}
