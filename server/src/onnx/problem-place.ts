/**
 * Turns a fault of the bytes into a sentence with the field's full name, by walking down from the top of the file
 * to the byte. Runs only when something is wrong, on bytes that are wrong: it believes nothing. Throws only what the source throws.
 */
import type { ByteSource, ModelProblem } from './model.js';
import { SHAPES, type ShapeName } from './message-shapes.js';
import { BYTES, FIXED32, FIXED64, VARINT, type WireFault } from './wire.js';

const DEEPEST = 300;
const MOST_FIELDS_WALKED = 500_000;

interface Place {
  /** Like `graph.initializer[12].raw_data`; empty if the top level itself is wrong. */
  readonly path: string;
  /** The innermost field that the end of the file cuts off. */
  readonly cut: { readonly offset: number; readonly length: number } | undefined;
}

/** The problem that a fault is, in words. */
export function modelProblem(source: ByteSource, fault: WireFault): ModelProblem {
  const { path, cut } = findPlace(source, fault.offset);
  const noModel = path === '' || path.startsWith('(') ? 'this is no ONNX model: ' : '';
  const message =
    cut === undefined
      ? `${noModel}${path === '' ? '' : `in the field ${path}, `}at byte ${fault.offset}, ${fault.words}`
      : `${noModel}the file ends inside the field ${path}: it wants ${cut.length} bytes at byte ${cut.offset}, the file has ${source.length}`;
  return { code: 'model-unreadable', message, offset: cut?.offset ?? fault.offset };
}

/** The field that holds a byte, or that the end of the file cuts off. */
export function findPlace(source: ByteSource, offset: number): Place {
  const names: string[] = [];
  let shape: ShapeName | undefined = 'model';
  let range = { offset: 0, end: source.length };
  let cut: Place['cut'];
  let wanted = offset;
  let walked = 0;
  while (shape !== undefined && names.length < DEEPEST) {
    const found = fieldWith(source, range, shape, wanted, MOST_FIELDS_WALKED - walked);
    if (found === undefined) break;
    walked += found.walked;
    names.push(found.name);
    if (found.end > source.length) {
      cut = { offset: found.content, length: found.end - found.content };
      // Within it, the field that matters is the one that the end of the file cuts off too.
      wanted = source.length;
    } else if (found.content > wanted) break;
    // A field longer than the message that it lies in: whose bytes they are cannot be told.
    if (found.end > range.end && found.end <= source.length) break;
    shape = found.message;
    range = { offset: found.content, end: Math.min(found.end, source.length) };
  }
  return { path: names.join('.'), cut };
}

interface Found {
  readonly name: string;
  readonly message: ShapeName | undefined;
  readonly content: number;
  readonly end: number;
  readonly walked: number;
}

/** The field of a message that reaches beyond the byte, if the fields before it can be walked. */
function fieldWith(
  source: ByteSource,
  range: { offset: number; end: number },
  shape: ShapeName,
  offset: number,
  most: number,
): Found | undefined {
  const counts = new Map<number, number>();
  let at = range.offset;
  for (let walked = 0; at < range.end && walked < most; walked += 1) {
    const tag = readNumber(source, at);
    if (tag === undefined) return undefined;
    const number = Math.floor(tag.value / 8);
    const field = SHAPES[shape][number];
    const index = counts.get(number) ?? 0;
    counts.set(number, index + 1);
    const payload = payloadOf(source, tag.value % 8, tag.next);
    if (payload === undefined) return undefined;
    if (payload.end > offset || payload.end > range.end) {
      const name =
        field === undefined
          ? `(${number})`
          : field.repeated === true
            ? `${field.name}[${index}]`
            : field.name;
      const isMessage = tag.value % 8 === BYTES;
      return { name, message: isMessage ? field?.message : undefined, ...payload, walked };
    }
    at = payload.end;
  }
  return undefined;
}

function payloadOf(
  source: ByteSource,
  wireType: number,
  at: number,
): { content: number; end: number } | undefined {
  switch (wireType) {
    case VARINT: {
      const number = readNumber(source, at);
      return { content: at, end: number?.next ?? source.length + 1 };
    }
    case FIXED64:
      return { content: at, end: at + 8 };
    case FIXED32:
      return { content: at, end: at + 4 };
    case BYTES: {
      const length = readNumber(source, at);
      return length === undefined ? undefined : { content: length.next, end: length.next + length.value };
    }
    default:
      return undefined;
  }
}

function readNumber(source: ByteSource, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let index = 0; index < 10 && at + index < source.length; index += 1) {
    const byte = source.read(at + index, 1)[0] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: at + index + 1 };
  }
  return undefined;
}
