/**
 * The graphics drivers of a machine as files: which they are, how large and how old, so that an upgrade at the same path shows. Vulkan's
 * are looked for where its loader looks; Metal comes with macOS itself; of Direct3D the folder that Windows keeps its drivers in tells.
 * Loads no driver.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that name descriptions of drivers, or folders of them, in place of those of the system. */
const INSTEAD = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const;
const BESIDE = 'VK_ADD_DRIVER_FILES';
/** Where descriptions lie. */
const DESCRIPTIONS = ['/etc', '/usr/local/etc', '/usr/local/share', '/usr/share'] as const;
/** Where libraries lie that a description names without a folder. */
const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu', ''].flatMap((kind) =>
  ['/usr/lib', '/lib', '/usr/local/lib', '/usr/lib64', '/lib64'].map((folder) => join(folder, kind)),
);

/** One text for each description and each library that is there: its path, size and time of its last change. */
export function driverFiles(environment: Environment, root: string): readonly string[] {
  const descriptions = descriptionsIn(environment, root);
  const libraries = descriptions.flatMap((path) => libraryOf(path, environment, root) ?? []);
  const windows = environment['SystemRoot'];
  const store = windows === undefined ? [] : [join(windows, 'System32/DriverStore/FileRepository')];
  return [...new Set([...descriptions, ...libraries, ...store])].flatMap((path) => identityOf(path) ?? []);
}

function descriptionsIn(environment: Environment, root: string): readonly string[] {
  const listed = (name: string): readonly string[] =>
    (environment[name] ?? '').split(delimiter).filter((path) => path !== '');
  const instead = INSTEAD.flatMap(listed);
  const home = environment['HOME'];
  const own = environment['XDG_DATA_HOME'] ?? (home === undefined ? undefined : join(home, '.local/share'));
  const usual = [...DESCRIPTIONS, ...listed('XDG_DATA_DIRS'), ...(own === undefined ? [] : [own])];
  const places = instead.length > 0 ? instead : usual.map((folder) => join(folder, 'vulkan/icd.d'));
  return [...listed(BESIDE), ...places].flatMap((place) => {
    const path = join(root, place);
    const inside = namesIn(path).filter((name) => name.endsWith('.json'));
    return inside.length > 0 ? inside.map((name) => join(path, name)) : [path];
  });
}

/** The library that a description names, with links followed; undefined where there is none to be found. */
function libraryOf(description: string, environment: Environment, root: string): string | undefined {
  const named = libraryNamed(description);
  if (named === undefined) return undefined;
  const folders = (environment['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((path) => path !== '');
  const candidates = isAbsolute(named)
    ? [join(root, named)]
    : /[\\/]/u.test(named)
      ? [join(dirname(description), named)]
      : [...folders, ...LIBRARIES].map((folder) => join(root, folder, named));
  for (const path of candidates) {
    try {
      return realpathSync(path);
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function libraryNamed(description: string): string | undefined {
  try {
    const [, named] =
      /"library_path"\s*:\s*("(?:[^"\\]|\\.)*")/u.exec(readFileSync(description, 'utf8')) ?? [];
    const text: unknown = named === undefined ? undefined : JSON.parse(named);
    return typeof text === 'string' ? text : undefined;
  } catch {
    // It is gone, or no description.
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    // A file, or nothing at all.
    return [];
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { size, mtime } = statSync(path);
    return `${path} (${size} bytes, ${mtime.toISOString()})`;
  } catch {
    return undefined;
  }
}
