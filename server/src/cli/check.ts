/** `check PLAN...`: every diagnostic that needs no inference. */
import { diagnosticForm, writeDiagnostics } from './diagnostic-form.js';
import { placeDiagnostics, type PlacedDiagnostic } from './diagnostics.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan } from './load.js';
import { readSamples } from './samples.js';
import type { Subcommand } from './subcommand.js';

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
  run: async ({ parsed, output, signal }): Promise<ExitStatus> => {
    const form = diagnosticForm(parsed);
    const placed: PlacedDiagnostic[] = [];
    for (const path of parsed.positionals) {
      const { path: absolute, text, plan } = loadPlan(path);
      const ofSamples = plan.model === undefined ? [] : (await readSamples(plan, signal)).diagnostics;
      placed.push(...placeDiagnostics(absolute, text, [...plan.diagnostics, ...ofSamples]));
    }
    writeDiagnostics(form, placed, output);
    output.document({ diagnostics: placed });
    return placed.some((one) => one.severity === 'error') ? EXIT.short : EXIT.holds;
  },
};
