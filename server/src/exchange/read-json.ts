/** JSON files of other tools, field by field. Knows no tool. */
import type { ImportProblem } from './kind.js';

/** The object that a text holds. */
export function readObject(text: string): { readonly object: object } | ImportProblem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `This is no JSON: ${error instanceof Error ? error.message : String(error)}.` };
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { object: value }
    : { problem: 'This is JSON, but no object: it begins with no `{`.' };
}

/** The field of that name; undefined where the value has none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}

/** A list of texts, empty where the field is missing or null; undefined where it is something else. */
export function textsOf(value: object, name: string): readonly string[] | undefined {
  const field = fieldOf(value, name) ?? [];
  return Array.isArray(field) && field.every((one) => typeof one === 'string') ? field : undefined;
}

/** Names and values of an object's fields; undefined for what is no object. */
export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : undefined;
}

/** As files are written: two blanks, a line break at the end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
