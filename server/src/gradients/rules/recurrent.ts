/** Rules for LSTM, GRU and RNN; the cells have files of their own. */
import type { VjpRules } from '../rule.js';
import { gru } from './gru.js';
import { lstm } from './lstm.js';
import { rnn } from './rnn.js';

export const recurrentRules: VjpRules = { GRU: gru, LSTM: lstm, RNN: rnn };
