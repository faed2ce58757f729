/**
 * The rule for LSTM, unrolled. Gates i, o, f and n in this order, with peepholes p where there are any:
 *   i = f(x Wi' + h Ri' + pi c), f = f(x Wf' + h Rf' + pf c) or 1 - i with `input_forget`, n = g(x Wn' + h Rn'),
 *   c' = f c + i n, o = f(x Wo' + h Ro' + po c'), h' = o h(c').
 */
import { intAttribute } from '../../onnx/index.js';
import {
  allSteps,
  equalParts,
  flipped,
  gateInputs,
  lastState,
  masked,
  ofDirection,
  orUnchanged,
  recurrentContributions,
  SIGMOID,
  TANH,
  type Activation,
  type Direction,
  type DirectionGradients,
} from '../recurrence.js';
import { hasInput, inputOf, type Contribution, type VjpContext } from '../rule.js';

export function lstm(context: VjpContext): readonly Contribution[] | undefined {
  return recurrentContributions(context, 4, [SIGMOID, TANH, TANH], cell);
}

/** [H] each. */
interface Peepholes {
  readonly input: string;
  readonly output: string;
  readonly forget: string;
}

/** The values of all steps, [T B, H] each. */
interface Values {
  readonly input: string;
  readonly forget: string;
  readonly output: string;
  readonly candidate: string;
  readonly cellBefore: string;
  readonly cell: string;
}

function cell(direction: Direction): DirectionGradients {
  const { context, emit, sizes, before, recurrence, activations } = direction;
  const { hidden, steps } = sizes;
  const [gate = SIGMOID, candidate = TANH, hiddenActivation = TANH] = activations;
  const peepholes = peepholesOf(direction);
  const isCoupled = intAttribute(context.node, 'input_forget', 0) !== 0;
  const values = valuesOf(direction, gate, candidate, peepholes, isCoupled);
  const bounded = hiddenActivation.apply(emit, values.cell);

  // Factors of all steps: of the cell by the state, then of each gate by the cell or the state.
  const byStep = (x: string) => equalParts(emit, x, 0, steps);
  const cellByState = byStep(
    masked(direction, emit.mul(values.output, hiddenActivation.slope(emit, bounded))),
  );
  const outputByState = emit.mul(bounded, gate.slope(emit, values.output));
  const inputSlope = gate.slope(emit, values.input);
  const inputByCell = emit.mul(
    isCoupled ? emit.sub(values.candidate, values.cellBefore) : values.candidate,
    inputSlope,
  );
  const forgetByCell = isCoupled
    ? emit.mul(values.cellBefore, emit.scalar(0))
    : emit.mul(values.cellBefore, gate.slope(emit, values.forget));
  const candidateByCell = emit.mul(values.input, candidate.slope(emit, values.candidate));
  const factors = byStep(
    masked(direction, emit.concat([inputByCell, outputByState, forgetByCell, candidateByCell], 1)),
  );
  const outputFactors = peepholes === undefined ? [] : byStep(masked(direction, outputByState));
  const kept = byStep(orUnchanged(direction, values.forget));
  const isPast = direction.mask === undefined ? undefined : byStep(orUnchanged(direction, emit.scalar(0)));

  const ofGates = kept.map(() => '');
  let carried = direction.last;
  let carriedCell = lastState(direction, 2);
  for (const step of [...direction.order].reverse()) {
    const fromOutput = direction.arriving?.[step];
    const ofState = fromOutput === undefined ? carried : emit.add(carried, fromOutput);
    let ofCell = emit.add(carriedCell, emit.mul(ofState, cellByState[step] ?? ''));
    if (peepholes !== undefined) {
      const ofOutput = emit.mul(ofState, outputFactors[step] ?? '');
      ofCell = emit.add(ofCell, emit.mul(ofOutput, peepholes.output));
    }
    const ofGate = emit.mul(emit.concat([ofCell, ofState, ofCell, ofCell], 2), factors[step] ?? '');
    ofGates[step] = ofGate;
    carriedCell = emit.mul(ofCell, kept[step] ?? '');
    if (peepholes !== undefined) {
      const [ofInput = '', , ofForget = ''] = equalParts(emit, ofGate, 2, 4);
      const byInput = emit.mul(ofInput, peepholes.input);
      carriedCell = emit.add(carriedCell, emit.add(byInput, emit.mul(ofForget, peepholes.forget)));
    }
    const back = emit.matMul(ofGate, recurrence);
    carried = isPast === undefined ? back : emit.add(back, emit.mul(ofState, isPast[step] ?? ''));
  }
  const all = allSteps(emit, ofGates);
  return {
    ofGates: all,
    recurrence: emit.matMul(flipped(emit, all), before),
    recurrenceBias: emit.reduceSum(all, [1], false),
    initial: carried,
    initialCell: carriedCell,
    ...(context.needsGradient(7) ? { peepholes: ofPeepholes(direction, all, values, hidden) } : {}),
  };
}

/** The gates and cells of all steps. Only the cells, and with peepholes the gates that see them, are computed step by step. */
function valuesOf(
  direction: Direction,
  gate: Activation,
  candidate: Activation,
  peepholes: Peepholes | undefined,
  isCoupled: boolean,
): Values {
  const { context, emit, sizes } = direction;
  const { steps, batch, hidden } = sizes;
  const [ofInputs, ofStates] = gateInputs(direction);
  const sums = equalParts(emit, emit.add(ofInputs, ofStates), 1, 4);
  const [inputSum = '', outputSum = '', forgetSum = '', candidateSum = ''] = sums;
  const fresh = candidate.apply(emit, candidateSum);
  const byStep = (x: string) => equalParts(emit, x, 0, steps);
  const forgetOf = (input: string, sum: string) =>
    isCoupled ? emit.sub(emit.scalar(1), input) : gate.apply(emit, sum);

  const before = unset(steps);
  const after = unset(steps);
  const inputs = unset(steps);
  const forgets = unset(steps);
  let current = hasInput(context, 6)
    ? ofDirection(direction, inputOf(context, 6), 0, [batch, hidden])
    : emit.filled(0, [batch, hidden]);
  if (peepholes === undefined) {
    const input = gate.apply(emit, inputSum);
    const forget = forgetOf(input, forgetSum);
    const added = byStep(masked(direction, emit.mul(input, fresh)));
    const kept = byStep(orUnchanged(direction, forget));
    for (const step of direction.order) {
      before[step] = current;
      current = emit.add(emit.mul(kept[step] ?? '', current), added[step] ?? '');
      after[step] = current;
    }
    const cell = emit.concat(after, 0);
    return {
      input,
      forget,
      output: gate.apply(emit, outputSum),
      candidate: fresh,
      cellBefore: emit.concat(before, 0),
      cell,
    };
  }
  const inputSums = byStep(inputSum);
  const forgetSums = byStep(forgetSum);
  const candidates = byStep(fresh);
  const masks = direction.mask === undefined ? undefined : byStep(direction.mask);
  for (const step of direction.order) {
    before[step] = current;
    const seen = (sum: string | undefined, weight: string) => emit.add(sum ?? '', emit.mul(weight, current));
    const input = gate.apply(emit, seen(inputSums[step], peepholes.input));
    const forget = forgetOf(input, seen(forgetSums[step], peepholes.forget));
    const next = emit.add(emit.mul(forget, current), emit.mul(input, candidates[step] ?? ''));
    inputs[step] = input;
    forgets[step] = forget;
    const mask = masks?.[step];
    current = mask === undefined ? next : emit.add(current, emit.mul(emit.sub(next, current), mask));
    after[step] = current;
  }
  const cell = emit.concat(after, 0);
  return {
    input: emit.concat(inputs, 0),
    forget: emit.concat(forgets, 0),
    output: gate.apply(emit, emit.add(outputSum, emit.mul(cell, peepholes.output))),
    candidate: fresh,
    cellBefore: emit.concat(before, 0),
    cell,
  };
}

function unset(count: number): string[] {
  return Array.from({ length: count }, () => '');
}

/** Stored in the order input, output, forget. */
function peepholesOf(direction: Direction): Peepholes | undefined {
  const { context, emit, sizes } = direction;
  if (!hasInput(context, 7)) return undefined;
  const own = ofDirection(direction, inputOf(context, 7), 0, [3 * sizes.hidden]);
  const [input = '', output = '', forget = ''] = equalParts(emit, own, 0, 3);
  return { input, output, forget };
}

/** The input and forget gates see the cell before the step, the output gate the one behind it. */
function ofPeepholes({ emit }: Direction, ofGates: string, values: Values, hidden: number): string {
  const [ofInput = '', ofOutput = '', ofForget = ''] = emit.split(ofGates, 2, [hidden, hidden, hidden]);
  const summed = (ofGate: string, seen: string) => emit.reduceSum(emit.mul(ofGate, seen), [1], false);
  return emit.concat(
    [summed(ofInput, values.cellBefore), summed(ofOutput, values.cell), summed(ofForget, values.cellBefore)],
    1,
  );
}
