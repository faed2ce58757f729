/**
 * Property tests draw the same cases in every run, so that a run says something about a change and not about luck. Others are
 * drawn with SEED in the environment: a number, or `random`.
 */
import { env } from 'node:process';
import fc from 'fast-check';

const FIXED_SEED = 20_261_122;

const wanted = env['SEED'];
if (wanted !== 'random') fc.configureGlobal({ seed: wanted === undefined ? FIXED_SEED : Number(wanted) });
