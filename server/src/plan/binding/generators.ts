/**
 * Generators of samples: reading one as a plan writes it, whether it fits an element type, and which one fits an
 * input that nothing feeds. Makes no sample.
 */
import { GENERATORS, type CallValue, type Word } from '../../language/index.js';
import {
  DataType,
  intAttribute,
  isFloatingType,
  type Dimension,
  type GraphIndex,
  type Shape,
} from '../../onnx/index.js';
import type { SampleSource } from '../types.js';

export type Generator = Extract<SampleSource, { kind: 'generator' }>;

const NAMES = ['zeros', 'ones', 'constant', 'uniform', 'normal', 'integers'] as const;

/** A generator with its numbers; undefined where the text is wrong, which the text shows already. */
export function readGenerator(value: Word | CallValue): Pick<Generator, 'name' | 'parameters'> | undefined {
  const written = value.kind === 'call' ? value.name.text : value.text;
  const name = NAMES.find((candidate) => candidate === written);
  const wanted = GENERATORS.find((term) => term.name === written)?.parameters.length;
  const items = value.kind === 'call' ? value.items : [];
  const parameters = items.flatMap((item) =>
    item.kind === 'number' && Number.isFinite(item.value) ? [item.value] : [],
  );
  if (!name || parameters.length !== items.length || parameters.length !== wanted) {
    return undefined;
  }
  const [first = 0, second = 0] = parameters;
  const isBackwards = (name === 'uniform' || name === 'integers') && first > second;
  return isBackwards || (name === 'normal' && second < 0) ? undefined : { name, parameters };
}

/** A generator as a plan writes it: `uniform(0, 1)`. */
export function writeGenerator({ name, parameters }: Pick<Generator, 'name' | 'parameters'>): string {
  return parameters.length === 0 ? name : `${name}(${parameters.join(', ')})`;
}

/** The least and greatest number of an integer type that samples may hold exactly; undefined for other types. */
const INTEGER_RANGES: ReadonlyMap<DataType, readonly [number, number]> = new Map([
  [DataType.BOOL, [0, 1]],
  [DataType.UINT4, [0, 15]],
  [DataType.INT4, [-8, 7]],
  [DataType.UINT8, [0, 255]],
  [DataType.INT8, [-128, 127]],
  [DataType.UINT16, [0, 65_535]],
  [DataType.INT16, [-32_768, 32_767]],
  [DataType.UINT32, [0, 4_294_967_295]],
  [DataType.INT32, [-2_147_483_648, 2_147_483_647]],
  [DataType.UINT64, [0, Number.MAX_SAFE_INTEGER]],
  [DataType.INT64, [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
]);

/** Why a generator cannot make samples of an element type; undefined where it can. */
export function unfitFor(
  generator: Pick<Generator, 'name' | 'parameters'>,
  type: DataType,
): string | undefined {
  if (isFloatingType(type)) {
    return undefined;
  }
  const range = INTEGER_RANGES.get(type);
  if (!range) {
    return 'there is no generator for its element type';
  }
  const [least, greatest] = range;
  if (generator.name === 'uniform' || generator.name === 'normal') {
    return `\`${generator.name}\` makes fractions, and this input takes whole numbers`;
  }
  const outside = generator.parameters.find(
    (value) => !Number.isInteger(value) || value < least || value > greatest,
  );
  return outside === undefined ? undefined : `${outside} is no value of its element type`;
}

/**
 * A generator whose samples an input takes: pictures get the range that they are usually scaled to, indexes the rows
 * of the table that they look up. Undefined for element types that nothing generates.
 */
export function fittingGenerator(
  name: string,
  type: DataType,
  shape: Shape | undefined,
  index: GraphIndex,
): Pick<Generator, 'name' | 'parameters'> | undefined {
  if (isFloatingType(type)) {
    return looksLikePicture(shape)
      ? { name: 'uniform', parameters: [0, 1] }
      : { name: 'normal', parameters: [0, 1] };
  }
  const range = INTEGER_RANGES.get(type);
  if (!range) {
    return undefined;
  }
  if (type === DataType.UINT8 || type === DataType.INT8) {
    return { name: 'integers', parameters: [...range] };
  }
  const rows = rowsLookedUp(name, index);
  if (rows !== undefined) {
    return { name: 'integers', parameters: [0, rows - 1] };
  }
  return /mask/i.test(name) ? { name: 'ones', parameters: [] } : { name: 'integers', parameters: [0, 1] };
}

/** Four dimensions with channels of grey, colour, or colour and alpha, at the place of NCHW or NHWC. */
function looksLikePicture(shape: Shape | undefined): boolean {
  const areChannels = (dimension: Dimension): boolean =>
    dimension === 1 || dimension === 3 || dimension === 4;
  return shape?.length === 4 && (areChannels(shape[1]) || areChannels(shape[3]));
}

/** The number of rows of the smallest constant table that the input is an index into. */
function rowsLookedUp(name: string, index: GraphIndex): number | undefined {
  const rows = (index.consumers.get(name) ?? []).flatMap((reader) => {
    const node = index.graph.nodes[reader.node];
    if (node?.opType !== 'Gather' || node.domain !== '' || reader.input !== 1) {
      return [];
    }
    const table = index.constantOf(node.inputs[0] ?? '');
    return table?.dims.at(intAttribute(node, 'axis', 0)) ?? [];
  });
  const least = Math.min(...rows);
  return Number.isFinite(least) && least > 0 ? least : undefined;
}
