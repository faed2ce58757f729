/**
 * The rule for GRU, unrolled. Gates z, r and n in this order:
 *   z = f(x Wz' + h Rz'), r = f(x Wr' + h Rr'),
 *   n = g(x Wn' + r (h Rn' + b)) with `linear_before_reset`, else g(x Wn' + (r h) Rn' + b),
 *   h' = (1 - z) n + z h.
 */
import { intAttribute } from '../../onnx/index.js';
import {
  allSteps,
  equalParts,
  flipped,
  gateInputs,
  masked,
  orUnchanged,
  recurrentContributions,
  SIGMOID,
  TANH,
  type Activation,
  type Direction,
  type DirectionGradients,
} from '../recurrence.js';
import type { Contribution, VjpContext } from '../rule.js';

export function gru(context: VjpContext): readonly Contribution[] | undefined {
  return recurrentContributions(context, 3, [SIGMOID, TANH], (direction) => {
    const [gate = SIGMOID, candidate = TANH] = direction.activations;
    const isLinear = intAttribute(context.node, 'linear_before_reset', 0) !== 0;
    return isLinear ? linearCell(direction, gate, candidate) : resetCell(direction, gate, candidate);
  });
}

/** The derivatives of one step are linear in that of its state, so all but the carrying back is done for all steps at once. */
function linearCell(direction: Direction, gate: Activation, candidate: Activation): DirectionGradients {
  const { emit, sizes, before, recurrence } = direction;
  const { update, reset, candidateInput, statePart } = gatesOf(direction, gate);
  const fresh = candidate.apply(emit, emit.add(candidateInput, emit.mul(reset, statePart)));
  const one = emit.scalar(1);
  const byCandidate = emit.mul(emit.sub(one, update), candidate.slope(emit, fresh));
  const byUpdate = emit.mul(emit.sub(before, fresh), gate.slope(emit, update));
  const byReset = emit.mul(emit.mul(byCandidate, statePart), gate.slope(emit, reset));
  const factors = masked(direction, emit.concat([byUpdate, byReset, emit.mul(byCandidate, reset)], 1));
  const inputFactors = masked(direction, emit.concat([byUpdate, byReset, byCandidate], 1));

  const byStep = equalParts(emit, factors, 0, sizes.steps);
  const kept = equalParts(emit, orUnchanged(direction, update), 0, sizes.steps);
  const ofStates = byStep.map(() => '');
  const ofGates = byStep.map(() => '');
  let carried = direction.last;
  for (const step of [...direction.order].reverse()) {
    const ofState = arrived(direction, step, carried);
    ofStates[step] = ofState;
    const ofGate = emit.mul(emit.concat([ofState, ofState, ofState], 2), byStep[step] ?? '');
    ofGates[step] = ofGate;
    carried = emit.add(emit.mul(ofState, kept[step] ?? ''), emit.matMul(ofGate, recurrence));
  }
  const all = allSteps(emit, ofStates);
  const ofRecurrence = allSteps(emit, ofGates);
  return {
    ofGates: emit.mul(emit.concat([all, all, all], 2), inputFactors),
    recurrence: emit.matMul(flipped(emit, ofRecurrence), before),
    recurrenceBias: emit.reduceSum(ofRecurrence, [1], false),
    initial: carried,
  };
}

/** The reset stands before the product, which is thus part of each step. */
function resetCell(direction: Direction, gate: Activation, candidate: Activation): DirectionGradients {
  const { emit, sizes, before, recurrence, recurrenceBias } = direction;
  const { hidden, steps } = sizes;
  const { update, reset, candidateInput } = gatesOf(direction, gate);
  const [ofGatesMatrix = '', ofCandidateMatrix = ''] = emit.split(recurrence, 0, [2 * hidden, hidden]);
  const kept = emit.mul(reset, before);
  const product = emit.matMul(kept, emit.transpose(ofCandidateMatrix, [1, 0]));
  const bias =
    recurrenceBias === undefined ? undefined : emit.slice(recurrenceBias, [2 * hidden], [3 * hidden], [0]);
  const statePart = bias === undefined ? product : emit.add(product, bias);
  const fresh = candidate.apply(emit, emit.add(candidateInput, statePart));
  const one = emit.scalar(1);
  const byStep = (x: string) => equalParts(emit, x, 0, steps);
  const byCandidate = byStep(
    masked(direction, emit.mul(emit.sub(one, update), candidate.slope(emit, fresh))),
  );
  const byUpdate = byStep(masked(direction, emit.mul(emit.sub(before, fresh), gate.slope(emit, update))));
  const byReset = byStep(emit.mul(before, gate.slope(emit, reset)));
  const resets = byStep(reset);
  const unchanged = byStep(orUnchanged(direction, update));

  const ofGates = resets.map(() => '');
  const ofFirst = resets.map(() => '');
  const ofCandidates = resets.map(() => '');
  let carried = direction.last;
  for (const step of [...direction.order].reverse()) {
    const ofState = arrived(direction, step, carried);
    const ofCandidate = emit.mul(ofState, byCandidate[step] ?? '');
    const ofKept = emit.matMul(ofCandidate, ofCandidateMatrix);
    const ofReset = emit.mul(ofKept, byReset[step] ?? '');
    const first = emit.concat([emit.mul(ofState, byUpdate[step] ?? ''), ofReset], 2);
    ofFirst[step] = first;
    ofCandidates[step] = ofCandidate;
    ofGates[step] = emit.concat([first, ofCandidate], 2);
    const byGates = emit.add(emit.matMul(first, ofGatesMatrix), emit.mul(ofKept, resets[step] ?? ''));
    carried = emit.add(emit.mul(ofState, unchanged[step] ?? ''), byGates);
  }
  const all = allSteps(emit, ofGates);
  const ofMatrix = (parts: readonly string[], of: string) =>
    emit.matMul(flipped(emit, allSteps(emit, parts)), of);
  return {
    ofGates: all,
    recurrence: emit.concat([ofMatrix(ofFirst, before), ofMatrix(ofCandidates, kept)], 1),
    recurrenceBias: emit.reduceSum(all, [1], false),
    initial: carried,
  };
}

interface Gates {
  readonly update: string;
  readonly reset: string;
  /** Of the candidate, before its activation: what comes from the inputs, and from the state as it is. */
  readonly candidateInput: string;
  readonly statePart: string;
}

function gatesOf(direction: Direction, gate: Activation): Gates {
  const { emit } = direction;
  const [ofInputs, ofStates] = gateInputs(direction);
  const [updateInput = '', resetInput = '', candidateInput = ''] = equalParts(emit, ofInputs, 1, 3);
  const [updateState = '', resetState = '', statePart = ''] = equalParts(emit, ofStates, 1, 3);
  return {
    update: gate.apply(emit, emit.add(updateInput, updateState)),
    reset: gate.apply(emit, emit.add(resetInput, resetState)),
    candidateInput,
    statePart,
  };
}

function arrived({ emit, arriving }: Direction, step: number, carried: string): string {
  const fromOutput = arriving?.[step];
  return fromOutput === undefined ? carried : emit.add(carried, fromOutput);
}
