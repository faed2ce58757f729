/** Latencies from profiles that were taken on another device. */
export { elsewhereCostModel, mappedSources } from './elsewhere-cost-model.js';
export { latencySourceFindings, latencySourceFindingSteps } from './findings.js';
export type { MappedLayer, MappedProfile } from './mapped-profile.js';
