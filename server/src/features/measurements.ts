/**
 * What features may ask of the live analysis about an open plan. Where no inference runs, nothing is known and nothing is
 * offered. Knows neither the analysis' life nor the protocol.
 */
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { type ActionCommands, NO_ACTIONS } from './action-commands.js';
import type { OpenPlan } from './open-plan.js';

export interface Measurements {
  /** What is known at this moment. */
  readonly numbers: (open: OpenPlan) => PlanNumbers;
  /** The client was given the diagnostics of this plan with what is known at this moment. */
  readonly diagnosed: (open: OpenPlan) => void;
  /** What can be done with a plan. */
  readonly actions: ActionCommands;
}

export const NO_MEASUREMENTS: Measurements = {
  numbers: () => NOTHING_KNOWN,
  diagnosed: () => undefined,
  actions: NO_ACTIONS,
};
