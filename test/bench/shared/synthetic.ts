/** Generated models of kinds of which no real one is at hand: their weights are random, and they say that they are synthetic. */
import { writeFileSync } from 'node:fs';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensor,
  makeTensorType,
  makeValueInfo,
  type Attribute,
  type Node,
  type Tensor,
} from '../../../server/src/onnx/index.js';
import { graphBytes } from '../../../server/src/onnx/testing/index.js';

export type SyntheticKind = 'recurrent' | 'transformer';

const STEPS = 24;
const WIDTH = 64;
const HEADS = 4;

/** Writes a model of one input `x`, [steps, 1, width] or [1, steps, width], and one output `y`. */
export function writeSyntheticModel(file: string, kind: SyntheticKind): void {
  const writer = new SyntheticWriter();
  const output = kind === 'recurrent' ? writer.recurrent() : writer.transformer();
  const shape = kind === 'recurrent' ? [STEPS, 1, WIDTH] : [1, STEPS, WIDTH];
  const graph = makeGraph({
    name: `synthetic ${kind}`,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: [makeValueInfo('x', makeTensorType(DataType.FLOAT, shape))],
    outputs: [makeValueInfo(output, makeTensorType(DataType.FLOAT, shape))],
  });
  writeFileSync(file, graphBytes(graph));
}

class SyntheticWriter {
  readonly nodes: Node[] = [];
  readonly initializers: Tensor[] = [];
  private state = 1;

  /** Two layers of LSTM, each with a projection, a normalization and a way around it. */
  recurrent(): string {
    let x = 'x';
    for (let block = 0; block < 3; block++) {
      const own = this.op(
        'LSTM',
        [x, this.weight([1, 4 * WIDTH, WIDTH]), this.weight([1, 4 * WIDTH, WIDTH])],
        [makeAttribute('hidden_size', { kind: 'int', value: WIDTH })],
      );
      const steps = this.op('Reshape', [own, this.integers([STEPS, 1, WIDTH])]);
      const projected = this.op('Add', [
        this.op('MatMul', [steps, this.weight([WIDTH, WIDTH])]),
        this.weight([WIDTH]),
      ]);
      x = this.normalized(this.op('Add', [x, this.op('Tanh', [projected])]));
    }
    return x;
  }

  /** Blocks of attention and a feed-forward network, normalized before each. */
  transformer(): string {
    let x = 'x';
    for (let block = 0; block < 8; block++) {
      x = this.op('Add', [x, this.attention(this.normalized(x))]);
      const wide = this.linear(this.normalized(x), WIDTH, 4 * WIDTH);
      const gelu = this.op('Mul', [
        wide,
        this.op('Add', [this.op('Erf', [this.op('Mul', [wide, this.scalar(Math.SQRT1_2)])]), this.scalar(1)]),
      ]);
      x = this.op('Add', [x, this.linear(gelu, 4 * WIDTH, WIDTH)]);
    }
    return this.normalized(x);
  }

  private attention(x: string): string {
    const heads = (name: string, perm: readonly number[]): string =>
      this.op(
        'Transpose',
        [this.op('Reshape', [name, this.integers([1, STEPS, HEADS, WIDTH / HEADS])])],
        [makeAttribute('perm', { kind: 'ints', value: perm })],
      );
    const [query, key, value] = [0, 1, 2].map(() => this.linear(x, WIDTH, WIDTH));
    const scores = this.op('MatMul', [heads(query ?? '', [0, 2, 1, 3]), heads(key ?? '', [0, 2, 3, 1])]);
    const scaled = this.op('Mul', [scores, this.scalar(1 / Math.sqrt(WIDTH / HEADS))]);
    const mixed = this.op('MatMul', [this.op('Softmax', [scaled]), heads(value ?? '', [0, 2, 1, 3])]);
    const joined = this.op(
      'Transpose',
      [mixed],
      [makeAttribute('perm', { kind: 'ints', value: [0, 2, 1, 3] })],
    );
    return this.linear(this.op('Reshape', [joined, this.integers([1, STEPS, WIDTH])]), WIDTH, WIDTH);
  }

  private linear(x: string, from: number, to: number): string {
    return this.op('Add', [this.op('MatMul', [x, this.weight([from, to])]), this.weight([to])]);
  }

  private normalized(x: string): string {
    return this.op('LayerNormalization', [x, this.weight([WIDTH], 1), this.weight([WIDTH])]);
  }

  private op(opType: string, inputs: readonly string[], attributes: readonly Attribute[] = []): string {
    const output = `t${this.nodes.length}`;
    this.nodes.push(
      makeNode({ opType, name: `${opType}_${this.nodes.length}`, inputs, outputs: [output], attributes }),
    );
    return output;
  }

  /** Uniform, with the deviation of usual initializations, around `mean`. */
  private weight(dims: readonly number[], mean = 0): string {
    const count = dims.reduce((product, size) => product * size, 1);
    const reach = Math.sqrt(3 / (dims.length > 1 ? (dims.at(-1) ?? 1) : WIDTH));
    const values = Float32Array.from({ length: count }, () => {
      this.state = (this.state * 48271) % 2147483647;
      return mean + reach * ((2 * this.state) / 2147483647 - 1);
    });
    return this.stored(DataType.FLOAT, dims, new Uint8Array(values.buffer));
  }

  private scalar(value: number): string {
    return this.stored(DataType.FLOAT, [], new Uint8Array(Float32Array.of(value).buffer));
  }

  private integers(values: readonly number[]): string {
    return this.stored(
      DataType.INT64,
      [values.length],
      new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
    );
  }

  private stored(type: DataType, dims: readonly number[], bytes: Uint8Array): string {
    const name = `w${this.initializers.length}`;
    this.initializers.push(makeTensor(name, type, dims, bytes));
    return name;
  }
}
