/** The Cast node that conversion and emulation add. Knows one node's form, by opset. */
import { dataTypeName, makeAttribute, makeNode, type DataType, type Node } from '../../onnx/index.js';

/** Before this opset the type was given by name. */
const FIRST_OPSET_WITH_NUMBERS = 6;

export interface CastParts {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly type: DataType;
  /** Of the ONNX domain. */
  readonly opset: number;
}

export function makeCast({ name, from, to, type, opset }: CastParts): Node {
  const attribute =
    opset < FIRST_OPSET_WITH_NUMBERS
      ? makeAttribute('to', { kind: 'string', value: dataTypeName(type).toUpperCase() })
      : makeAttribute('to', { kind: 'int', value: type });
  return makeNode({ opType: 'Cast', name, inputs: [from], outputs: [to], attributes: [attribute] });
}
