/**
 * Runs one command line and gives its exit status. All failures end here, as one message: on standard error for
 * people, as a document with `--json`. Knows no process: streams, signal and the start of the runtime are given.
 */
import { RuntimeFailure, startCompute, type Runtime } from '../analysis/index.js';
import { nearest } from '../language/index.js';
import { analyze } from './analyze.js';
import { parseArguments, usageOf } from './arguments.js';
import { bench } from './bench.js';
import { check } from './check.js';
import { convert } from './convert.js';
import { diagnosticLine } from './diagnostics.js';
import { exchange } from './exchange.js';
import { CommandFailure, EXIT, type ExitStatus } from './exit-status.js';
import { format } from './format.js';
import { init } from './init.js';
import { inspect } from './inspect.js';
import { lsp } from './lsp.js';
import { Output, type Streams } from './output.js';
import type { Subcommand } from './subcommand.js';
import { predict } from './predict.js';
import { targets } from './targets.js';
import { tune } from './tune.js';
import { verify } from './verify.js';
import { VERSION } from '../work/index.js';

const SUBCOMMANDS: readonly Subcommand[] = [
  init,
  inspect,
  check,
  analyze,
  predict,
  tune,
  convert,
  verify,
  bench,
  targets,
  format,
  exchange,
  lsp,
];

/** Runs `words` (without the program's name). Never rejects. */
export async function runCommand(
  words: readonly string[],
  streams: Streams,
  signal: AbortSignal,
  startRuntime: () => Runtime = startCompute,
): Promise<ExitStatus> {
  const [name, ...rest] = words;
  if (name === '--version') {
    streams.out.write(`${VERSION}\n`);
    return EXIT.holds;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? streams.error : streams.out).write(overview());
    return name === undefined ? EXIT.usage : EXIT.holds;
  }
  // Wherever it stands: who asks for JSON gets it for a wrong command line, too.
  const json = words.includes('--json');
  const output = new Output(streams, { json, quiet: words.includes('--quiet') });
  try {
    const subcommand = SUBCOMMANDS.find((one) => one.specification.name === name);
    if (subcommand === undefined) throw unknownSubcommand(name);
    const parsed = parseArguments(subcommand.specification, rest);
    if (parsed.help) {
      streams.out.write(usageOf(subcommand.specification));
      return EXIT.holds;
    }
    return await subcommand.run({ parsed, output, signal, startRuntime });
  } catch (error) {
    return reportFailure(error, output, signal);
  } finally {
    output.end();
  }
}

/** Prints what went wrong as one message and gives the status for it. */
export function reportFailure(error: unknown, output: Output, signal: AbortSignal): ExitStatus {
  const { status, code, message, path, diagnostics } = describe(error, signal);
  const first = diagnostics.find((one) => one.severity === 'error');
  const place = {
    ...(path === undefined ? {} : { path }),
    ...(first === undefined ? {} : { range: first.range }),
  };
  output.document({ error: { code, message, ...place } });
  if (diagnostics.length > 0) {
    for (const one of diagnostics) output.problem(diagnosticLine(one, process.cwd()));
  } else {
    output.problem(`${path === undefined ? '' : `${path}: `}error ${code}: ${message}`);
  }
  return status;
}

function describe(error: unknown, signal: AbortSignal): CommandFailure {
  if (signal.aborted) return new CommandFailure(EXIT.interrupted, 'interrupted', 'interrupted');
  if (error instanceof CommandFailure) return error;
  if (error instanceof RuntimeFailure) {
    return new CommandFailure(EXIT.runtimeFailed, `runtime-${error.kind}`, error.message);
  }
  // A bug of ours: its place is what a report needs.
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandFailure(
    EXIT.runtimeFailed,
    'internal',
    `this is a fault of onnx-precision itself: ${stack}`,
  );
}

function unknownSubcommand(name: string): CommandFailure {
  const names = SUBCOMMANDS.map((one) => one.specification.name);
  const [closest] = nearest(name, names, 1);
  const hint = closest === undefined ? '' : `; the nearest is \`${closest}\``;
  return new CommandFailure(EXIT.usage, 'usage', `there is no subcommand \`${name}\`${hint}`);
}

function overview(): string {
  const lines = SUBCOMMANDS.map(({ specification }) => {
    const form = `${specification.name} ${specification.arguments}`;
    const [firstSentence = ''] = specification.summary.split(/\.(?:\s|$)/);
    return `  ${form.padEnd(28)}${firstSentence}`;
  });
  return [
    'onnx-precision SUBCOMMAND ... [options]',
    '',
    ...lines,
    '',
    '`SUBCOMMAND --help` tells more.',
    '',
  ].join('\n');
}
