/**
 * `tolerance` statements against the outputs of the model: which outputs each means, and whether its metric suits
 * them. Measures nothing.
 */
import { nearest, quote, type Diagnostic, type Fix, type ToleranceStatement } from '../../language/index.js';
import type { MetricSpecification } from '../../metrics/index.js';
import { isFloatingType, type Shape, type ValueInfo } from '../../onnx/index.js';
import { boundShape } from './dimensions.js';
import { diagnosticIn, type Placed, type PlanFile } from '../text/documents.js';
import type { ModelKnowledge } from '../knowledge.js';
import { noFloats } from '../model/floats-behind.js';
import { readMetric, readOwnMetric } from './metric-options.js';
import type { OwnMetricStatement, Tolerance } from '../types.js';
import { counted, listOf } from '../text/wording.js';

export interface BoundTolerances {
  /** One for each output that a statement means. */
  readonly tolerances: readonly Tolerance[];
  readonly diagnostics: readonly Diagnostic[];
}

export function bindTolerances(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
  sizes: ReadonlyMap<string, number>,
  ownMetrics: ReadonlyMap<string, OwnMetricStatement> = new Map(),
): BoundTolerances {
  const tolerances: Tolerance[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { statement, file } of placed) {
    if (statement.kind === 'tolerance') {
      const bound = bindTolerance(knowledge, statement, file, sizes, ownMetrics);
      tolerances.push(...bound.tolerances);
      diagnostics.push(...bound.diagnostics);
    }
  }
  return { tolerances, diagnostics };
}

function bindTolerance(
  knowledge: ModelKnowledge,
  statement: ToleranceStatement,
  file: PlanFile,
  sizes: ReadonlyMap<string, number>,
  ownMetrics: ReadonlyMap<string, OwnMetricStatement>,
): BoundTolerances {
  const { output, limit, operator, metric } = statement;
  const { outputs } = knowledge.model.graph;
  const named = output && outputs.find((candidate) => candidate.name === output.value);
  if (output && !named) {
    return { tolerances: [], diagnostics: [unknownOutput(output.value, output.range, outputs, file)] };
  }
  const read = readMetric(statement) ?? readOwnMetric(statement, ownMetrics);
  if (!read || !metric || !operator || !limit || !Number.isFinite(limit.value)) {
    return { tolerances: [], diagnostics: [] };
  }
  const { specification, over } = read;
  const judge = (candidate: ValueInfo): string | undefined =>
    unsuited(knowledge, candidate, specification, sizes);
  const misfit = named && judge(named);
  if (misfit !== undefined) {
    return {
      tolerances: [],
      diagnostics: [diagnosticIn(file, 'metric-type', 'error', metric.range, `${misfit}.`)],
    };
  }
  const meant = named ? [named] : outputs.filter((candidate) => judge(candidate) === undefined);
  if (meant.length === 0) {
    const reasons = outputs.map(judge).flatMap((reason) => reason ?? []);
    const message = `No output suits this metric: ${reasons.slice(0, 3).join('; ')}.`;
    return {
      tolerances: [],
      diagnostics: [diagnosticIn(file, 'metric-type', 'error', metric.range, message)],
    };
  }
  const metricText = file.tree.text.slice(metric.range.start, metric.range.end);
  return {
    tolerances: meant.map(({ name }) => ({
      output: name,
      metric: specification,
      operator: operator.text,
      limit: limit.value,
      over,
      text: `${metricText} ${operator.text} ${limit.text}`,
      source: { path: file.path, range: statement.range },
    })),
    diagnostics: [],
  };
}

function unknownOutput(
  name: string,
  range: Diagnostic['range'],
  outputs: readonly ValueInfo[],
  file: PlanFile,
): Diagnostic {
  const names = outputs.map((output) => output.name);
  const near = nearest(name, names, 3);
  const suggested = near.length > 0 ? near : names.slice(0, 3);
  const hint =
    near.length > 0
      ? ` Did you mean ${listOf(near.map(quote), 'or')}?`
      : ` It has ${listOf(suggested.map(quote), 'and')}${names.length > 3 ? ' and more' : ''}.`;
  const fixes = suggested.map((other): Fix => ({
    title: `Change to ${quote(other)}`,
    edits: [{ range, newText: quote(other) }],
  }));
  return diagnosticIn(
    file,
    'unknown-output',
    'error',
    range,
    `The model has no output ${quote(name)}.${hint}`,
    { fixes },
  );
}

/** Why a metric cannot judge an output; undefined where it can, or where too little is known to say. */
function unsuited(
  { facts, model, shapes }: ModelKnowledge,
  { name, type }: ValueInfo,
  metric: MetricSpecification,
  sizes: ReadonlyMap<string, number>,
): string | undefined {
  if (type !== undefined && type.kind !== 'tensor') {
    return `${quote(name)} is no tensor`;
  }
  const elementType = type?.elementType ?? facts.elementType(name);
  if (elementType !== undefined && !isFloatingType(elementType)) {
    return noFloats(model, name);
  }
  const declared = type?.shape ?? shapes.get(name);
  const shape = declared && boundShape(name, declared, sizes);
  return shape && (landmarksBeyond(name, shape, metric) ?? axisBeyond(name, shape, metric));
}

function landmarksBeyond(name: string, shape: Shape, { landmarks }: MetricSpecification): string | undefined {
  const elements = shape.reduce<number>(
    (product, size) => product * (typeof size === 'number' ? size : Number.NaN),
    1,
  );
  if (!landmarks || Number.isNaN(elements)) {
    return undefined;
  }
  const { stride, dims, last, normalize } = landmarks;
  const furthest = Math.max(last, ...(normalize.kind === 'torso' ? normalize.points : []));
  const needed = furthest * stride + dims;
  return needed <= elements
    ? undefined
    : `Landmark ${furthest} ends at value ${needed}, and ${quote(name)} has only ${counted(elements, 'value')}`;
}

function axisBeyond(name: string, shape: Shape, { axis }: MetricSpecification): string | undefined {
  return axis === undefined || (axis >= -shape.length && axis < shape.length)
    ? undefined
    : `${quote(name)} has ${counted(shape.length, 'dimension')}, so there is no axis ${axis}`;
}
