/**
 * Loaded into a process that is measured (`node --import`): writes the most memory that the process ever held, in bytes,
 * and its processor time in milliseconds to the file that `BENCH_PEAK_FILE` names, when it ends. The product itself holds
 * nothing of this.
 */
import { readFileSync, writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  writeFileSync(
    process.env.BENCH_PEAK_FILE,
    JSON.stringify({ peak: peak(), processor: (user + system) / 1000 }),
  );
});

/** Of this program alone, where the system tells: what `resourceUsage` gives may be that of the process that started it. */
function peak() {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    return Number(kilobytes) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
