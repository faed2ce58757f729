/** Writes `TensorProto`. Elements stay ranges of their files, or external, wherever they are. */
import type { Tensor, TensorData } from './model.js';
import { encodeMessage, sameElements, wholeMessage, type Replacements } from './encode-message.js';
import { replaceText } from './encode-message.js';
import { originalTensor } from './origins.js';
import { bytesField, bytesPiece, integerField, rangePiece, textField, type Piece } from './pieces.js';

const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
/** All fields that hold elements or say where they are. */
const DATA_FIELDS = [4, 5, 6, 7, 9, 10, 11, 13, 14] as const;

/** The content of the message. */
export function encodeTensor(tensor: Tensor): Piece[] {
  const { message } = tensor;
  const origin = originalTensor(message);
  if (message !== undefined && origin === tensor) return wholeMessage(message);
  const replacements: Replacements = new Map();
  if (!sameElements(tensor.dims, origin?.dims ?? [])) {
    replacements.set(
      1,
      tensor.dims.flatMap((dim) => integerField(1, dim)),
    );
  }
  if (tensor.dataType !== origin?.dataType) replacements.set(2, integerField(2, tensor.dataType));
  replaceText(replacements, 8, tensor.name, origin?.name);
  // Of another type the same bytes belong into another field.
  if (tensor.data !== origin?.data || tensor.dataType !== origin.dataType) {
    for (const number of DATA_FIELDS) replacements.set(number, []);
    for (const [number, pieces] of encodeData(tensor.data)) replacements.set(number, pieces);
  }
  return encodeMessage(message, replacements);
}

function encodeData(data: TensorData): [number, Piece[]][] {
  switch (data.kind) {
    case 'bytes':
      return [[RAW_DATA, bytesField(RAW_DATA, [rangePiece(data.source, data.range)])]];
    case 'made':
      return [[RAW_DATA, bytesField(RAW_DATA, [bytesPiece(data.bytes)])]];
    case 'computed':
      return [[RAW_DATA, bytesField(RAW_DATA, [data])]];
    case 'fields': {
      const number = data.fields[0]?.number;
      if (number === undefined) return [];
      return [[number, data.fields.map((field) => rangePiece(data.source, field.whole))]];
    }
    case 'external':
      return [
        [EXTERNAL_DATA, externalEntries(data)],
        [DATA_LOCATION, integerField(DATA_LOCATION, 1)],
      ];
  }
}

function externalEntries(data: TensorData & { kind: 'external' }): Piece[] {
  const entries: [string, string][] = [
    ['location', data.location],
    ['offset', String(data.offset)],
  ];
  if (data.length !== undefined) entries.push(['length', String(data.length)]);
  return entries.flatMap(([key, value]) =>
    bytesField(EXTERNAL_DATA, [...textField(1, key), ...textField(2, value)]),
  );
}
