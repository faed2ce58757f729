/** Language-server features: functions from a document to protocol types, and what a connection needs around them. */
export { abilitiesOf, type ClientAbilities, serverCapabilities } from './capabilities.js';
export { diagnosticsOf } from './diagnostics.js';
export { formattingOf } from './formatting.js';
export { isolated } from './isolate.js';
export { DiagnosticsPush } from './push-diagnostics.js';
export { quickFixesOf } from './quick-fixes.js';
export { workspaceFiles } from './workspace-files.js';
