/**
 * What a mixed graph declares of its tensors: the types that they have now, under the names that they have, in `value_info` and at
 * the borders of scopes. Knows declarations only.
 */
import {
  calledFunction,
  makeValueInfo,
  operatorSchema,
  type DataType,
  type Graph,
  type ValueInfo,
} from '../onnx/index.js';
import {
  elementTypeOf,
  idIn,
  type ConstantCopy,
  type ModelScopes,
  type PrecisionGraph,
  type Scope,
  type TensorCast,
} from '../plan/index.js';
import type { MixedNames } from './mixed-names.js';
import { sameOr } from './same-list.js';

export class MixedDeclarations {
  /** @param casts and copies by tensor. */
  constructor(
    private readonly graph: PrecisionGraph,
    private readonly scopes: ModelScopes,
    private readonly names: MixedNames,
    private readonly casts: ReadonlyMap<string, readonly TensorCast[]>,
    private readonly copies: ReadonlyMap<string, readonly ConstantCopy[]>,
  ) {}

  /** The `value_info` of a scope; the very list where nothing is declared otherwise. */
  valueInfoOf(scope: Scope): readonly ValueInfo[] {
    const { valueInfo } = scope.graph;
    return sameOr(valueInfo, [
      ...valueInfo.flatMap((value) => this.declarationsOf(value, scope)),
      ...this.declarationsOfInputs(scope),
      ...this.declarationsOfUntold(scope),
    ]);
  }

  /** What goes into a scope and comes out of it, under the names and in the types that it has now. */
  bordersOf(scope: Scope): Pick<Graph, 'inputs' | 'outputs'> {
    const { inputs, outputs } = scope.graph;
    // A function declares no types.
    const typeOf = (type: DataType | undefined): DataType | undefined =>
      scope.kind === 'function' ? undefined : type;
    return {
      inputs: sameOr(
        inputs,
        inputs.map((value) => {
          const id = idIn(scope, value.name);
          return declared(value, this.names.writtenName(id), typeOf(this.graph.writtenTypes.get(id)));
        }),
      ),
      outputs: sameOr(
        outputs,
        outputs.map((value, output) => {
          const changed = this.graph.outputTypes[scope.place]?.[output];
          return declared(value, this.nameRead(scope.outputs[output] ?? '', changed), typeOf(changed));
        }),
      ),
    };
  }

  /** A declared tensor in the types that it has now, under the names that these have. */
  private declarationsOf(value: ValueInfo, scope: Scope): readonly ValueInfo[] {
    const id = idIn(scope, value.name);
    const written = this.names.writtenName(id);
    const type = this.graph.writtenTypes.get(id) ?? this.replacedType(id);
    const further = this.furtherDeclarations(value, id);
    if (!this.scopes.tensors.has(id) || type === undefined) return [value, ...further];
    const retyped = declared(value, value.name, type);
    if (written === value.name) return [retyped, ...further];
    return [{ ...retyped, name: written }, value, ...further];
  }

  /** Inputs of a graph are not declared a second time, but what is cast from them is worth its shape. */
  private declarationsOfInputs(scope: Scope): readonly ValueInfo[] {
    const { inputs, valueInfo } = scope.graph;
    if (valueInfo.length === 0) return [];
    return inputs.flatMap((input) => this.furtherDeclarations(input, idIn(scope, input.name)));
  }

  /** What only its readers told the type of: behind a cast nothing tells it any more. */
  private declarationsOfUntold(scope: Scope): readonly ValueInfo[] {
    const { opsets, functions } = this.graph.model;
    const declared = new Set([...scope.graph.valueInfo, ...scope.graph.outputs].map(({ name }) => name));
    if (scope.kind === 'function') return [];
    return scope.graph.nodes.flatMap((node) => {
      const { domain, opType, outputs } = node;
      if (operatorSchema(domain, opType, opsets.get(domain) ?? 1) ?? calledFunction(functions, node))
        return [];
      return outputs.flatMap((name) => {
        const id = idIn(scope, name);
        const type = this.scopes.tensors.get(id)?.type;
        if (type === undefined || declared.has(name) || !this.casts.has(id)) return [];
        return [makeValueInfo(this.names.writtenName(id), type)];
      });
    });
  }

  private furtherDeclarations(value: ValueInfo, id: string): readonly ValueInfo[] {
    const changed = [
      ...(this.casts.get(id) ?? []).filter((cast) => !cast.keepsName),
      ...(this.copies.get(id) ?? []).filter((copy) => !copy.replacesOriginal),
    ];
    return changed.map(({ to }) => {
      const { type } = declared(value, value.name, to);
      return makeValueInfo(this.names.readName(id, to), type);
    });
  }

  private replacedType(id: string): DataType | undefined {
    return this.copies.get(id)?.find((copy) => copy.replacesOriginal)?.to;
  }

  /** @param changed undefined for "as in the model" */
  private nameRead(id: string, changed: DataType | undefined): string {
    const original = elementTypeOf(this.scopes.tensors.get(id)?.type);
    return id === '' ? '' : this.names.readName(id, changed ?? original);
  }
}

/** The declaration under a name and in a type; the very same where it says so already. `undefined`: in its own. */
function declared(value: ValueInfo, name: string, elementType: DataType | undefined): ValueInfo {
  const { type } = value;
  const isSameType = elementType === undefined || type?.kind !== 'tensor' || type.elementType === elementType;
  if (isSameType) return name === value.name ? value : { ...value, name };
  return { ...value, name, type: { ...type, elementType } };
}
