/** The process of the `onnx-precision` command: its arguments, its streams, Ctrl-C. No logic. */
import { compileLater } from '../work/index.js';
import { runCommand } from './run.js';

if (process.argv[2] !== 'lsp') compileLater();

// Whoever reads the output may stop reading, as `head` does: then there is nobody to write for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // The second one does not wait for anything.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort();
});
process.on('SIGTERM', () => {
  interrupt.abort();
});

void runCommand(process.argv.slice(2), { out: process.stdout, error: process.stderr }, interrupt.signal).then(
  (status) => {
    process.exitCode = status;
  },
);
