/**
 * `npm start [-- FOLDER]`: a VS Code in the browser with the extension installed, for whoever has none at hand. Installs
 * what is missing, from a fresh clone on. Without a folder it opens a copy of the sample that is kept from one start to the
 * next. Ctrl-C ends everything.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { currentTarget, installedFolderName, writeExtension } from './extension-files.mjs';
import { root, setUp } from './setup.mjs';
import { hosts, installHost } from './workbench/host.mjs';
import { startVscodeServer } from './workbench/vscode-server.mjs';

const usage = `Usage: npm start -- [FOLDER] [options]
  FOLDER           a folder of your own, opened as it is
  --sample FOLDER  where the copy of the sample is kept (default: out/start/pose)
  --no-open        prints the address and opens no browser
  -h, --help       this text`;

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        'no-open': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        sample: { type: 'string', default: path.join(root, 'out/start/pose') },
      },
      allowPositionals: true,
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    if (positionals.length > 1) throw new Error('One folder at most.');
    return { opens: !values['no-open'], sample: values.sample, folder: positionals[0] };
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

/** The person's own folder, or the copy of the sample: what is there already is never overwritten. */
function workspaceFolder({ folder, sample }) {
  if (folder === undefined) {
    cpSync(path.join(root, 'samples/pose'), sample, { recursive: true, force: false });
    return path.resolve(sample);
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`${folder} is no folder.`);
  return path.resolve(folder);
}

/**
 * Shows the address in the person's own browser, where there is a screen. Not in our process group: it stays when we end.
 * Where it does not start, the printed address is enough.
 */
function openBrowser(url) {
  const { DISPLAY = '', WAYLAND_DISPLAY = '' } = process.env;
  if (DISPLAY === '' && WAYLAND_DISPLAY === '') return;
  spawn('xdg-open', [url], { detached: true, stdio: 'ignore' })
    .on('error', () => undefined)
    .unref();
}

async function start(given) {
  const workspace = workspaceFolder(given);
  await setUp();
  const host = await installHost(hosts[0]);
  const extensionsFolder = mkdtempSync(path.join(tmpdir(), 'extensions-'));
  process.once('exit', () => rmSync(extensionsFolder, { recursive: true, force: true }));
  writeExtension(path.join(extensionsFolder, installedFolderName()), currentTarget());
  const { address, ended } = await startVscodeServer(host, { extensionsFolder, secret: true });
  const file = readdirSync(workspace)
    .sort()
    .find((name) => name.endsWith('.precision'));
  const url = address(workspace, { file });
  console.log(`\n${workspace} is open at\n\n  ${url}\n\nCtrl-C ends it; your changes stay in the folder.`);
  if (given.opens) openBrowser(url);
  throw new Error(`VS Code ended by itself (${await ended}).`);
}

try {
  await start(readArguments());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
