/** Language-server features: functions from a document to protocol types, and what a connection needs around them. */
export { Answers } from './answers.js';
export { abilitiesOf, type ClientAbilities } from './capabilities.js';
export { connectLive } from './connect-live.js';
export { diagnosticSteps } from './diagnostics.js';
export { featuresOf, serverCapabilities } from './features.js';
export { slicedJson } from './json-slices.js';
export { keepLock } from './keep-lock.js';
export { NO_MEASUREMENTS } from './measurements.js';
export { type OpenPlan, OpenPlans } from './open-plan.js';
export { Readiness } from './readiness.js';
export { DiagnosticsPush } from './push-diagnostics.js';
export { Turns } from './turns.js';
export { workspaceFiles } from './workspace-files.js';
