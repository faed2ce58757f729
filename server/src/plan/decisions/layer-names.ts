/**
 * The exact names of `layer` and `between`: which layer each means, and what to write instead of one that means
 * none. Knows one name at a time.
 */
import {
  nearest,
  quote,
  type Diagnostic,
  type Fix,
  type Severity,
  type StringLiteral,
} from '../../language/index.js';
import { diagnosticIn, type PlanFile } from '../text/documents.js';
import { hasGlobCharacters } from '../patterns/glob.js';
import { remember, type ModelKnowledge } from '../knowledge.js';
import type { MovedNames } from '../lock/moved-layers.js';
import { writeName } from '../model/node-names.js';
import { modelScopes } from '../model/scopes.js';
import type { NodeRole } from '../types.js';
import { listOf, someOf } from '../text/wording.js';

/** What is known of a plan's names beyond the model's. */
export interface NameHelp {
  /**
   * How many names may still get suggestions: each takes a search through all layers, and after a new export of the
   * model every name may be unknown.
   */
  suggestionsLeft: number;
  readonly moved: MovedNames;
}

/** Ways out that depend on the statement that the name stands in. */
export interface NameFixes {
  /** Takes the name away. */
  readonly remove: () => readonly Fix[];
  /** Reads the name as a pattern. */
  readonly usePattern: () => readonly Fix[];
}

/** The layer that a name means, by its index; undefined where it means none, or another one than the plan meant by it. */
export function layerNamed(
  knowledge: ModelKnowledge,
  written: string,
  { moved }: NameHelp,
): number | undefined {
  if (moved.moveOf(written) !== undefined) return undefined;
  const thing = knowledge.names.find(written);
  const layer = thing.kind === 'node' ? (knowledge.layerOfNode[thing.node] ?? -1) : -1;
  return layer < 0 ? undefined : layer;
}

/** What is wrong with a name that means no layer. */
export function complainOfName(
  knowledge: ModelKnowledge,
  name: StringLiteral,
  file: PlanFile,
  fixes: NameFixes,
  help: NameHelp,
): Diagnostic {
  const complain = (code: string, severity: Severity, message: string, ways: readonly Fix[]): Diagnostic =>
    diagnosticIn(file, code, severity, name.range, message, { fixes: ways });
  const move = help.moved.moveOf(name.value);
  if (move !== undefined) return help.moved.complain(name, move, file);
  const thing = knowledge.names.find(name.value);
  switch (thing.kind) {
    case 'node': {
      const opType = modelScopes(knowledge.model).nodes[thing.node]?.node.opType ?? '';
      const why = WHY_NOT_LAYER[knowledge.roles[thing.node] ?? 'constant'];
      const message = `${quote(name.value)} (${opType}) is not a layer: ${why}.`;
      return complain('not-a-layer', 'error', message, fixes.remove());
    }
    case 'ambiguous': {
      const written = thing.addresses.map(writeName);
      const message = `${thing.addresses.length} nodes are named ${quote(name.value)}. Name each by its first output: ${someOf(written.map(quote))}.`;
      return complain('ambiguous-layer', 'error', message, written.slice(0, 3).map(replacing(name)));
    }
    case 'inside': {
      const message = `${quote(name.value)} is inside something that is not looked into, since nobody knows what goes in and out: it stays as it is in the model (\`original\`).`;
      return complain('not-yet-analysed', 'information', message, []);
    }
    case 'output': {
      const written = writeName(thing.address);
      const message = `${quote(name.value)} is what the node ${quote(written)} writes; a layer goes by the name of its node.`;
      return complain('unknown-layer', 'error', message, [replacing(name)(written)]);
    }
    case 'unknown': {
      const { hint, ways } = explainUnknown(knowledge, name, fixes, help);
      return complain('unknown-layer', 'error', `The model has no layer ${quote(name.value)}.${hint}`, ways);
    }
  }
}

const WHY_NOT_LAYER: Readonly<Record<NodeRole, string>> = {
  layer: 'it is not in the graph',
  movement: 'it only moves or copies values, and takes the format of its neighbours that needs fewest casts',
  constant: 'it derives from constants alone, so its value is known before the model runs',
  shape: 'it computes shapes, which keep the type that they have',
  integer: 'it works on integers or truth values, which have no floating-point format',
  container: 'what it holds or calls has layers of its own, and it computes nothing itself',
};

function explainUnknown(
  knowledge: ModelKnowledge,
  name: StringLiteral,
  fixes: NameFixes,
  help: NameHelp,
): { hint: string; ways: readonly Fix[] } {
  const escaped = writeName(name.value);
  if (escaped !== name.value && knowledge.names.find(escaped).kind === 'node') {
    return {
      hint: ` ${quote(' > ')} leads into a sub-graph; in the name of a node it is written ${quote(' \\> ')}.`,
      ways: [replacing(name)(escaped)],
    };
  }
  if (hasGlobCharacters(name.value)) {
    return {
      hint: ' `layer` takes exact names: to match by pattern, use `layers`.',
      ways: fixes.usePattern(),
    };
  }
  if (help.suggestionsLeft <= 0) {
    return { hint: '', ways: [] };
  }
  help.suggestionsLeft -= 1;
  const near = remember(knowledge.memory.nearest, name.value, () =>
    nearest(
      name.value,
      knowledge.layers.map((layer) => layer.name),
      3,
    ),
  );
  return {
    hint: near.length === 0 ? '' : ` Did you mean ${listOf(near.map(quote), 'or')}?`,
    ways: near.map(replacing(name)),
  };
}

function replacing(name: StringLiteral): (written: string) => Fix {
  return (written) => ({
    title: `Change to ${quote(written)}`,
    edits: [{ range: name.range, newText: quote(written) }],
  });
}
