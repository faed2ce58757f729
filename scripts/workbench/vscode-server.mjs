/**
 * Starts and stops the server half of VS Code, with settings and data of its own in a temporary folder so that every
 * run begins alike. Knows nothing of tests or browsers.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endGroup, startCommand } from '../command.mjs';

/** Nothing that asks the network or greets. */
const quietSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

const startLimitSeconds = 120;

/**
 * A server on a free port of this machine's own address.
 *
 * - `settings`: the user's settings beside the quiet ones.
 * - `environment`: variables that reach the extension host and what it starts.
 * - `extensionsFolder`: what is installed; none by default.
 * - `takesTests`: the page may name a suite to run. Without it a built VS Code ignores the test keys of the page's
 *   payload, without a word.
 * - `secret`: the page is served to those who know the token in the address only, since whoever reaches the server can
 *   run commands on this machine.
 *
 * `address` gives the page's URL: a folder, and in it a file that is shown at once; `payload` has further keys of the
 * page's payload, each with a path. `ended` resolves with the status of a server that ends by itself.
 *
 * @param {{ node: string, serverMain: string, builtins: string }} host
 * @param {{
 *   settings?: Record<string, unknown>,
 *   environment?: Record<string, string>,
 *   extensionsFolder?: string,
 *   takesTests?: boolean,
 *   secret?: boolean,
 * }} [options]
 */
export async function startVscodeServer(host, options = {}) {
  const { settings = {}, environment = {}, takesTests = false, secret = false } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'workbench-'));
  // Also when we are interrupted, as the last thing that this process does.
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  mkdirSync(path.join(folder, 'data/User'), { recursive: true });
  writeFileSync(
    path.join(folder, 'data/User/settings.json'),
    JSON.stringify({ ...quietSettings, ...settings }, null, 2),
  );
  const token = randomBytes(16).toString('hex');
  const tokenFile = path.join(folder, 'token');
  // A file, since the arguments of a process can be read by every user of the machine.
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const server = startCommand(
    host.node,
    [
      host.serverMain,
      ...['--host', '127.0.0.1', '--port', '0'],
      ...(secret ? ['--connection-token-file', tokenFile] : ['--without-connection-token']),
      '--accept-server-license-terms',
      ...['--server-data-dir', folder],
      ...['--extensions-dir', options.extensionsFolder ?? path.join(folder, 'extensions')],
      ...['--telemetry-level', 'off'],
      ...['--builtin-extensions-dir', host.builtins],
      ...(takesTests ? ['--enable-smoke-test-driver'] : []),
    ],
    // Its sockets go where they are removed with the rest.
    {
      env: { ...process.env, XDG_RUNTIME_DIR: folder, TMPDIR: folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const stop = async () => {
    await endGroup(server);
    process.off('exit', remove);
    remove();
  };
  try {
    const port = await listeningPort(server);
    const address = (workspace, { file, payload = [] } = {}) => {
      const remote = (local) => `vscode-remote://127.0.0.1:${port}${local}`;
      const opened = file === undefined ? [] : [['openFile', remote(path.join(workspace, file))]];
      const keys = [
        ...opened,
        ['skipWelcome', 'true'],
        ...payload.map(([key, local]) => [key, remote(local)]),
      ];
      const query = new URLSearchParams({
        ...(secret ? { tkn: token } : {}),
        folder: workspace,
        payload: JSON.stringify(keys),
      });
      return `http://127.0.0.1:${port}/?${query}`;
    };
    const ended = new Promise((resolve) => server.on('exit', (code, signal) => resolve(code ?? signal)));
    return { address, stop, ended };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Throws an `Error` with what the server said when it ends before it listens, or never does. */
function listeningPort(server) {
  let output = '';
  return new Promise((resolve, reject) => {
    const fail = (message) => reject(new Error(`${message}\n${output.slice(0, 5000)}`));
    const read = (data) => {
      output += String(data);
      const match = /Extension host agent listening on (\d+)/.exec(output);
      if (match !== null) resolve(Number(match[1]));
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.on('error', (error) => fail(error.message));
    server.on('exit', (code) => fail(`the VS Code server ended with ${code}`));
    setTimeout(() => fail('the VS Code server did not start in time'), startLimitSeconds * 1000).unref();
  });
}
