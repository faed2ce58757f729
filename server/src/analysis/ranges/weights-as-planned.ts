/**
 * What an integer format makes of weights with the scales that a plan asks for: one for each channel, or of another range than from least
 * to greatest. Ranges are kept as histograms of whole tensors, which tell that of one scale alone; so the values are read. Knows layers
 * and decisions; not how ranges are measured.
 */
import { chooseQuantization, isFloatFormat, roundQuantized, type FormatName } from '../../formats/index.js';
import type { Model, Steps, Tensor } from '../../onnx/index.js';
import {
  constantOf,
  floatsOf,
  integerRanges,
  modelScopes,
  nodeRoundingOf,
  numericsText,
  type LayerDecision,
  type TensorRounding,
} from '../../plan/index.js';
import type { LayerRange } from './ranges.js';

/**
 * The same ranges with `becomesZero` of weights as it is with the plan's own scales, a layer at a time. Layers that the plan does not have in
 * the format are looked at with the scales that most others have.
 */
export function* withPlannedWeights(
  model: Model,
  ranges: readonly LayerRange[],
  format: FormatName,
  decisions: readonly LayerDecision[],
): Steps<readonly LayerRange[]> {
  if (isFloatFormat(format)) return ranges;
  const usual = integerRanges(decisions, format);
  const decisionOf = new Map(decisions.map((one) => [one.layer.nodeIndex, one]));
  const found: LayerRange[] = [];
  for (const range of ranges) {
    yield;
    const own = decisionOf.get(range.layer.nodeIndex);
    const asked = own !== undefined && isIn(format, own) ? own.numerics : usual;
    found.push(withWeights(model, range, format, asked));
  }
  return found;
}

/** Equal for decisions of which the same is found, as long as most layers in the format have the same `integerRanges`. */
export function plannedWeightsText(decisions: readonly LayerDecision[], format: FormatName): string {
  if (isFloatFormat(format)) return '';
  const usual = numericsText(integerRanges(decisions, format));
  return decisions
    .flatMap((one) => {
      const own = isIn(format, one) ? numericsText(one.numerics) : usual;
      return own === usual ? [] : [`${one.layer.nodeIndex} ${own}`];
    })
    .join(' ');
}

/** Whether the layer or its weights are in the format. */
function isIn(format: FormatName, { format: own, numerics }: LayerDecision): boolean {
  return own === format || numerics?.weights === format;
}

function withWeights(
  model: Model,
  range: LayerRange,
  format: FormatName,
  asked: LayerDecision['numerics'],
): LayerRange {
  const { layer } = range;
  const scopes = modelScopes(model);
  const inputs = scopes.nodes[layer.nodeIndex]?.inputs ?? [];
  const roundings = nodeRoundingOf(model, layer, format, asked)?.inputs;
  if (roundings === undefined) return range;
  const zeros = new Map<string, number>();
  for (const [input, id] of inputs.entries()) {
    const tensor = scopes.tensors.get(id);
    const constant = tensor === undefined ? undefined : constantOf(tensor);
    const rounding = roundings[input];
    if (constant === undefined) continue;
    // Integer arithmetic leaves what is added to a sum as it is.
    if (rounding === undefined) zeros.set(constant.name, zeros.get(constant.name) ?? 0);
    else if (needsValues(rounding)) {
      const count = becomingZero(model, constant, rounding);
      if (count !== undefined) zeros.set(constant.name, count);
    }
  }
  if (zeros.size === 0) return range;
  const tensors = range.tensors.map((one) =>
    one.kind === 'weight' ? { ...one, becomesZero: zeros.get(one.tensor) ?? one.becomesZero } : one,
  );
  return { ...range, tensors };
}

/** A histogram tells what one scale from least to greatest does. */
function needsValues({ isWeight, quantize, axis }: TensorRounding): boolean {
  return isWeight && (quantize.name !== 'minmax' || axis !== undefined);
}

/** By constant, then by what tells roundings of it apart: to look at millions of values takes seconds, and plans change at each flip. */
const known = new WeakMap<Tensor, Map<string, number | undefined>>();

/** How many elements other than 0 become 0; undefined where the scales depend on more than the values. */
function becomingZero(model: Model, constant: Tensor, rounding: TensorRounding): number | undefined {
  const { format, quantize, axis } = rounding;
  const counts = known.get(constant) ?? new Map<string, number | undefined>();
  known.set(constant, counts);
  const key = JSON.stringify([format, quantize, axis]);
  if (!counts.has(key)) counts.set(key, countZeros(model, constant, rounding));
  return counts.get(key);
}

function countZeros(
  model: Model,
  constant: Tensor,
  { format, quantize, axis }: TensorRounding,
): number | undefined {
  const read = floatsOf(constant, model);
  if (read === undefined || quantize.name === 'output_mse' || (format !== 'int8' && format !== 'int4')) {
    return undefined;
  }
  const values = Float32Array.from(read);
  const wish = { format, choice: quantize, symmetric: true, ...(axis === undefined ? {} : { axis }) };
  const rounded = roundQuantized(chooseQuantization(wish, [values], constant.dims), values, constant.dims);
  return rounded.reduce((count, one, at) => count + (one === 0 && values[at] !== 0 ? 1 : 0), 0);
}
