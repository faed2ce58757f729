/** A case of one node, put together from the types of its inputs. */
import type { GradientCase } from '../gradient-case.js';

/** As `graph-text` writes attributes: {"float": 2} is a float. */
export type CaseAttributes = Readonly<Record<string, unknown>>;

export interface NodeCase {
  /** `Name` or `domain.Name`. */
  readonly operator: string;
  readonly opset?: number;
  /**
   * `float[2,3]` is an input, whose gradient is checked; `int64[2] = 1 2` is stored in the model, `int64[2] ~ 1 2` is fed to it.
   * Empty: left out.
   */
  readonly inputs: readonly string[];
  readonly attributes?: CaseAttributes;
  /** `y` if left out; an empty name is an output left out, one in brackets is not probed. */
  readonly outputs?: readonly string[];
  readonly ranges?: GradientCase['ranges'];
  readonly values?: GradientCase['values'];
  readonly step?: number;
  readonly without?: readonly string[];
  readonly isSingleOnly?: boolean;
}

/** The inputs are called a, b, c ... */
export function nodeCase(one: NodeCase): GradientCase {
  const {
    operator,
    opset,
    inputs,
    attributes = {},
    outputs = ['y'],
    ranges,
    step,
    without,
    isSingleOnly,
  } = one;
  const values: Record<string, readonly number[]> = { ...one.values };
  const lines: string[] = [];
  const names = inputs.map((written, index) => {
    if (written === '') return '';
    const name = String.fromCharCode('a'.charCodeAt(0) + index);
    const [type = '', fed] = written.split(' ~ ');
    if (fed !== undefined) values[name] = fed.split(' ').map(Number);
    lines.push(`${written.includes(' = ') ? 'init' : 'input'} ${name}: ${type}`);
    return name;
  });
  const results = outputs.map((name) => name.replaceAll(/[[\]]/g, ''));
  lines.push(`${results.join(', ')} = ${operator}(${names.join(', ')}) ${JSON.stringify(attributes)}`);
  lines.push(
    ...outputs.filter((name) => name !== '' && !name.startsWith('[')).map((name) => `output ${name}: float`),
  );
  return {
    operator,
    text: lines.join('\n'),
    values,
    ...(opset === undefined ? {} : { opset }),
    ...(ranges === undefined ? {} : { ranges }),
    ...(step === undefined ? {} : { step }),
    ...(without === undefined ? {} : { without }),
    ...(isSingleOnly === undefined ? {} : { isSingleOnly }),
  };
}

/** The same in several opsets. */
export function inOpsets(
  opsets: readonly number[],
  make: (opset: number) => readonly NodeCase[],
): GradientCase[] {
  return opsets.flatMap((opset) => make(opset).map((one) => nodeCase({ ...one, opset })));
}

/** A stored list of 64-bit integers. */
export function integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
  return `int64[${shape.join()}] = ${values.length === 0 ? '0' : values.join(' ')}`;
}
