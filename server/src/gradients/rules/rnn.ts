/** The rule for RNN: h = f(x W' + h R' + b), unrolled. */
import {
  allSteps,
  equalParts,
  flipped,
  masked,
  orUnchanged,
  recurrentContributions,
  gateInputs,
  TANH,
  type Direction,
  type DirectionGradients,
} from '../recurrence.js';
import type { Contribution, VjpContext } from '../rule.js';

export function rnn(context: VjpContext): readonly Contribution[] | undefined {
  return recurrentContributions(context, 1, [TANH], cell);
}

function cell(direction: Direction): DirectionGradients {
  const { emit, sizes, activations, before, recurrence, arriving } = direction;
  const [ofX, ofState] = gateInputs(direction);
  const [activation = TANH] = activations;
  const state = activation.apply(emit, emit.add(ofX, ofState));
  const slopes = equalParts(emit, masked(direction, activation.slope(emit, state)), 0, sizes.steps);
  const kept =
    direction.mask === undefined
      ? undefined
      : equalParts(emit, orUnchanged(direction, emit.scalar(0)), 0, sizes.steps);
  const ofGates = slopes.map(() => '');
  let carried = direction.last;
  for (const step of [...direction.order].reverse()) {
    const arrived = arriving?.[step];
    const ofStep = arrived === undefined ? carried : emit.add(carried, arrived);
    const ofGate = emit.mul(ofStep, slopes[step] ?? '');
    ofGates[step] = ofGate;
    const back = emit.matMul(ofGate, recurrence);
    carried = kept === undefined ? back : emit.add(back, emit.mul(ofStep, kept[step] ?? ''));
  }
  const all = allSteps(emit, ofGates);
  return {
    ofGates: all,
    recurrence: emit.matMul(flipped(emit, all), before),
    recurrenceBias: emit.reduceSum(all, [1], false),
    initial: carried,
  };
}
