/**
 * An ONNX model as its wire index shows it: names, types, attributes and the byte range of everything, while
 * the weights stay where they are. Immutable. Each message keeps its fields in file order, so that what is not
 * touched can be written back byte for byte, unknown fields included.
 * Knows nothing of precision: no layer, no decision.
 */

/** Bytes that can be read by range: a file, or a buffer in tests and variants. */
export interface ByteSource {
  /** The absolute path, where there is a file. */
  readonly path: string | undefined;
  readonly length: number;
  /** Reads exactly `length` bytes at `offset`; throws a `RangeError` beyond the end. */
  read(offset: number, length: number): Uint8Array;
  /** Fills `target` with the bytes at `offset`, as `read` would give them; `readInto` does it for any source. */
  readInto?(offset: number, target: Uint8Array): void;
  /** True when the path no longer leads to the file that was opened, or its size or modification time differs. */
  changed?(): boolean;
  close(): void;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** One field of a protobuf message: `whole` with its tag, `payload` without tag and length prefix. */
export interface Field {
  readonly number: number;
  readonly wireType: number;
  readonly whole: ByteRange;
  readonly payload: ByteRange;
  /**
   * How many scalars of this tag follow each other here (1 if left out): a long unpacked list is one field, whose
   * payload begins with that of the first and ends with that of the last, tags in between included.
   */
  readonly count?: number;
}

/** A message as it lies in the source. */
export interface Message {
  readonly source: ByteSource;
  /** The content, without the tag and length that its parent gives it. */
  readonly range: ByteRange;
  readonly fields: readonly Field[];
}

/** `TensorProto.DataType` of onnx.proto. */
export enum DataType {
  UNDEFINED = 0,
  FLOAT = 1,
  UINT8 = 2,
  INT8 = 3,
  UINT16 = 4,
  INT16 = 5,
  INT32 = 6,
  INT64 = 7,
  STRING = 8,
  BOOL = 9,
  FLOAT16 = 10,
  DOUBLE = 11,
  UINT32 = 12,
  UINT64 = 13,
  COMPLEX64 = 14,
  COMPLEX128 = 15,
  BFLOAT16 = 16,
  FLOAT8E4M3FN = 17,
  FLOAT8E4M3FNUZ = 18,
  FLOAT8E5M2 = 19,
  FLOAT8E5M2FNUZ = 20,
  UINT4 = 21,
  INT4 = 22,
  FLOAT4E2M1 = 23,
  FLOAT8E8M0 = 24,
  UINT2 = 25,
  INT2 = 26,
}

/** Where the elements of a tensor are. */
export type TensorData =
  /** Little-endian bytes inside `source`: `raw_data`, or a packed typed field of fixed width. */
  | { readonly kind: 'bytes'; readonly source: ByteSource; readonly range: ByteRange }
  /** `data_location: EXTERNAL`; `location` is relative to the model's folder. */
  | {
      readonly kind: 'external';
      readonly location: string;
      readonly offset: number;
      readonly length: number | undefined;
    }
  /** Varint or string typed fields, or unpacked ones: decoded element by element. */
  | { readonly kind: 'fields'; readonly source: ByteSource; readonly fields: readonly Field[] }
  /** Little-endian elements made by us. */
  | { readonly kind: 'made'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'computed' } & ComputedBytes);

/**
 * Bytes made by us when they are written, a few at a time, so that not even one weight has to be in memory. All parts
 * together are `length` bytes, the same each time. A part may be written over when the next one is asked for; asking
 * may throw a `SourceFault`.
 */
export interface ComputedBytes {
  readonly length: number;
  readonly parts: () => Iterable<Uint8Array>;
}

export interface Tensor {
  readonly name: string;
  readonly dataType: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
  /** Undefined for a tensor made by us. */
  readonly message: Message | undefined;
}

/** Element type and container; `undefined` dims mean an unknown rank. */
export type ValueType =
  | { readonly kind: 'tensor'; readonly elementType: DataType; readonly shape: Shape | undefined }
  | { readonly kind: 'sequence' | 'optional'; readonly element: ValueType }
  | { readonly kind: 'sparse'; readonly elementType: DataType; readonly shape: Shape | undefined }
  | { readonly kind: 'map' | 'opaque' };

/** A number, a symbolic name, or nothing known. */
export type Dimension = number | string | undefined;
export type Shape = readonly Dimension[];

export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType | undefined;
  readonly message: Message | undefined;
}

/** `AttributeProto` by what it holds; reference attributes (inside functions) are of kind `reference`. */
export type Attribute = { readonly name: string; readonly message: Message | undefined } & (
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'floats' | 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  | { readonly kind: 'reference'; readonly value: string }
  /**
   * Sparse tensors, type protos, lists of tensors, and texts and lists as long as weights: kept, not read. Of a sparse
   * tensor `filled` is what its readers see: the tensor that the runtime fills up with zeros.
   */
  | { readonly kind: 'other'; readonly filled?: ValueType }
);

export interface Node {
  /** May be empty. */
  readonly name: string;
  readonly opType: string;
  /** Empty for the ONNX domain (`ai.onnx` is read as empty). */
  readonly domain: string;
  readonly overload: string;
  /** An empty string stands for an optional input or output left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly message: Message | undefined;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  /** Names of sparse initializers; their content is kept, not read. */
  readonly sparseInitializers: readonly string[];
  /** What their readers see: a tensor that the runtime fills up with zeros. None is known of a graph made by us. */
  readonly sparseTypes?: ReadonlyMap<string, ValueType>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfo: readonly ValueInfo[];
  readonly message: Message | undefined;
}

export interface LocalFunction {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of the attributes that have no default. */
  readonly attributes: readonly string[];
  readonly attributeDefaults?: readonly Attribute[];
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly message: Message | undefined;
}

export interface Model {
  readonly source: ByteSource;
  readonly irVersion: number;
  readonly producer: string;
  /** Domain to version; the ONNX domain is the empty string. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions: readonly LocalFunction[];
  readonly message: Message | undefined;
}

/** Why a file is no model: what is wrong, and at which byte. */
export interface ModelProblem {
  readonly code: 'model-not-found' | 'model-unreadable';
  readonly message: string;
  readonly offset: number | undefined;
}
