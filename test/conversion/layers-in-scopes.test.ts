// Layers inside sub-graphs and functions, as plans see them: what they are called, what names and paths reach them.
import { describe, expect, it } from 'vitest';
import { applyEdits, parse, type SyntaxTree } from '../../server/src/language/index.js';
import { inferShapes } from '../../server/src/onnx/index.js';
import {
  bindPlan,
  findLayers,
  flipLayer,
  nodeRoles,
  startingPlan,
  writeDecisions,
  type PlanFiles,
  type TracedPlan,
} from '../../server/src/plan/index.js';
import { modelOf } from './graph-text.js';

const model = modelOf(`function local.Scaled(a) -> b
    k = Constant() {"value_float": {"float": 0.3}}
    "scale": b = Mul(a, k)
  end
  input x: float[2,4]
  input c: bool[]
  init w: float[4,4] = 0.1
  init n: int64[] = 3
  "first": y = Exp(x)
  "beside": o = Sqrt(x)
  graph then
    "dense": p = MatMul(y, w)
    t = Tanh(p)
    output t: float[2,4]
  end
  graph else
    init u: float[4,4] = 0.2
    "same": e = MatMul(o, u)
    "same": f = Neg(e)
    output f: float[2,4]
  end
  "choice": z = If(c) {"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}
  graph body
    input i: int64[]
    input k: bool[]
    input v: float[2,4]
    k2 = Identity(k)
    "round > trip": v2 = MatMul(v, w)
    output k2: bool[]
    output v2: float[2,4]
  end
  "loop": r = Loop(n, , z) {"body": {"graph": "body"}}
  "call": s = local.Scaled(r)
  "last": q = Abs(s)
  output q: float[2,4]`);

const files: PlanFiles = { readText: () => undefined, openModel: () => ({ model }) };

function bind(text: string): { readonly tree: SyntaxTree; readonly plan: TracedPlan } {
  const tree = parse(text);
  const plan = bindPlan({ path: '/p.precision', tree, files });
  if (plan.model === undefined) throw new Error('the plan names no model that opens');
  return { tree, plan };
}

const layers = findLayers(model, inferShapes(model));

/** The layers that a statement decides. */
function checkDecided(statement: string, expected: readonly string[]): void {
  const { plan } = bind(`model "m.onnx"\n${statement}: fp16\n`);
  expect(plan.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const decided = plan.decisions.filter(({ wanted }) => wanted === 'fp16');
  expect(decided.map(({ layer }) => layer.name)).toEqual(expected);
}

describe('layers inside others', () => {
  it('stand where the node stands that holds them, by names that lead to them', () => {
    expect(layers.map(({ name }) => name)).toEqual([
      'first',
      'beside',
      'choice > then_branch > dense',
      'choice > then_branch > t',
      'choice > else_branch > e',
      'choice > else_branch > f',
      'loop > body > round \\> trip',
      'call > body > scale',
      'last',
    ]);
  });

  it('hold the weights that they read, whichever scope these are from', () => {
    const weights = layers.map((layer) => layer.weights.map(({ name }) => name).join());
    expect(weights).toEqual(['', '', 'w', '', 'u', '', 'w', '', '']);
  });

  it('count their work as if their branch were taken, and not at all where it repeats', () => {
    expect(layers.map(({ multiplyAdds }) => multiplyAdds)).toEqual([
      ...[0, 0, 32, 0, 32, 0, undefined, 0, 0],
    ]);
  });

  it('are decided by their names', () => {
    for (const { name } of layers) checkDecided(`layer ${JSON.stringify(name)}`, [name]);
  });

  it('are decided by patterns that name the way', () => {
    checkDecided('layers "*"', ['first', 'beside', 'last']);
    checkDecided('layers "choice > then* > *"', ['choice > then_branch > dense', 'choice > then_branch > t']);
    checkDecided('layers "* > body > *"', ['loop > body > round \\> trip', 'call > body > scale']);
    checkDecided('layers matching ".* > (dense|scale)"', [
      'choice > then_branch > dense',
      'call > body > scale',
    ]);
    checkDecided('op MatMul', [
      'choice > then_branch > dense',
      'choice > else_branch > e',
      'loop > body > round \\> trip',
    ]);
  });

  it('lie on paths, into what holds them and out of it', () => {
    checkDecided('between "first" and "last"', [
      'first',
      'choice > then_branch > dense',
      'choice > then_branch > t',
      'loop > body > round \\> trip',
      'call > body > scale',
      'last',
    ]);
    checkDecided('between "beside" and "choice > else_branch > f"', [
      'beside',
      'choice > else_branch > e',
      'choice > else_branch > f',
    ]);
    checkDecided('between "loop > body > round \\\\> trip" and "call > body > scale"', [
      'loop > body > round \\> trip',
      'call > body > scale',
    ]);
  });

  it('are flipped, and written into plans, as any other', () => {
    const text = 'model "m.onnx"\ndefault: fp32\n';
    const bound = bind(text);
    for (const { name } of layers) {
      const after = bind(applyEdits(text, flipLayer(bound.plan, bound.tree, name, 'fp16')));
      const low = after.plan.decisions.filter(({ wanted }) => wanted === 'fp16');
      expect(low.map(({ layer }) => layer.name)).toEqual([name]);
    }
    const wanted = new Map(layers.map(({ name }, at) => [name, at % 2 === 0 ? 'fp16' : 'fp32'] as const));
    const written = bind(applyEdits(text, writeDecisions(bound.tree, bound.plan, wanted)));
    expect(written.plan.decisions.map(({ wanted: format }) => format)).toEqual([...wanted.values()]);
    const start = startingPlan(model, 'm.onnx', { expand: true });
    expect(bind(start).plan.diagnostics.filter(({ code }) => code === 'unknown-layer')).toEqual([]);
  });
});

describe('roles inside others', () => {
  it('are those of what they do with what they read outside', () => {
    const shapes = modelOf(`input x: float[2,4]
      input c: bool[]
      "only for its shape": h = Exp(x)
      s = Shape(h)
      graph then
        init k: float[2,4] = 1
        t = Reshape(x, s)
        output t: float[2,4]
      end
      graph else
        init a: float[4] = 0.5
        b = Mul(a, a)
        e = Mul(x, b)
        output e: float[2,4]
      end
      z = If(c) {"then_branch": {"graph": "then"}, "else_branch": {"graph": "else"}}
      output z: float[2,4]`);
    expect(nodeRoles(shapes)).toEqual([
      ...['shape', 'shape', 'container'],
      ...['movement', 'constant', 'layer'],
    ]);
  });
});
