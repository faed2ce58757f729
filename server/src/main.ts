/** The language server's own process: `dist/server.js`, with `--stdio`, or with `--node-ipc` as VS Code starts it. */
import { createConnection } from 'vscode-languageserver/node';
import { startServer } from './server.js';

startServer(createConnection());
