/**
 * The samples of a plan: how many there are, one tensor of each input for each, and what is wrong with them. Faults
 * cost the samples that they are in, not the others.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { InputBinding } from '../../plan/index.js';
import { compareCodePoints } from './find-files.js';
import { openSource, type SampleSource } from './source.js';
import type { Fault, ResolvedSamples, Sample, SampleProblem, SampleTensor } from './types.js';

/** Samples that are made up where neither a file nor a `count` says how many: as many as a standard sketch takes. */
const STANDARD_COUNT = 8;

function problem(binding: InputBinding, { code, message }: Fault): SampleProblem {
  const severity = code === 'dim-unbound' ? 'warning' : 'error';
  return { code, severity, message, input: binding.name, statement: binding.statement };
}

/** One problem for each input and code: the first in full, the others as a number. */
function gathered(problems: readonly SampleProblem[]): SampleProblem[] {
  const groups = new Map<string, { first: SampleProblem; messages: Set<string> }>();
  for (const one of problems) {
    const key = `${one.code} ${one.input}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: one, messages: new Set([one.message]) });
    else group.messages.add(one.message);
  }
  return [...groups.values()].map(({ first, messages }) =>
    messages.size === 1
      ? first
      : { ...first, message: `${first.message} (and ${messages.size - 1} more like it)` },
  );
}

/** How many samples there are. What has one serves all; what makes any number follows the others. */
function sampleCount(sources: readonly SampleSource[]): { count: number; problems: SampleProblem[] } {
  const [first, ...others] = sources.filter(({ count }) => count !== undefined && count !== 1);
  if (first !== undefined) {
    const differing = others.filter(({ count }) => count !== first.count);
    const problems = differing.map(({ binding, count = 0 }) =>
      problem(binding, {
        code: 'samples-differ',
        message:
          `"${binding.name}" has ${count} samples and "${first.binding.name}" has ${first.count ?? 0}: ` +
          'give as many of each, or one for all',
      }),
    );
    return { count: first.count ?? 0, problems };
  }
  const one = sources.some(({ count }) => count === 1) || sources.every((source) => source.isConstant);
  return { count: one ? 1 : STANDARD_COUNT, problems: [] };
}

/** Made-up samples are kept in memory: more than fit there are a slip in `count`. */
const MOST_BYTES = 2 ** 31;

function tooMany(sources: readonly SampleSource[], count: number): SampleProblem[] {
  return sources.flatMap(({ kind, binding }) => {
    if (kind !== 'generator') return [];
    const elements = (binding.shape ?? []).reduce<number>((product, size) => {
      return typeof size === 'number' ? product * size : product;
    }, 1);
    const bytes = count * elements * 4;
    // One sample that is too large by itself is a slip in a `dim`, which the generator tells.
    if (bytes <= MOST_BYTES || bytes / count > MOST_BYTES) return [];
    const message = `${count} made-up samples of "${binding.name}" take ${(bytes / 2 ** 30).toFixed(1)} GiB, more than 2: lower \`count\``;
    return [problem(binding, { code: 'samples-differ', message })];
  });
}

/** What a sample takes from the one before; undefined where it takes nothing. */
function carriedIn(bindings: readonly InputBinding[]): Sample['carried'] {
  const carried = bindings.flatMap(({ name, carriedFrom }) =>
    carriedFrom === undefined ? [] : [[name, carriedFrom] as const],
  );
  return carried.length === 0 ? undefined : Object.fromEntries(carried);
}

function sampleKey(inputs: Readonly<Record<string, SampleTensor>>, carried: Sample['carried']): string {
  const tensors = Object.entries(inputs)
    .toSorted(([a], [b]) => compareCodePoints(a, b))
    .map(([name, { dataType, dims, sha256 }]) => [name, dataType, dims, sha256]);
  const content = carried === undefined ? tensors : [...tensors, carried];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** SHA-256 of a list of samples, in hexadecimal: the part of a stored result's key that the samples are. */
export function samplesKey(samples: readonly Sample[]): string {
  return createHash('sha256')
    .update(samples.map(({ key }) => key).join('\n'))
    .digest('hex');
}

/** One sample, or the problems that it has. Files first: what is made up takes its symbolic dimensions from them. */
async function loadSample(
  sources: readonly SampleSource[],
  index: number,
): Promise<{ inputs: Record<string, SampleTensor>; problems: SampleProblem[] }> {
  const symbols = new Map<string, number>();
  const inputs: [string, SampleTensor][] = [];
  const problems: SampleProblem[] = [];
  const files = sources.filter(({ kind }) => kind === 'files');
  const generators = sources.filter(({ kind }) => kind === 'generator');
  for (const source of [...files, ...generators]) {
    const { binding } = source;
    const loaded = await source.tensor(index, symbols);
    if (!loaded.ok) {
      problems.push(problem(binding, loaded.fault));
      continue;
    }
    inputs.push([binding.name, loaded.value.tensor]);
    for (const dim of loaded.value.unbound) {
      const message = `nothing binds ${dim}, so it is 1: write \`dim ${dim} = 1\` or the number that you mean`;
      problems.push(problem(binding, { code: 'dim-unbound', message }));
    }
  }
  return { inputs: Object.fromEntries(inputs), problems };
}

/**
 * Reads and makes the samples that `bindings` ask for. Globs are relative to `planFolder`. Samples that lack an input
 * or hold what the model cannot take are left out, with a problem; if an input has no samples at all, or the inputs
 * have different numbers of them, there are none. Reads every file once, to look for NaN and to hash it. Throws only
 * what `signal` is aborted with.
 */
export async function resolveSamples(
  bindings: readonly InputBinding[],
  planFolder: string,
  signal?: AbortSignal,
): Promise<ResolvedSamples> {
  const problems: SampleProblem[] = [];
  const sources: SampleSource[] = [];
  for (const binding of bindings) {
    signal?.throwIfAborted();
    const source = await openSource(binding, planFolder);
    if (source.ok) sources.push(source.value);
    else problems.push(problem(binding, source.fault));
  }
  const { count, problems: differing } = sampleCount(sources);
  problems.push(...differing, ...tooMany(sources, count));
  if (problems.length > 0) return { samples: [], problems };
  const naming = sources.find((source) => source.kind === 'files' && source.count === count);
  const samples: Sample[] = [];
  for (let index = 0; index < count; index++) {
    // Made-up samples wait for nothing: without a turn for others nobody could cancel them.
    await setImmediate();
    signal?.throwIfAborted();
    const { inputs, problems: own } = await loadSample(sources, index);
    problems.push(...own);
    if (own.some(({ severity }) => severity === 'error')) continue;
    const carried = samples.length === 0 ? undefined : carriedIn(bindings);
    const key = sampleKey(inputs, carried);
    samples.push({
      index,
      name: naming?.name(index) ?? `${index}`,
      inputs,
      ...(carried && { carried }),
      key,
    });
  }
  return { samples, problems: gathered(problems) };
}
