/**
 * A model that is given as what a plan was converted to: whether it can be run in its place at all, and whether it is. Knows both
 * models; runs neither.
 */
import { inSlices } from '../analysis/index.js';
import { layersInMixed } from '../exchange/index.js';
import {
  dataTypeName,
  openModelSteps,
  sameType,
  typeName,
  type Model,
  type ValueInfo,
  type ValueType,
} from '../onnx/index.js';
import {
  elementFormat,
  isRunFormat,
  modelScopes,
  presentType,
  typeOfFormat,
  type BoundPlan,
  type LayerDecision,
} from '../plan/index.js';
import type { Work } from './open-work.js';
import { refused, type Refused } from './problem.js';

/** Why `given` cannot be run in the place of the plan's model: what a conversion never changes. */
export function mismatchOf(
  { plan, samples }: Pick<Work, 'plan' | 'samples'>,
  given: Model,
): string | undefined {
  const { model } = plan;
  const inputs = inputsOf(given);
  const foreign = [...inputs.keys()].find((name) => !model.graph.inputs.some((one) => one.name === name));
  if (foreign !== undefined) return `it reads "${foreign}", which the plan's model has no input for`;
  for (const [name, own] of inputsOf(model)) {
    const other = inputs.get(name);
    if (other === undefined) return `it has no input "${name}", which the plan's model has`;
    const fed = samples.find((sample) => sample.inputs[name] !== undefined)?.inputs[name];
    const wanted: ValueType | undefined =
      fed === undefined ? own.type : { kind: 'tensor', elementType: fed.dataType, shape: fed.dims };
    const words = difference(other.type, wanted);
    if (words !== undefined) return `its input "${name}" is ${words}`;
  }
  for (const own of model.graph.outputs) {
    const other = given.graph.outputs.find(({ name }) => name === own.name);
    if (other === undefined) return `it has no output "${own.name}", which the plan's model has`;
    const words = difference(other.type, own.type);
    if (words !== undefined) return `its output "${own.name}" is ${words}`;
  }
  return undefined;
}

/** The same as a refusal. */
export function mismatchIn(
  work: Pick<Work, 'plan' | 'samples'>,
  given: Model,
  path: string,
): Refused | undefined {
  const mismatch = mismatchOf(work, given);
  return mismatch === undefined ? undefined : refused('input', 'model-mismatch', mismatch, path);
}

/** The same of the model at `path`; one that cannot be read is none. */
export async function mismatchAt(
  work: Pick<Work, 'plan' | 'samples'>,
  path: string,
): Promise<Refused | undefined> {
  const opened = await inSlices(openModelSteps(path));
  if ('problem' in opened) return refused('input', 'model-unreadable', opened.problem.message, path);
  try {
    return mismatchIn(work, opened.model, path);
  } finally {
    opened.model.source.close();
  }
}

/** By name; without those that have a value in the file. */
function inputsOf({ graph }: Model): ReadonlyMap<string, ValueInfo> {
  const constant = new Set(graph.initializers.map(({ name }) => name));
  return new Map(graph.inputs.filter(({ name }) => !constant.has(name)).map((one) => [one.name, one]));
}

/** `float [1, 4], and float [1, 5] is wanted`; undefined where one may be the other, as far as both are known. */
function difference(found: ValueType | undefined, wanted: ValueType | undefined): string | undefined {
  if (found === undefined || wanted === undefined || mayBe(found, wanted)) return undefined;
  return `${typeWords(found)}, and ${typeWords(wanted)} is wanted`;
}

function mayBe(found: ValueType, wanted: ValueType): boolean {
  if (found.kind !== 'tensor' || wanted.kind !== 'tensor') return sameType(found, wanted);
  if (found.elementType !== wanted.elementType) return false;
  const { shape } = found;
  if (shape === undefined || wanted.shape === undefined) return true;
  return (
    shape.length === wanted.shape.length &&
    wanted.shape.every((size, axis) => {
      const other = shape[axis];
      return typeof size !== 'number' || typeof other !== 'number' || size === other;
    })
  );
}

function typeWords(type: ValueType): string {
  if (type.kind !== 'tensor') return typeName(type);
  const sizes = type.shape?.map((size) => size ?? '?').join(', ');
  return `${dataTypeName(type.elementType)}${sizes === undefined ? '' : ` [${sizes}]`}`;
}

/** Operators that round to a format which is no element type that layers compute in. */
const ROUNDING: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

/**
 * In what `given` is not what the plan converts to, as far as the types of its layers tell; undefined where it may be. A model that
 * somebody else lowered is told by the same, whatever its casts are called.
 */
export function unlikeThePlan(plan: BoundPlan, given: Model): string | undefined {
  const { types, missing } = layersInMixed(plan, given);
  const lowered = plan.decisions.filter((decision) => isLowered(plan, decision));
  const inOther = plan.decisions.flatMap((decision) => {
    const type = types.get(decision.layer);
    const wanted = writtenType(plan, decision);
    return type === undefined || wanted === undefined || type === wanted
      ? []
      : [
          `"${decision.layer.name}" is in ${dataTypeName(type)} there, and in ${dataTypeName(wanted)} by the plan`,
        ];
  });
  const isLow = [...types].some(([layer, type]) => type !== presentType(plan.model, layer));
  const unrounded = roundings(given) <= roundings(plan.model) ? lowered.filter(isSpelledOut) : [];
  const reasons: string[] = [];
  if (lowered.length > 0 && !isLow && roundings(given) <= roundings(plan.model)) {
    reasons.push(
      `no layer in it is lower than in the plan's model, and the plan lowers ${layers(lowered.length)}`,
    );
  } else {
    if (inOther.length > 0) reasons.push(`in other types: ${layers(inOther.length)} (${inOther[0] ?? ''})`);
    const [first] = unrounded;
    if (first !== undefined) {
      reasons.push(`it rounds nothing to ${first.format}, as the plan does for ${layers(unrounded.length)}`);
    }
  }
  const [gone] = missing;
  if (gone !== undefined) {
    reasons.push(`not in it: ${layers(missing.length)} of the plan, "${gone.name}" first`);
  }
  if (reasons.length === 0) return undefined;
  return `the model that was run is not what the plan converts to: ${reasons.join('; ')}. What is said is true of that model, not of the plan; \`convert\` writes the plan's, and without --model it is made for the run`;
}

function layers(count: number): string {
  return count === 1 ? '1 layer' : `${count} layers`;
}

/** The type in which a conversion has the layer. */
function writtenType({ model }: BoundPlan, decision: LayerDecision): ReturnType<typeof presentType> {
  const format = elementFormat(decision);
  return format === 'original' ? presentType(model, decision.layer) : typeOfFormat(format);
}

function isLowered(plan: BoundPlan, decision: LayerDecision): boolean {
  return writtenType(plan, decision) !== presentType(plan.model, decision.layer) || isSpelledOut(decision);
}

/** Whether nodes say the format, since no element type does. */
function isSpelledOut({ format }: LayerDecision): boolean {
  return format !== 'original' && !isRunFormat(format);
}

function roundings(model: Model): number {
  return modelScopes(model).nodes.filter(({ node }) => node.domain === '' && ROUNDING.has(node.opType))
    .length;
}
