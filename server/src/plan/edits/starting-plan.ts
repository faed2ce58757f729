/**
 * The plan that `init` writes for a model: inputs with generators that fit, a size for every open dimension, the formats that
 * automatic mixed precision gives the layers, a tolerance for each output. Text only; runs nothing.
 */
import { isWord, printDimensionName, printLayerStatement, quote } from '../../language/index.js';
import { isFloatingType, type Model, type Shape } from '../../onnx/index.js';
import { ampLayers } from '../decisions/amp-layers.js';
import { foldLayers, type DecidedFormat, type Fold } from './fold.js';
import { fittingGenerator, writeGenerator } from '../binding/generators.js';
import { knowModel, type ModelKnowledge } from '../knowledge.js';
import { writeOperatorType } from '../model/operators.js';
import { runnableFormat } from '../decisions/run-format.js';
import type { Layer } from '../types.js';

export interface StartingPlanOptions {
  /** One `layer` line for each layer, in graph order, in place of rules. */
  readonly expand: boolean;
  /** Layers that shall stay FP32 for what is in their weights, by name, each with the reason. */
  readonly keep?: ReadonlyMap<string, string>;
}

/**
 * The text of a starting plan; binding it gives no error and no warning.
 *
 * @param modelPath as it is to stand in the plan: relative to where the plan will lie.
 */
export function startingPlan(model: Model, modelPath: string, options: StartingPlanOptions): string {
  const knowledge = knowModel(model);
  const groups = [
    [`model ${quote(modelPath)}`],
    [...inputLines(knowledge), ...dimensionLines(knowledge), 'target cpu'],
    toleranceLines(knowledge),
    options.expand ? expandedLines(knowledge, options.keep) : ruleLines(knowledge, options.keep),
  ];
  return groups
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function inputLines({ model, facts }: ModelKnowledge): readonly string[] {
  return model.graph.inputs.flatMap(({ name, type }) => {
    if (type?.kind !== 'tensor' || facts.index.initializers.has(name)) {
      return [];
    }
    const generator = fittingGenerator(name, type.elementType, type.shape, facts.index);
    return generator ? [`input ${quote(name)} = ${writeGenerator(generator)}`] : [];
  });
}

function dimensionLines({ model, facts }: ModelKnowledge): readonly string[] {
  const lines = new Map<string, string>();
  for (const { name, type } of model.graph.inputs) {
    if (type?.kind !== 'tensor' || !type.shape || facts.index.initializers.has(name)) {
      continue;
    }
    const { shape } = type;
    shape.forEach((dimension, axis) => {
      const written =
        dimension === undefined ? `${quote(name)}[${axis}]` : printDimensionName(String(dimension));
      if (typeof dimension !== 'number' && !lines.has(written)) {
        lines.set(written, `dim ${written} = ${likelySize(shape, axis)}`);
      }
    });
  }
  return [...lines.values()];
}

/** Pictures need room for their convolutions: 224 has all the factors of two that networks halve by. */
function likelySize(shape: Shape, axis: number): number {
  const isPictureSide =
    shape.length === 4 && axis > 0 && (shape[1] === 1 || shape[1] === 3 ? axis > 1 : axis < 3);
  return isPictureSide ? 224 : 1;
}

function toleranceLines({ model, facts }: ModelKnowledge): readonly string[] {
  return model.graph.outputs.flatMap(({ name, type }) => {
    const elementType = type?.kind === 'tensor' ? type.elementType : facts.elementType(name);
    return elementType !== undefined && isFloatingType(elementType)
      ? [`tolerance ${quote(name)} relative_l2 <= 1e-3`]
      : [];
  });
}

/** What a layer starts in, and why it is not FP16. */
interface Start {
  readonly layer: Layer;
  readonly format: DecidedFormat;
  readonly reason: string | undefined;
}

/** What the lists of automatic mixed precision make of each layer. */
function startsOf({ model, layers }: ModelKnowledge, keep: StartingPlanOptions['keep']): readonly Start[] {
  const runnable = new Map(layers.map((layer) => [layer, runnableFormat(model, layer, 'fp16')]));
  const choices = ampLayers(model, layers, (layer) =>
    runnable.get(layer)?.clamped === undefined && keep?.has(layer.name) !== true ? 'open' : 'kept',
  );
  return layers.map((layer): Start => {
    const { format, clamped } = runnable.get(layer) ?? { format: 'original', clamped: undefined };
    if (clamped !== undefined) {
      const instead = format === 'fp32' ? 'fp32' : 'original';
      return { layer, format: instead, reason: 'does not allow fp16 at this opset' };
    }
    const choice = choices.get(layer);
    if (choice?.isLow === true) return { layer, format: 'fp16', reason: undefined };
    return { layer, format: 'fp32', reason: keep?.get(layer.name) ?? choice?.reason };
  });
}

/**
 * Few statements that bring about what the lists make of the layers: a default, one `op` statement for each format and
 * reason, and a statement for each layer that is another way than its like.
 */
function ruleLines(knowledge: ModelKnowledge, keep: StartingPlanOptions['keep']): readonly string[] {
  const starts = startsOf(knowledge, keep);
  const { defaultFormat, operators, exceptions } = folded(starts);
  const rules = new Map<string, { format: string; reason: string | undefined; operators: string[] }>();
  const single: Start[] = [];
  const asRule = (operator: string, format: string): void => {
    const like = starts.filter(
      ({ layer, format: own }) => own === format && writeOperatorType(layer.node) === operator,
    );
    if (!isWord(operator)) {
      single.push(...like);
      return;
    }
    const reason = like[0]?.reason;
    const key = `${format} ${reason ?? ''}`;
    const rule = rules.get(key) ?? { format, reason, operators: [] };
    rules.set(key, rule);
    rule.operators.push(operator);
  };
  for (const { operator, format } of operators) asRule(operator, format);
  for (const index of exceptions) {
    const start = starts[index];
    if (start === undefined) continue;
    const operator = writeOperatorType(start.layer.node);
    const isOnly = starts.filter(({ layer }) => writeOperatorType(layer.node) === operator).length === 1;
    // As many statements, and what holds for an operator holds for its next layer as well; of weights it does not.
    const isOfWeights = keep?.has(start.layer.name) === true;
    if (isOnly && isWord(operator) && !isOfWeights) asRule(operator, start.format);
    else single.push(start);
  }
  return [
    `default: ${defaultFormat}`,
    ...[...rules.values()].map(
      ({ format, reason, operators: types }) =>
        `op ${types.join(', ')}: ${format}${reason === undefined ? '' : ` { reason: ${quote(reason)} }`}`,
    ),
    ...single.map(({ layer, format, reason }) =>
      printLayerStatement([layer.name], format, reason === undefined ? {} : { reason: quote(reason) }),
    ),
  ];
}

/**
 * Folded under FP16 as the default, so that each exception has its reason, unless more than half of the layers are exceptions.
 */
function folded(starts: readonly Start[]): Fold {
  const layers = starts.map(({ layer, format }) => {
    const operator = writeOperatorType(layer.node);
    return { format, operator, below: undefined, above: undefined, alone: false };
  });
  const low = starts.filter(({ format }) => format === 'fp16').length;
  return foldLayers(layers, 2 * low >= starts.length - others(starts) ? 'fp16' : 'fp32', true);
}

/** Layers that no choice is left for. */
function others(starts: readonly Start[]): number {
  return starts.filter(({ format }) => format === 'original').length;
}

/** Without reasons: these lines are there to be changed one by one, and folded again. */
function expandedLines(knowledge: ModelKnowledge, keep: StartingPlanOptions['keep']): readonly string[] {
  return startsOf(knowledge, keep).map(({ layer, format }) => printLayerStatement([layer.name], format));
}
