/**
 * The roundings of a precision graph that no element type stands for, as nodes of FP32 arithmetic: which form each takes, and
 * the constants that they share. Knows roundings; not which tensor has which.
 */
import { formatInformation } from '../../formats/index.js';
import { DataType, makeTensor, withNode, type Node, type Tensor } from '../../onnx/index.js';
import {
  makeCast,
  quantizationKey,
  type PrecisionGraph,
  type TakeName,
  type TensorRounding,
} from '../../plan/index.js';
import { addDrawnBf16 } from './drawn-bf16.js';
import { addFloatRounding } from './float-rounding.js';
import { addIntegerRounding } from './integer-rounding.js';
import { ArithmeticNodes } from './nodes.js';

/** Seeds of stochastic roundings: each has one of its own, the same in every variant of a graph. */
const FIRST_SEED = 1;

export class RoundingWriter {
  private readonly scalars = new Map<string, string>();
  private readonly scales = new Map<string, string>();
  private nextSeed = FIRST_SEED;

  /** @param initializers of the main graph, which every scope sees. */
  constructor(
    private readonly graph: PrecisionGraph,
    private readonly takeName: TakeName,
    private readonly initializers: Tensor[],
  ) {}

  /** Arithmetic whose tensors are called after `stem`. */
  arithmetic(list: Node[], stem: string): ArithmeticNodes {
    return new ArithmeticNodes(list, {
      takeName: this.takeName,
      opset: this.opset,
      stem,
      scalar: (value) => this.scalar(value),
    });
  }

  /**
   * Rounds the FP32 tensor `from`, which has the values of the tensor `id`; the result is called `to`.
   *
   * @param dims of the tensor, where there is a scale for each index of an axis.
   * @throws RangeError where the graph has no scale for an integer format (`withQuantizations`).
   */
  round(
    list: Node[],
    from: string,
    id: string,
    rounding: TensorRounding,
    to: string,
    dims: readonly number[] = [],
  ): void {
    const nodes = this.arithmetic(list, to);
    const seed: { readonly seed?: number } = rounding.stochastic ? { seed: this.nextSeed++ } : {};
    const { format } = rounding;
    if (format === 'int8' || format === 'int4') {
      const quantization = this.graph.quantizations.get(quantizationKey(id, rounding));
      if (quantization === undefined) throw new RangeError(`no scale of "${id}" is known`);
      const { axis } = quantization;
      const shape = axis === undefined ? [] : dims.slice(axis).map((dim, at) => (at === 0 ? dim : 1));
      const stored = (values: readonly number[]): string => this.stored(`${id} ${axis ?? ''}`, shape, values);
      addIntegerRounding(nodes, from, { quantization, stored, ...seed });
      renameLast(list, to);
      return;
    }
    const overflow = rounding.overflow === 'saturate' ? 'saturate' : 'inf';
    if (format === 'bf16' && seed.seed !== undefined) {
      addDrawnBf16(nodes, from, { overflow, seed: seed.seed });
      renameLast(list, to);
      return;
    }
    const hasCast = format === 'fp16' || format === 'bf16';
    if (format === 'bf16' || (hasCast && !rounding.stochastic && rounding.overflow !== 'saturate')) {
      const { largest } = formatInformation(format);
      const held = rounding.overflow === 'saturate' ? nodes.clip(from, -largest, largest) : from;
      this.castPair(list, held, format === 'bf16' ? DataType.BFLOAT16 : DataType.FLOAT16, to);
      return;
    }
    addFloatRounding(nodes, from, { format, overflow, ...seed });
    renameLast(list, to);
  }

  /** `from` in the range of a format: rounding comes before it, or what is beyond by less than half a step would be two numbers. */
  held(list: Node[], from: string, format: 'fp16' | 'bf16', to: string): void {
    const { largest } = formatInformation(format);
    this.arithmetic(list, to).clip(from, -largest, largest);
    renameLast(list, to);
  }

  /** `from` times a power of two, exactly. */
  scaled(list: Node[], from: string, factor: number, to: string): void {
    this.arithmetic(list, to).calculate('Mul', from, factor);
    renameLast(list, to);
  }

  private get opset(): number {
    return this.graph.model.opsets.get('') ?? 1;
  }

  private castPair(list: Node[], from: string, type: DataType, to: string): void {
    const { opset } = this;
    const low = this.takeName(`${to}_low`);
    list.push(makeCast({ name: '', from, to: low, type, opset }));
    list.push(makeCast({ name: '', from: low, to, type: DataType.FLOAT, opset }));
  }

  private scalar(value: number): string {
    const key = Object.is(value, -0) ? '-0' : String(value);
    return this.shared(this.scalars, key, 'rounding_constant', [], [value]);
  }

  private stored(key: string, shape: readonly number[], values: readonly number[]): string {
    return this.shared(this.scales, `${key} ${values.join(' ')}`, 'rounding_scale', shape, values);
  }

  private shared(
    known: Map<string, string>,
    key: string,
    stem: string,
    dims: readonly number[],
    values: readonly number[],
  ): string {
    const found = known.get(key);
    if (found !== undefined) return found;
    const name = this.takeName(stem);
    const bytes = new Uint8Array(Float32Array.from(values).buffer);
    this.initializers.push(makeTensor(name, DataType.FLOAT, dims, bytes));
    known.set(key, name);
    return name;
  }
}

/** Gives the result of the last node another name. */
function renameLast(list: Node[], to: string): void {
  const last = list.pop();
  if (last !== undefined) list.push(withNode(last, { outputs: [to] }));
}
