/** `check PLAN...`: every diagnostic that needs no inference, and those that stored results allow. */
import { checkPlan, targetsHere, writeLock } from '../work/index.js';
import { diagnosticForm, writeDiagnostics } from './diagnostic-form.js';
import { placeDiagnostics, type PlacedDiagnostic } from './diagnostics.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import { loadPlan } from './load.js';
import { resultStore } from './result-store.js';
import type { Subcommand } from './subcommand.js';
import { resultOf } from './work-failure.js';

export const check: Subcommand = {
  specification: {
    name: 'check',
    arguments: 'PLAN...',
    count: [1, Number.POSITIVE_INFINITY],
    summary:
      'Prints every diagnostic that needs no inference, and what was measured before. Status 1 where there is an error.',
    shared: ['output', 'cache'],
    options: {
      format: { type: 'string', value: 'text|sarif|github', help: 'how diagnostics are written' },
      lock: {
        type: 'boolean',
        help: 'write the lock, by which layers are found again after a new export, where the names are right',
      },
    },
  },
  run: async ({ parsed, output, signal, startRuntime }): Promise<ExitStatus> => {
    const form = diagnosticForm(parsed);
    const runtime = startRuntime();
    const store = resultStore(parsed, output);
    const placed: PlacedDiagnostic[] = [];
    try {
      for (const path of parsed.positionals) {
        const loaded = loadPlan(path);
        const here = await targetsHere(loaded.plan, { runtime, signal });
        const { path: absolute, text, tree, plan } = here === undefined ? loaded : loadPlan(path, here);
        const found = await checkPlan(tree, plan, { signal, store, runtime });
        placed.push(...placeDiagnostics(absolute, text, found));
        if (parsed.flag('lock') && plan.model !== undefined) resultOf(await writeLock(plan));
      }
    } finally {
      await store?.close();
      await runtime.dispose();
    }
    writeDiagnostics(form, placed, output);
    output.document({ diagnostics: placed });
    return placed.some((one) => one.severity === 'error') ? EXIT.short : EXIT.holds;
  },
};
