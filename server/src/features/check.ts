/**
 * The diagnostics of an open plan and where the editor shows them. What stands in an included file is shown on the
 * statement that includes it, with a link to the place: each document has the diagnostics of its own plan, so that an
 * editor that asks for one document gets all of them, and two plans that include one file do not disturb each other.
 */
import { dirname, resolve } from 'node:path';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  type Diagnostic,
  fileDiagnostics,
  parse,
  type SyntaxTree,
  type TextRange,
} from '../language/index.js';
import { NOTHING_KNOWN, type PlanNumbers } from '../analysis/index.js';
import { finish, type Steps } from '../onnx/index.js';
import type { PlanFiles } from '../plan/index.js';
import { uriOfPath } from './document-path.js';
import { type Finding, findingSteps } from './finding.js';
import type { OpenPlan } from './open-plan.js';

/** A diagnostic with the document that its ranges and fixes are about. */
export interface PlacedDiagnostic {
  readonly diagnostic: Diagnostic;
  /** The plan itself, or the included file. */
  readonly document: TextDocument;
  /** Where the plan shows it. */
  readonly shownAt: TextRange;
  /** For a finding of the analysis: the layers that it is about, those that matter most first. */
  readonly layers: readonly string[];
  /** The format in which they run where the finding is followed. */
  readonly runIn: Finding['runIn'];
}

/** What is said of a diagnostic that is about no layers. */
const NO_LAYERS = { layers: [], runIn: 'fp32' } as const;
type About = Pick<PlacedDiagnostic, 'layers' | 'runIn'>;

/** Everything that a plan's text, its included files and its model's structure show, and what analysis found. */
export function checkPlan(open: OpenPlan, numbers: PlanNumbers = NOTHING_KNOWN): readonly PlacedDiagnostic[] {
  return finish(checkPlanSteps(open, numbers));
}

/** The same a little at a time. */
export function* checkPlanSteps(
  { document, files, path, tree, bound, plan }: OpenPlan,
  numbers: PlanNumbers,
): Steps<readonly PlacedDiagnostic[]> {
  if (path === undefined || bound === undefined) {
    return fileDiagnostics(tree).map((diagnostic) => inPlan(document, diagnostic, NO_LAYERS));
  }
  const includes = new IncludedDocuments(tree, path, files);
  const place = (diagnostic: Diagnostic, about: About): PlacedDiagnostic => {
    if (diagnostic.path === undefined || diagnostic.path === path) return inPlan(document, diagnostic, about);
    return {
      diagnostic,
      document: includes.document(diagnostic.path),
      shownAt: includes.statement(diagnostic.path),
      ...about,
    };
  };
  const findings = plan === undefined ? [] : yield* findingSteps(plan, numbers);
  yield;
  return [
    ...bound.diagnostics.map((diagnostic) => place(diagnostic, NO_LAYERS)),
    ...findings.map(({ diagnostic, layers, runIn }) => place(diagnostic, { layers, runIn })),
  ];
}

function inPlan(document: TextDocument, diagnostic: Diagnostic, about: About): PlacedDiagnostic {
  return { diagnostic, document, shownAt: diagnostic.range, ...about };
}

/** The files that a plan includes, found only when a diagnostic needs them. */
class IncludedDocuments {
  private readonly documents = new Map<string, TextDocument>();

  constructor(
    private readonly tree: SyntaxTree,
    private readonly path: string,
    private readonly files: PlanFiles,
  ) {}

  document(file: string): TextDocument {
    let document = this.documents.get(file);
    if (document === undefined) {
      document = TextDocument.create(uriOfPath(file), 'onnx-precision', 0, this.files.readText(file) ?? '');
      this.documents.set(file, document);
    }
    return document;
  }

  /** The range of the plan's `include` through which a file comes in, directly or not. */
  statement(file: string): TextRange {
    for (const { included, range } of includesOf(this.tree, this.path)) {
      if (this.reaches(included, file, new Set())) return range;
    }
    return { start: 0, end: 0 };
  }

  private reaches(from: string, file: string, seen: Set<string>): boolean {
    if (from === file) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return includesOf(parse(this.document(from).getText()), from).some(({ included }) => {
      return this.reaches(included, file, seen);
    });
  }
}

function includesOf(
  tree: SyntaxTree,
  path: string,
): { readonly included: string; readonly range: TextRange }[] {
  return tree.statements.flatMap((statement) => {
    if (statement.kind !== 'include' || statement.path === undefined) return [];
    return [{ included: resolve(dirname(path), statement.path.value), range: statement.path.range }];
  });
}
