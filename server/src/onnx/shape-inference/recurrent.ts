/** Shapes of RNN, GRU and LSTM. */
import { intAttribute, stringAttribute } from '../attributes.js';
import type { ShapeRule } from './rule.js';
import { forAll } from './rule.js';

/** Y, then the last hidden state and, of an LSTM, the last cell state; `layout` 1 has the batch in front. */
const recurrent: ShapeRule = ({ node, shape }) => {
  const input = shape(0);
  const batchFirst = intAttribute(node, 'layout', 0) !== 0;
  const [steps, batch] = batchFirst ? [input?.[1], input?.[0]] : [input?.[0], input?.[1]];
  const directions = stringAttribute(node, 'direction', 'forward') === 'bidirectional' ? 2 : 1;
  const hidden = intAttribute(node, 'hidden_size') ?? shape(2)?.[2];
  const state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  return [all, state, state];
};

export const recurrentRules = forAll(['RNN', 'GRU', 'LSTM'], recurrent);
