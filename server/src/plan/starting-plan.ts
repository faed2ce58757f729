/**
 * The plan that `init` writes for a model: inputs with generators that fit, a size for every open dimension, FP16
 * but for what automatic mixed precision denies, a tolerance for each output. Text only; runs nothing.
 */
import { isWord, printDimensionName, printLayerStatement, quote } from '../language/index.js';
import { isFloatingType, type Model, type Shape } from '../onnx/index.js';
import { ampEntry } from './amp.js';
import { fittingGenerator, writeGenerator } from './generators.js';
import { knowModel, type ModelKnowledge } from './knowledge.js';
import { writeOperatorType } from './operators.js';
import { runnableFormat } from './run-format.js';
import type { Layer } from './types.js';

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
function startingFormat(
  knowledge: ModelKnowledge,
  layer: Layer,
): { format: string; reason: string | undefined } {
  const { format, clamped } = runnableFormat(knowledge.model, layer, 'fp16');
  if (clamped !== undefined) {
    return { format: format === 'fp32' ? 'fp32' : 'original', reason: 'does not allow fp16 at this opset' };
  }
  const entry = ampEntry(layer.node.domain, layer.node.opType);
  return entry.list === 'deny'
    ? { format: 'fp32', reason: entry.reason }
    : { format: 'fp16', reason: undefined };
}

/** `default: fp16` and one `op` statement for each reason not to. */
function ruleLines(knowledge: ModelKnowledge, keep: StartingPlanOptions['keep']): readonly string[] {
  const rules = new Map<string, { format: string; reason: string; operators: Set<string> }>();
  const single: string[] = [];
  for (const layer of knowledge.layers) {
    const { format, reason } = startingFormat(knowledge, layer);
    const kept = keep?.get(layer.name);
    if (kept !== undefined && format === 'fp16') {
      single.push(printLayerStatement([layer.name], 'fp32', { reason: quote(kept) }));
    }
    if (reason === undefined) {
      continue;
    }
    const operator = writeOperatorType(layer.node);
    if (!isWord(operator)) {
      single.push(printLayerStatement([layer.name], format, { reason: quote(reason) }));
      continue;
    }
    const key = `${format} ${reason}`;
    const rule = rules.get(key) ?? { format, reason, operators: new Set() };
    rules.set(key, rule);
    rule.operators.add(operator);
  }
  return [
    'default: fp16',
    ...[...rules.values()].map(
      ({ format, reason, operators }) =>
        `op ${[...operators].join(', ')}: ${format} { reason: ${quote(reason)} }`,
    ),
    ...single,
  ];
}

/** Without reasons: these lines are there to be changed one by one, and folded again. */
function expandedLines(knowledge: ModelKnowledge, keep: StartingPlanOptions['keep']): readonly string[] {
  return knowledge.layers.map((layer) => {
    const { format } = startingFormat(knowledge, layer);
    const kept = format === 'fp16' && keep?.has(layer.name) === true;
    return printLayerStatement([layer.name], kept ? 'fp32' : format);
  });
}
