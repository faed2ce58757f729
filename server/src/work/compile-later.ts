/**
 * When V8 compiles the command's own code with its optimizing compiler. Knows V8's flags and nothing of the command.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * Eight times the bytes of bytecode that V8 lets a function run before it looks whether to optimize it. A command is over before
 * most of what is compiled has paid for itself: by the default, compiling is more than half of the CPU time that making the
 * graph of a sketch takes in the command's process, on the cores that inference wants. With eight times as much `analyze` takes
 * a tenth less CPU, and no longer. A process that stays, such as a server, is better off with the default.
 */
const INTERRUPT_BUDGET = 8 * 66 * 1024;
/** Node 20 to 24: a V8 that does not know the flag would complain on the command's standard error. */
const KNOWN_TO_HAVE_IT = [11, 12, 13];

/** Makes V8 optimize functions later from now on, where its version is known to know how. */
export function compileLater(): void {
  const major = Number.parseInt(process.versions.v8, 10);
  if (KNOWN_TO_HAVE_IT.includes(major)) setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
