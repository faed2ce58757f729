/**
 * Options of targets that name nodes of the model, which ONNX Runtime passes over in silence where there are none: a node that was to
 * stay on the CPU then runs on the device. Knows names; no decisions.
 */
import {
  findOption,
  nearest,
  quote,
  type Diagnostic,
  type Fix,
  type StringLiteral,
} from '../../language/index.js';
import type { ModelKnowledge } from '../knowledge.js';
import { modelScopes } from '../model/scopes.js';
import { diagnosticIn, type PlanFile, type Placed } from '../text/documents.js';
import { listOf } from '../text/wording.js';

/** WebGPU's: these nodes run on the CPU. It compares them with what nodes are called in the file, whatever layers are called here. */
const NAMING_NODES = 'forceCpuNodeNames';
const OF_TARGET = 'webgpu';

/** Each takes a search through all names of the model. */
const MOST_SUGGESTIONS = 8;

export function namedNodeDiagnostics(
  knowledge: ModelKnowledge,
  placed: readonly Placed[],
): readonly Diagnostic[] {
  const written = placed.flatMap(({ statement, file }) => {
    if (statement.kind !== 'target' || statement.name?.text !== OF_TARGET) return [];
    const value = findOption(statement, NAMING_NODES)?.value;
    const items = value?.kind === 'list' ? value.items : [];
    return items.flatMap((item) => (item.kind === 'string' ? [{ name: item, file }] : []));
  });
  if (written.length === 0) return [];
  const { nodes } = modelScopes(knowledge.model);
  const names = new Set(nodes.map(({ node }) => node.name).filter((name) => name !== ''));
  return written
    .filter(({ name }) => !names.has(name.value))
    .map(({ name, file }, index) =>
      unknownNode(knowledge, index < MOST_SUGGESTIONS ? names : [], name, file),
    );
}

function unknownNode(
  { names, model }: ModelKnowledge,
  known: Iterable<string>,
  { value, range }: StringLiteral,
  file: PlanFile,
): Diagnostic {
  const thing = names.find(value);
  const complain = (message: string, ways: readonly string[]): Diagnostic => {
    const fixes = ways.map((way): Fix => ({
      title: `Change to ${quote(way)}`,
      edits: [{ range, newText: quote(way) }],
    }));
    return diagnosticIn(file, 'unknown-node', 'error', range, message, { fixes });
  };
  if (thing.kind === 'node') {
    const own = modelScopes(model).nodes[thing.node]?.node.name ?? '';
    return own === ''
      ? complain(
          `The node ${quote(value)} has no name in the model, and ${NAMING_NODES} goes by names: it would not be kept on the CPU. Give it a name in the model.`,
          [],
        )
      : complain(`${quote(value)} is called ${quote(own)} in the model, which ${NAMING_NODES} goes by.`, [
          own,
        ]);
  }
  const near = nearest(value, known, 3);
  const hint = near.length === 0 ? '' : ` Did you mean ${listOf(near.map(quote), 'or')}?`;
  return complain(`The model has no node ${quote(value)}: nothing would be kept on the CPU.${hint}`, near);
}
