/** Where results are kept unless someone says otherwise: the platform's place for what may be deleted at any time. */
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Undefined where the user has none. */
  readonly home: string | undefined;
}

/**
 * `$XDG_CACHE_HOME/onnx-precision` or `~/.cache/onnx-precision` (XDG Base Directory Specification 0.8, by which a
 * relative path counts as none), `~/Library/Caches/onnx-precision` on macOS, `%LOCALAPPDATA%\onnx-precision\Cache` on
 * Windows. Undefined where there is no such place.
 */
export function defaultFolder({ platform, environment, home }: Surroundings): string | undefined {
  if (platform === 'win32') {
    const local = environment['LOCALAPPDATA'];
    if (local !== undefined && win32.isAbsolute(local)) return win32.join(local, 'onnx-precision', 'Cache');
    return home === undefined ? undefined : win32.join(home, 'AppData', 'Local', 'onnx-precision', 'Cache');
  }
  if (platform === 'darwin') {
    return home === undefined ? undefined : posix.join(home, 'Library', 'Caches', 'onnx-precision');
  }
  const caches = environment['XDG_CACHE_HOME'];
  if (caches !== undefined && posix.isAbsolute(caches)) return posix.join(caches, 'onnx-precision');
  return home === undefined ? undefined : posix.join(home, '.cache', 'onnx-precision');
}

/** Those of this process. */
export function surroundings(): Surroundings {
  return { platform: process.platform, environment: process.env, home: homeFolder() };
}

function homeFolder(): string | undefined {
  try {
    const home = homedir();
    return home === '' ? undefined : home;
  } catch {
    // A user without an entry in the system's list of users has no home.
    return undefined;
  }
}
