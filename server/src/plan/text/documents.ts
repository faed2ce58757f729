/**
 * A plan and the fragments that it includes, as one row of statements: each where its `include` stands. Finds
 * what is wrong with the files themselves. Knows no model.
 */
import { dirname, relative, resolve } from 'node:path';
import {
  parse,
  quote,
  type Diagnostic,
  type Fix,
  type IncludeStatement,
  type ModelStatement,
  type Severity,
  type Statement,
  type SyntaxTree,
  type TextRange,
} from '../../language/index.js';
import type { PlanFiles } from '../types.js';

export interface PlanFile {
  readonly path: string;
  readonly tree: SyntaxTree;
  /** The plan's own `include` through which this file comes; undefined for the plan itself. */
  readonly include: IncludeStatement | undefined;
}

/** A statement with the file that it is in. */
export interface Placed<Kind extends Statement = Statement> {
  readonly statement: Kind;
  readonly file: PlanFile;
}

export interface PlanDocuments {
  readonly statements: readonly Placed[];
  /** The statement that names the model, and its absolute path. */
  readonly model: { readonly statement: ModelStatement; readonly path: string } | undefined;
  /** Of the files, the syntax included. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Fragments that include fragments twice over can grow without bound; real plans include a handful. */
const MOST_INCLUDES = 500;

/** A diagnostic in one of a plan's files: `path` is set where that is not the plan itself. */
export function diagnosticIn(
  file: PlanFile,
  code: string,
  severity: Severity,
  range: TextRange,
  message: string,
  extra: { readonly fixes?: readonly Fix[]; readonly unnecessary?: boolean } = {},
): Diagnostic {
  return {
    code,
    severity,
    range,
    message,
    ...(extra.fixes === undefined || extra.fixes.length === 0 ? {} : { fixes: extra.fixes }),
    ...(extra.unnecessary === true ? { unnecessary: true } : {}),
    ...(file.include ? { path: file.path } : {}),
  };
}

export function gatherStatements(path: string, tree: SyntaxTree, files: PlanFiles): PlanDocuments {
  const diagnostics: Diagnostic[] = [];
  const statements: Placed[] = [];
  const trees = new Map<string, SyntaxTree | undefined>();
  const complained = new Set<string>();
  let includes = 0;

  const treeOf = (fragment: string): SyntaxTree | undefined => {
    if (!trees.has(fragment)) {
      const text = files.readText(fragment);
      trees.set(fragment, text === undefined ? undefined : parse(text));
    }
    return trees.get(fragment);
  };
  const complain = (file: PlanFile, code: string, range: TextRange, message: string): void => {
    // A fragment that is included twice has its faults once.
    const key = `${file.path}\0${code}\0${range.start}`;
    if (!complained.has(key)) {
      complained.add(key);
      diagnostics.push(diagnosticIn(file, code, 'error', range, message));
    }
  };
  const include = (file: PlanFile, statement: IncludeStatement, chain: readonly string[]): void => {
    if (!statement.path) {
      return;
    }
    const { range, value } = statement.path;
    const target = resolve(dirname(file.path), value);
    if (chain.includes(target)) {
      const circle = [...chain.slice(chain.indexOf(target)), target].map((member) =>
        quote(relative(dirname(path), member)),
      );
      complain(
        file,
        'include-cycle',
        range,
        `This file includes itself: ${circle.join(' → ')}. It is left out here.`,
      );
      return;
    }
    includes += 1;
    if (includes > MOST_INCLUDES) {
      complain(
        file,
        'include-cycle',
        range,
        `More than ${MOST_INCLUDES} files are included; this one is left out.`,
      );
      return;
    }
    const included = treeOf(target);
    if (!included) {
      complain(
        file,
        'include-missing',
        range,
        `There is no file ${quote(value)} beside this one (looked for ${target}).`,
      );
      return;
    }
    walk({ path: target, tree: included, include: file.include ?? statement }, [...chain, target]);
  };
  const walk = (file: PlanFile, chain: readonly string[]): void => {
    if (file.include && !complained.has(file.path)) {
      complained.add(file.path);
      diagnostics.push(...file.tree.diagnostics.map((diagnostic) => ({ ...diagnostic, path: file.path })));
    }
    for (const statement of file.tree.statements) {
      if (statement.kind === 'include') {
        include(file, statement, chain);
      } else if (statement.kind === 'model' && file.include) {
        const message =
          'A file that is included names no model: the plan that includes it does. Remove this statement.';
        complain(file, 'syntax', statement.range, message);
      } else {
        statements.push({ statement, file });
      }
    }
  };
  walk({ path, tree, include: undefined }, [path]);

  const model = tree.statements.find(
    (statement) => statement.kind === 'model' && statement.path !== undefined,
  );
  return {
    statements,
    model:
      model?.kind === 'model' && model.path
        ? { statement: model, path: resolve(dirname(path), model.path.value) }
        : undefined,
    diagnostics,
  };
}
