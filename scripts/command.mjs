/**
 * Runs commands, each in a process group of its own, and says how they ended. Owns time limits and interrupts, so that
 * nothing that a stage started outlives it. Knows Node's own modules only: it runs before anything is installed.
 */
import { spawn } from 'node:child_process';

/** How long a group may take to end by itself once it is asked to. */
const graceSeconds = 5;

const running = new Set();

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await Promise.all([...running].map((child) => endGroup(child, signal)));
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

/**
 * Starts a command that an interrupt of ours ends too.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
export function startCommand(command, args, options) {
  const child = spawn(command, args, {
    ...options,
    detached: process.platform !== 'win32',
    // npm is a batch file on Windows.
    shell: process.platform === 'win32' && command === 'npm',
  });
  running.add(child);
  child.on('error', () => running.delete(child));
  child.on('close', () => running.delete(child));
  return child;
}

/** Asks a started command, with everything that it started, to end, and sees to it; resolves when it is gone. */
export async function endGroup(child, signal = 'SIGTERM') {
  const gone = new Promise((resolve) => {
    child.on('close', resolve);
    if (!running.has(child)) resolve();
  });
  signalGroup(child, signal);
  await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, graceSeconds * 1000).unref())]);
  // Also when the first process is gone: it may have left others.
  const deadline = Date.now() + graceSeconds * 1000;
  while (signalGroup(child, 'SIGKILL') && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** False when nobody is left to be told. */
function signalGroup(child, signal) {
  try {
    if (process.platform === 'win32') return child.kill(signal);
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

/**
 * Runs a command to its end. With `quiet` its output is not shown but given back. The status is 127 when the command
 * cannot be started, and undefined when it was ended after `limitSeconds`.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, quiet?: boolean, limitSeconds?: number }} [options]
 * @returns {Promise<{ status: number | undefined, output: string }>}
 */
export function runCommand(command, args, options = {}) {
  const { cwd, env, quiet = false, limitSeconds } = options;
  return new Promise((resolve) => {
    const child = startCommand(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    let output = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += String(data)));
    const end = () => {
      timedOut = true;
      void endGroup(child);
    };
    const timer = limitSeconds === undefined ? undefined : setTimeout(end, limitSeconds * 1000);
    const finish = (status) => {
      clearTimeout(timer);
      resolve({ status, output });
    };
    child.on('error', (error) => {
      output += error.message;
      finish(127);
    });
    child.on('close', (code) => finish(timedOut ? undefined : (code ?? 1)));
  });
}
