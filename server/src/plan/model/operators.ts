/**
 * Operator types as plans write them: `Type` for the ONNX domain, `domain.Type` for others, split at the last
 * dot. Knows text only.
 */
import type { Node } from '../../onnx/index.js';

export interface OperatorType {
  /** Empty for the ONNX domain. */
  readonly domain: string;
  readonly opType: string;
}

export function readOperatorType(written: string): OperatorType {
  const dot = written.lastIndexOf('.');
  const domain = written.slice(0, Math.max(dot, 0));
  return { domain: domain === 'ai.onnx' ? '' : domain, opType: written.slice(dot + 1) };
}

export function writeOperatorType(operator: OperatorType | Node): string {
  return operator.domain === '' ? operator.opType : `${operator.domain}.${operator.opType}`;
}
