/**
 * A node with its sums added up one term after the other, in FP16, in chunks or side by side. Slow; for analysis only. Knows which
 * operators that is written for, and what has to be known of each.
 */
import { DataType, intAttribute, makeAttribute, makeGraph, makeNode, type Graph } from '../../onnx/index.js';
import { ElementSum } from './element-sum.js';
import { floatResult, type SumParts } from './operator-sum.js';
import { ProductSum } from './product-sum.js';
import { storeIn, type SumPlace } from './sum-nodes.js';
import { WindowSum } from './window-sum.js';

/**
 * Adds the nodes that compute `to`. False where the shapes are not known well enough, and nothing is added then: a Conv whose
 * weights have no known shape, a pool of unknown channels or with windows beyond the edge, an equation with a diagonal, or a sum
 * over axes that are not known (`sumProblem` tells).
 */
export function addAccumulatedSum(parts: SumParts, place: SumPlace): boolean {
  return parts.mayBeEmpty ? addUnlessEmpty(parts, place) : addSum(parts, place);
}

/** The operands whose elements are added up, by how many inputs from the first on: what follows says where, or is added behind. */
const OPERANDS: ReadonlyMap<string, number> = new Map([
  ['MatMul', 2],
  ['Gemm', 2],
  ['Conv', 2],
  ['Einsum', Infinity],
]);

/**
 * The same in a branch for what has elements, beside one that leaves it to the runtime: no runtime counts to none in steps, and sums of
 * nothing are exact in any format. Which one it is shows when it is run.
 */
function addUnlessEmpty(parts: SumParts, place: SumPlace): boolean {
  const { node, to } = parts;
  const { takeName, nodes } = place;
  const name = (): string => takeName(`${to}_sum`);
  const [plain, sum] = [name(), name()];
  const inBranch = { ...place, nodes: [] };
  if (!addSum({ ...parts, plain, to: sum }, inBranch)) return false;
  const add = (opType: string, inputs: readonly string[], result = name()): string => {
    nodes.push(makeNode({ opType, inputs, outputs: [result] }));
    return result;
  };
  nodes.push(
    makeNode({ opType: node.opType, inputs: node.inputs, outputs: [plain], attributes: node.attributes }),
  );
  const zero = storeIn(place, name(), DataType.INT64, [], BigInt64Array.of(0n));
  const [ofResult = '', ...ofOperands] = [plain, ...node.inputs.slice(0, OPERANDS.get(node.opType) ?? 1)].map(
    (tensor) => add('Equal', [add('Size', [tensor]), zero]),
  );
  const isEmpty = ofOperands.reduce((some, one) => add('Or', [some, one]), ofResult);
  const branch = (own: Graph['nodes'], result: string): Graph =>
    makeGraph({
      name: 'sum_of_any_length',
      nodes: own,
      inputs: [],
      outputs: [floatResult(result, parts.rank)],
    });
  const same = name();
  const asItIs = makeNode({ opType: 'Identity', inputs: [plain], outputs: [same] });
  nodes.push(
    makeNode({
      opType: 'If',
      inputs: [isEmpty],
      outputs: [to],
      attributes: [
        makeAttribute('then_branch', { kind: 'graph', value: branch([asItIs], same) }),
        makeAttribute('else_branch', { kind: 'graph', value: branch(inBranch.nodes, sum) }),
      ],
    }),
  );
  return true;
}

function addSum(parts: SumParts, place: SumPlace): boolean {
  const { node, weights, channels, summed, running, labels } = parts;
  switch (node.opType) {
    case 'MatMul':
      new ProductSum(parts, place).writeMatMul();
      return true;
    case 'Gemm':
      new ProductSum(parts, place).writeGemm();
      return true;
    case 'Einsum':
      if (labels === undefined) return false;
      new ProductSum(parts, place).writeEinsum(labels);
      return true;
    case 'Conv':
      if (weights === undefined) return false;
      new WindowSum(parts, place).writeConv();
      return true;
    case 'AveragePool':
      if (channels === undefined || intAttribute(node, 'ceil_mode', 0) !== 0) return false;
      new WindowSum(parts, place).writeAveragePool();
      return true;
    case 'CumSum':
      if (running === undefined) return false;
      new ElementSum(parts, place).writeRunning(running);
      return true;
    default:
      if (summed === undefined) return false;
      new ElementSum(parts, place).writeElements(summed);
      return true;
  }
}
