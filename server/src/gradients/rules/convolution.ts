/**
 * Gradients of convolutions. Probes go with the batch where the weight is fixed; where the weight's gradient is wanted they go
 * with the channels of a convolution whose kernel is the output's gradient.
 */
import { range, sizeOf } from '../emitter.js';
import { inputOf, inputShape, outputShape, type VjpContext, type VjpRule, type VjpRules } from '../rule.js';
import {
  groupOf,
  outputPadding,
  span,
  transposedWindowsOf,
  windowAttributes,
  windowsOf,
  type Windows,
} from '../windows.js';

/** Back through the windows of a Conv: from its output's gradient, batches of probes, to its input's. */
function convolutionToInput(context: VjpContext, windows: Windows): string {
  const { emit, probes } = context;
  const [batch = 1, channels = 1] = inputShape(context, 0);
  const [, filters = 1] = outputShape(context);
  const group = groupOf(context.node);
  const weight = inputOf(context, 1);
  const flat = emit.reshape(context.gradient(0) ?? '', [probes * batch, filters, ...windows.output]);
  const { kernel, strides, dilations, begins } = windows;
  // The flipped kernel over the gradient, as a plain convolution, takes half the time where each channel has a filter of its
  // own and the stride is 1; in all other cases it takes longer, up to six times.
  const isDepthwise = group === channels && group === filters;
  const added = outputPadding(windows);
  const flippedBegins = begins.map((begin, axis) => span(kernel, dilations, axis) - 1 - begin);
  const flippedEnds = windows.ends.map(
    (end, axis) => span(kernel, dilations, axis) - 1 - end + (added[axis] ?? 0),
  );
  const isPlain =
    strides.every((stride) => stride === 1) && [...flippedBegins, ...flippedEnds].every((pad) => pad >= 0);
  let result: string;
  if (isDepthwise && isPlain) {
    const taps = sizeOf(kernel);
    const reversed = emit.integers([...range(taps)].reverse());
    const flipped = emit.op('Gather', [emit.reshape(weight, [filters, 1, taps]), reversed], { axis: 2 });
    result = emit.op('Conv', [flat, emit.reshape(flipped, [filters, 1, ...kernel])], {
      ...{ strides, dilations, group, pads: [...flippedBegins, ...flippedEnds] },
    });
  } else {
    result = emit.op('ConvTranspose', [flat, weight], {
      ...windowAttributes(windows, group),
      output_padding: added,
    });
  }
  return emit.reshape(result, [probes, batch, channels, ...windows.input]);
}

interface Correlated {
  readonly name: string;
  /** 1, or the number of probes, which is then its first axis. */
  readonly probes: number;
  readonly channels: number;
}

/**
 * For each channel of `wide` and of `narrow` in the same group, the products summed over batch and windows, for each tap of
 * the kernel: [probes, narrow channels, wide channels in the group, ...kernel]. At most one of them has probes.
 */
function correlate(
  { emit, node }: VjpContext,
  windows: Windows,
  batch: number,
  wide: Correlated,
  narrow: Correlated,
): string {
  const group = groupOf(node);
  const { kernel, input, output } = windows;
  const axes = range(kernel.length, 4);
  const [wideIn, narrowIn] = [wide.channels / group, narrow.channels / group];
  const wideParts = emit.reshape(wide.name, [wide.probes, batch, group, wideIn, ...input]);
  const narrowParts = emit.reshape(narrow.name, [narrow.probes, batch, group, narrowIn, ...output]);
  // The batch takes the place of the channels in both, so that the convolution sums over it.
  const asInput = emit.reshape(emit.transpose(wideParts, [0, 3, 2, 1, ...axes]), [
    wide.probes * wideIn,
    group * batch,
    ...input,
  ]);
  const asKernel = emit.reshape(emit.transpose(narrowParts, [2, 0, 3, 1, ...axes]), [
    group * narrow.probes * narrowIn,
    batch,
    ...output,
  ]);
  const { strides, dilations, begins, ends } = windows;
  const sums = emit.op('Conv', [asInput, asKernel], {
    ...{ strides: dilations, dilations: strides, group, pads: [...begins, ...ends] },
  });
  // Windows that do not fill the input leave room for more taps than there are.
  const spatial = range(kernel.length, 2);
  const taken = emit.slice(sums, [...spatial].fill(0), kernel, spatial);
  const parts = [wide.probes, wideIn, group, narrow.probes, narrowIn, ...kernel];
  const ordered = emit.transpose(emit.reshape(taken, parts), [0, 3, 2, 4, 1, ...range(kernel.length, 5)]);
  return emit.reshape(ordered, [wide.probes * narrow.probes, narrow.channels, wideIn, ...kernel]);
}

/** Summed over batch and space. */
function toBias(context: VjpContext, rank: number): string {
  return context.emit.reduceSum(context.gradient(0) ?? '', [1, ...range(rank, 3)], false);
}

const convolution: VjpRule = (context) => {
  const { probes } = context;
  const [batch = 1, channels = 1, ...input] = inputShape(context, 0);
  const [filters = 1, , ...kernel] = inputShape(context, 1);
  const windows = windowsOf(context.node, input, kernel, outputShape(context).slice(2));
  const wide = { name: inputOf(context, 0), probes: 1, channels };
  const narrow = { name: context.gradient(0) ?? '', probes, channels: filters };
  return [
    context.needsGradient(0) ? convolutionToInput(context, windows) : undefined,
    context.needsGradient(1) ? correlate(context, windows, batch, wide, narrow) : undefined,
    context.needsGradient(2) ? toBias(context, input.length) : undefined,
  ];
};

const transposedConvolution: VjpRule = (context) => {
  const { emit, node, probes } = context;
  const [batch = 1, channels = 1, ...input] = inputShape(context, 0);
  const [, filters = 1, ...output] = outputShape(context);
  const kernel = inputShape(context, 1).slice(2);
  const windows = transposedWindowsOf(node, input, kernel, output);
  const gradient = context.gradient(0) ?? '';
  const toInput = (): string => {
    const flat = emit.reshape(gradient, [probes * batch, filters, ...output]);
    const whole = emit.op('Conv', [flat, inputOf(context, 1)], windowAttributes(windows, groupOf(node)));
    // Padding of the output by a stride or more gives windows that no element of the input has.
    const spatial = range(input.length, 2);
    const result = outputPadding(windows).every((left, axis) => left < (windows.strides[axis] ?? 1))
      ? whole
      : emit.slice(whole, [...spatial].fill(0), input, spatial);
    return emit.reshape(result, [probes, batch, channels, ...input]);
  };
  const wide = { name: gradient, probes, channels: filters };
  const narrow = { name: inputOf(context, 0), probes: 1, channels };
  return [
    context.needsGradient(0) ? toInput() : undefined,
    context.needsGradient(1) ? correlate(context, windows, batch, wide, narrow) : undefined,
    context.needsGradient(2) ? toBias(context, input.length) : undefined,
  ];
};

export const convolutionRules: VjpRules = { Conv: convolution, ConvTranspose: transposedConvolution };
