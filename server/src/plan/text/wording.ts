/** Pieces of messages: lists, plurals, layers by name. Knows text only. */
import { quote } from '../../language/index.js';
import type { Layer } from '../types.js';

/** `a`, `a and b`, `a, b or c` */
export function listOf(items: readonly string[], joint: 'and' | 'or'): string {
  return items.length < 2
    ? items.join('')
    : `${items.slice(0, -1).join(', ')} ${joint} ${items.at(-1) ?? ''}`;
}

/** The first few of many: `a, b, c and 12 more`. */
export function someOf(items: readonly string[], count = 3): string {
  const rest = items.length - count;
  return rest <= 1 ? listOf(items, 'and') : `${items.slice(0, count).join(', ')} and ${rest} more`;
}

/** `1 layer`, `2 layers` */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** A layer's name as a plan writes it, in quotes. */
export function layerName(layer: Layer): string {
  return quote(layer.name);
}
