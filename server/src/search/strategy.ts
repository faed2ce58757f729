/** What every strategy is told beside the ranking and the trials. */
export interface StrategyOptions {
  /** Called between measurements with the number of layers that the result is sure to have, or to do without. */
  readonly step: (decided: number) => void;
  /** Says when the time is up: what was found until then is the result. */
  readonly expired: () => boolean;
}
