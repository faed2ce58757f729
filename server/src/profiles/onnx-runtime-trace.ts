/**
 * The Chrome traces that ONNX Runtime writes as profiles: the kernels of every run, with the time of the device where it is not the
 * processor's. Knows the format of the file; no session and no model.
 */
import type { ProfiledKernel, ProfileProblem, ProfileTensor } from './kernel.js';
import { property } from './property.js';

/** What a trace holds, in its order. Milliseconds. */
export interface Trace {
  /** Of all runs, in the order in which they ran. */
  readonly kernels: readonly ProfiledKernel[];
  /** Each whole run, as far as the trace has them. */
  readonly runs: readonly number[];
}

const KERNEL_TIME = '_kernel_time';

/** An event with what all of them have; times in microseconds, as they are in the file. */
interface TimedEvent {
  readonly category: string;
  readonly name: string;
  readonly start: number;
  readonly duration: number;
  readonly details: unknown;
}

/**
 * The kernels are events of category `Node` whose name ends in `_kernel_time`, with durations in microseconds and shapes as
 * `[{"float": [1, 3]}, ...]`. On a graphics device that is the time to hand work over; what the device takes counts instead where the
 * trace has it: WebGPU in events of category `Api`, named `KERNEL&OPERATOR&PROGRAM`; CUDA and ROCm in those of category `Kernel`, which
 * stand behind their node's and have its name in `parent_name`.
 */
export function readTrace(text: string): Trace | ProfileProblem {
  const parsed = parsedEvents(text);
  if ('problem' in parsed) return parsed;
  const events = parsed.events.flatMap((event) => timedEvent(event) ?? []);
  const nodes = events.filter(({ category, name }) => category === 'Node' && name.endsWith(KERNEL_TIME));
  const runs = events.filter(({ category, name }) => category === 'Session' && name === 'model_run');
  const programs = devicePrograms(events);
  const onDevice = deviceTimes(programs, nodes, runs);
  return {
    kernels: nodes.map((event) => kernelOf(event, onDevice, runs)),
    runs: runs.map(({ duration }) => duration / 1000),
  };
}

/** The events of a trace, or why the text is none. */
function parsedEvents(text: string): { readonly events: readonly unknown[] } | ProfileProblem {
  let trace: unknown;
  try {
    trace = JSON.parse(text);
  } catch {
    try {
      trace = JSON.parse(withEscapedNames(text));
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  }
  // Other tools wrap the list of a Chrome trace.
  const events = Array.isArray(trace) ? (trace as readonly unknown[]) : property(trace, 'traceEvents');
  if (!Array.isArray(events)) return { problem: 'it is no list of events' };
  return { events: events as readonly unknown[] };
}

/** ONNX Runtime writes the names of nodes as they are, with quotes, backslashes and line breaks. */
function withEscapedNames(text: string): string {
  return text.replace(
    /("name"\s*:\s*")([^]*?)("\s*,\s*"args"\s*:\s*\{)/g,
    (_, before: string, name: string, after: string) => before + JSON.stringify(name).slice(1, -1) + after,
  );
}

function timedEvent(event: unknown): TimedEvent | undefined {
  const name = property(event, 'name');
  const duration = property(event, 'dur');
  const start = property(event, 'ts');
  if (typeof name !== 'string' || typeof duration !== 'number') return undefined;
  return {
    category: text(property(event, 'cat')),
    name,
    start: typeof start === 'number' ? start : 0,
    duration,
    details: property(event, 'args'),
  };
}

/** What ran on a device, with the name of the kernel that it is of and the moment at which that was handed over. */
interface DeviceProgram {
  readonly kernel: string;
  readonly start: number;
  readonly duration: number;
}

function devicePrograms(events: readonly TimedEvent[]): readonly DeviceProgram[] {
  const programs: DeviceProgram[] = [];
  let node: TimedEvent | undefined;
  for (const event of events) {
    const { category, name, start, duration, details } = event;
    if (category === 'Node' && name.endsWith(KERNEL_TIME)) node = event;
    // An operator and a program have no `&` in their names; a node may.
    if (category === 'Api')
      programs.push({ kernel: name.split('&').slice(0, -2).join('&'), start, duration });
    if (category !== 'Kernel' || node === undefined) continue;
    const parent = text(property(details, 'parent_name')) || node.name;
    const kernel = parent.endsWith(KERNEL_TIME) ? parent.slice(0, -KERNEL_TIME.length) : parent;
    programs.push({ kernel, start: node.start, duration });
  }
  return programs;
}

/** By run and name of the kernel: microseconds on the device of one kernel of that name. */
type DeviceTimes = ReadonlyMap<string, number>;

function deviceTimes(
  programs: readonly DeviceProgram[],
  nodes: readonly TimedEvent[],
  runs: readonly TimedEvent[],
): DeviceTimes {
  const times = new Map<string, number>();
  for (const { kernel, start, duration } of programs) {
    const key = keyOf(runs, start, kernel);
    times.set(key, (times.get(key) ?? 0) + duration);
  }
  // In a loop one node runs many times under one name: each takes its share.
  const counts = new Map<string, number>();
  for (const { name, start } of nodes) {
    const key = keyOf(runs, start, name.slice(0, -KERNEL_TIME.length));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Map([...times].map(([key, time]) => [key, time / (counts.get(key) ?? 1)]));
}

function keyOf(runs: readonly TimedEvent[], moment: number, kernel: string): string {
  return `${runAt(runs, moment)} ${kernel}`;
}

function kernelOf(
  { name, start, duration, details }: TimedEvent,
  onDevice: DeviceTimes,
  runs: readonly TimedEvent[],
): ProfiledKernel {
  const kernel = name.slice(0, -KERNEL_TIME.length);
  const provider = text(property(details, 'provider'));
  const opType = text(property(details, 'op_name'));
  const isElsewhere = provider !== '' && provider !== 'CPUExecutionProvider';
  const microseconds =
    isElsewhere && onDevice.size > 0 ? (onDevice.get(keyOf(runs, start, kernel)) ?? 0) : duration;
  return {
    name: kernel,
    opType,
    provider,
    milliseconds: microseconds / 1000,
    run: runAt(runs, start),
    ...(isElsewhere && onDevice.size === 0 ? { isHandedOver: true } : {}),
    inputShapes: tensors(property(details, 'input_type_shape')),
    outputShapes: tensors(property(details, 'output_type_shape')),
  };
}

/** The last run that begins at or before a moment; -1 for none. Runs are in the order of time. */
function runAt(runs: readonly TimedEvent[], moment: number): number {
  let [low, high] = [0, runs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[middle]?.start ?? 0) <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function tensors(value: unknown): readonly ProfileTensor[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null
      ? Object.entries(entry).map(([type, dims]: [string, unknown]) => ({
          type,
          dims: Array.isArray(dims) ? dims.filter((dim) => typeof dim === 'number') : [],
        }))
      : [],
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
