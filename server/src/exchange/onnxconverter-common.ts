/**
 * `float16.convert_float_to_float16` of onnxconverter-common: the keyword arguments `op_block_list` and `node_block_list`.
 * An operator or a node listed stays FP32; everything else becomes FP16.
 */
import type { TracedPlan } from '../plan/index.js';
import { blockList, decideByList } from './block-list.js';
import type { Exported, ExchangeKind, Imported, ImportProblem } from './kind.js';
import { fieldOf, jsonText, readObject, textsOf } from './read-json.js';

/** What it blocks where `op_block_list` is left out (1.14 to 1.17). */
const DEFAULT_OPERATORS = [
  'ArrayFeatureExtractor',
  'Binarizer',
  'CastMap',
  'CategoryMapper',
  'DictVectorizer',
  'FeatureVectorizer',
  'Imputer',
  'LabelEncoder',
  'LinearClassifier',
  'LinearRegressor',
  'Normalizer',
  'OneHotEncoder',
  'SVMClassifier',
  'SVMRegressor',
  'Scaler',
  'TreeEnsembleClassifier',
  'TreeEnsembleRegressor',
  'ZipMap',
  'NonMaxSuppression',
  'TopK',
  'RoiAlign',
  'Resize',
  'Range',
  'CumSum',
  'Min',
  'Max',
  'Upsample',
];

export const onnxconverterCommon: ExchangeKind = {
  name: 'onnxconverter-common',
  summary: 'op_block_list and node_block_list of convert_float_to_float16, as JSON keyword arguments',
  exported: (plan): Exported => {
    const { operators, nodes, losses } = blockList(plan, { low: ['fp16'], subgraphs: true });
    return {
      // Left out, the first would be the tool's own list; graph inputs and outputs keep their types, as ours do.
      text: jsonText({ op_block_list: operators, node_block_list: nodes, keep_io_types: true }),
      losses,
    };
  },
  imported: { from: 'text', read },
};

function read(plan: TracedPlan, text: string): Imported | ImportProblem {
  const read = readObject(text);
  if ('problem' in read) return read;
  const { object } = read;
  const nodes = textsOf(object, 'node_block_list');
  const operators = textsOf(object, 'op_block_list');
  const given = fieldOf(object, 'op_block_list') ?? fieldOf(object, 'node_block_list');
  if (nodes === undefined || operators === undefined || given === undefined) {
    return { problem: 'This holds no lists of texts named `op_block_list` and `node_block_list`.' };
  }
  const isDefault = (fieldOf(object, 'op_block_list') ?? undefined) === undefined;
  const blocked = new Set(isDefault ? DEFAULT_OPERATORS : operators);
  const names = new Set(nodes);
  return decideByList(plan, {
    low: 'fp16',
    keeps: ({ node }) => blocked.has(node.opType) || names.has(node.name),
    nodes,
  });
}
