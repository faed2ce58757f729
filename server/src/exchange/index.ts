/** Decisions of a plan in the languages of other tools, and back. */
import { autocast } from './autocast.js';
import { coremltools } from './coremltools.js';
import type { ExchangeKind } from './kind.js';
import { mixedModel } from './mixed-model.js';
import { modelExplorer } from './model-explorer.js';
import { onnxconverterCommon } from './onnxconverter-common.js';
import { plainJson } from './plain-json.js';
import { tensorrt } from './tensorrt.js';

export type { ExchangeKind, Exported, Imported, ImportedDecision, ImportProblem, Loss } from './kind.js';
export { layersInMixed, type LayersInMixed } from './mixed-model.js';
export { intoPlan, type PlanWithImport } from './into-plan.js';

/** In the order in which help lists them. */
export const EXCHANGE_KINDS: readonly ExchangeKind[] = [
  onnxconverterCommon,
  tensorrt,
  autocast,
  coremltools,
  modelExplorer,
  mixedModel,
  plainJson,
];
