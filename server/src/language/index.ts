/** The plan language: text to tree and back. Imports nothing of ours. */
export type * from './diagnostic.js';
export { errorsAmong } from './errors-among.js';
export type * from './tree.js';
export { parse, parseSteps } from './parse.js';
export type { Pausing } from './pausing.js';
export { fileDiagnostics } from './file-diagnostics.js';
export { formatEdits, formatText } from './format-text.js';
export { isWord, printDimensionName, printLayerStatement, quote } from './print.js';
export { applyEdits, removeStatement } from './edits.js';
export { LineIndex, type LinePosition } from './line-index.js';
export { nearest } from './nearest.js';
export { findOption, isDecision } from './statements.js';
export * from './vocabulary.js';
