/**
 * Random networks in which no layer reads one like itself (of two in a row nobody can tell which one was taken out), and what becomes of them when they are changed and exported again: layers put in and taken out, weights
 * trained further, names given anew. Each layer is known by where it came from. Used by tests only.
 */
import fc from 'fast-check';
import type { Model, Tensor } from '../../onnx/index.js';
import { makeModel } from './fixture.js';

interface Step {
  /** Which layer of the first network it is; new ones have numbers of their own. */
  readonly origin: number;
  readonly operator: string;
  /** Numbers of earlier values, 0 for the input, n + 1 for the nth step; taken modulo what there is. */
  readonly reads: readonly number[];
  /** Told from other weights by this number; undefined for operators without one. */
  readonly weight: number | undefined;
}

export interface Network {
  readonly steps: readonly Step[];
  /** Values that the model gives, each once: to begin with, those that nothing reads. */
  readonly outputs: readonly number[];
  /** As an exporter that counts each operator names nodes, or each by a name of its own. */
  readonly names: 'numbered' | 'own';
  /** Another number, other values of all weights. */
  readonly training: number;
}

export interface Change {
  readonly insert: { readonly at: number; readonly operator: string } | undefined;
  readonly remove: number | undefined;
  readonly trained: boolean;
  readonly names: Network['names'];
}

const UNARY = ['Relu', 'Sigmoid', 'Tanh', 'Softmax', 'Transpose', 'Identity'];
const operators = fc.oneof(fc.constantFrom(...UNARY), fc.constant('MatMul'), fc.constant('Add'));

const steps = fc.array(
  fc.record({
    operator: operators,
    // Mostly the step before, now and then any: chains with branches.
    back: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(5)), {
      minLength: 2,
      maxLength: 2,
    }),
    shared: fc.option(fc.nat(2), { freq: 4 }),
  }),
  { minLength: 2, maxLength: 16 },
);

export const arbitraryNetwork: fc.Arbitrary<Network> = fc
  .record({ list: steps, names: fc.constantFrom('numbered' as const, 'own' as const) })
  .map(({ list, names }) => {
    const steps: Step[] = [];
    list.forEach(({ operator: wanted, back, shared }, origin) => {
      const reads = (wanted === 'Add' ? back : back.slice(0, 1)).map((by) => Math.max(0, origin - by));
      const read = new Set(reads.map((value) => steps[value - 1]?.operator));
      const operator = [wanted, 'Exp', 'Log', 'Sqrt'].find((one) => !read.has(one)) ?? 'Erf';
      // Some weights are the same throughout a network, as after sharing.
      const weight = operator === 'MatMul' ? (shared ?? 10 + origin) : undefined;
      steps.push({ origin, operator, reads: reads.slice(0, operator === 'Add' ? 2 : 1), weight });
    });
    const read = new Set(steps.flatMap((step) => step.reads));
    const outputs = steps.map((_step, index) => index + 1).filter((value) => !read.has(value));
    return { names, training: 0, steps, outputs };
  });

/** At most one layer comes or goes: after two such changes there is more than one way in which the model can have come about. */
export const arbitraryChange: fc.Arbitrary<Change> = fc
  .record({
    structure: fc.oneof(
      fc.constant({}),
      fc.record({
        insert: fc.record({ at: fc.nat(16), operator: fc.constantFrom('Relu', 'MatMul', 'Tanh') }),
      }),
      fc.record({ remove: fc.nat(16) }),
    ),
    trained: fc.boolean(),
    names: fc.constantFrom('numbered' as const, 'own' as const),
  })
  .map(({ structure, ...rest }) => ({ insert: undefined, remove: undefined, ...structure, ...rest }));

/** The network after the change: what read a value reads what was put behind it. */
export function changedNetwork(network: Network, { insert, remove, trained, names }: Change): Network {
  let { steps, outputs } = network;
  if (remove !== undefined && steps.length > 2) {
    const at = remove % steps.length;
    const gone = steps[at];
    const instead = gone?.reads[0] ?? 0;
    steps = steps
      .filter((_step, index) => index !== at)
      .map((step) => ({ ...step, reads: step.reads.map((read) => moved(read, at + 1, instead, -1)) }));
    outputs = outputs.map((value) => moved(value, at + 1, instead, -1));
  }
  if (insert !== undefined) {
    const at = insert.at % (steps.length + 1);
    const beside = [steps[at - 1], ...steps.filter((step) => step.reads.includes(at))];
    const operator = beside.some((step) => step?.operator === insert.operator) ? 'Erf' : insert.operator;
    const weight = operator === 'MatMul' ? 1000 : undefined;
    const added: Step = { origin: 1000, operator, reads: [at], weight };
    const shifted = steps.map((step, index) =>
      index < at ? step : { ...step, reads: step.reads.map((read) => (read >= at ? read + 1 : read)) },
    );
    steps = [...shifted.slice(0, at), added, ...shifted.slice(at)];
    outputs = outputs.map((value) => (value >= at ? value + 1 : value));
  }
  return {
    steps,
    outputs: [...new Set(outputs)],
    names,
    training: trained ? network.training + 1 : network.training,
  };
}

/** A read of `gone` becomes one of `instead`; what came behind it moves. */
function moved(read: number, gone: number, instead: number, by: number): number {
  if (read === gone) return instead;
  return read > gone ? read + by : read;
}

/** The model, and by the name of each layer the step that it came from. */
export function networkModel({ steps, outputs, names, training }: Network): {
  readonly model: Model;
  readonly origins: ReadonlyMap<string, number>;
} {
  const counts = new Map<string, number>();
  const origins = new Map<string, number>();
  const weights = new Set<number>();
  const lines = steps.map(({ operator, origin, reads, weight }, index) => {
    const count = counts.get(operator) ?? 0;
    counts.set(operator, count + 1);
    const name = names === 'own' ? `layer.${training}.${index}` : `${operator}_${count}`;
    origins.set(name, origin);
    if (weight !== undefined) weights.add(weight);
    const inputs = [...reads.map((read) => `t${read}`), ...(weight === undefined ? [] : [`w${weight}`])];
    return `${operator} "${name}" ${inputs.join(' ')} -> t${index + 1}`;
  });
  const text = [
    'input t0 float 4 4',
    ...[...weights].map((weight) => `weight w${weight} 4 4`),
    ...lines,
    ...outputs.map((value) => `output t${value} float 4 4`),
  ].join('\n');
  const model = makeModel(text, (graph) => ({
    ...graph,
    initializers: graph.initializers.map((one) => valued(one, Number(one.name.slice(1)), training)),
  }));
  return { model, origins };
}

function valued(tensor: Tensor, weight: number, training: number): Tensor {
  const values = Float32Array.from({ length: 16 }, (_, index) =>
    Math.sin(weight * 31 + training * 7 + index),
  );
  return { ...tensor, data: { kind: 'made', bytes: new Uint8Array(values.buffer) } };
}
