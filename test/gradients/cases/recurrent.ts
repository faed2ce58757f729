/** Cases for LSTM, GRU and RNN: directions, initial states, lengths stored and fed, peepholes, which outputs are read. */
import type { GradientCase } from '../gradient-case.js';
import { nodeCase, type NodeCase } from './node-case.js';

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Cell = keyof typeof GATES;
const [STEPS, BATCH, INPUTS, HIDDEN] = [4, 3, 2, 3];
const STORED = 'int32[3] = 2 4 1';

interface Parts {
  readonly steps?: number;
  readonly hasBias?: boolean;
  readonly lengths?: string;
  readonly hasStates?: boolean;
  readonly hasPeepholes?: boolean;
  readonly attributes?: NodeCase['attributes'];
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

function recurrent(operator: Cell, direction: string, parts: Parts): GradientCase {
  const directions = direction === 'bidirectional' ? 2 : 1;
  const rows = GATES[operator] * HIDDEN;
  const state = `float[${directions},${BATCH},${HIDDEN}]`;
  const inputs = [
    `float[${parts.steps ?? STEPS},${BATCH},${INPUTS}]`,
    `float[${directions},${rows},${INPUTS}]`,
    `float[${directions},${rows},${HIDDEN}]`,
    parts.hasBias === false ? '' : `float[${directions},${2 * rows}]`,
    parts.lengths ?? '',
    ...(parts.hasStates === true ? (operator === 'LSTM' ? [state, state] : [state]) : []),
    ...(parts.hasPeepholes === true ? [`float[${directions},${3 * HIDDEN}]`] : []),
  ];
  return nodeCase({
    operator,
    ...(parts.opset === undefined ? {} : { opset: parts.opset }),
    inputs,
    attributes: { hidden_size: HIDDEN, direction, ...parts.attributes },
    outputs: parts.outputs ?? (operator === 'LSTM' ? ['y', 'last', 'cell'] : ['y', 'last']),
    // There are no LSTM and GRU in FP64.
    isSingleOnly: true,
    // The runtime's own sigmoid and tangent are approximations.
    step: 0.02,
  });
}

const DIRECTIONS = ['forward', 'reverse', 'bidirectional'];
const CELLS: readonly Cell[] = ['LSTM', 'GRU', 'RNN'];

const common = DIRECTIONS.flatMap((direction) =>
  CELLS.flatMap((cell) => [
    recurrent(cell, direction, { hasBias: false, outputs: ['y'] }),
    recurrent(cell, direction, { hasStates: true, opset: 7 }),
    recurrent(cell, direction, { hasStates: true, opset: 18 }),
    recurrent(cell, direction, { outputs: ['', 'last'] }),
    recurrent(cell, direction, { lengths: STORED, hasStates: true }),
    recurrent(cell, direction, { lengths: 'int32[3] = 4', hasStates: true }),
    recurrent(cell, direction, { steps: 1, hasStates: true }),
  ]),
);

const own = DIRECTIONS.flatMap((direction) => [
  recurrent('GRU', direction, { hasStates: true, attributes: { linear_before_reset: 1 } }),
  recurrent('GRU', direction, { hasStates: true, lengths: STORED, attributes: { linear_before_reset: 1 } }),
  recurrent('LSTM', direction, { hasStates: true, hasPeepholes: true }),
  recurrent('LSTM', direction, { hasStates: true, hasPeepholes: true, lengths: STORED }),
  recurrent('LSTM', direction, { hasStates: true, attributes: { input_forget: 1 } }),
  recurrent('LSTM', direction, { hasStates: true, hasPeepholes: true, attributes: { input_forget: 1 } }),
  recurrent('LSTM', direction, { outputs: ['[y]', '', 'cell'] }),
]);

const activations = [
  recurrent('LSTM', 'bidirectional', {
    attributes: { activations: { strings: ['Sigmoid', 'Sigmoid', 'Tanh', 'sigmoid', 'tanh', 'Sigmoid'] } },
  }),
  recurrent('GRU', 'forward', { attributes: { activations: { strings: ['Tanh', 'Sigmoid'] } } }),
  recurrent('RNN', 'reverse', { attributes: { activations: { strings: ['Sigmoid'] } } }),
];

/** Lengths that are only known in the run; the runtime takes them as INT32, the texts of cases feed INT64. */
const fed: readonly GradientCase[] = DIRECTIONS.map((direction) => {
  const directions = direction === 'bidirectional' ? 2 : 1;
  return {
    operator: 'GRU',
    text: `
      input x: float[4,3,2]
      input w: float[${directions},9,2]
      input r: float[${directions},9,3]
      input n: int64[3]
      lengths = Cast(n) {"to": 6}
      y, h = GRU(x, w, r, , lengths) {"hidden_size": 3, "direction": "${direction}"}
      output y: float
      output h: float`,
    values: { n: [2, 3, 1] },
    isSingleOnly: true,
    step: 0.02,
  };
});

export const recurrentCases: readonly GradientCase[] = [...common, ...own, ...activations, ...fed];
