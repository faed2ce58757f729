/**
 * A plan bound to its model: the one way from text to decisions for the editor, the command line and tests. Asks
 * `PlanFiles` for texts and models and is a function of what it answers. Runs nothing.
 */
import { basename } from 'node:path';
import {
  fileDiagnostics,
  quote,
  type Diagnostic,
  type SyntaxTree,
  type TextRange,
} from '../../language/index.js';
import { drawsRandomNumbers, finish, type Steps } from '../../onnx/index.js';
import { decisionSteps } from '../decisions/decisions.js';
import { bindDimensions } from './dimensions.js';
import { diagnosticIn, gatherStatements, type PlanFile } from '../text/documents.js';
import { bindInputs } from './inputs.js';
import { knowModelSteps, withSizes } from '../knowledge.js';
import { bindLatencySources } from './latency-sources.js';
import { lockPath } from '../lock/layer-lock.js';
import { movedNamesSteps, type MovedNames } from '../lock/moved-layers.js';
import { bindStates } from './states.js';
import { withTargetSums } from '../decisions/target-sums.js';
import { bindTargets } from './targets.js';
import { bindLabels } from './labels.js';
import { bindOwnMetrics } from './own-metrics.js';
import { namedNodeDiagnostics } from './named-nodes.js';
import { bindTolerances } from './tolerances.js';
import { counted, layerName, someOf } from '../text/wording.js';
import type { Layer, PlanFiles, TracedPlan, UnboundPlan } from '../types.js';

export interface PlanSource {
  /** Absolute path of the plan: what is relative in it is relative to its folder. */
  readonly path: string;
  readonly tree: SyntaxTree;
  readonly files: PlanFiles;
}

/**
 * Binds a plan. `diagnostics` holds all there are: of the text, of included files (with their path) and of the model.
 * Statements with errors are left out; all the others count.
 */
export function bindPlan(source: PlanSource): TracedPlan | UnboundPlan {
  return finish(bindPlanSteps(source));
}

/** The same a little at a time, for whoever serves others meanwhile: the files must stay as they are until the end. */
export function* bindPlanSteps({ path, tree, files }: PlanSource): Steps<TracedPlan | UnboundPlan> {
  const documents = gatherStatements(path, tree, files);
  yield;
  const { statements } = documents;
  const bound = bindTargets(statements, files.findTarget);
  const { targets, objective, accumulate, diagnostics: ofTargets } = bound;
  const readText = (file: string): string | undefined => files.readText(file);
  const latencies = bindLatencySources(statements, readText);
  const own = bindOwnMetrics(statements, readText);
  const ofFiles = [
    ...fileDiagnostics(tree),
    ...documents.diagnostics,
    ...ofTargets,
    ...latencies.diagnostics,
    ...own.diagnostics,
  ];
  const plan: PlanFile = { path, tree, include: undefined };
  if (!documents.model) {
    return { path, model: undefined, modelPath: undefined, diagnostics: ofFiles };
  }
  const { statement, path: modelPath } = documents.model;
  const modelRange = statement.path?.range ?? statement.range;
  const opened = files.openModel(modelPath);
  if ('problem' in opened) {
    const { code, message, offset } = opened.problem;
    const where = offset === undefined ? '' : ` (at byte ${offset})`;
    const text = `${quote(statement.path?.value ?? '')}: ${message}${message.includes(`byte ${offset ?? ''}`) ? '' : where}`;
    const problem = diagnosticIn(plan, code, 'error', modelRange, text);
    return { path, model: undefined, modelPath, diagnostics: [...ofFiles, problem] };
  }
  const { model } = opened;
  const dimensions = bindDimensions(model, statements);
  const knowledge = yield* withSizes(yield* knowModelSteps(model), dimensions.sizes);
  const moved = yield* movedNamesSteps(knowledge, statements, files.readText(lockPath(path)));
  const decided = yield* decisionSteps(knowledge, statements, moved, accumulate);
  yield;
  const place = { file: plan, range: modelRange, statementRange: statement.range };
  const carried = bindStates(knowledge, statements);
  const fed = bindInputs(knowledge, statements, dimensions.sizes, carried.states, place);
  yield;
  const judged = bindTolerances(knowledge, statements, dimensions.sizes, own.metrics);
  yield;
  const whole: TracedPlan = {
    path,
    model,
    modelPath,
    layers: knowledge.layers,
    roles: knowledge.roles,
    decisions: decided.decisions,
    statements: decided.statements,
    inputs: fed.inputs,
    dims: dimensions.sizes,
    labels: bindLabels(statements),
    ownMetrics: own.metrics,
    targets,
    latencySources: latencies.sources,
    unreadLatencies: latencies.unread,
    objective,
    accumulate,
    statedSums: decided.statedSums,
    tolerances: judged.tolerances,
    diagnostics: [
      ...ofFiles,
      ...namedNodeDiagnostics(knowledge, statements),
      ...dimensions.diagnostics,
      ...carried.diagnostics,
      ...fed.diagnostics,
      ...judged.diagnostics,
      ...decided.diagnostics,
      ...lockDiagnostics(moved, plan, modelRange),
      ...randomDiagnostics(knowledge.layers, plan, modelRange),
    ],
  };
  return files.findTarget === undefined ? whole : withTargetSums(whole, files.findTarget);
}

/** Layers that are not in the tables of single layers, since their error would be that of other draws. */
function randomDiagnostics(
  layers: readonly Layer[],
  plan: PlanFile,
  range: TextRange,
): readonly Diagnostic[] {
  const names = layers.filter(({ node }) => drawsRandomNumbers(node)).map(layerName);
  if (names.length === 0) return [];
  const [what, them] = names.length === 1 ? ['draws', 'it is'] : ['draw', 'they are'];
  const message = `${counted(names.length, 'layer')} (${someOf(names)}) ${what} random numbers: a seed makes runs repeatable here, and ${them} in no table of single layers.`;
  return [diagnosticIn(plan, 'random-numbers', 'information', range, message)];
}

/** A lock that cannot be read is not passed over: without it nobody sees that names have come to mean other layers. */
function lockDiagnostics({ problem }: MovedNames, plan: PlanFile, range: TextRange): readonly Diagnostic[] {
  if (problem === undefined) return [];
  const name = basename(lockPath(plan.path));
  const message = `${quote(name)}, by which moved layers are found again, cannot be read: ${problem}. Take back the last version of it, or delete it: it is written again when the plan is saved.`;
  return [diagnosticIn(plan, 'lock-unreadable', 'warning', range, message)];
}
