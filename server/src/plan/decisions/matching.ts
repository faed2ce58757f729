/**
 * Which layers a decision statement names, and what is wrong with what it names. Knows nothing of formats, nor of
 * which statement wins.
 */
import {
  nearest,
  quote,
  type BetweenStatement,
  type DecisionStatement,
  type Diagnostic,
  type Fix,
  type LayersMatchingStatement,
  type LayersStatement,
  type LayerStatement,
  type OpStatement,
  type StringLiteral,
  type TextRange,
  type Word,
} from '../../language/index.js';
import { operatorSchema } from '../../onnx/index.js';
import type { Automaton } from '../patterns/automaton.js';
import { diagnosticIn, type Placed, type PlanFile } from '../text/documents.js';
import { compileGlob, SCOPE_SEPARATOR, type Glob } from '../patterns/glob.js';
import { remember, type ModelKnowledge } from '../knowledge.js';
import { complainOfName, layerNamed, type NameFixes, type NameHelp } from './layer-names.js';
import { readOperatorType } from '../model/operators.js';
import { nodesBetween } from '../model/paths.js';
import { compileRegex } from '../patterns/regex.js';
import { removeItem, removeStatement } from '../text/removal.js';
import { modelScopes } from '../model/scopes.js';
import { counted, listOf } from '../text/wording.js';

export interface Matches {
  /** Indexes of layers, each once, in graph order. A `default` matches every layer and has none here. */
  readonly layers: readonly number[];
  readonly diagnostics: readonly Diagnostic[];
}

const NO_DIAGNOSTICS: readonly Diagnostic[] = [];

/** The layers that a statement names in a model. */
export function matchStatement(
  knowledge: ModelKnowledge,
  { statement, file }: Placed<DecisionStatement>,
  help: NameHelp,
): Matches {
  switch (statement.kind) {
    case 'default':
      return { layers: [], diagnostics: [] };
    case 'layer':
      return matchNames(knowledge, statement, file, help);
    case 'layers':
      return matchGlobs(knowledge, statement, file);
    case 'layers matching':
      return matchExpressions(knowledge, statement, file);
    case 'op':
      return matchOperators(knowledge, statement, file);
    case 'between':
      return matchPaths(knowledge, statement, file, help);
  }
}

function matchNames(
  knowledge: ModelKnowledge,
  statement: LayerStatement,
  file: PlanFile,
  help: NameHelp,
): Matches {
  const { names } = statement;
  const layers = names.map((name) => layerNamed(knowledge, name.value, help));
  const found = layers.filter((layer) => layer !== undefined);
  if (found.length === names.length) {
    return { layers: found.length > 1 ? inOrder(found) : found, diagnostics: NO_DIAGNOSTICS };
  }
  const diagnostics = names.flatMap((name, position) => {
    const fixes: NameFixes = {
      remove: () => [removeItem(file.tree, statement, names, position)],
      usePattern: () => [replacing(statement.keyword.range, 'layers', 'Use `layers`')],
    };
    return layers[position] === undefined ? [complainOfName(knowledge, name, file, fixes, help)] : [];
  });
  return { layers: inOrder(found), diagnostics };
}

function matchGlobs(knowledge: ModelKnowledge, statement: LayersStatement, file: PlanFile): Matches {
  const { globs } = statement;
  return matchEach(globs, (glob, position) => {
    const layers = remember(knowledge.memory.layers, `glob ${glob.value}`, () => {
      const compiled = compileGlob(glob.value);
      return compiled ? layersLike(knowledge, compiled) : [];
    });
    return {
      layers,
      diagnostics:
        layers.length > 0
          ? NO_DIAGNOSTICS
          : noMatch(knowledge, glob, file, compileGlob(glob.value), () => [
              ...withSlash(knowledge, glob),
              removeItem(file.tree, statement, globs, position, 'pattern'),
            ]),
    };
  });
}

function matchExpressions(
  knowledge: ModelKnowledge,
  statement: LayersMatchingStatement,
  file: PlanFile,
): Matches {
  const { patterns } = statement;
  return matchEach(patterns, (pattern, position) => {
    const known = knowledge.memory.layers.get(`regex ${pattern.value}`);
    if (known && known.length > 0) {
      return { layers: known, diagnostics: [] };
    }
    const compiled = compileRegex(pattern.value);
    if (compiled.kind === 'invalid') {
      // The reader of the text has said so already.
      return { layers: [], diagnostics: [] };
    }
    if (compiled.kind === 'unsupported') {
      const message = `${capitalized(compiled.what)} cannot be matched in bounded time: this pattern matches nothing, and the layers that it is meant for stay as the rest of the plan says. Write it without, or name the layers.`;
      return {
        layers: [],
        diagnostics: [diagnosticIn(file, 'regex-timeout', 'error', pattern.range, message)],
      };
    }
    const { automaton } = compiled;
    const layers = remember(knowledge.memory.layers, `regex ${pattern.value}`, () =>
      layersLike(knowledge, {
        matches: (name) => automaton.matches(name.replaceAll(SCOPE_SEPARATOR, ' > ')),
        prefix: '',
      }),
    );
    return {
      layers,
      diagnostics:
        layers.length > 0
          ? NO_DIAGNOSTICS
          : noMatch(knowledge, pattern, file, automaton, () => [
              removeItem(file.tree, statement, patterns, position, 'pattern'),
            ]),
    };
  });
}

function matchOperators(knowledge: ModelKnowledge, statement: OpStatement, file: PlanFile): Matches {
  const { types } = statement;
  return matchEach(types, (type, position) => {
    const remove = (): readonly Fix[] => [removeItem(file.tree, statement, types, position, 'operator')];
    const { domain, opType } = readOperatorType(type.text);
    const present = knowledge.operators.get(domain === '' ? opType : `${domain}.${opType}`);
    if (present && present.layers.length > 0) {
      return { layers: present.layers, diagnostics: [] };
    }
    if (present) {
      const message = `None of the ${counted(present.nodes, `${opType} node`)} of the model is a layer: they only move values, compute shapes or derive from constants.`;
      return { layers: [], diagnostics: warnNoMatch(file, type.range, message, remove) };
    }
    if (operatorSchema(domain, opType, Infinity)) {
      return {
        layers: [],
        diagnostics: warnNoMatch(file, type.range, `The model has no ${type.text} node.`, remove),
      };
    }
    return { layers: [], diagnostics: [unknownOperator(knowledge, type, file)] };
  });
}

function matchPaths(
  knowledge: ModelKnowledge,
  statement: BetweenStatement,
  file: PlanFile,
  help: NameHelp,
): Matches {
  const { from, to } = statement;
  if (!from || !to) {
    return { layers: [], diagnostics: [] };
  }
  const fixes: NameFixes = {
    remove: () => [{ title: 'Remove this statement', edits: [removeStatement(file.tree, statement)] }],
    usePattern: () => [],
  };
  const first = layerNamed(knowledge, from.value, help);
  const last = layerNamed(knowledge, to.value, help);
  if (first === undefined || last === undefined) {
    const wrong = [...(first === undefined ? [from] : []), ...(last === undefined ? [to] : [])];
    return {
      layers: [],
      diagnostics: wrong.map((name) => complainOfName(knowledge, name, file, fixes, help)),
    };
  }
  const layers = layersBetween(knowledge, first, last);
  if (layers.length > 0) {
    return { layers, diagnostics: [] };
  }
  const isReversed = layersBetween(knowledge, last, first).length > 0;
  const message = isReversed
    ? `No path leads from ${quote(from.value)} to ${quote(to.value)}, but one leads back: this decides nothing.`
    : `No path leads from ${quote(from.value)} to ${quote(to.value)}: this decides nothing.`;
  const swap: Fix = {
    title: 'Swap the ends',
    edits: [
      { range: from.range, newText: quote(to.value) },
      { range: to.range, newText: quote(from.value) },
    ],
  };
  const range = { start: from.range.start, end: to.range.end };
  return {
    layers: [],
    diagnostics: [
      diagnosticIn(file, 'no-path', 'warning', range, message, {
        fixes: isReversed ? [swap] : fixes.remove(),
      }),
    ],
  };
}

function layersBetween(knowledge: ModelKnowledge, first: number, last: number): readonly number[] {
  const nodeOf = (layer: number): number => knowledge.layers[layer]?.nodeIndex ?? -1;
  return remember(knowledge.memory.layers, `between ${first} ${last}`, () =>
    inOrder(
      nodesBetween(modelScopes(knowledge.model), nodeOf(first), nodeOf(last))
        .map((node) => knowledge.layerOfNode[node] ?? -1)
        .filter((layer) => layer >= 0),
    ),
  );
}

/** Matches each item of a list; a diagnostic of one item leaves the others as they are. */
function matchEach<Item>(items: readonly Item[], match: (item: Item, position: number) => Matches): Matches {
  const each = items.map(match);
  const [only] = each;
  if (only && each.length === 1) {
    return only;
  }
  return {
    layers: inOrder(each.flatMap((matches) => matches.layers)),
    diagnostics: each.flatMap((matches) => matches.diagnostics),
  };
}

/** Looks only at the names that begin with the prefix: they stand together in the sorted list. */
function layersLike(knowledge: ModelKnowledge, pattern: Glob): readonly number[] {
  const { layers, sortedByName, names } = knowledge;
  const nameAt = (position: number): string =>
    names.addresses[layers[sortedByName[position] ?? -1]?.nodeIndex ?? -1] ?? '';
  let low = 0;
  let high = sortedByName.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nameAt(middle) < pattern.prefix) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const found: number[] = [];
  for (let position = low; position < sortedByName.length; position += 1) {
    const name = nameAt(position);
    if (!name.startsWith(pattern.prefix)) {
      break;
    }
    if (pattern.matches(name)) {
      found.push(sortedByName[position] ?? 0);
    }
  }
  return found.sort((a, b) => a - b);
}

function noMatch(
  knowledge: ModelKnowledge,
  pattern: StringLiteral,
  file: PlanFile,
  compiled: Automaton | undefined,
  fixes: () => readonly Fix[],
): readonly Diagnostic[] {
  const others = knowledge.names.addresses.filter((name) => compiled?.matches(name)).length;
  const but =
    others === 0 ? '' : `, only ${counted(others, 'node')} that ${others === 1 ? 'is' : 'are'} no layer`;
  const message = `${quote(pattern.value)} matches no layer of the model${but}.`;
  return warnNoMatch(file, pattern.range, message, fixes);
}

/** A leading `/` of a name has to be matched, and is easily left out. */
function withSlash(knowledge: ModelKnowledge, glob: StringLiteral): readonly Fix[] {
  const other = `/${glob.value}`;
  const compiled = compileGlob(other);
  if (compiled === undefined || layersLike(knowledge, compiled).length === 0) return [];
  return [replacing(glob.range, quote(other), `Change to ${quote(other)}`)];
}

/** In a fragment nothing is said: it serves other plans too, where it may match. */
function warnNoMatch(
  file: PlanFile,
  range: TextRange,
  message: string,
  fixes: () => readonly Fix[],
): readonly Diagnostic[] {
  return file.include ? [] : [diagnosticIn(file, 'no-match', 'warning', range, message, { fixes: fixes() })];
}

function unknownOperator(knowledge: ModelKnowledge, type: Word, file: PlanFile): Diagnostic {
  const near = nearest(type.text, knowledge.operators.keys(), 3);
  const hint =
    near.length === 0
      ? ''
      : ` Did you mean ${listOf(
          near.map((name) => `\`${name}\``),
          'or',
        )}?`;
  const message = `The model has no \`${type.text}\` node, and no operator of that name is known.${hint}`;
  const fixes = near.map((name) => replacing(type.range, name, `Change to \`${name}\``));
  return diagnosticIn(file, 'unknown-op', 'error', type.range, message, { fixes });
}

function replacing(range: TextRange, newText: string, title: string): Fix {
  return { title, edits: [{ range, newText }] };
}

function inOrder(layers: readonly number[]): readonly number[] {
  return [...new Set(layers)].sort((a, b) => a - b);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
