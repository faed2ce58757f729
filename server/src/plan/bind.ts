/**
 * A plan bound to its model: the one way from text to decisions for the editor, the command line and tests. Asks
 * `PlanFiles` for texts and models and is a function of what it answers. Runs nothing.
 */
import { fileDiagnostics, quote, type SyntaxTree } from '../language/index.js';
import { bindDecisions } from './decisions.js';
import { bindDimensions } from './dimensions.js';
import { diagnosticIn, gatherStatements, type PlanFile } from './documents.js';
import { bindInputs } from './inputs.js';
import { knowModel, withSizes } from './knowledge.js';
import { bindTargets } from './targets.js';
import { bindTolerances } from './tolerances.js';
import type { PlanFiles, TracedPlan, UnboundPlan } from './types.js';
import { readPostponedWishes } from './wishes.js';

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
export function bindPlan({ path, tree, files }: PlanSource): TracedPlan | UnboundPlan {
  const documents = gatherStatements(path, tree, files);
  const { statements } = documents;
  const { targets, objective, diagnostics: ofTargets } = bindTargets(statements, files.targetsAvailable);
  const ofFiles = [...fileDiagnostics(tree), ...documents.diagnostics, ...ofTargets];
  const plan: PlanFile = { path, tree, include: undefined };
  if (!documents.model) {
    const diagnostics = [...ofFiles, ...readPostponedWishes(statements)];
    return { path, model: undefined, modelPath: undefined, diagnostics };
  }
  const { statement, path: modelPath } = documents.model;
  const modelRange = statement.path?.range ?? statement.range;
  const opened = files.openModel(modelPath);
  if ('problem' in opened) {
    const { code, message, offset } = opened.problem;
    const where = offset === undefined ? '' : ` (at byte ${offset})`;
    const text = `${quote(statement.path?.value ?? '')}: ${message}${message.includes(`byte ${offset ?? ''}`) ? '' : where}`;
    const problem = diagnosticIn(plan, code, 'error', modelRange, text);
    return {
      path,
      model: undefined,
      modelPath,
      diagnostics: [...ofFiles, problem, ...readPostponedWishes(statements)],
    };
  }
  const { model } = opened;
  const dimensions = bindDimensions(model, statements);
  const knowledge = withSizes(knowModel(model), dimensions.sizes);
  const decided = bindDecisions(knowledge, statements);
  const place = { file: plan, range: modelRange, statementRange: statement.range };
  const fed = bindInputs(knowledge, statements, dimensions.sizes, place);
  const judged = bindTolerances(knowledge, statements, dimensions.sizes);
  return {
    path,
    model,
    modelPath,
    layers: knowledge.layers,
    roles: knowledge.roles,
    decisions: decided.decisions,
    statements: decided.statements,
    inputs: fed.inputs,
    dims: dimensions.sizes,
    targets,
    objective,
    tolerances: judged.tolerances,
    diagnostics: [
      ...ofFiles,
      ...dimensions.diagnostics,
      ...fed.diagnostics,
      ...judged.diagnostics,
      ...decided.diagnostics,
    ],
  };
}
