import { describe, expect, it } from 'vitest';
import { parseArguments, usageOf, type ParsedArguments, type SubcommandSpecification } from './arguments.js';

const SPECIFICATION: SubcommandSpecification = {
  name: 'tune',
  arguments: 'PLAN',
  count: [1, 1],
  summary: 'Finds something.',
  shared: ['output', 'cache', 'target', 'threads'],
  options: {
    strategy: { type: 'string', value: 'greedy|bisect', help: 'how' },
    output: { type: 'string', short: 'o', value: 'OUT', help: 'where' },
    write: { type: 'boolean', help: 'edits the file' },
  },
};

function parse(line: string, specification = SPECIFICATION): ParsedArguments {
  return parseArguments(specification, line.split(' ').filter(Boolean));
}

/** A command line that is refused with status 2 and such a message. */
function checkRefused(
  line: string,
  message: RegExp,
  use: (parsed: ParsedArguments) => unknown = () => 0,
): void {
  let failure: unknown;
  try {
    use(parse(line));
  } catch (error) {
    failure = error;
  }
  expect(failure).toMatchObject({
    status: 2,
    code: 'usage',
    message: expect.stringMatching(message) as string,
  });
}

describe('a command line', () => {
  it('is read', () => {
    const parsed = parse('p.precision --strategy bisect -o x --write --threads 4 --json');
    expect(parsed).toMatchObject({ positionals: ['p.precision'], json: true, quiet: false, help: false });
    expect(parsed.choice('strategy', ['greedy', 'bisect'])).toBe('bisect');
    expect([parsed.text('output'), parsed.flag('write'), parsed.integer('threads', 1)]).toEqual([
      'x',
      true,
      4,
    ]);
  });

  it('has seeds from 0 on', () => {
    const specification: SubcommandSpecification = {
      ...SPECIFICATION,
      options: { seed: { type: 'string', value: 'N', help: 'of the probes' } },
    };
    expect(parse('p --seed 0', specification).seed('seed')).toBe(0);
    expect(parse('p --seed 12', specification).seed('seed')).toBe(12);
    expect(parse('p', specification).seed('seed')).toBeUndefined();
    expect(() => parse('p --seed=-1', specification).seed('seed')).toThrow(/an integer from 0 on, not "-1"/);
  });

  it('has its own values where an option is not given', () => {
    const parsed = parse('p.precision');
    expect(parsed.choice('strategy', ['greedy', 'bisect'])).toBe('greedy');
    expect([parsed.text('output'), parsed.flag('write'), parsed.integer('threads', 3)]).toEqual([
      undefined,
      false,
      3,
    ]);
  });

  it('takes a path that begins with a dash after two of them', () => {
    expect(parse('-- -p.precision').positionals).toEqual(['-p.precision']);
  });

  it('with an unknown option names the nearest', () => {
    checkRefused('p --strateggy greedy', /^tune has no option --strateggy; the nearest is --strategy$/);
    checkRefused('p --jsno', /the nearest is --json/);
    checkRefused('p --zzzzzzzzzzzz', /^tune has no option --zzzzzzzzzzzz$/);
    checkRefused('p -x', /^tune has no option -x/);
  });

  it('takes of the shared options those that it names, and no other', () => {
    const few: SubcommandSpecification = { ...SPECIFICATION, shared: ['cache'] };
    expect(parse('p --no-cache', few).flag('no-cache')).toBe(true);
    for (const option of ['--json', '--quiet', '--threads 4', '--target cpu']) {
      expect(() => parse(`p ${option}`, few)).toThrow(/^tune has no option --/);
    }
    expect(() => parse('p --cahce x', few)).toThrow(/the nearest is --cache$/);
    // The nearest of those that are no option here would be of no help.
    expect(() => parse('p --thread 4', few)).not.toThrow(/--threads/);
    expect(usageOf(few)).not.toMatch(/--(json|quiet|threads|target)/);
  });

  it('with too few or too many arguments says what is wanted', () => {
    checkRefused('', /wants PLAN/);
    checkRefused('a b', /wants PLAN/);
    expect(parse('--help').help).toBe(true);
  });

  it('with an option that lacks its value, or a value that does not fit', () => {
    checkRefused('p --strategy', /--strategy/);
    checkRefused('p --write=yes', /--write/);
    checkRefused('p --strategy fast', /--strategy is one of greedy, bisect, not "fast"/, (parsed) =>
      parsed.choice('strategy', ['greedy', 'bisect']),
    );
    for (const value of ['0', '1.5', 'x', '', '99999999999']) {
      checkRefused(`p --threads=${value}`, /--threads wants a positive integer/, (parsed) =>
        parsed.integer('threads', 1),
      );
    }
  });
});

describe('the store of results', () => {
  it('is in a folder or in none', () => {
    expect(parse('p --cache folder').text('cache')).toBe('folder');
    expect(parse('p --no-cache').flag('no-cache')).toBe(true);
    checkRefused('p --cache folder --no-cache', /exclude each other/);
    checkRefused('p --cache=', /--cache wants a folder/);
  });
});

describe('the usage text', () => {
  it('has every option, its own first', () => {
    const options = [...usageOf(SPECIFICATION).matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(
      ([, name]) => name,
    );
    expect(options).toEqual([
      ...['strategy', 'output', 'write'],
      ...['json', 'quiet', 'cache', 'no-cache', 'target', 'threads', 'help'],
    ]);
    expect(usageOf(SPECIFICATION)).toContain('-o, --output OUT');
  });
});
