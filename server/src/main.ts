/**
 * The language server's own process: `dist/server.js`, with `--stdio`, or with `--node-ipc` as VS Code starts it. The
 * command loads the same file to serve from its own process.
 */
import { createConnection } from 'vscode-languageserver/node';
import { connectStreams } from './connect-streams.js';
import { startServer } from './server.js';

export { serveStdio } from './stdio.js';

if (require.main === module) {
  startServer(process.argv.includes('--stdio') ? connectStreams() : createConnection());
}
