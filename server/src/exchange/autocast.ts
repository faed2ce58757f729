/**
 * AutoCast of NVIDIA's Model Optimizer: `nodes_to_exclude` and its kin, as keyword arguments of `convert_to_mixed_precision`.
 * Names are Python's regular expressions, matched from the beginning of a name. A node that an `include` matches is
 * converted whatever excludes it.
 */
import { compileRegex, type Layer, type TracedPlan } from '../plan/index.js';
import { blockList, decideByList } from './block-list.js';
import type { ExchangeKind, Exported, Imported, ImportProblem, Loss } from './kind.js';
import { fieldOf, jsonText, readObject, textsOf } from './read-json.js';

export const autocast: ExchangeKind = {
  name: 'autocast',
  summary: "nodes_to_exclude and op_types_to_exclude of ModelOpt's AutoCast, as JSON keyword arguments",
  exported: (plan): Exported => {
    const { low, operators, nodes, losses } = blockList(plan, { low: ['fp16', 'bf16'], subgraphs: false });
    return {
      text: jsonText({
        low_precision_type: low,
        nodes_to_exclude: nodes.map((name) => `^${escaped(name)}$`),
        op_types_to_exclude: operators,
        keep_io_types: true,
      }),
      losses: [...losses, OWN_RULES],
    };
  },
  imported: { from: 'text', read },
};

const OWN_RULES: Loss = {
  code: 'own-rules',
  message:
    'AutoCast also keeps nodes in FP32 by rules of its own: weights beyond `init_max`, values beyond `data_max`.',
  layers: [],
};

function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

type Matcher = (name: string) => boolean;

function read(plan: TracedPlan, text: string): Imported | ImportProblem {
  const read = readObject(text);
  if ('problem' in read) return read;
  const { object } = read;
  const [nodes, types, included, includedTypes] = [
    textsOf(object, 'nodes_to_exclude'),
    textsOf(object, 'op_types_to_exclude'),
    textsOf(object, 'nodes_to_include'),
    textsOf(object, 'op_types_to_include'),
  ];
  const lists = ['nodes_to_exclude', 'op_types_to_exclude', 'nodes_to_include', 'op_types_to_include'];
  if (
    nodes === undefined ||
    types === undefined ||
    included === undefined ||
    includedTypes === undefined ||
    lists.every((name) => fieldOf(object, name) === undefined)
  ) {
    return { problem: `This holds no list of texts named ${lists.map((name) => `\`${name}\``).join(', ')}.` };
  }
  const excludes = matcherOf(nodes);
  const includes = matcherOf(included);
  if (typeof excludes !== 'function') return excludes;
  if (typeof includes !== 'function') return includes;
  const keeps = ({ node }: Layer): boolean =>
    (excludes(node.name) || types.includes(node.opType)) &&
    !(includes(node.name) || includedTypes.includes(node.opType));
  const low = fieldOf(object, 'low_precision_type') === 'bf16' ? 'bf16' : 'fp16';
  const decided = decideByList(plan, { low, keeps, nodes: [] });
  const idle = nodes.filter((pattern) => {
    const matches = matcherOf([pattern]);
    return typeof matches === 'function' && !plan.model.graph.nodes.some(({ name }) => matches(name));
  });
  return {
    decisions: decided.decisions,
    losses: [OWN_RULES, ...(idle.length === 0 ? [] : [idlePatterns(idle)])],
  };
}

function idlePatterns(patterns: readonly string[]): Loss {
  const some = patterns.slice(0, 5).map((pattern) => JSON.stringify(pattern));
  const more = patterns.length > some.length ? ` and ${patterns.length - some.length} more` : '';
  return { code: 'unknown-node', message: `No node is matched by ${some.join(', ')}${more}.`, layers: [] };
}

/** Whether one of the patterns matches the beginning of a name. */
function matcherOf(patterns: readonly string[]): Matcher | ImportProblem {
  const matchers: Matcher[] = [];
  for (const pattern of patterns) {
    const compiled = compileRegex(`(?:${fromPython(pattern)})[^]*`);
    if (compiled.kind !== 'automaton') {
      const why = compiled.kind === 'invalid' ? compiled.message : `${compiled.what} cannot be matched here`;
      return { problem: `The pattern ${JSON.stringify(pattern)} cannot be read: ${why}.` };
    }
    matchers.push((name) => compiled.automaton.matches(name));
  }
  return (name) => matchers.some((matches) => matches(name));
}

/** What Python writes otherwise than ECMAScript: the ends of a text, and escapes of what needs none. */
function fromPython(pattern: string): string {
  return pattern.replace(/\\(.)/gsu, (whole, escape: string) => {
    if (escape === 'A') return '^';
    if (escape === 'Z') return '$';
    return /[\w^$\\.*+?()[\]{}|/-]/u.test(escape) ? whole : escape;
  });
}
