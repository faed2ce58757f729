/** Latencies from profiles that were taken on another device. */
export { elsewhereCostModel, mappedSources } from './elsewhere-cost-model.js';
export { latencySourceFindings, latencySourceFindingSteps } from './findings.js';
export { knownMapping, type MappedLayer, type MappedProfile } from './mapped-profile.js';
