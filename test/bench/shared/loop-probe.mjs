/**
 * Loaded into a process that is measured (`node --import`): answers each message of its parent with the longest time
 * that the process did nothing but one turn of its event loop since the last message, and with its memory. A timer
 * of a millisecond is late by what a turn takes. On a machine that others use as well a turn also takes the time in which
 * it did not run, so where the system tells, the processor time of the main thread is given beside it. The product itself
 * holds nothing of this.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

const RESOLUTION = 1;

const buffer = Buffer.alloc(64);
let schedule;
try {
  schedule = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  process.on('exit', () => closeSync(schedule));
} catch {
  // Only Linux has it.
}

/** Milliseconds that the main thread has run. */
function threadTime() {
  if (schedule === undefined) return Number.NaN;
  const length = readSync(schedule, buffer, 0, buffer.length, 0);
  return Number(buffer.toString('latin1', 0, length).split(' ')[0]) / 1e6;
}

let longestTurn = 0;
let longestTurnOfThread = 0;
let wall = performance.now();
let thread = threadTime();
setInterval(() => {
  const now = performance.now();
  const threadNow = threadTime();
  longestTurn = Math.max(longestTurn, now - wall - RESOLUTION);
  longestTurnOfThread = Math.max(longestTurnOfThread, threadNow - thread);
  wall = now;
  thread = threadNow;
}, RESOLUTION).unref();

let since = performance.now();
let used = process.cpuUsage();

process.on('message', ({ collect = false }) => {
  const answer = { longestTurn, longestTurnOfThread, elapsed: performance.now() - since };
  const { user, system } = process.cpuUsage(used);
  if (collect) globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.send({ ...answer, cpu: (user + system) / 1000, rss: rss / 2 ** 20, heapUsed: heapUsed / 2 ** 20 });
  longestTurn = 0;
  longestTurnOfThread = 0;
  wall = since = performance.now();
  thread = threadTime();
  used = process.cpuUsage();
});
// Being asked is no reason for a server to stay alive.
process.channel.unref();
