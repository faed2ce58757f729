/** `check PLAN...`: every diagnostic that needs no inference. */
import { placeDiagnostics, diagnosticLine, githubLines, sarifLog } from './diagnostics.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan } from './load.js';
import type { Subcommand } from './subcommand.js';
import { VERSION } from './version.js';

export const check: Subcommand = {
  specification: {
    name: 'check',
    arguments: 'PLAN...',
    count: [1, Number.POSITIVE_INFINITY],
    summary: 'Prints every diagnostic that needs no inference. Status 1 where there is an error.',
    options: {
      format: { type: 'string', value: 'text|sarif|github', help: 'how diagnostics are written' },
    },
  },
  run: ({ parsed, output }): Promise<ExitStatus> => {
    const form = parsed.choice('format', ['text', 'sarif', 'github']);
    const placed = parsed.positionals.flatMap((path) => {
      const { path: absolute, text, plan } = loadPlan(path);
      return placeDiagnostics(absolute, text, plan.diagnostics);
    });
    const folder = process.cwd();
    switch (form) {
      case 'sarif':
        output.raw(`${JSON.stringify(sarifLog(placed, folder, VERSION), null, 2)}\n`);
        break;
      case 'github':
        for (const line of githubLines(placed, folder)) output.raw(`${line}\n`);
        break;
      case 'text':
        for (const one of placed) if (!parsed.json) output.problem(diagnosticLine(one, folder));
        output.document({ diagnostics: placed });
    }
    return Promise.resolve(placed.some((one) => one.severity === 'error') ? EXIT.short : EXIT.holds);
  },
};
