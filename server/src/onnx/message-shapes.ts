/**
 * The messages of onnx.proto as far as we read them: what each field is called and how it must lie on the wire.
 * Fields that are not listed are kept and not read. Knows no bytes.
 */
import { BYTES, FIXED32, FIXED64, VARINT } from './wire.js';

export type ShapeName =
  | 'model'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'tensor'
  | 'sparse'
  | 'value'
  | 'type'
  | 'tensorType'
  | 'elementType'
  | 'mapType'
  | 'opaqueType'
  | 'shape'
  | 'dimension'
  | 'function'
  | 'opset'
  | 'entry'
  | 'annotation'
  | 'training';

export interface FieldShape {
  readonly name: string;
  readonly wireType: number;
  /** Repeated scalars may be packed: then they lie as bytes. */
  readonly packable?: boolean;
  readonly repeated?: boolean;
  readonly message?: ShapeName;
}

const number = (name: string): FieldShape => ({ name, wireType: VARINT });
const numbers = (name: string): FieldShape => ({ name, wireType: VARINT, packable: true });
const text = (name: string): FieldShape => ({ name, wireType: BYTES });
const texts = (name: string): FieldShape => ({ name, wireType: BYTES, repeated: true });
const one = (name: string, message: ShapeName): FieldShape => ({ name, wireType: BYTES, message });
const many = (name: string, message: ShapeName): FieldShape => ({
  name,
  wireType: BYTES,
  message,
  repeated: true,
});

export const SHAPES: Readonly<Record<ShapeName, Readonly<Record<number, FieldShape>>>> = {
  model: {
    1: number('ir_version'),
    2: text('producer_name'),
    3: text('producer_version'),
    4: text('domain'),
    5: number('model_version'),
    6: text('doc_string'),
    7: one('graph', 'graph'),
    8: many('opset_import', 'opset'),
    14: many('metadata_props', 'entry'),
    20: many('training_info', 'training'),
    25: many('functions', 'function'),
  },
  graph: {
    1: many('node', 'node'),
    2: text('name'),
    5: many('initializer', 'tensor'),
    10: text('doc_string'),
    11: many('input', 'value'),
    12: many('output', 'value'),
    13: many('value_info', 'value'),
    14: many('quantization_annotation', 'annotation'),
    15: many('sparse_initializer', 'sparse'),
    16: many('metadata_props', 'entry'),
  },
  node: {
    1: texts('input'),
    2: texts('output'),
    3: text('name'),
    4: text('op_type'),
    5: many('attribute', 'attribute'),
    6: text('doc_string'),
    7: text('domain'),
    8: text('overload'),
    9: many('metadata_props', 'entry'),
  },
  attribute: {
    1: text('name'),
    2: { name: 'f', wireType: FIXED32 },
    3: number('i'),
    4: text('s'),
    5: one('t', 'tensor'),
    6: one('g', 'graph'),
    7: { name: 'floats', wireType: FIXED32, packable: true },
    8: numbers('ints'),
    9: texts('strings'),
    10: many('tensors', 'tensor'),
    11: many('graphs', 'graph'),
    13: text('doc_string'),
    14: one('tp', 'type'),
    15: many('type_protos', 'type'),
    20: number('type'),
    21: text('ref_attr_name'),
    22: one('sparse_tensor', 'sparse'),
    23: many('sparse_tensors', 'sparse'),
  },
  tensor: {
    1: numbers('dims'),
    2: number('data_type'),
    3: text('segment'),
    4: { name: 'float_data', wireType: FIXED32, packable: true },
    5: numbers('int32_data'),
    6: texts('string_data'),
    7: numbers('int64_data'),
    8: text('name'),
    9: text('raw_data'),
    10: { name: 'double_data', wireType: FIXED64, packable: true },
    11: numbers('uint64_data'),
    12: text('doc_string'),
    13: many('external_data', 'entry'),
    14: number('data_location'),
    16: many('metadata_props', 'entry'),
  },
  sparse: { 1: one('values', 'tensor'), 2: one('indices', 'tensor'), 3: numbers('dims') },
  value: {
    1: text('name'),
    2: one('type', 'type'),
    3: text('doc_string'),
    4: many('metadata_props', 'entry'),
  },
  type: {
    1: one('tensor_type', 'tensorType'),
    4: one('sequence_type', 'elementType'),
    5: one('map_type', 'mapType'),
    6: text('denotation'),
    7: one('opaque_type', 'opaqueType'),
    8: one('sparse_tensor_type', 'tensorType'),
    9: one('optional_type', 'elementType'),
  },
  tensorType: { 1: number('elem_type'), 2: one('shape', 'shape') },
  elementType: { 1: one('elem_type', 'type') },
  mapType: { 1: number('key_type'), 2: one('value_type', 'type') },
  opaqueType: { 1: text('domain'), 2: text('name') },
  shape: { 1: many('dim', 'dimension') },
  dimension: { 1: number('dim_value'), 2: text('dim_param'), 3: text('denotation') },
  function: {
    1: text('name'),
    4: texts('input'),
    5: texts('output'),
    6: texts('attribute'),
    7: many('node', 'node'),
    8: text('doc_string'),
    9: many('opset_import', 'opset'),
    10: text('domain'),
    11: many('attribute_proto', 'attribute'),
    12: many('value_info', 'value'),
    13: text('overload'),
    14: many('metadata_props', 'entry'),
  },
  opset: { 1: text('domain'), 2: number('version') },
  entry: { 1: text('key'), 2: text('value') },
  annotation: { 1: text('tensor_name'), 2: many('quant_parameter_tensor_names', 'entry') },
  training: { 1: one('initialization', 'graph'), 2: one('algorithm', 'graph') },
};
