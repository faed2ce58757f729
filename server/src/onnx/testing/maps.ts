/** Inputs and outputs that are maps, for tests: their content is not read, so that they can only be taken from a file. */
import { DataType, type ValueInfo } from '../model.js';
import { bytesField, encodeBytes, integerField, textField, type Piece } from '../pieces.js';
import { readModel } from '../read-model.js';
import { bufferSource } from '../source.js';

/** `map(key, tensor(float))`, or a sequence of such. */
export function mapValue(name: string, key: DataType, kind: 'map' | 'sequence' = 'map'): ValueInfo {
  const tensor = bytesField(1, integerField(1, DataType.FLOAT));
  const map: Piece[] = bytesField(5, [...integerField(1, key), ...bytesField(2, tensor)]);
  const type = kind === 'map' ? map : bytesField(4, bytesField(1, map));
  const value = [...textField(1, name), ...bytesField(2, type)];
  const graph = [...textField(2, 'maps'), ...bytesField(11, value)];
  const model = [...integerField(1, 8), ...bytesField(7, graph), ...bytesField(8, integerField(2, 17))];
  const read = readModel(bufferSource(encodeBytes(model)));
  const input = 'problem' in read ? undefined : read.model.graph.inputs[0];
  if (input === undefined) throw new Error('no map');
  return input;
}
