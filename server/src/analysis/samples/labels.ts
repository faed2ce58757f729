/** The truth of each sample, from the files of a `labels` statement: numbers, in the order of the samples' files. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DataType } from '../../onnx/index.js';
import { convertElements, convertible } from './convert.js';
import { nameOf } from './element-type.js';
import { findFiles } from './find-files.js';
import { openArray } from './open-array.js';
import { readArray } from './read-file.js';
import { failure, success, type Outcome } from './types.js';

/** The truth of one sample. */
export interface Label {
  /** Classes, or what an output should be, in C order. */
  readonly values: Float64Array;
  /** SHA-256 of the values, in hexadecimal. */
  readonly key: string;
}

/** No label of a sample is larger. */
const MOST_BYTES = 1 << 28;

/**
 * One label for each sample: an array (`.npy`, `.npz`, `.pb`), or `.json` and `.txt` files of numbers. Sample i takes file i,
 * sorted by code point.
 *
 * @param folder that the glob is relative to.
 * @param count of the samples.
 */
export async function readLabels(
  glob: string,
  folder: string,
  count: number,
): Promise<Outcome<readonly Label[]>> {
  const found = await findFiles(glob, folder);
  if (!found.ok) return found;
  const paths = found.value;
  if (paths.length !== count) {
    const files = paths.length === 1 ? 'one file' : `${paths.length} files`;
    return failure(
      'samples-differ',
      `"${glob}" matches ${files}, and there are ${count} samples: one for each`,
    );
  }
  const labels: Label[] = [];
  for (const path of paths) {
    const values = await (/\.(json|txt)$/i.test(path) ? readNumbers(path) : readArrayFile(path));
    if (!values.ok) return failure(values.fault.code, `${basename(path)}: ${values.fault.message}`);
    const bytes = new Uint8Array(values.value.buffer, values.value.byteOffset, values.value.byteLength);
    labels.push({ values: values.value, key: createHash('sha256').update(bytes).digest('hex') });
  }
  return success(labels);
}

async function readNumbers(path: string): Promise<Outcome<Float64Array>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return failure('input-missing', error instanceof Error ? error.message : String(error));
  }
  const numbers = path.toLowerCase().endsWith('.txt') ? spaced(text) : parsed(text);
  if (numbers === undefined || numbers.length === 0 || !numbers.every(Number.isFinite)) {
    return failure('input-missing', 'it should hold finite numbers and nothing else');
  }
  return success(Float64Array.from(numbers));
}

/** Numbers with white space between them. What is between nothing is no number, though `Number` makes 0 of it. */
function spaced(text: string): readonly number[] {
  const trimmed = text.trim();
  return trimmed === '' ? [] : trimmed.split(/\s+/).map(Number);
}

/** A number, or arrays of numbers however deep. */
function parsed(text: string): readonly number[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const all: unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value];
  const numbers = all.filter((one) => typeof one === 'number');
  return numbers.length === all.length ? numbers : undefined;
}

async function readArrayFile(path: string): Promise<Outcome<Float64Array>> {
  const wish = {
    name: 'labels',
    axis: undefined,
    elementType: DataType.DOUBLE,
    shape: undefined,
    options: undefined,
  };
  const opened = await openArray(path, wish);
  if (!opened.ok) return opened;
  const { dataType, dims } = opened.value.header;
  if (dims.reduce((product, dim) => product * dim, 8) > MOST_BYTES)
    return failure('input-shape', 'it is too large');
  if (!convertible(dataType, DataType.DOUBLE)) {
    return failure('input-shape', `it holds ${nameOf(dataType)}, and labels are numbers`);
  }
  const bytes = await readArray(opened.value);
  if (!bytes.ok) return bytes;
  const converted = convertElements(bytes.value, dataType, DataType.DOUBLE);
  if (!converted.ok) return converted;
  return success(new Float64Array(converted.value.slice().buffer));
}
