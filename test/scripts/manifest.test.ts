/**
 * The manifest of the extension against what it describes: settings that the client reads, commands that it registers, what the
 * server names in its answers. That each command is there in a real VS Code, the workbench's suite shows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  abilitiesOf,
  featuresOf,
  NO_MEASUREMENTS,
  serverCapabilities,
} from '../../server/src/features/index.js';

interface Manifest {
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] };
  };
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string; readonly when: string }[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly semanticTokenModifiers: readonly { readonly id: string }[];
  };
}

interface Setting {
  readonly default: unknown;
  readonly scope: string;
}

const { contributes, capabilities } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const settings = contributes.configuration.properties;
const commands = contributes.commands.map(({ command }) => command);

/** The client's own source, without its tests. */
const client = readdirSync('client/src')
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(path.join('client/src', file), 'utf8'))
  .join('\n');

/** What stands in the first group of each match, once and in order. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, word = '']) => word))].sort();
}

describe('settings', () => {
  /** The library that the client is built on reads this one by itself. */
  const ofLibrary = 'onnxPrecision.trace.server';

  it('that the client reads are declared, and those that are declared are read, with the same defaults', () => {
    const read = [...client.matchAll(/settings\.get\('([\w.]+)', ([^)]+)\)/gu)].map(
      ([, name = '', value = '']) => {
        return [`onnxPrecision.${name}`, value.replaceAll("'", '"')];
      },
    );
    const declared = Object.entries(settings)
      .filter(([name]) => name !== ofLibrary)
      .map(([name, setting]) => [name, JSON.stringify(setting.default)]);
    expect(read.sort()).toEqual(declared.sort());
  });

  it('that name a program are of this machine, and not taken from a workspace that is not trusted', () => {
    const { restrictedConfigurations } = capabilities.untrustedWorkspaces;
    const ofMachine = Object.entries(settings).filter(([, { scope }]) => scope.startsWith('machine'));
    expect(ofMachine.map(([name]) => name)).toEqual(restrictedConfigurations);
    expect(restrictedConfigurations).toContain('onnxPrecision.computeNode');
  });
});

describe('commands', () => {
  it('that are declared are registered by the client, which registers no other', () => {
    const whole = found(client, /register(?:Command)?\(\s*'onnxPrecision\.(\w+)'/gu);
    const onPlans = found(/\[([^\]]*)\]\.map\(onPlan\)/u.exec(client)?.[1] ?? '', /'(\w+)'/gu);
    const registered = [...whole, ...onPlans].map((name) => `onnxPrecision.${name}`);
    expect(registered.sort()).toEqual([...commands].sort());
  });

  it('of menus are declared; the palette shows those about a plan where there is one', () => {
    for (const { command } of Object.values(contributes.menus).flat()) expect(commands).toContain(command);
    const hidden = (contributes.menus['commandPalette'] ?? []).map(({ command, when }) => [command, when]);
    const names = ['analyze', 'tune', 'verify', 'benchmark', 'convert', 'tuneSession', 'chooseTarget'];
    expect(hidden).toEqual(names.map((name) => [`onnxPrecision.${name}`, 'editorLangId == onnx-precision']));
  });
});

describe('semantic tokens', () => {
  it('have the modifiers that the server gives them', () => {
    const { semanticTokensProvider } = serverCapabilities(abilitiesOf({}), featuresOf(NO_MEASUREMENTS));
    expect(contributes.semanticTokenModifiers.map(({ id }) => id)).toEqual(
      semanticTokensProvider?.legend.tokenModifiers,
    );
  });
});
