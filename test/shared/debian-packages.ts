/**
 * Packages of Debian or a system made from it, fetched and unpacked into a folder of this project: nothing is installed, and no
 * root is needed. Knows apt and dpkg; not what the packages are for.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface PackageRequest {
  readonly packages: readonly string[];
  /** What they need and this machine lacks is fetched with them; left out, they alone. */
  readonly withDependencies?: boolean;
  /** The least major version that the first of them must have; if need be it is taken from the system's backports. */
  readonly leastMajorVersion?: number;
}

/** Where Debian keeps the keys of its archives; elsewhere apt knows them by itself. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Unpacks the packages into `target`, which must not exist yet: `usr/...` and so on. What is half unpacked never passes for the
 * whole. Throws an `Error` with what apt says and `advice`.
 */
export function unpackPackages(target: string, request: PackageRequest, advice: string): void {
  console.log(`Fetching ${request.packages.join(', ')} (apt-get download) ...`);
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(join(dirname(target), 'incomplete-'));
  try {
    new PackageFolder(folder, advice).unpack(request);
    // Two tests may want the same at once: whoever is first has it for both.
    if (!existsSync(target)) renameSync(join(folder, 'unpacked'), target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class PackageFolder {
  private options: readonly string[];

  constructor(
    private readonly folder: string,
    private readonly advice: string,
  ) {
    mkdirSync(join(folder, 'lists/partial'), { recursive: true });
    this.options = [
      ['Dir::State::lists', join(folder, 'lists')],
      ['Dir::Cache', folder],
      ['Debug::NoLocking', '1'],
      // The packages are fetched unsandboxed where the user of apt may not write here.
      ['APT::Sandbox::User', ''],
    ].flatMap(([name = '', value = '']) => ['-o', `${name}=${value}`]);
  }

  unpack({ packages, withDependencies = false, leastMajorVersion }: PackageRequest): void {
    this.apt('update');
    const [first = ''] = packages;
    const release =
      leastMajorVersion === undefined || this.majorVersion(first) >= leastMajorVersion
        ? []
        : this.addBackports();
    const wanted = withDependencies ? this.missing([...release, ...packages]) : packages;
    this.apt('download', ...release, ...wanted);
    for (const name of readdirSync(this.folder).filter((one) => one.endsWith('.deb'))) {
      this.perform('dpkg-deb', ['-x', name, 'unpacked']);
    }
  }

  private majorVersion(name: string): number {
    const candidate = /Candidate: (?:\d+:)?(\d+)/.exec(
      this.perform('apt-cache', [...this.options, 'policy', name]),
    );
    return Number(candidate?.[1] ?? 0);
  }

  /** The backports of the release that this machine gets its packages from; gives what apt is told to take them. */
  private addBackports(): readonly string[] {
    const format = ['--format', '$(REPO_URI) $(RELEASE) $(COMPONENT)', 'Created-By: Packages'];
    const sources = this.perform('apt-get', [...this.options, 'indextargets', ...format]).split('\n');
    const main = sources
      .map((line) => line.split(' '))
      .filter(([, release = '', component]) => {
        return component === 'main' && /^[a-z]+$/.test(release);
      });
    const [[address = '', release = ''] = []] = main;
    const signed = existsSync(KEYRING) ? `[signed-by=${KEYRING}] ` : '';
    const lines = ['', '-backports'].map((suffix) => `deb ${signed}${address} ${release}${suffix} main\n`);
    const list = join(this.folder, 'sources.list');
    writeFileSync(list, lines.join(''));
    this.options = [
      ...this.options,
      '-o',
      `Dir::Etc::sourcelist=${list}`,
      '-o',
      'Dir::Etc::sourceparts=/dev/null',
    ];
    this.apt('update');
    return ['-t', `${release}-backports`];
  }

  /** The packages and what they need, without what is installed. */
  private missing(words: readonly string[]): readonly string[] {
    const printed = this.apt(
      'install',
      '-y',
      '--no-install-recommends',
      '--reinstall',
      '--print-uris',
      ...words,
    );
    return [...printed.matchAll(/^'[^']+' ([^_\s]+)_/gm)].flatMap(([, name]) => name ?? []);
  }

  private apt(...words: readonly string[]): string {
    return this.perform('apt-get', ['-qq', ...this.options, ...words]);
  }

  private perform(command: string, args: readonly string[]): string {
    const { status, error, stdout, stderr } = spawnSync(command, args, {
      cwd: this.folder,
      encoding: 'utf8',
    });
    if (status === 0) return stdout;
    throw new Error(`${command} failed; ${this.advice}.\n${error?.message ?? stderr}`);
  }
}
