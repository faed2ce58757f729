// Random nests of branches, loops, scans and functions under random plans: every conversion holds what must hold, and ONNX
// Runtime accepts it and computes to the last bit what the emulated model computes.
import * as ort from 'onnxruntime-node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emulated, explicit } from '../../server/src/emulate/index.js';
import { inferTypes } from '../../server/src/onnx/index.js';
import type { Wanted } from './plans.js';
import { modelOf } from './graph-text.js';
import { checkConversion } from './plans.js';
import { bitsOf, fakeInput, randomNumbers, runModel } from './run-model.js';

/** Every tensor that computes is `float[2,4]`, so that any may be combined with any. */
const TYPE = 'float[2,4]';

type Choose = (most: number) => number;

/** Writes a model by choices; the same choices write the same model. */
class Writer {
  private readonly lines: string[] = [];
  private names = 0;
  private readonly functions: string[] = [];

  constructor(private readonly choose: Choose) {}

  model(): string {
    const functions = this.choose(3);
    for (let count = 0; count < functions; count++) this.addFunction();
    this.lines.push(`input x: ${TYPE}`, 'input c: bool[]', 'init n: int64[] = 2', 'init go: bool[] = 1');
    this.lines.push('init w: float[4] = 0.1 -0.2 0.3 0.7');
    const seen = this.addNodes(['x', 'w'], 2, this.choose(6) + 2);
    const outputs = [seen.at(-1) ?? 'x', ...(this.choose(2) === 0 ? [seen.at(-2) ?? 'x'] : [])];
    for (const name of new Set(outputs.filter((one) => one !== 'w' && one !== 'x'))) {
      this.lines.push(`output ${name}: ${TYPE}`);
    }
    return this.lines.join('\n');
  }

  private fresh(): string {
    this.names += 1;
    return `t${this.names}`;
  }

  /** Gives the names in sight afterwards, the last one being new and of the full shape. */
  private addNodes(inSight: readonly string[], depth: number, count: number): string[] {
    const seen = [...inSight];
    for (let index = 0; index < count; index++) this.addNode(seen, depth);
    this.addCompute(seen);
    return seen;
  }

  private pick(seen: readonly string[]): string {
    // The last ones are the likelier ones, so that things hang together.
    const back = Math.min(this.choose(seen.length), this.choose(seen.length));
    return seen[seen.length - 1 - back] ?? 'x';
  }

  /** A tensor of the full shape: `w` and what is made of it alone is smaller. */
  private full(seen: string[]): string {
    const name = this.fresh();
    this.lines.push(`${name} = Add(${this.pick(seen)}, ${seen[0] ?? 'x'})`);
    return name;
  }

  private addNode(seen: string[], depth: number): void {
    const kind = this.choose(depth === 0 ? 6 : 10);
    if (kind < 4) this.addCompute(seen);
    else if (kind === 4) this.addMovement(seen);
    else if (kind === 5) this.addCall(seen);
    else if (kind < 8) this.addIf(seen, depth);
    else if (kind === 8) this.addLoop(seen, depth);
    else this.addScan(seen);
  }

  private addCompute(seen: string[]): void {
    const name = this.fresh();
    const operators = ['Tanh', 'Sigmoid', 'Neg', 'Abs'];
    const full = seen[0] ?? 'x';
    const operation =
      this.choose(3) === 0
        ? `${['Add', 'Mul', 'Sub'][this.choose(3)] ?? 'Add'}(${full}, ${this.pick(seen)})`
        : `${operators[this.choose(operators.length)] ?? 'Neg'}(${this.full(seen)})`;
    this.lines.push(`${name} = ${operation}`);
    seen.push(name);
  }

  private addMovement(seen: string[]): void {
    const [name, from] = [this.fresh(), this.full(seen)];
    const kind = this.choose(3);
    if (kind === 0) this.lines.push(`${name} = Identity(${from})`);
    else if (kind === 1) this.lines.push(`${name} = Constant() {"value": {"tensor": "${TYPE} = 0.3 0.1 7"}}`);
    else this.lines.push(`${name} = Where(c, ${from}, ${this.full(seen)})`);
    seen.push(name);
  }

  private addFunction(): void {
    const name = `F${this.functions.length}`;
    this.lines.push(`function local.${name}(a, b) -> p, q`, 'c = Constant() {"value_float": {"float": 0.3}}');
    const seen = ['a', 'b'];
    const count = this.choose(3);
    for (let index = 0; index < count; index++) this.addCompute(seen);
    if (this.functions.length > 0 && this.choose(2) === 0) this.addCall(seen);
    this.lines.push(
      `p = Mul(${seen.at(-1) ?? 'a'}, c)`,
      `q = ${this.choose(2) === 0 ? 'Identity' : 'Tanh'}(a)`,
    );
    this.lines.push('end');
    this.functions.push(name);
  }

  private addCall(seen: string[]): void {
    const callee = this.functions[this.choose(this.functions.length)];
    if (callee === undefined) return;
    const [p, q] = [this.fresh(), this.fresh()];
    this.lines.push(`${p}, ${q} = local.${callee}(${this.full(seen)}, ${this.pick(seen)})`);
    seen.push(q, p);
  }

  private addIf(seen: string[], depth: number): void {
    const branches = [this.addBranch(seen, depth), this.addBranch(seen, depth)];
    const [one, other] = [this.fresh(), this.fresh()];
    const [then = '', otherwise = ''] = branches;
    this.lines.push(
      `${one}, ${other} = If(c) {"then_branch": {"graph": "${then}"}, "else_branch": {"graph": "${otherwise}"}}`,
    );
    seen.push(other, one);
  }

  private addBranch(seen: readonly string[], depth: number): string {
    const name = `g${this.fresh()}`;
    this.lines.push(`graph ${name}`);
    const inside = this.addNodes(seen, depth - 1, this.choose(3));
    const own = inside.slice(seen.length);
    this.lines.push(`output ${own[0] ?? ''}: ${TYPE}`, `output ${own.at(-1) ?? ''}: ${TYPE}`);
    // A graph gives each tensor once.
    if (own.length === 1) {
      this.lines.pop();
      const twin = this.fresh();
      this.lines.push(`${twin} = Neg(${own[0] ?? ''})`, `output ${twin}: ${TYPE}`);
    }
    this.lines.push('end');
    return name;
  }

  private addLoop(seen: string[], depth: number): void {
    const graph = `g${this.fresh()}`;
    const given = [this.full(seen), this.full(seen)];
    // A carried name may hide one outside.
    const state = [this.choose(2) === 0 ? (seen[0] ?? 'x') : this.fresh(), this.fresh()];
    this.lines.push(`graph ${graph}`, 'input i: int64[]', 'input k: bool[]');
    for (const name of state) this.lines.push(`input ${name}: ${TYPE}`);
    const goesOn = this.fresh();
    this.lines.push(`${goesOn} = Identity(k)`);
    const hidden = seen.filter((name) => !state.includes(name));
    const inside = this.addNodes([...state, ...hidden], depth - 1, this.choose(3));
    const last = inside.at(-1) ?? '';
    const stacked = this.fresh();
    this.lines.push(`${stacked} = Tanh(${last})`, `output ${goesOn}: bool[]`, `output ${last}: ${TYPE}`);
    this.lines.push(`output ${state[this.choose(2)] ?? ''}: ${TYPE}`, `output ${stacked}: ${TYPE}`, 'end');
    const [a, b, stack, sum] = [this.fresh(), this.fresh(), this.fresh(), this.fresh()];
    this.lines.push(
      `${a}, ${b}, ${stack} = Loop(n, go, ${given.join(', ')}) {"body": {"graph": "${graph}"}}`,
    );
    this.lines.push(`${sum} = ReduceMean(${stack}) {"axes": [0], "keepdims": 0}`);
    seen.push(b, sum, a);
  }

  private addScan(seen: string[]): void {
    const graph = `g${this.fresh()}`;
    const given = this.full(seen);
    const start = this.fresh();
    this.lines.push(`${start} = ReduceMean(${given}) {"axes": [0], "keepdims": 0}`);
    const [state, slice, next, out] = [this.fresh(), this.fresh(), this.fresh(), this.fresh()];
    this.lines.push(`graph ${graph}`, `input ${state}: float[4]`, `input ${slice}: float[4]`);
    this.lines.push(`${next} = Add(${state}, ${slice})`, `${out} = Mul(${next}, w)`);
    this.lines.push(`output ${next}: float[4]`, `output ${out}: float[4]`, 'end');
    const [last, all] = [this.fresh(), this.fresh()];
    this.lines.push(
      `${last}, ${all} = Scan(${start}, ${given}) {"num_scan_inputs": 1, "body": {"graph": "${graph}"}}`,
    );
    seen.push(last, all);
  }
}

/** Numbers below what is asked for, the same for the same seed. */
function chooser(seed: number): Choose {
  const random = randomNumbers(seed);
  return (most) => Math.floor(random() * most);
}

const seeds = fc.integer({ min: 1, max: 2 ** 30 });

describe('random scopes', () => {
  it('convert and compute what is emulated', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, seeds, async (shape, plan) => {
        const text = new Writer(chooser(shape)).model();
        const choose = chooser(plan);
        const model = modelOf(text);
        expect(inferTypes(model).problems).toEqual([]);
        const wanted = new Map<string, Wanted>();
        const formats: readonly Wanted[] = ['fp16', 'fp16', 'fp32', 'original'];
        const wish = (name: string): Wanted => {
          const format = wanted.get(name) ?? formats[choose(formats.length)] ?? 'fp16';
          wanted.set(name, format);
          return format;
        };
        const { graph, bytes, model: converted } = checkConversion(model, wish, 'saturate');
        for (const condition of [0, 1]) {
          const feeds = { x: fakeInput([2, 4]), c: new ort.Tensor('bool', Uint8Array.of(condition), []) };
          const emulation = await runModel(emulated(graph).bytes, feeds);
          const casts = await runModel(explicit(converted).bytes, feeds);
          expect(bitsOf(casts)).toEqual(bitsOf(emulation));
          const executed = await runModel(bytes, feeds);
          for (const [name, { type, dims }] of Object.entries(emulation.outputs)) {
            expect(executed.outputs[name]).toMatchObject({ type, dims });
          }
        }
      }),
      { numRuns: Number(process.env['SCOPES_RUNS'] ?? 60) },
    );
  });
});
