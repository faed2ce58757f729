/** The process of the `onnx-precision` command: its arguments, its streams, Ctrl-C. No logic. */
import { runCommand } from './run.js';

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
