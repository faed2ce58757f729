/** The language server over this process's standard streams, as any editor starts it. */
import { connectStreams } from './connect-streams.js';
import { startServer, type ServerOptions } from './server.js';

/**
 * Serves standard input and output for the rest of this process: the client ends it by `exit` (status 0 after `shutdown`,
 * otherwise 1) or by closing the input, `signal` by being aborted (130). Nothing else may write to standard output.
 */
export function serveStdio(signal: AbortSignal, options: ServerOptions): Promise<never> {
  const connection = connectStreams();
  const end = (): void => {
    process.exit(130);
  };
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  startServer(connection, options);
  return new Promise<never>(() => undefined);
}
