/**
 * Rules for attention, by decomposition: the probabilities are computed again from query, key and mask, and differentiated as softmax
 * of a product. Reads each operator's own form of inputs into heads; forms with a cache of past keys have no rule.
 */
import { DataType, floatAttribute, intAttribute, intsAttribute } from '../../onnx/index.js';
import { headGradients, joinHeads, splitHeads, type HeadSizes } from '../attention-heads.js';
import { causalMask, flagMask, keyMask } from '../attention-mask.js';
import { range } from '../emitter.js';
import { hasInput, inputOf, inputShape, type Contribution, type VjpContext, type VjpRules } from '../rule.js';

export const attentionRules: VjpRules = {
  Attention: standardAttention,
  'com.microsoft.Attention': projectedAttention,
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
};

const MASK_FILTER = -10000;

/** Input and weights [B, S, D] x [D, QKV] -> query, key and value in one; inputs of the operator as its definition orders them. */
function projectedAttention(context: VjpContext): readonly Contribution[] | undefined {
  const { emit, node, probes } = context;
  const gradient = onlyGradient(context);
  // Past keys, and turned ones.
  if (gradient === undefined || hasInput(context, 4) || intAttribute(node, 'do_rotary', 0) === 1)
    return undefined;
  const [batch = 1, length = 1, depth = 1] = inputShape(context, 0);
  const [, width = 1] = inputShape(context, 1);
  const heads = intAttribute(node, 'num_heads', 1);
  const widths = intsAttribute(node, 'qkv_hidden_sizes') ?? range(3).map(() => width / 3);
  const [queryWidth = 1, keyWidth = 1, valueWidth = 1] = widths;
  const sizes: HeadSizes = {
    batch,
    heads,
    queries: length,
    keys: length,
    size: queryWidth / heads,
    valueSize: valueWidth / heads,
  };
  const biases = addedToLogits(context, sizes, { mask: 3, bias: 5 });
  if (biases === undefined || queryWidth !== keyWidth) return undefined;

  const product = emit.matMul(inputOf(context, 0), inputOf(context, 1));
  const projected = hasInput(context, 2) ? emit.add(product, inputOf(context, 2)) : product;
  const [query = '', key = '', value = ''] = emit.split(projected, 2, widths);
  const apart = (x: string, size: number) => splitHeads(emit, x, [batch], length, heads, size);
  const gradients = headGradients(
    emit,
    {
      sizes,
      query: apart(query, sizes.size),
      key: apart(key, sizes.size),
      value: apart(value, sizes.valueSize),
      scale: scaleOf(context, sizes.size),
      biases,
      softcap: 0,
    },
    splitHeads(emit, gradient, [probes, batch], length, heads, sizes.valueSize),
  );
  const together = (x: string, size: number) => joinHeads(emit, x, [probes, batch], length, heads, size);
  const ofProjected = emit.concat(
    [
      together(gradients.query, sizes.size),
      together(gradients.key, sizes.size),
      together(gradients.value, sizes.valueSize),
    ],
    3,
  );
  const rows = emit.reshape(ofProjected, [probes, batch * length, width]);
  const inputRows = emit.reshape(inputOf(context, 0), [batch * length, depth]);
  return [
    context.needsGradient(0)
      ? emit.matMul(ofProjected, emit.transpose(inputOf(context, 1), [1, 0]))
      : undefined,
    context.needsGradient(1) ? emit.matMul(emit.transpose(inputRows, [1, 0]), rows) : undefined,
    context.needsGradient(2) ? emit.reduceSum(rows, [1], false) : undefined,
    undefined,
    undefined,
    ofBias(context, 5, gradients.bias, sizes),
  ];
}

/** Query, key and value [B, S, N H], and one bias for all; packed forms and keys that are heads already have no rule. */
function multiHeadAttention(context: VjpContext): readonly Contribution[] | undefined {
  const { emit, node, probes } = context;
  const gradient = onlyGradient(context);
  if (gradient === undefined || hasInput(context, 6) || hasInput(context, 7)) return undefined;
  if (range(3).some((input) => inputShape(context, input).length !== 3)) return undefined;
  const [batch = 1, queries = 1, width = 1] = inputShape(context, 0);
  const [, keys = 1] = inputShape(context, 1);
  const [, , valueWidth = 1] = inputShape(context, 2);
  const heads = intAttribute(node, 'num_heads', 1);
  const sizes: HeadSizes = {
    batch,
    heads,
    queries,
    keys,
    size: width / heads,
    valueSize: valueWidth / heads,
  };
  const biases = addedToLogits(context, sizes, { mask: 4, bias: 5 });
  if (biases === undefined) return undefined;
  const projectionBias = hasInput(context, 3)
    ? emit.split(inputOf(context, 3), 0, [width, width, valueWidth])
    : [];
  const apart = (input: number, length: number, size: number) => {
    const bias = projectionBias[input];
    const x = inputOf(context, input);
    return splitHeads(emit, bias === undefined ? x : emit.add(x, bias), [batch], length, heads, size);
  };
  const gradients = headGradients(
    emit,
    {
      sizes,
      query: apart(0, queries, sizes.size),
      key: apart(1, keys, sizes.size),
      value: apart(2, keys, sizes.valueSize),
      scale: scaleOf(context, sizes.size),
      biases,
      softcap: 0,
    },
    splitHeads(emit, gradient, [probes, batch], queries, heads, sizes.valueSize),
  );
  const together = (x: string, length: number, size: number) =>
    joinHeads(emit, x, [probes, batch], length, heads, size);
  const ofInputs = [
    together(gradients.query, queries, sizes.size),
    together(gradients.key, keys, sizes.size),
    together(gradients.value, keys, sizes.valueSize),
  ];
  return [
    ...ofInputs,
    context.needsGradient(3)
      ? emit.concat(
          ofInputs.map((x) => emit.reduceSum(x, [1, 2], false)),
          1,
        )
      : undefined,
    undefined,
    ofBias(context, 5, gradients.bias, sizes),
  ];
}

/** Heads as axes of their own, or joined; fewer heads of keys than of queries, each of which serves several. */
function standardAttention(context: VjpContext): readonly Contribution[] | undefined {
  const { emit, node, probes } = context;
  const gradient = onlyGradient(context);
  // Past keys, and lengths of what is not padding.
  if (gradient === undefined || [4, 5, 6].some((input) => hasInput(context, input))) return undefined;
  const isJoined = inputShape(context, 0).length === 3;
  const shapeOf = (input: number, heads: number): readonly number[] => {
    const [batch = 1, second = 1, third = 1, fourth = 1] = inputShape(context, input);
    return isJoined ? [batch, heads, second, third / heads] : [batch, second, third, fourth];
  };
  const [batch = 1, heads = 1, queries = 1, size = 1] = shapeOf(0, intAttribute(node, 'q_num_heads', 1));
  const keyHeadCount = intAttribute(node, 'kv_num_heads', 1);
  const [, keyHeads = 1, keys = 1] = shapeOf(1, keyHeadCount);
  const [, , , valueSize = 1] = shapeOf(2, keyHeadCount);
  const sizes: HeadSizes = { batch, heads, queries, keys, size, valueSize };
  const group = heads / keyHeads;

  const apart = (input: number, count: number, length: number, width: number) =>
    isJoined
      ? splitHeads(emit, inputOf(context, input), [batch], length, count, width)
      : inputOf(context, input);
  const forGroup = (x: string, width: number) => {
    if (group === 1) return x;
    const before = [batch, keyHeads, 1, keys, width];
    const repeated = emit.expand(emit.reshape(x, before), before, before.with(2, group));
    return emit.reshape(repeated, [batch, heads, keys, width]);
  };
  const biases: string[] = [];
  if (hasInput(context, 3)) {
    const mask = inputOf(context, 3);
    biases.push(context.elementType(mask) === DataType.BOOL ? flagMask(emit, mask) : mask);
  }
  if (intAttribute(node, 'is_causal', 0) === 1) biases.push(causalMask(emit, sizes));
  const gradients = headGradients(
    emit,
    {
      sizes,
      query: apart(0, heads, queries, size),
      key: forGroup(apart(1, keyHeads, keys, size), size),
      value: forGroup(apart(2, keyHeads, keys, valueSize), valueSize),
      scale: floatAttribute(node, 'scale') ?? 1 / Math.sqrt(size),
      biases,
      softcap: floatAttribute(node, 'softcap') ?? 0,
    },
    isJoined ? splitHeads(emit, gradient, [probes, batch], queries, heads, valueSize) : gradient,
  );
  const together = (x: string, count: number, length: number, width: number) =>
    isJoined ? joinHeads(emit, x, [probes, batch], length, count, width) : x;
  const ofKeyHeads = (x: string, width: number) => {
    if (group === 1) return together(x, keyHeads, keys, width);
    const groups = emit.reshape(x, [probes, batch, keyHeads, group, keys, width]);
    return together(emit.reduceSum(groups, [3], false), keyHeads, keys, width);
  };
  return [
    together(gradients.query, heads, queries, size),
    ofKeyHeads(gradients.key, size),
    ofKeyHeads(gradients.value, valueSize),
    ofBias(context, 3, gradients.bias, sizes),
  ];
}

/** The gradient of the first output; undefined where another one has a gradient too: presents and logits have no rule. */
function onlyGradient(context: VjpContext): string | undefined {
  const others = range(context.node.outputs.length - 1, 1);
  return others.some((output) => context.gradient(output) !== undefined) ? undefined : context.gradient(0);
}

function scaleOf({ node }: VjpContext, size: number): number {
  const scale = floatAttribute(node, 'scale') ?? 0;
  return scale === 0 ? 1 / Math.sqrt(size) : scale;
}

/** What operators of com.microsoft add to the logits; undefined where that is not known. */
function addedToLogits(
  context: VjpContext,
  sizes: HeadSizes,
  inputs: { readonly mask: number; readonly bias: number },
): readonly string[] | undefined {
  const { emit, node } = context;
  const added: string[] = [];
  if (hasInput(context, inputs.bias)) added.push(inputOf(context, inputs.bias));
  if (hasInput(context, inputs.mask)) {
    const filter = floatAttribute(node, 'mask_filter_value') ?? MASK_FILTER;
    const mask = keyMask(
      emit,
      inputOf(context, inputs.mask),
      inputShape(context, inputs.mask),
      sizes,
      filter,
    );
    if (mask === undefined) return undefined;
    added.push(mask);
  }
  if (intAttribute(node, 'unidirectional', 0) === 1) {
    // Which query is which key's is not defined where there are more of one than of the other.
    if (sizes.queries !== sizes.keys) return undefined;
    added.push(causalMask(emit, sizes));
  }
  return added;
}

function ofBias(context: VjpContext, input: number, ofLogits: string, sizes: HeadSizes): Contribution {
  if (!context.needsGradient(input)) return undefined;
  const { batch, heads, queries, keys } = sizes;
  return context.emit.unbroadcast(ofLogits, [batch, heads, queries, keys], inputShape(context, input));
}
