/** `format PLAN... [--check]`: the formatter. A plan is written anew only where its text changes, all or nothing. */
import { resolve } from 'node:path';
import { formatText } from '../language/index.js';
import { replaceFile } from '../work/index.js';
import { readPlanText } from './load.js';
import { EXIT, type ExitStatus } from './exit-status.js';
import type { Subcommand } from './subcommand.js';
import { resultOf } from './work-failure.js';

export const format: Subcommand = {
  specification: {
    name: 'format',
    arguments: 'PLAN...',
    count: [1, Number.POSITIVE_INFINITY],
    summary: 'Formats plans in place: order and comments stay, one space between words.',
    shared: ['output'],
    options: { check: { type: 'boolean', help: 'change nothing; status 1 where a plan is not formatted' } },
  },
  run: async ({ parsed, output }): Promise<ExitStatus> => {
    const files = parsed.positionals.map((path) => {
      const text = readPlanText(resolve(path));
      return { path, text, formatted: formatText(text) };
    });
    const changed = files.filter((file) => file.text !== file.formatted);
    const check = parsed.flag('check');
    for (const file of changed) {
      if (!check) resultOf(await replaceFile(resolve(file.path), file.formatted));
      output.line(`${file.path}: ${check ? 'not formatted' : 'formatted'}`);
    }
    output.document({ changed: changed.map((file) => file.path), written: !check });
    return check && changed.length > 0 ? EXIT.short : EXIT.holds;
  },
};
