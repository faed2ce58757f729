/** The extension's own processes, found among the children of the extension host that runs the tests. */
import { execFileSync } from 'node:child_process';

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly command: string;
}

function allProcesses(): readonly Process[] {
  const listing = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return listing.split('\n').flatMap((line) => {
    const [, id, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ id: Number(id), parent: Number(parent), command }];
  });
}

/** The language server's process, while there is one. */
export function serverProcess(): number | undefined {
  return allProcesses().find(({ parent, command }) => {
    return parent === process.pid && command.includes('server.js');
  })?.id;
}

/** The processes that run inference for the language server. */
export function computeProcesses(): readonly number[] {
  const server = serverProcess();
  return allProcesses()
    .filter(({ parent, command }) => parent === server && command.includes('runtime-process.js'))
    .map(({ id }) => id);
}

/** Ends a process as a crash does. */
export function crash(id: number): void {
  process.kill(id, 'SIGKILL');
}
