/**
 * How a target runs the operators of a model in a format, found by experiment: no list of kernels is believed. Layers that a
 * runtime could tell apart are tried apart; what was found is kept for the runtime's version, the target with its options and the
 * device, whatever the model; where sizes are the reason of a refusal, for those. Knows which layers are alike; how one is tried, it
 * does not.
 */
import type { RunFormat } from '../../formats/index.js';
import { finish, isStep, type Attribute, type Model, type Shape, type Steps } from '../../onnx/index.js';
import {
  inferredShapes,
  isInMainGraph,
  modelFacts,
  typeOfFormat,
  writeOperatorType,
  type Layer,
} from '../../plan/index.js';
import type { Provider, ProviderOptions, Runtime } from '../../runtime/index.js';
import type { Store } from '../../store/index.js';
import type { WorkOptions } from '../sessions/evaluation.js';
import { inSlices } from '../sessions/in-slices.js';
import { observedValues } from '../sessions/observed-values.js';
import type { Sample } from '../samples/index.js';
import {
  elementsOf,
  steeringInputs,
  tryLayer,
  type SupportOutcome,
  type Trial,
  type TriedLayer,
} from './layer-trial.js';
import { targetRecipe, type TargetRecipe } from './target-recipe.js';

/** What a target does with one layer. */
export interface LayerSupport extends TriedLayer {
  readonly layer: Layer;
  readonly format: RunFormat;
}

export interface OperatorSupport extends TriedLayer {
  /** As plans write it. */
  readonly operator: string;
  readonly format: RunFormat;
  /** The layer that stood for the operator: of several kinds the one that the target does least with. */
  readonly layer: Layer;
}

/** A target, as a plan names it. */
export interface SupportSubject {
  readonly provider: Provider;
  readonly providerOptions?: ProviderOptions | undefined;
  /** Where what is found is kept; left out, everything is tried anew. */
  readonly store?: Store | undefined;
}

export interface OperatorSupportOptions extends WorkOptions, SupportSubject {
  /** By tensor, as they were in a run. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** What that run was on, of which sizes and positions that the model computes are taken; without it they are made up. */
  readonly sample: Sample | undefined;
}

/**
 * Layers of one kind: an operator at an opset, with inputs of the same ranks, the same outputs, and the same words and choices among
 * its attributes.
 */
interface LayerKind {
  /** What determines how it runs, beside format and target. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly layers: Layer[];
}

const KIND = 'operator-support';

/**
 * What the target does with each of `layers` that allows `format`, in the order of the graph. Of each kind the smallest layer is
 * tried. Layers inside sub-graphs and functions are left out. Each answer is kept as soon as it is there.
 */
export async function layerSupport(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: RunFormat,
  { provider, providerOptions, store, shapes, sample, signal, progress }: OperatorSupportOptions,
): Promise<readonly LayerSupport[]> {
  const target = targetRecipe(await runtime.information(signal), provider, providerOptions);
  const kinds = await inSlices(kindSteps(model, layers, format));
  const found: LayerSupport[] = [];
  const stands = kinds.map((kind) => ({ kind, smallest: smallestOf(kind.layers, shapes) }));
  let values: Trial['values'] | undefined;
  for (const [index, { kind, smallest }] of stands.entries()) {
    const recipe = { ...target, ...kind.recipe, format };
    const sizes = sizesOf(model, smallest, shapes);
    let tried = await storedTrial(store, recipe, sizes);
    if (tried === undefined) {
      progress?.(index, kinds.length, `operators on ${provider}`);
      if (values === undefined) {
        const wanted = stands.flatMap((one) => steeringInputs(model, one.smallest));
        values =
          sample === undefined ? new Map() : await observedValues(runtime, model, sample, wanted, signal);
      }
      const trial = { format, provider, providerOptions, shapes, values, signal };
      const finished = await tryLayer(runtime, model, smallest, trial);
      const { circumstance } = finished;
      tried = finished.tried;
      if (circumstance !== 'moment') {
        await store?.put(KIND, circumstance === 'size' ? { ...recipe, sizes } : recipe, tried);
      }
    }
    for (const layer of kind.layers) found.push({ layer, format, ...tried });
  }
  return inGraphOrder(found);
}

/** The same as far as it is known; layers of kinds that were not tried yet are left out. */
export async function storedLayerSupport(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: RunFormat,
  { provider, providerOptions, store, signal }: SupportSubject & WorkOptions,
): Promise<readonly LayerSupport[]> {
  const target = targetRecipe(await runtime.information(signal), provider, providerOptions);
  const shapes = inferredShapes({ model });
  const found: LayerSupport[] = [];
  for (const kind of finish(kindSteps(model, layers, format))) {
    const sizes = sizesOf(model, smallestOf(kind.layers, shapes), shapes);
    const tried = await storedTrial(store, { ...target, ...kind.recipe, format }, sizes);
    if (tried === undefined) continue;
    for (const layer of kind.layers) found.push({ layer, format, ...tried });
  }
  return inGraphOrder(found);
}

/** The support of each operator among `layers` that allows `format`, in the order of the graph. */
export async function operatorSupport(
  runtime: Runtime,
  model: Model,
  layers: readonly Layer[],
  format: RunFormat,
  options: OperatorSupportOptions,
): Promise<readonly OperatorSupport[]> {
  return operatorsOf(await layerSupport(runtime, model, layers, format, options));
}

/** How much the target does itself, most first. */
const OUTCOMES: readonly SupportOutcome[] = ['native', 'unknown', 'through casts', 'elsewhere', 'refused'];

/** One for each operator: that of the layers that the target does least with. */
export function operatorsOf(found: readonly LayerSupport[]): readonly OperatorSupport[] {
  const worst = new Map<string, OperatorSupport>();
  for (const one of found) {
    const operator = writeOperatorType(one.layer.node);
    const known = worst.get(operator);
    if (known !== undefined && OUTCOMES.indexOf(one.outcome) <= OUTCOMES.indexOf(known.outcome)) continue;
    worst.set(operator, { operator, ...one });
  }
  return [...worst.values()];
}

/** The layers that allow `format`, by kind. */
function* kindSteps(model: Model, layers: readonly Layer[], format: RunFormat): Steps<readonly LayerKind[]> {
  const facts = modelFacts(model);
  const type = typeOfFormat(format);
  const kinds = new Map<string, LayerKind>();
  for (const [index, layer] of layers.entries()) {
    if (isStep(index)) yield;
    const { node, nodeIndex } = layer;
    if (!isInMainGraph(model, nodeIndex) || !facts.allows(node, type)) continue;
    const recipe = {
      operator: writeOperatorType(node),
      opset: model.opsets.get(node.domain) ?? 1,
      inputs: node.inputs.map((name) => (name === '' ? 'none' : describeInput(model, name))),
      outputs: node.outputs.map((name) => name !== ''),
      attributes: node.attributes.flatMap((one) => {
        const described = describeAttribute(one);
        return described === undefined ? [] : [[one.name, described]];
      }),
    };
    const key = JSON.stringify(recipe);
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, { recipe, layers: [layer] });
    else kind.layers.push(layer);
  }
  return [...kinds.values()];
}

/** Above this a whole number is a size, which layers of one kind differ in; up to it it may be an axis, a flag or a type. */
const LARGEST_CHOICE = 16;

/**
 * What of an attribute may decide which kernel runs: words, choices, whether a list of numbers is all 0 or all 1, as it is where
 * nothing is padded, dilated or strided; undefined where it is a size or a number among many.
 */
function describeAttribute(attribute: Attribute): string | number | undefined {
  switch (attribute.kind) {
    case 'string':
      return attribute.value;
    case 'int': {
      const { name, value } = attribute;
      // As many groups as channels are no more of a choice than the channels are.
      if (name === 'group') return value === 1 ? 'one' : 'several';
      return Math.abs(value) <= LARGEST_CHOICE ? value : 'a size';
    }
    case 'ints': {
      const { value } = attribute;
      const [first] = value;
      const isPlain = (first === 0 || first === 1) && value.every((one) => one === first);
      return `${value.length} ${isPlain ? String(first) : 'others'}`;
    }
    default:
      return undefined;
  }
}

/** Type and rank of a tensor, and whether it is constant. */
function describeInput(model: Model, name: string): string {
  const facts = modelFacts(model);
  const constant = facts.index.constantOf(name);
  const rank = constant?.dims.length ?? inferredShapes({ model }).get(name)?.length ?? '?';
  const type = constant?.dataType ?? facts.elementType(name) ?? '?';
  return `${type} ${rank}${constant === undefined ? '' : ' constant'}`;
}

function smallestOf(layers: readonly Layer[], shapes: ReadonlyMap<string, Shape>): Layer {
  const sizeOf = ({ node }: Layer): number =>
    [...node.inputs, ...node.outputs].reduce((sum, name) => sum + elementsOf(shapes.get(name)), 0);
  return layers.reduce((best, layer) => (sizeOf(layer) < sizeOf(best) ? layer : best));
}

/** The dimensions of a layer's tensors, on which refusals may depend. */
function sizesOf(model: Model, { node }: Layer, shapes: ReadonlyMap<string, Shape>): readonly Shape[] {
  const { index } = modelFacts(model);
  return [...node.inputs, ...node.outputs].map(
    (name) => index.constantOf(name)?.dims ?? shapes.get(name) ?? [],
  );
}

/** What was kept of layers of these sizes, or else of every layer of the kind. */
async function storedTrial(
  store: Store | undefined,
  recipe: TargetRecipe,
  sizes: readonly Shape[],
): Promise<TriedLayer | undefined> {
  const found = (await store?.get(KIND, { ...recipe, sizes })) ?? (await store?.get(KIND, recipe));
  return found === undefined ? undefined : (found as TriedLayer);
}

function inGraphOrder(found: readonly LayerSupport[]): readonly LayerSupport[] {
  return found.toSorted((a, b) => a.layer.nodeIndex - b.layer.nodeIndex);
}
