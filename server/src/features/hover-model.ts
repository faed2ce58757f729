/** What a name of the model stands for: a layer with all that is known of it, an input, an output. */
import { relative, dirname } from 'node:path';
import { numbersIn, plannedSensitivity, type PlanNumbers } from '../analysis/index.js';
import { LineIndex } from '../language/index.js';
import { dataTypeName, tensorByteLength } from '../onnx/index.js';
import {
  constantOf,
  elementTypeOf,
  integerRanges,
  layerEnergy,
  type LayerDecision,
  modelFacts,
  modelScopes,
  tensorShape,
  type TracedPlan,
  usualAccumulation,
  writeOperatorType,
} from '../plan/index.js';
import { formatPercent, formatSize } from '../report/index.js';
import { countText, shortNumber } from './format-figures.js';
import { describeLayerNumbers } from './hover-measured.js';
import { elementTypeText, namesOf, shapesOf, shapeText } from './model-names.js';
import type { OpenPlan } from './open-plan.js';
import { type Block, bold, code, type Inline, paragraph, table } from './rich-text.js';

/** @param written the name as the plan writes it */
export function describeLayer(written: string, open: OpenPlan, numbers: PlanNumbers): readonly Block[] {
  const { plan } = open;
  if (plan === undefined) return [];
  const names = namesOf(plan.model);
  const index = names.layerIndex.get(written);
  const decision = index === undefined ? undefined : plan.decisions[index];
  if (index === undefined || decision === undefined) return describeNode(written, plan);
  const { layer } = decision;
  const own = numbersIn(numbers, decision.format);
  return [
    paragraph(
      bold(written),
      ': ',
      code(writeOperatorType(layer.node)),
      `, layer ${index + 1} of ${plan.layers.length}`,
    ),
    ...describeDecision(decision, open),
    ...describeLayerNumbers(layer.name, own, {
      accumulate: decision.numerics?.accumulate ?? usualAccumulation(plan, layer, decision.format),
      scale: decision.format === own.format ? decision.numerics?.scale : undefined,
      planned: plannedSensitivity(decision, own, integerRanges(plan.decisions, own.format)),
    }),
    describeTensors(layer.nodeIndex, plan),
    paragraph(describeWork(decision, plan)),
  ];
}

/** A node that is no layer has no decision. */
function describeNode(written: string, plan: TracedPlan): readonly Block[] {
  const index = namesOf(plan.model).nodeIndex.get(written);
  const node = plan.model.graph.nodes[index ?? -1];
  if (index === undefined || node === undefined) return [];
  const role = plan.roles[index] ?? 'constant';
  return [
    paragraph(bold(written), ': ', code(writeOperatorType(node)), `, not a layer (${role})`),
    describeTensors(index, plan),
  ];
}

function describeDecision(
  { wanted, format, clamped, pinned, source }: LayerDecision,
  open: OpenPlan,
): readonly Block[] {
  const runs: Inline[] = ['Runs in ', code(format), pinned ? ', pinned' : '', '. '];
  if (source === undefined)
    return [paragraph(...runs, 'No statement decides it, so it stays as it is in the model.')];
  const text = source.path === open.path ? open.tree.text : open.files.readText(source.path);
  const statement = text?.slice(source.range.start, source.range.end) ?? '';
  const line =
    text === undefined ? '' : `line ${new LineIndex(text).positionAt(source.range.start).line + 1}`;
  const where =
    source.path === open.path ? line : `${line} of ${relative(dirname(open.path ?? ''), source.path)}`;
  return [
    paragraph(...runs, 'Decided by ', code(statement), ` (${where}).`),
    ...(clamped === undefined ? [] : [paragraph('Not ', code(wanted), ` as the plan wants: ${clamped}.`)]),
  ];
}

function describeTensors(nodeIndex: number, plan: TracedPlan): Block {
  const scopes = modelScopes(plan.model);
  const { nodes, tensors } = scopes;
  const { inputs = [], outputs = [] } = nodes[nodeIndex] ?? {};
  const shapes = shapesOf(plan);
  const rowOf = (id: string, role: string): (readonly Inline[])[] => {
    const tensor = tensors.get(id);
    if (tensor === undefined) return [];
    const { name, type, scope } = tensor;
    const constant =
      role === 'input' ? (constantOf(tensor) ?? scope.index.initializers.get(name)) : undefined;
    if (constant === undefined) {
      // Those of the main graph know the plan's dimensions, too.
      const shape = scope.kind === 'main' ? shapes.get(name) : tensorShape(scopes, id);
      const element = elementTypeOf(type);
      return [
        [role, code(name), element === undefined ? '?' : dataTypeName(element), code(shapeText(shape)), ''],
      ];
    }
    const bytes = tensorByteLength(constant);
    const size = bytes === undefined ? '' : formatSize(bytes);
    return [['constant', code(name), dataTypeName(constant.dataType), code(shapeText(constant.dims)), size]];
  };
  const rows = [
    ...inputs.flatMap((id) => rowOf(id, 'input')),
    ...outputs.flatMap((id) => rowOf(id, 'output')),
  ];
  return table(['', 'tensor', 'type', 'shape', 'size'], rows);
}

function describeWork(decision: LayerDecision, plan: TracedPlan): string {
  const { layer } = decision;
  const bytes = layer.weights.reduce((sum, weight) => sum + (tensorByteLength(weight) ?? 0), 0);
  const weights = layer.weights.length === 0 ? 'no weights' : `${formatSize(bytes)} of weights`;
  if (layer.multiplyAdds === undefined) return `Multiply-adds are not known without its shapes; ${weights}.`;
  const all = plan.layers.reduce((sum, one) => sum + (one.multiplyAdds ?? 0), 0);
  const share = all === 0 ? '' : ` (${formatPercent(layer.multiplyAdds / all)} of the model)`;
  return `${countText(layer.multiplyAdds)} multiply-adds${share}, ${weights}${energyWords(decision)}.`;
}

/** By operation counts, of layers that multiply. */
function energyWords(decision: LayerDecision): string {
  const energy = layerEnergy(decision);
  if (energy === undefined || energy.fp32 === 0) return '';
  const [before, after] = [shortNumber(energy.fp32), shortNumber(energy.plan)];
  const change = before === after ? `${before} µJ` : `${before} → ${after} µJ`;
  return `; ${change} for its arithmetic (by operation counts)`;
}

/** An input with what feeds it, an output with what writes it. */
export function describeGraphValue(
  name: string,
  role: 'input' | 'output',
  { plan }: OpenPlan,
): readonly Block[] {
  if (plan === undefined) return [];
  const { graph } = plan.model;
  if (!graph[role === 'input' ? 'inputs' : 'outputs'].some((value) => value.name === name)) return [];
  const type = `${elementTypeText(plan.model, name)} ${shapeText(shapesOf(plan).get(name))}`;
  const title = paragraph(bold(name), `: ${role}, `, code(type));
  if (role === 'output') {
    const producer = modelFacts(plan.model).index.producers.get(name);
    const node = namesOf(plan.model).nodeNames[producer ?? -1];
    return node === undefined ? [title] : [title, paragraph('Written by ', code(node), '.')];
  }
  const source = plan.inputs.find((input) => input.name === name)?.source;
  if (source === undefined) return [title];
  const fed =
    source.kind === 'files'
      ? source.glob
      : `${source.name}(${source.parameters.join(', ')}), seed ${source.seed}`;
  return [title, paragraph('Fed with ', code(fed), '.')];
}
