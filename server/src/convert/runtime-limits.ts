/**
 * What ONNX Runtime 1.30 cannot do on a processor with a model that follows the standard: formats without kernels, and
 * fusions of QuantizeLinear and DequantizeLinear with operators that they have no codes for. Knows the runtime's limits; they are
 * said, and nothing is written otherwise because of them.
 */
import { isMovement, modelScopes, type PrecisionGraph, type ScopedNode } from '../plan/index.js';
import type { ConversionWarning } from './problem.js';

/** The operators that fusions of four-bit codes fail on. */
const FAIL_IN_INT4: ReadonlySet<string> = new Set(['Clip', 'MaxPool']);

/** From here on QuantizeLinear names its type, and one fusion contradicts what another has written. */
const FIRST_OPSET_WITH_NAMED_TYPE = 21;

const AT_BASIC =
  'create the session at optimisation level `basic`, or with the setting `session.disable_quant_qdq` at 1';

/** What the plan's roundings meet in the runtime, each kind once, with the first layer. */
export function runtimeWarnings(graph: PrecisionGraph): readonly ConversionWarning[] {
  const { nodes } = modelScopes(graph.model);
  const found = new Map<string, { readonly layer: string; count: number }>();
  for (const { layer } of graph.decisions) {
    const scoped = nodes[layer.nodeIndex];
    const limit = scoped === undefined ? undefined : limitOf(graph, scoped, layer.nodeIndex);
    if (limit === undefined) continue;
    const known = found.get(limit);
    if (known === undefined) found.set(limit, { layer: layer.name, count: 1 });
    else known.count += 1;
  }
  return [...found].map(([limit, { layer, count }]): ConversionWarning => {
    const layers = count === 1 ? `layer "${layer}"` : `${count} layers (first: "${layer}")`;
    return { code: 'runtime-limited', message: `${layers}: ${limit}`, tensor: '', layer };
  });
}

function limitOf(graph: PrecisionGraph, scoped: ScopedNode, at: number): string | undefined {
  const { inputs = [], outputs = [] } = graph.roundings.get(at) ?? {};
  const formats = new Set([...inputs, ...outputs].flatMap((one) => one?.format ?? []));
  if (formats.has('fp4_e2m1')) {
    return 'ONNX Runtime 1.30 has no kernel that rounds to fp4_e2m1 and refuses the written model, which follows the standard: run it elsewhere, or give the layer another format';
  }
  // Weights alone are not fused.
  if (outputs.every((one) => one === undefined)) return undefined;
  const { opType } = scoped.node;
  if (formats.has('fp8_e4m3') || formats.has('fp8_e5m2')) {
    return `ONNX Runtime 1.30 fuses the roundings to 8-bit floats with most operators and then refuses the result: ${AT_BASIC}`;
  }
  if (formats.has('int4') && FAIL_IN_INT4.has(opType)) {
    return `ONNX Runtime 1.30 fuses roundings to int4 with ${opType} and then refuses the result: ${AT_BASIC}`;
  }
  const opset = scoped.scope.opsets.get('') ?? 1;
  if (formats.has('int8') && opset >= FIRST_OPSET_WITH_NAMED_TYPE && isMoved(graph, scoped)) {
    return `ONNX Runtime 1.30 may refuse int8 that is moved on before it is read, from opset ${FIRST_OPSET_WITH_NAMED_TYPE} on: ${AT_BASIC}`;
  }
  return undefined;
}

/** Whether anything that only moves values reads what the layer gives. */
function isMoved({ model }: PrecisionGraph, { outputs }: ScopedNode): boolean {
  const { nodes, tensors } = modelScopes(model);
  return outputs.some((id) =>
    tensors.get(id)?.readers.some(({ node }) => {
      const reader = nodes[node]?.node;
      return reader !== undefined && isMovement(reader);
    }),
  );
}
