/**
 * A node with its sums added up one term after the other, in FP16, in chunks or side by side. Slow; for analysis only. Knows which
 * operators that is written for, and what has to be known of each.
 */
import { intAttribute } from '../../onnx/index.js';
import { ElementSum } from './element-sum.js';
import type { SumParts } from './operator-sum.js';
import { ProductSum } from './product-sum.js';
import type { SumPlace } from './sequential-sum.js';
import { WindowSum } from './window-sum.js';

/**
 * Adds the nodes that compute `to`. False where the shapes are not known well enough, and nothing is added then: a Conv whose
 * weights have no known shape, a pool of unknown channels or with windows beyond the edge, an equation with a diagonal, or a sum
 * over axes that are not known (`sumProblem` tells).
 */
export function addAccumulatedSum(parts: SumParts, place: SumPlace): boolean {
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
