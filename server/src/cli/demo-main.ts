/** The process of `npm run demo`. No logic. */
import { resolve } from 'node:path';
import { compileLater } from '../work/index.js';
import { runDemo } from './demo.js';
import { Output } from './output.js';
import { reportFailure } from './run.js';

compileLater();
const interrupt = new AbortController();
process.on('SIGINT', () => {
  interrupt.abort();
});
const output = new Output({ out: process.stdout, error: process.stderr }, { json: false, quiet: false });

void runDemo(resolve(__dirname, '..'), output, interrupt.signal).catch((error: unknown) => {
  process.exitCode = reportFailure(error, output, interrupt.signal);
});
