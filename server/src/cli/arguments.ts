/**
 * The command line: which options each subcommand takes, and its usage text. Wrong usage is a message and a
 * status, never a stack.
 */
import { parseArgs } from 'node:util';
import { nearest, TARGETS } from '../language/index.js';
import { CommandFailure, EXIT } from './exit-status.js';

interface OptionSpecification {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for the value in the usage text. */
  readonly value?: string;
  readonly help: string;
}

export interface SubcommandSpecification {
  readonly name: string;
  readonly arguments: string;
  /** Fewest and most positional arguments. */
  readonly count: readonly [number, number];
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionSpecification>>;
  /** Options that mean the same wherever they mean something; where they mean nothing they are wrong usage. */
  readonly shared: readonly SharedOptions[];
}

/** `output`: something is printed. `cache`: results are found and kept. `target`: models are run. `threads`: and timed as they are. */
export type SharedOptions = 'output' | 'cache' | 'target' | 'threads';

const SHARED: Readonly<Record<SharedOptions, SubcommandSpecification['options']>> = {
  output: {
    json: { type: 'boolean', help: 'one JSON document on standard output (schemas in docs/schemas)' },
    quiet: { type: 'boolean', help: 'no progress and no remarks' },
  },
  cache: {
    cache: {
      type: 'string',
      value: 'DIR',
      help: "where results are kept (default: the user's folder for caches)",
    },
    'no-cache': { type: 'boolean', help: 'measure everything anew and keep nothing' },
  },
  target: {
    target: { type: 'string', value: 'NAME', help: "the execution provider, instead of the plan's" },
  },
  threads: {
    threads: { type: 'string', value: 'N', help: 'threads of the executed model (default: cores less one)' },
  },
};

const HELP: SubcommandSpecification['options'] = {
  help: { type: 'boolean', short: 'h', help: 'this text' },
};

/** All options of a subcommand, its own first. */
function optionsOf({ options, shared }: SubcommandSpecification): SubcommandSpecification['options'] {
  return Object.fromEntries(
    [options, ...shared.map((group) => SHARED[group]), HELP].flatMap((group) => Object.entries(group)),
  );
}

export interface ParsedArguments {
  readonly positionals: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly help: boolean;
  text(name: string): string | undefined;
  flag(name: string): boolean;
  /** A positive integer, or `otherwise` where the option is not given. */
  integer(name: string, otherwise: number): number;
  /** A seed, from 0 on; undefined where the option is not given. */
  seed(name: string): number | undefined;
  /** One of `choices`, the first of them where the option is not given. */
  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T;
}

/** Parses what follows the subcommand's name; throws a `CommandFailure` on wrong usage. */
export function parseArguments(
  specification: SubcommandSpecification,
  words: readonly string[],
): ParsedArguments {
  const options = optionsOf(specification);
  const usage = (message: string): CommandFailure => new CommandFailure(EXIT.usage, 'usage', message);
  let parsed;
  try {
    parsed = parseArgs({
      args: [...words],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, short }]) => [
          name,
          short === undefined ? { type } : { type, short },
        ]),
      ),
    });
  } catch (error) {
    throw usage(explain(error, Object.keys(options), specification.name));
  }
  const { positionals } = parsed;
  const values = new Map(Object.entries(parsed.values));
  const help = values.get('help') === true;
  const [fewest, most] = specification.count;
  if (!help && (positionals.length < fewest || positionals.length > most)) {
    throw usage(`wants ${specification.arguments}; see \`onnx-precision ${specification.name} --help\``);
  }
  if (values.get('no-cache') === true && values.has('cache')) {
    throw usage('--cache and --no-cache exclude each other');
  }
  if (values.get('cache') === '') throw usage('--cache wants a folder');
  const target = values.get('target');
  if (typeof target === 'string' && !TARGETS.some(({ name }) => name === target)) {
    throw usage(`--target is one of ${TARGETS.map(({ name }) => name).join(', ')}, not "${target}"`);
  }
  const text = (name: string): string | undefined => {
    const value = values.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    positionals,
    json: values.get('json') === true,
    quiet: values.get('quiet') === true,
    help,
    text,
    flag: (name) => values.get(name) === true,
    integer: (name, otherwise) => {
      const value = text(name);
      if (value === undefined) return otherwise;
      if (!/^[1-9]\d{0,8}$/.test(value)) throw usage(`--${name} wants a positive integer, not "${value}"`);
      return Number(value);
    },
    seed: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      if (!/^\d{1,9}$/.test(value)) throw usage(`--${name} wants an integer from 0 on, not "${value}"`);
      return Number(value);
    },
    choice: (name, choices) => {
      const value = text(name);
      if (value === undefined) return choices[0];
      const found = choices.find((choice) => choice === value);
      if (found === undefined) throw usage(`--${name} is one of ${choices.join(', ')}, not "${value}"`);
      return found;
    },
  };
}

/** The usage text of a subcommand. */
export function usageOf(specification: SubcommandSpecification): string {
  const forms = Object.entries(optionsOf(specification)).map(([name, option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    return {
      form: `${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`,
      help: option.help,
    };
  });
  const width = Math.max(...forms.map(({ form }) => form.length)) + 2;
  const options = forms.map(({ form, help }) => `  ${form.padEnd(width)}${help}`);
  const head = `onnx-precision ${specification.name} ${specification.arguments} [options]`;
  return [head, '', specification.summary, '', ...options, ''].join('\n');
}

function explain(error: unknown, names: readonly string[], subcommand: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /Unknown option '(-+)([^']*)'/.exec(message);
  if (unknown !== null) {
    const [closest] = nearest(unknown[2] ?? '', names, 1);
    const hint = closest === undefined ? '' : `; the nearest is --${closest}`;
    return `${subcommand} has no option ${unknown[1] ?? ''}${unknown[2] ?? ''}${hint}`;
  }
  return message.split('\n')[0] ?? message;
}
