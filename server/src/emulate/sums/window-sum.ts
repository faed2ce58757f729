/**
 * Conv and AveragePool with their sums added up one term after the other: what each window sees becomes an axis of its own. Knows
 * these two; not which layer adds up how.
 */
import {
  DataType,
  intAttribute,
  intsAttribute,
  makeAttribute,
  makeTensor,
  type Attribute,
} from '../../onnx/index.js';
import { OperatorSum } from './operator-sum.js';

/** Where the windows of a convolution or a pool lie. */
const WINDOW_ATTRIBUTES: ReadonlySet<string> = new Set(['auto_pad', 'dilations', 'pads', 'strides']);

export class WindowSum extends OperatorSum {
  writeConv(): void {
    const { node, weights = [], to } = this.parts;
    const [input = '', kernel = '', bias = ''] = node.inputs;
    const [outChannels = 1, groupChannels = 1, ...kernelShape] = weights;
    const group = intAttribute(node, 'group', 1);
    const places = product(kernelShape);
    const inner = groupChannels * places;
    const plain = this.plainResult();
    const patches = this.reshape(this.patches(input, groupChannels * group, kernelShape), [
      0,
      group,
      inner,
      -1,
    ]);
    const byGroup = this.reshape(kernel, [group, outChannels / group, inner]);
    const sum = this.sumOf(
      [
        { tensor: patches, axis: 2, spread: 2 },
        { tensor: byGroup, axis: 2, spread: 2 },
      ],
      this.shapeOf(this.reshape(plain, [0, group, outChannels / group, -1])),
      { terms: inner },
    );
    if (bias === '') {
      this.asFloats(sum, plain, to);
      return;
    }
    const whole = this.asFloats(sum, plain);
    const perChannel = this.reshape(bias, [-1, ...kernelShape.map(() => 1)]);
    this.add('Add', [whole, perChannel], [], to);
  }

  writeAveragePool(): void {
    const { node, channels = 1, to } = this.parts;
    const [input = ''] = node.inputs;
    const kernelShape = intsAttribute(node, 'kernel_shape') ?? [];
    const plain = this.plainResult();
    const windows = this.patches(input, channels, kernelShape);
    const places = this.reshape(windows, [0, channels, product(kernelShape), -1]);
    const flat = this.shapeOf(this.reshape(plain, [0, channels, -1]));
    const operand = { tensor: places, axis: 2, spread: undefined };
    const sum = this.sumOf([operand], flat, { terms: product(kernelShape) });
    const whole = this.asFloats(sum, plain);
    this.add('Div', [whole, this.elementsIn(input, channels, kernelShape)], [], to);
  }

  /** Of how many elements a pool takes the mean: of those of its window that are there, or of all of its places. */
  private elementsIn(input: string, channels: number, kernelShape: readonly number[]): string {
    const { node } = this.parts;
    if (intAttribute(node, 'count_include_pad', 0) === 1) return this.float(product(kernelShape));
    const one = makeTensor('', DataType.FLOAT, [1], new Uint8Array(Float32Array.of(1).buffer));
    const value = makeAttribute('value', { kind: 'tensor', value: one });
    const ones = this.add('ConstantOfShape', [this.shapeOf(input)], [value]);
    const weights = new Float32Array(channels * product(kernelShape)).fill(1);
    const kernel = this.store(DataType.FLOAT, [channels, 1, ...kernelShape], weights);
    return this.add('Conv', [ones, kernel], this.windowsOf(channels));
  }

  /** The node's windows, for a convolution of each channel by itself. */
  private windowsOf(channels: number): readonly Attribute[] {
    const group = makeAttribute('group', { kind: 'int', value: channels });
    return [...this.parts.node.attributes.filter(({ name }) => WINDOW_ATTRIBUTES.has(name)), group];
  }

  /** For every channel of the input and place of the kernel what the kernel sees there: a convolution with ones in one place each. */
  private patches(input: string, channels: number, kernelShape: readonly number[]): string {
    const places = product(kernelShape);
    const ones = new Float32Array(channels * places * places);
    for (let at = 0; at < channels * places; at++) ones[at * places + (at % places)] = 1;
    const kernel = this.store(DataType.FLOAT, [channels * places, 1, ...kernelShape], ones);
    return this.add('Conv', [input, kernel], this.windowsOf(channels));
  }
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}
