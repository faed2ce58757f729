/**
 * Which name each tensor, by its id, has in the mixed model for each type that it is read in. Names come from the tensor and
 * the type, and are new to every scope of the model. Knows names only.
 */
import { dataTypeName, DataType } from '../onnx/index.js';
import type { ConstantCopy, PrecisionGraph, ScopedTensor, TakeName, TensorCast } from '../plan/index.js';

const SHORT_TYPES: ReadonlyMap<DataType, string> = new Map([
  [DataType.FLOAT, 'fp32'],
  [DataType.FLOAT16, 'fp16'],
  [DataType.BFLOAT16, 'bf16'],
  [DataType.DOUBLE, 'fp64'],
]);

/** The type as it is written in names. */
export function shortType(type: DataType): string {
  return SHORT_TYPES.get(type) ?? dataTypeName(type);
}

export class MixedNames {
  /** By tensor and type. */
  private readonly names = new Map<string, string>();
  private readonly written = new Map<string, string>();

  constructor(
    graph: PrecisionGraph,
    private readonly tensors: ReadonlyMap<string, Pick<ScopedTensor, 'name'>>,
    takeName: TakeName,
  ) {
    for (const cast of graph.casts) this.nameCast(cast, takeName);
    for (const copy of graph.constants) this.nameCopy(copy, takeName);
  }

  /** What the tensor's producer writes: another name only where a cast takes over the old one. */
  writtenName(tensor: string): string {
    return this.written.get(tensor) ?? this.nameOf(tensor);
  }

  /** What a reader in `type` reads; undefined: in the type in which the tensor is written. */
  readName(tensor: string, type: DataType | undefined): string {
    const named = type === undefined ? undefined : this.names.get(keyOf(tensor, type));
    return named ?? this.writtenName(tensor);
  }

  /** What it is called in the model; names of what is nothing are themselves. */
  nameOf(tensor: string): string {
    return this.tensors.get(tensor)?.name ?? tensor;
  }

  private nameCast({ tensor, from, to, keepsName }: TensorCast, takeName: TakeName): void {
    if (!keepsName) {
      this.names.set(keyOf(tensor, to), takeName(`${this.nameOf(tensor)}_${shortType(to)}`));
      return;
    }
    this.names.set(keyOf(tensor, to), this.nameOf(tensor));
    this.written.set(tensor, takeName(`${this.nameOf(tensor)}_${shortType(from)}`));
  }

  private nameCopy({ tensor, to, replacesOriginal }: ConstantCopy, takeName: TakeName): void {
    const own = this.nameOf(tensor);
    const name = replacesOriginal ? own : takeName(`${own}_${shortType(to)}`);
    this.names.set(keyOf(tensor, to), name);
  }
}

function keyOf(tensor: string, type: DataType): string {
  return `${type} ${tensor}`;
}
