/**
 * Rules for Resize and Upsample. Resizing is linear and works axis by axis: y = R_h x R_w'. The matrix of an axis comes from the node
 * itself, run on the identity along that axis alone, so that it is exact for every mode and version.
 */
import { DataType, floatsAttribute, intsAttribute, stringAttribute } from '../../onnx/index.js';
import { contract, identity } from '../axis-map.js';
import { range, sameShape } from '../emitter.js';
import {
  hasInput,
  inputOf,
  inputShape,
  outputShape,
  UNKNOWN,
  type Contribution,
  type VjpContext,
  type VjpRules,
} from '../rule.js';
import { fromTheFront } from './layout.js';

export const resizeRules: VjpRules = { Resize: resize, Upsample: resize };

/** Opsets from which Resize has a region, and from which it can be left out. */
const SINCE_REGION = 11;
const SINCE_OPTIONAL = 13;

/**
 * Attributes that do not hold for the identity: those that speak of all axes, and the value that is put where the region leaves
 * the tensor, which is added whatever the tensor holds.
 */
const WITHOUT = {
  axes: undefined,
  scales: undefined,
  extrapolation_value: undefined,
  keep_aspect_ratio_policy: undefined,
};

/** The identity as a tensor that the node resizes along one axis. */
interface Basis {
  readonly rank: number;
  /** How many axes were put before those of the input. */
  readonly added: number;
  /** Which of the input's axes are resized: the one in question, and one more where it keeps its length. */
  readonly axes: readonly number[];
  /** Which axis of the basis counts the rows of the identity. */
  readonly rows: number;
}

function resize(context: VjpContext): readonly Contribution[] | undefined {
  const gradient = context.gradient(0);
  if (gradient === undefined) return [];
  const { emit, probes, node } = context;
  const shape = inputShape(context, 0);
  const resized = outputShape(context);
  let result = gradient;
  let current: readonly number[] = [probes, ...resized];
  for (const axis of range(shape.length)) {
    const size = shape[axis] ?? 1;
    if (leavesAxis(context, axis)) continue;
    const matrix = axisMatrix(context, axis);
    if (matrix === undefined) return undefined;
    result = contract(emit, matrix, result, current, axis + 1, size);
    current = current.with(axis + 1, size);
  }
  // Region and scales, where they depend on something that is wanted.
  return [result, ...node.inputs.slice(1).map((): Contribution => UNKNOWN)];
}

/** Whether the axis is copied as it is: ONNX Runtime does so where its scale is 1, or no axis changes its length. */
function leavesAxis(context: VjpContext, axis: number): boolean {
  const shape = inputShape(context, 0);
  const resized = outputShape(context);
  if (shape[axis] !== resized[axis]) return false;
  const at = resizedAxes(context).indexOf(axis);
  if (at < 0 || sameShape(shape, resized)) return true;
  const scales = storedScales(context);
  // Sizes that do not change leave a scale of 1.
  return scales === 'sizes' || scales?.[at] === 1;
}

/** The name of the matrix [size, resized], whose rows are the images of the unit vectors. */
function axisMatrix(context: VjpContext, axis: number): string | undefined {
  const { emit, node } = context;
  const shape = inputShape(context, 0);
  const size = shape[axis] ?? 1;
  const resized = outputShape(context)[axis] ?? 1;
  const basis = basisOf(context, axis);
  const inputs = basisInputs(context, basis, size);
  if (inputs === undefined) return undefined;
  const place = axis + basis.added;
  const flat = range(basis.rank).map((at) => (at === place || at === basis.rows ? size : 1));
  const whole = range(basis.rank).map((at) =>
    basis.axes.includes(at - basis.added) ? (shape[at - basis.added] ?? 1) : (flat[at] ?? 1),
  );
  const image = emit.copyOf(
    node,
    [emit.expand(emit.reshape(identity(emit, size), flat), flat, whole), ...inputs.names],
    1,
    { ...WITHOUT, ...inputs.attributes },
  );
  // Along the other axis the image is the same everywhere.
  const first = basis.axes
    .filter((other) => other !== axis)
    .reduce((x, other) => emit.slice(x, [0], [1], [other + basis.added]), image[0] ?? '');
  const isInOrder = basis.rows < place;
  const matrix = emit.reshape(first, isInOrder ? [size, resized] : [resized, size]);
  return isInOrder ? matrix : emit.transpose(matrix, [1, 0]);
}

/** The rows are counted along an axis that is not resized, or along one put before the others where all are. */
function basisOf(context: VjpContext, axis: number): Basis {
  const shape = inputShape(context, 0);
  const resized = outputShape(context);
  // Where nothing changes its length, nothing is interpolated: an axis that keeps its length needs one that does not.
  const others = range(shape.length)
    .filter((at) => shape[at] !== resized[at])
    .slice(0, 1);
  const axes = shape[axis] === resized[axis] ? [axis, ...others] : [axis];
  const [rows] = range(shape.length).filter((at) => leavesAxis(context, at));
  // ONNX Runtime interpolates two axes of 2 or 4, three of 3 or 5.
  return rows === undefined
    ? { rank: shape.length + 2, added: 2, axes, rows: 1 }
    : { rank: shape.length, added: 0, axes, rows };
}

interface BasisInputs {
  readonly names: readonly string[];
  readonly attributes: Readonly<Record<string, { readonly floats: readonly number[] }>>;
}

/**
 * Region, scales and sizes for the basis, so that its axes are resized by the node's own scales and no others are. Undefined for
 * sizes that are not kept to.
 */
function basisInputs(context: VjpContext, basis: Basis, size: number): BasisInputs | undefined {
  const { emit, node, opset } = context;
  /** For each axis of the basis what `own` gives at the axis's place among the resized ones, or `other`. */
  const forEach = <Value>(own: (at: number) => Value, other: (place: number) => Value): Value[] =>
    range(basis.rank).map((place) => {
      const axis = place - basis.added;
      return basis.axes.includes(axis) ? own(resizedAxes(context).indexOf(axis)) : other(place);
    });
  const stored = floatsAttribute(node, 'scales');
  if (stored !== undefined) {
    return {
      names: [],
      attributes: {
        scales: {
          floats: forEach(
            (at) => stored[at] ?? 1,
            () => 1,
          ),
        },
      },
    };
  }
  const single = (name: string, at: number) => emit.op('Gather', [name, emit.integers([at])], { axis: 0 });
  const number = (value: number) => emit.constant([value], [1], DataType.FLOAT);
  const vector = (name: string, first: number, other: number) =>
    forEach(
      (at) => single(name, first + at),
      () => number(other),
    );
  if (opset < SINCE_REGION || node.opType === 'Upsample') {
    return { names: [emit.concat(vector(inputOf(context, 1), 0, 1), 0)], attributes: {} };
  }
  // Opset 11 asks for a region and scales even where they are not used.
  const nothing = opset < SINCE_OPTIONAL ? emit.constant([], [0], DataType.FLOAT) : '';
  const count = resizedAxes(context).length;
  const region = inputOf(context, 1);
  const ownRegion = isCropped(context)
    ? emit.concat([...vector(region, 0, 0), ...vector(region, count, 1)], 0)
    : nothing;
  if (!isSized(context)) {
    return { names: [ownRegion, emit.concat(vector(inputOf(context, 2), 0, 1), 0)], attributes: {} };
  }
  if (stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch') return undefined;
  const resized = outputShape(context);
  const sizes = range(basis.rank).map((place) =>
    basis.axes.includes(place - basis.added)
      ? (resized[place - basis.added] ?? 1)
      : place === basis.rows
        ? size
        : 1,
  );
  return { names: [ownRegion, nothing, emit.integers(sizes)], attributes: {} };
}

function isCropped({ node }: VjpContext): boolean {
  return stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
}

function isSized(context: VjpContext): boolean {
  return hasInput(context, 3);
}

/** The axes that scales, sizes and the region speak of. */
function resizedAxes(context: VjpContext): readonly number[] {
  const { length } = inputShape(context, 0);
  return intsAttribute(context.node, 'axes')?.map((axis) => fromTheFront(axis, length)) ?? range(length);
}

/** The scales where they are known, or that there are sizes instead. */
function storedScales(context: VjpContext): readonly number[] | 'sizes' | undefined {
  if (isSized(context)) return 'sizes';
  const attribute = floatsAttribute(context.node, 'scales');
  if (attribute !== undefined) return attribute;
  return context.constantValues(inputOf(context, context.opset < SINCE_REGION ? 1 : 2));
}
