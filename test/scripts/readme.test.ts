/** What README.md and CONTRIBUTING.md tell is there: pictures, links, scripts, settings, commands, subcommands. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { folderForTests } from '../../server/src/testing/index.js';

interface Manifest {
  readonly engines: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly contributes: {
    readonly commands: readonly { readonly title: string }[];
    readonly configuration: {
      readonly properties: Readonly<Record<string, { readonly default: unknown }>>;
    };
  };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const readme = readFileSync('README.md', 'utf8');
const texts = [readme, readFileSync('CONTRIBUTING.md', 'utf8')];

/** The cells of the table whose first column has this title. */
function tableOf(title: string): string[][] {
  const lines = readme.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${title} |`));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const code = (cell = ''): string => cell.replaceAll('`', '');

/** Every match of the first group, in all texts. */
function mentioned(pattern: RegExp): string[] {
  return texts.flatMap((text) => [...text.matchAll(pattern)].flatMap(([, name]) => name ?? []));
}

describe('the read-me', () => {
  const folder = folderForTests();

  it('links to files that are there', () => {
    const links = mentioned(/\]\((?!https?:)([^)#]+)/g);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !existsSync(path.resolve(link)))).toEqual([]);
  });

  it('of the packaged extension has its pictures in it, and no link that leads nowhere', () => {
    const script = `import { writeExtension } from './scripts/extension-files.mjs'; writeExtension(${JSON.stringify(folder)}, 'universal');`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    const packaged = readFileSync(path.join(folder, 'README.md'), 'utf8');
    const addresses = [...packaged.matchAll(/!?\[[^\]]*\]\(([^)]*)\)/g)].map(([, address]) => address ?? '');
    const pictures = addresses.filter((address) => address.startsWith('data:'));
    const files = [...readme.matchAll(/!\[[^\]]*\]\(([^)]*)\)/g)].map(([, file]) => file ?? '');
    expect(pictures).toEqual(
      files.map((file) => `data:image/png;base64,${readFileSync(file).toString('base64')}`),
    );
    expect(files.length).toBeGreaterThan(0);
    expect(addresses.filter((address) => !/^(data|https):|^#/.test(address))).toEqual([]);
    // The words of links stay.
    expect(packaged).toContain('the plan language');
  });

  it('links to each of the pages on the language and on formats', () => {
    const links = [...readme.matchAll(/\]\((docs\/[^)#]+\.md)/g)].map(([, link]) => link);
    for (const page of readdirSync('docs').filter((name) => name.endsWith('.md'))) {
      expect(links).toContain(`docs/${page}`);
    }
  });

  it('names scripts that are there', () => {
    const scripts = [...mentioned(/npm run ([\w:]+)(?![\w:*])/g), ...mentioned(/npm (test|start)/g)];
    expect(scripts.length).toBeGreaterThan(5);
    expect(scripts.filter((name) => !name.endsWith(':') && !(name in manifest.scripts))).toEqual([]);
  });

  it('has each setting, with its default', () => {
    const settings = Object.entries(manifest.contributes.configuration.properties);
    const expected = settings.map(([name, property]) => [name, JSON.stringify(property.default)]);
    const told = tableOf('setting').map(([name, value]) => [code(name), code(value)]);
    expect(told.sort()).toEqual(expected.sort());
  });

  it('has each command', () => {
    const told = tableOf('command').map(([title]) => title);
    expect(told.sort()).toEqual(manifest.contributes.commands.map(({ title }) => title).sort());
  });

  it('has each subcommand', () => {
    const { stdout } = spawnSync(process.execPath, ['bin/onnx-precision.js', '--help'], { encoding: 'utf8' });
    const expected = [...stdout.matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
    expect(expected.length).toBeGreaterThan(5);
    const told = tableOf('subcommand').map(([name]) => code(name).split(' ')[0]);
    expect(told.sort()).toEqual(expected.sort());
  });

  it('asks for the versions that the manifest asks for', () => {
    expect(readme).toContain(
      `VS Code ${manifest.engines['vscode']?.replace(/^\^(\d+\.\d+).*/, '$1')} or newer`,
    );
    expect(readme).toContain(`Node ${manifest.engines['node']?.replace('>=', '')} or newer`);
  });
});
