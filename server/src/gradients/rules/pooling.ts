/** Gradients of pools. Probes, batch and channels go together, since each is pooled by itself. */
import { intAttribute, intsAttribute } from '../../onnx/index.js';
import { range, sizeOf } from '../emitter.js';
import { inputOf, inputShape, outputShape, type VjpContext, type VjpRule, type VjpRules } from '../rule.js';
import { outputPadding, span, windowAttributes, windowsOf, type Windows } from '../windows.js';

/** Summing scatter, and the scatter that places where nothing is placed twice. */
const FIRST_SUMMING_SCATTER = 16;
const FIRST_SCATTER = 11;

/** Images: batch times channels. */
interface Pool {
  readonly windows: Windows;
  readonly images: number;
}

function poolOf(context: VjpContext): Pool {
  const [batch = 1, channels = 1, ...input] = inputShape(context, 0);
  const kernel = intsAttribute(context.node, 'kernel_shape') ?? input;
  const windows = windowsOf(context.node, input, kernel, outputShape(context).slice(2));
  return { windows, images: batch * channels };
}

/** What each window holds, [images, 1, ...output], added to all that it covers: [images, 1, ...input]. */
function spread({ emit }: VjpContext, windows: Windows, name: string): string {
  const { kernel } = windows;
  const ones = emit.filled(1, [1, 1, ...kernel]);
  return spreadTaps(emit, windows, name, ones);
}

/** The same where each tap of the window holds something else: [images, taps, ...output]. */
function spreadTaps(emit: VjpContext['emit'], windows: Windows, name: string, weight: string): string {
  return emit.op('ConvTranspose', [name, weight], {
    ...windowAttributes(windows, 1),
    output_padding: outputPadding(windows),
  });
}

/**
 * One over the number of elements that each window averages, as factors along the axes of the output. With
 * `count_include_pad` that are those inside the input and its declared padding.
 */
function reciprocalCounts(windows: Windows, countsPads: boolean): readonly (readonly number[])[] {
  const { input, kernel, output, strides, dilations, begins, declaredEnds } = windows;
  return output.map((size, axis) => {
    const [begin, length] = [begins[axis] ?? 0, input[axis] ?? 1];
    const least = countsPads ? -begin : 0;
    const most = countsPads ? length + (declaredEnds[axis] ?? 0) : length;
    return range(size).map((at) => {
      const start = at * (strides[axis] ?? 1) - begin;
      const taps = range(kernel[axis] ?? 1).map((tap) => start + tap * (dilations[axis] ?? 1));
      return 1 / taps.filter((place) => place >= least && place < most).length;
    });
  });
}

const averagePool: VjpRule = (context) => {
  const { emit, node, probes } = context;
  const { windows, images } = poolOf(context);
  const factors = reciprocalCounts(windows, intAttribute(node, 'count_include_pad', 0) !== 0);
  let averaged = emit.reshape(context.gradient(0) ?? '', [probes * images, 1, ...windows.output]);
  let common = 1;
  for (const [axis, values] of factors.entries()) {
    const [first = 1] = values;
    if (values.every((value) => value === first)) common *= first;
    else {
      const behind = factors.slice(axis + 1).map(() => 1);
      averaged = emit.mul(averaged, emit.constant(values, [values.length, ...behind]));
    }
  }
  const result = spread(context, windows, emit.scale(averaged, common));
  return [emit.reshape(result, [probes, ...inputShape(context, 0)])];
};

/** y^p is the sum of |x|^p: x |x|^(p-2) times what g y^(1-p) gives to all that a window covers. */
const lpPool: VjpRule = (context) => {
  const { emit, probes } = context;
  const { windows, images } = poolOf(context);
  const weighted = weightedByNorm(context);
  const flat = emit.reshape(weighted, [probes * images, 1, ...windows.output]);
  const result = emit.reshape(spread(context, windows, flat), [probes, ...inputShape(context, 0)]);
  return [emit.mul(result, powerOfInput(context))];
};

const globalLpPool: VjpRule = (context) => [context.emit.mul(weightedByNorm(context), powerOfInput(context))];

function exponentOf({ node }: VjpContext): number {
  return intAttribute(node, 'p', 2);
}

/** g y^(1-p), zero where y is. */
function weightedByNorm(context: VjpContext): string {
  const { emit, node } = context;
  const y = node.outputs[0] ?? '';
  const isThere = emit.greater(y, emit.scalar(0));
  const base = emit.select(isThere, y, emit.scalar(1));
  const power = emit.op('Pow', [base, emit.scalar(1 - exponentOf(context))]);
  return emit.mul(context.gradient(0) ?? '', emit.keepWhere(isThere, power));
}

/** x |x|^(p-2) = sign(x) |x|^(p-1) */
function powerOfInput(context: VjpContext): string {
  const { emit } = context;
  const x = inputOf(context, 0);
  const p = exponentOf(context);
  if (p === 2) return x;
  const size = emit.op('Pow', [emit.op('Abs', [x]), emit.scalar(p - 1)]);
  return p === 1 ? emit.sign(x) : emit.mul(emit.sign(x), size);
}

const globalAveragePool: VjpRule = (context) => {
  const { emit, probes } = context;
  const [batch = 1, channels = 1, ...space] = inputShape(context, 0);
  const gradient = emit.scale(context.gradient(0) ?? '', 1 / sizeOf(space));
  const from = [probes, batch, channels, ...space.map(() => 1)];
  return [emit.expand(gradient, from, [probes, batch, channels, ...space])];
};

/** To the first of the largest elements. */
const globalMaxPool: VjpRule = (context) => {
  const { emit, probes } = context;
  const [batch = 1, channels = 1, ...space] = inputShape(context, 0);
  const flat = emit.reshape(inputOf(context, 0), [batch, channels, sizeOf(space)]);
  const largest = emit.op('ArgMax', [flat], { axis: 2, keepdims: 1 });
  const isLargest = emit.op('Equal', [largest, emit.integers(range(sizeOf(space)))]);
  const gradient = emit.reshape(context.gradient(0) ?? '', [probes, batch, channels, 1]);
  return [emit.reshape(emit.mul(gradient, emit.mask(isLargest)), [probes, batch, channels, ...space])];
};

const maxPool: VjpRule = (context) => {
  const { windows } = poolOf(context);
  const { kernel, dilations, strides } = windows;
  const isDisjoint = kernel.every((_, axis) => span(kernel, dilations, axis) <= (strides[axis] ?? 1));
  const canScatter = context.opset >= FIRST_SUMMING_SCATTER || (context.opset >= FIRST_SCATTER && isDisjoint);
  return [canScatter ? scatterToLargest(context) : unfoldToLargest(context)];
};

/** To where a second pool, which gives the places of the largest elements, says. */
function scatterToLargest(context: VjpContext): string {
  const { emit, node, probes } = context;
  const [shape, pooled] = [inputShape(context, 0), outputShape(context)];
  // In row-major order whatever the node's own indices are.
  const [, places = ''] = emit.copyOf(node, [inputOf(context, 0)], 2, { storage_order: undefined });
  const count = sizeOf(pooled);
  const indexes = emit.expand(emit.reshape(places, [1, count]), [1, count], [probes, count]);
  const updates = emit.reshape(context.gradient(0) ?? '', [probes, count]);
  const inputs = [emit.filled(0, [probes, sizeOf(shape)]), indexes, updates];
  const reduction = context.opset >= FIRST_SUMMING_SCATTER ? { reduction: 'add' } : {};
  const scattered = emit.op('ScatterElements', inputs, { axis: 1, ...reduction });
  return emit.reshape(scattered, [probes, ...shape]);
}

/**
 * Without a scatter that sums: each tap of the windows as a channel of its own, by a convolution with single ones; the first
 * tap that equals the maximum takes the gradient, and the transposed convolution brings all of them back.
 */
function unfoldToLargest(context: VjpContext): string {
  const { emit, node, probes } = context;
  const { windows, images } = poolOf(context);
  const taps = sizeOf(windows.kernel);
  const single = emit.constant(
    range(taps).flatMap((row) => range(taps).map((column) => (row === column ? 1 : 0))),
    [taps, 1, ...windows.kernel],
  );
  const unfold = (image: string): string => emit.op('Conv', [image, single], windowAttributes(windows, 1));
  const values = unfold(emit.reshape(inputOf(context, 0), [images, 1, ...windows.input]));
  const isInside = emit.greater(unfold(emit.filled(1, [1, 1, ...windows.input])), emit.scalar(0.5));
  const pooled = emit.reshape(node.outputs[0] ?? '', [images, 1, ...windows.output]);
  const isLargest = emit.op('And', [emit.atLeast(values, pooled), isInside]);
  const candidates = emit.mask(isLargest);
  const before = emit.constant(
    range(taps).flatMap((row) => range(taps).map((column) => (column < row ? 1 : 0))),
    [taps, taps, ...windows.kernel.map(() => 1)],
  );
  const isFirst = emit.less(emit.op('Conv', [candidates, before]), emit.scalar(0.5));
  const chosen = emit.mul(candidates, emit.mask(isFirst));
  const gradient = emit.reshape(context.gradient(0) ?? '', [probes, images, 1, ...windows.output]);
  const flat = emit.reshape(emit.mul(gradient, chosen), [probes * images, taps, ...windows.output]);
  return emit.reshape(spreadTaps(emit, windows, flat, single), [probes, ...inputShape(context, 0)]);
}

export const poolingRules: VjpRules = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  GlobalLpPool: globalLpPool,
};
