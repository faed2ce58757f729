/**
 * Patterns over names, matched in time linear in name times pattern: a Thompson construction run on sets of
 * states, so that no pattern can make the server wait. Globs and regular expressions are both written in these
 * few pieces. Knows nothing of layers.
 */

/** A pattern that has to match the whole name. */
export type Pattern =
  /** One code point. */
  | { readonly kind: 'test'; readonly test: (codePoint: number) => boolean }
  | { readonly kind: 'sequence'; readonly items: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly items: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly item: Pattern; readonly min: number; readonly max: number }
  /** Takes no code point; sees the one before and the one after. */
  | {
      readonly kind: 'assert';
      readonly holds: (before: number | undefined, after: number | undefined) => boolean;
    };

type Instruction =
  | { readonly kind: 'test'; readonly test: (codePoint: number) => boolean }
  | {
      readonly kind: 'assert';
      readonly holds: (before: number | undefined, after: number | undefined) => boolean;
    }
  | { readonly kind: 'fork'; targets: number[] }
  | { readonly kind: 'accept' };

export interface Automaton {
  matches(name: string): boolean;
}

/** `a{1000}{1000}` is legal and a million states: beyond this many a pattern is refused. */
const LARGEST_PROGRAM = 20_000;

/** The matcher of a pattern, or undefined where it would have too many states. */
export function compilePattern(pattern: Pattern): Automaton | undefined {
  const program: Instruction[] = [];
  if (!emit(pattern, program)) {
    return undefined;
  }
  program.push({ kind: 'accept' });
  return { matches: (name) => run(program, name) };
}

/** Appends the instructions of a pattern; what follows the last of them is what comes after the pattern. */
function emit(pattern: Pattern, program: Instruction[]): boolean {
  if (program.length > LARGEST_PROGRAM) {
    return false;
  }
  switch (pattern.kind) {
    case 'test':
    case 'assert':
      program.push(pattern);
      return true;
    case 'sequence':
      return pattern.items.every((item) => emit(item, program));
    case 'choice':
      return emitChoice(pattern.items, program);
    case 'repeat':
      return emitRepeat(pattern.item, pattern.min, pattern.max, program);
  }
}

function emitChoice(items: readonly Pattern[], program: Instruction[]): boolean {
  const fork = { kind: 'fork' as const, targets: [] as number[] };
  const exits: { targets: number[] }[] = [];
  program.push(fork);
  for (const item of items) {
    fork.targets.push(program.length);
    if (!emit(item, program)) {
      return false;
    }
    const exit = { kind: 'fork' as const, targets: [] as number[] };
    exits.push(exit);
    program.push(exit);
  }
  for (const exit of exits) {
    exit.targets.push(program.length);
  }
  return true;
}

function emitRepeat(item: Pattern, min: number, max: number, program: Instruction[]): boolean {
  for (let count = 0; count < min; count += 1) {
    if (!emit(item, program)) {
      return false;
    }
  }
  if (max === Infinity) {
    const fork = { kind: 'fork' as const, targets: [program.length + 1] };
    const start = program.length;
    program.push(fork);
    if (!emit(item, program)) {
      return false;
    }
    program.push({ kind: 'fork', targets: [start] });
    fork.targets.push(program.length);
    return true;
  }
  const exits: { targets: number[] }[] = [];
  for (let count = min; count < max; count += 1) {
    const fork = { kind: 'fork' as const, targets: [program.length + 1] };
    exits.push(fork);
    program.push(fork);
    if (!emit(item, program)) {
      return false;
    }
  }
  for (const exit of exits) {
    exit.targets.push(program.length);
  }
  return true;
}

function run(program: readonly Instruction[], name: string): boolean {
  const current: number[] = [];
  let next: number[] = [];
  /** By instruction: the position at which it was last reached, so that none is entered twice. */
  const reached = new Int32Array(program.length).fill(-1);
  const stack: number[] = [];
  let before: number | undefined;
  let offset = 0;
  next.push(0);
  for (let position = 0; ; position += 1) {
    const codePoint = name.codePointAt(offset);
    current.length = 0;
    let accepted = false;
    for (let index = next.length - 1; index >= 0; index -= 1) {
      stack.push(next[index] ?? 0);
    }
    while (stack.length > 0) {
      const state = stack.pop() ?? 0;
      if (reached[state] === position) {
        continue;
      }
      reached[state] = position;
      const instruction = program[state];
      if (instruction === undefined) {
        continue;
      }
      if (instruction.kind === 'test') {
        current.push(state);
      } else if (instruction.kind === 'fork') {
        stack.push(...instruction.targets);
      } else if (instruction.kind === 'accept') {
        accepted = true;
      } else if (instruction.holds(before, codePoint)) {
        stack.push(state + 1);
      }
    }
    if (codePoint === undefined) {
      return accepted;
    }
    next = [];
    for (const state of current) {
      const instruction = program[state];
      if (instruction?.kind === 'test' && instruction.test(codePoint)) {
        next.push(state + 1);
      }
    }
    if (next.length === 0) {
      return false;
    }
    before = codePoint;
    offset += codePoint > 0xffff ? 2 : 1;
  }
}
