/**
 * Starts and stops the server half of VS Code, with settings and data of its own in a temporary folder so that every
 * run begins alike. Knows nothing of tests or browsers.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endGroup, startCommand } from '../../scripts/command.mjs';

/** Nothing that asks the network, greets, or changes a file by itself. */
const settings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'files.autoSave': 'off',
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
 * @param {{ node: string, serverMain: string, builtins: string }} host
 * @param {Record<string, string>} environment reaches the extension host and so the tests
 */
export async function startVscodeServer(host, environment) {
  const folder = mkdtempSync(path.join(tmpdir(), 'workbench-'));
  mkdirSync(path.join(folder, 'data/User'), { recursive: true });
  writeFileSync(path.join(folder, 'data/User/settings.json'), JSON.stringify(settings, null, 2));
  const server = startCommand(
    host.node,
    [
      host.serverMain,
      ...['--host', '127.0.0.1', '--port', '0'],
      '--without-connection-token',
      '--accept-server-license-terms',
      ...['--server-data-dir', folder],
      ...['--telemetry-level', 'off'],
      ...['--builtin-extensions-dir', host.builtins],
      // Without it a built VS Code ignores the test keys of the page's payload, without a word.
      '--enable-smoke-test-driver',
    ],
    // Its sockets go where they are removed with the rest.
    {
      env: { ...process.env, XDG_RUNTIME_DIR: folder, TMPDIR: folder, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const stop = async () => {
    await endGroup(server);
    rmSync(folder, { recursive: true, force: true });
  };
  let output = '';
  try {
    const port = await new Promise((resolve, reject) => {
      const read = (data) => {
        output += String(data);
        const match = /Extension host agent listening on (\d+)/.exec(output);
        if (match !== null) resolve(Number(match[1]));
      };
      server.stdout.on('data', read);
      server.stderr.on('data', read);
      server.on('error', reject);
      server.on('exit', (code) => reject(new Error(`the VS Code server ended with ${code}`)));
      setTimeout(
        () => reject(new Error('the VS Code server did not start in time')),
        startLimitSeconds * 1000,
      ).unref();
    });
    return { port, stop };
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${output.slice(0, 5000)}`);
  }
}
