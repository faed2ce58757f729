/**
 * What features may ask of the live analysis about an open plan. Where no inference runs, nothing is known, and
 * what would run a model is not offered. Knows neither the analysis' life nor the protocol.
 */
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { type ActionCommands, NO_ACTIONS } from './action-commands.js';
import type { OpenPlan } from './open-plan.js';

export interface Measurements {
  /** What is known at this moment. */
  readonly numbers: (open: OpenPlan) => PlanNumbers;
  /** The client was given the diagnostics of this plan with these numbers. */
  readonly diagnosed: (open: OpenPlan, numbers: PlanNumbers) => void;
  /** Somebody chooses a target: those that were not looked at yet are, in the background. */
  readonly targetsWanted: () => void;
  /** What can be done with a plan. */
  readonly actions: ActionCommands;
}

/** What is known in a workspace that is not trusted, and why it is no more. */
const NOT_ANALYSED: PlanNumbers = { ...NOTHING_KNOWN, message: 'not analysed: workspace not trusted' };

/** Where no inference runs, and `actions` is what else can be done. */
export function withoutMeasurements(actions: ActionCommands): Measurements {
  return {
    numbers: () => NOT_ANALYSED,
    diagnosed: () => undefined,
    targetsWanted: () => undefined,
    actions,
  };
}

export const NO_MEASUREMENTS = withoutMeasurements(NO_ACTIONS);
