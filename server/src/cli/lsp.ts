/** `lsp --stdio`: the language server, for any editor that speaks the protocol. */
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { cacheFolder } from './result-store.js';
import type { Subcommand } from './subcommand.js';

export const lsp: Subcommand = {
  specification: {
    name: 'lsp',
    arguments: '--stdio',
    count: [0, 0],
    summary: 'The language server, spoken to over standard input and output. Ends when the editor does.',
    shared: ['cache'],
    options: { stdio: { type: 'boolean', help: 'the only way to speak to it; has to be given' } },
  },
  run: async ({ parsed, signal }): Promise<ExitStatus> => {
    if (!parsed.flag('stdio')) throw new CommandFailure(EXIT.usage, 'usage', 'lsp wants --stdio');
    // Loaded when it is wanted: no other subcommand is to wait for it.
    const { serveStdio } = await import('../stdio.js');
    return await serveStdio(signal, { cacheFolder: cacheFolder(parsed) });
  },
};
