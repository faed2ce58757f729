/**
 * One layer alone on a target, in a format: a session of that one node, profiled. ONNX Runtime puts casts round what it cannot
 * run in a type and gives to the CPU what it cannot run at all, and tells neither. Knows one node, by the shapes of a run.
 */
import type { RunFormat } from '../../formats/index.js';
import {
  DataType,
  elementBits,
  inputFollowsMainType,
  makeTensorType,
  makeValueInfo,
  outputFollowsMainType,
  referredTensor,
  variantSteps,
  weightsFolder,
  withNode,
  type Model,
  type Node,
  type Shape,
  type Steps,
  type Tensor,
  type ValueInfo,
  type Variant,
} from '../../onnx/index.js';
import {
  attributesForType,
  isFloating,
  makeCast,
  modelFacts,
  typeOfFormat,
  type Layer,
} from '../../plan/index.js';
import {
  circumstanceOf,
  RuntimeFailure,
  type Circumstance,
  type ProfiledKernel,
  type Provider,
  type ProviderOptions,
  type Runtime,
} from '../../runtime/index.js';
import { inSlices } from '../sessions/in-slices.js';
import type { SampleTensor } from '../samples/index.js';
import { PROVIDER_NAMES } from './placement.js';
import { runOnce } from './small-run.js';

/**
 * `native`: a kernel of the target reads the format. `through casts`: one reads FP32, and ONNX Runtime casts. `elsewhere`: the
 * target has no kernel at all. `refused`: ONNX Runtime does not load or run it. `unknown`: what it was tried with does not run on the
 * CPU in FP32 either, which says nothing of the target.
 */
export type SupportOutcome = 'native' | 'through casts' | 'elsewhere' | 'refused' | 'unknown';

export interface TriedLayer {
  readonly outcome: SupportOutcome;
  /** Where it ran, or what ONNX Runtime said. */
  readonly detail: string;
}

/** What came of a trial. */
export interface FinishedTrial {
  readonly tried: TriedLayer;
  /** Of what did not run: what that depends on that other layers of the kind, or a later trial, need not share. */
  readonly circumstance: Circumstance | undefined;
}

export interface Trial {
  readonly format: RunFormat;
  readonly provider: Provider;
  readonly providerOptions?: ProviderOptions | undefined;
  /** By tensor, as they were in a run. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** By tensor, as they were in a run: of those that `steeringInputs` names. */
  readonly values: ReadonlyMap<string, SampleTensor>;
  readonly signal: AbortSignal | undefined;
}

/** The number of elements of a tensor; 1 in place of a dimension that is not known. */
export function elementsOf(shape: Shape | undefined): number {
  return (shape ?? []).reduce<number>((product, size) => product * (typeof size === 'number' ? size : 1), 1);
}

/**
 * How the target runs the layer. A crash of the runtime is an answer, too: it refuses the layer. What fails of the run and not of the
 * session may be the fault of what is fed: where the CPU fails with the same in FP32, nothing is known of the target.
 */
export async function tryLayer(
  runtime: Runtime,
  model: Model,
  layer: Layer,
  trial: Trial,
): Promise<FinishedTrial> {
  const failure = await runAlone(runtime, model, layer, trial);
  if (!(failure instanceof RuntimeFailure)) {
    return { tried: outcomeOf(failure, layer.node, trial), circumstance: undefined };
  }
  const { message } = failure;
  if (failure.kind !== 'refused') {
    const usual: Trial = { ...trial, format: 'fp32', provider: 'cpu', providerOptions: undefined };
    const beside = await runAlone(runtime, model, layer, usual);
    // With what another sample gives it may run, so that it is tried again.
    if (beside instanceof RuntimeFailure) {
      return { tried: { outcome: 'unknown', detail: message }, circumstance: 'moment' };
    }
  }
  return { tried: { outcome: 'refused', detail: message }, circumstance: circumstanceOf(failure) };
}

/** Its kernels, or why it does not load or run. Throws what says nothing of the layer. */
async function runAlone(
  runtime: Runtime,
  model: Model,
  layer: Layer,
  trial: Trial,
): Promise<readonly ProfiledKernel[] | RuntimeFailure> {
  const { variant, inputs } = await inSlices(singleNode(model, layer, trial));
  try {
    return (await runOnce(runtime, variant.bytes, inputs, trial, weightsFolder(model) ?? '.')).kernels;
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    if (error.kind === 'cancelled' || error.kind === 'unavailable' || error.kind === 'stale') throw error;
    return error;
  }
}

/**
 * The inputs of a layer that say what it does instead of what it does that to, such as sizes, counts and positions: nothing that is
 * made up fits every operator there.
 */
export function steeringInputs(model: Model, { node }: Layer): readonly string[] {
  const facts = modelFacts(model);
  const schema = facts.schema(node);
  return node.inputs.filter((name, index) => {
    if (name === '' || facts.index.constantOf(name) !== undefined) return false;
    const follows = schema !== undefined && inputFollowsMainType(schema, index);
    return !follows || !isFloating(facts.elementType(name) ?? DataType.FLOAT);
  });
}

/** The name of the one node that is tried. */
const TRIED = 'tried';

/** The node alone, its constants beside it and everything else as inputs; casts lead into the format and out of it. */
function* singleNode(
  model: Model,
  { node }: Layer,
  { format, shapes, values }: Trial,
): Steps<{ readonly variant: Variant; readonly inputs: Readonly<Record<string, SampleTensor>> }> {
  const facts = modelFacts(model);
  const schema = facts.schema(node);
  const type = typeOfFormat(format);
  const opset = model.opsets.get('') ?? 1;
  const nodes: Node[] = [];
  const behind: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const fed: Record<string, SampleTensor> = {};
  const cast = (from: string, to: string, into: DataType): Node =>
    makeCast({ name: `cast_${to}`, from, to, type: into, opset });
  const read = node.inputs.map((name, index) => {
    if (name === '') return '';
    const own = `input_${index}`;
    const constant = facts.index.constantOf(name);
    const ownType = constant?.dataType ?? facts.elementType(name) ?? DataType.FLOAT;
    if (constant !== undefined) initializers.push(referredTensor(own, constant, model));
    else {
      const dims = (shapes.get(name) ?? []).map((size) => (typeof size === 'number' ? size : 1));
      const tensor = values.get(name) ?? evenTensor(ownType, dims);
      inputs.push(makeValueInfo(own, makeTensorType(ownType, tensor.dims)));
      fed[own] = tensor;
    }
    const follows = schema !== undefined && inputFollowsMainType(schema, index) && isFloating(ownType);
    if (!follows || ownType === type) return own;
    nodes.push(cast(own, `${own}_cast`, type));
    return `${own}_cast`;
  });
  const written = node.outputs.map((name, index) => {
    if (name === '') return '';
    const own = `output_${index}`;
    const follows = schema !== undefined && outputFollowsMainType(schema, index);
    const ownType = follows ? DataType.FLOAT : (facts.elementType(name) ?? DataType.FLOAT);
    outputs.push(makeValueInfo(own, makeTensorType(ownType, undefined)));
    if (!follows || type === DataType.FLOAT) return own;
    behind.push(cast(`${own}_cast`, own, DataType.FLOAT));
    return `${own}_cast`;
  });
  yield;
  const original = facts.elementType(node.outputs[0] ?? '');
  const attributes = attributesForType(node, type, original, model);
  nodes.push(withNode(node, { name: TRIED, inputs: read, outputs: written, attributes }), ...behind);
  const variant = yield* variantSteps(model, { nodes, initializers, inputs, outputs });
  return { variant, inputs: fed };
}

/** Halves where FP32 is read, zeros elsewhere: in the domain of every operator, and a place in every tensor that is indexed. */
function evenTensor(dataType: DataType, dims: readonly number[]): SampleTensor {
  const count = elementsOf(dims);
  const bytes =
    dataType === DataType.FLOAT
      ? new Uint8Array(new Float32Array(count).fill(0.5).buffer)
      : new Uint8Array(Math.ceil((count * (elementBits(dataType) ?? 0)) / 8));
  return { dataType, dims, content: { kind: 'bytes', bytes }, origin: TRIED, sha256: '' };
}

/** Types as profiles name them. */
const PROFILE_TYPES: Readonly<Record<RunFormat, string>> = {
  fp32: 'float',
  fp16: 'float16',
  bf16: 'bfloat16',
};

function outcomeOf(
  kernels: readonly ProfiledKernel[],
  { opType }: Node,
  { format, provider }: Trial,
): TriedLayer {
  const own = kernels.filter(
    ({ name, opType: found }) => name.includes(TRIED) && !/^(Cast|Memcpy)/.test(found),
  );
  const kernel = own.find((one) => one.opType === opType) ?? own[0];
  if (kernel === undefined) return { outcome: 'refused', detail: 'It left no trace in the profile.' };
  if (kernel.provider !== PROVIDER_NAMES[provider]) return { outcome: 'elsewhere', detail: kernel.provider };
  const types = [...kernel.inputShapes, ...kernel.outputShapes].map(({ type }) => type);
  const isNative = types.includes(PROFILE_TYPES[format]);
  return { outcome: isNative ? 'native' : 'through casts', detail: kernel.provider };
}
