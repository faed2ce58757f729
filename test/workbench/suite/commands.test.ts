/** The commands of the palette, run with arguments as a keybinding would: what they write, show and say. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { suite, test } from 'mocha';
import { commands, ConfigurationTarget, TabInputWebview, window, workspace } from 'vscode';
import { computeProcesses, crash } from './processes.js';
import { errorsNow, openPlan, sampleModel, until, workspaceUri } from './workspace.js';

/** What a command of the palette gives, as far as these tests look. */
interface Outcome {
  readonly status: string;
  readonly code?: string;
  readonly message: string;
  readonly result?: Readonly<Record<string, unknown>>;
}

const header = (count = 1): string =>
  `model "${sampleModel()}"\ninput "input_1" = uniform(0, 1) { count: ${count} }\n`;

function run(name: string, ...words: unknown[]): Thenable<Outcome> {
  return commands.executeCommand<Outcome>(`onnxPrecision.${name}`, ...words);
}

/** The titles of the reports that are open. */
function reports(): string[] {
  const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs
    .filter(
      ({ input }) => input instanceof TabInputWebview && input.viewType.includes('onnxPrecision.report'),
    )
    .map(({ label }) => label);
}

/** Waits for the one report to be this: each takes the place of the last. */
async function untilReport(title: string): Promise<void> {
  await until(title, () => reports().join() === title || undefined);
}

/** Loads a model in ONNX Runtime, in a process of its own, and runs it on zeros; gives how many outputs came. */
function outputsOf(model: string): number {
  const script = `
    const { InferenceSession, Tensor } = require(process.argv[1]);
    (async () => {
      const session = await InferenceSession.create(process.argv[2]);
      const zeros = new Tensor('float32', new Float32Array(256 * 256 * 3), [1, 256, 256, 3]);
      const outputs = await session.run({ [session.inputNames[0]]: zeros });
      console.log(Object.keys(outputs).length);
    })();`;
  const answer = execFileSync(process.execPath, ['-e', script, require.resolve('onnxruntime-node'), model], {
    encoding: 'utf8',
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' },
  });
  return Number(answer);
}

suite('commands', () => {
  test('convert writes a model that loads and runs', async () => {
    const plan = await openPlan('convert.precision', `${header()}default: fp16\n`);
    const output = workspaceUri('converted.onnx');
    const outcome = await run('convert', plan.uri, output);
    assert.equal(outcome.status, 'done', outcome.message);
    assert.equal(outcome.result?.['runs'], true);
    assert.ok(outputsOf(output.fsPath) > 0);

    const written = readFileSync(output.fsPath);
    assert.equal((await run('convert', plan.uri, output)).code, 'exists');
    assert.ok(readFileSync(output.fsPath).equals(written));
  });

  test('tune edits the plan, and one undo takes it back', async () => {
    const text = `# mine\n${header()}tolerance "ld_3d" relative_l2 <= 0.5\ndefault: fp32\n`;
    const plan = await openPlan('tune.precision', text);
    const outcome = await run('tune', plan.uri);
    assert.equal(outcome.status, 'done', outcome.message);
    const tuned = plan.getText();
    assert.match(tuned, /^# mine\n/);
    assert.match(tuned, /fp16/);
    await untilReport('Tune tune.precision');

    await window.showTextDocument(plan);
    await commands.executeCommand('undo');
    assert.equal(plan.getText(), text);
  });

  test('verify and benchmark of the plan in the editor open their reports', async () => {
    const text = `${header()}tolerance "ld_3d" relative_l2 <= 1\ndefault: fp16\n`;
    await openPlan('report.precision', text);
    const verified = await run('verify');
    assert.match(verified.message, /^the plan holds/);
    await untilReport('Verify report.precision');
    // As from the palette: a box asks for the number of runs, and Enter takes what stands there.
    const asked = run('benchmark');
    let isTimed = false;
    void asked.then(() => (isTimed = true));
    await until('the benchmark', async () => {
      await commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return isTimed || undefined;
    });
    const timed = await asked;
    assert.equal(timed.result?.['runs'], 50);
    assert.match(timed.message, /FP16 (pays|does not pay) on this machine/);
    await untilReport('Benchmark report.precision');
    // Each command ended the process that it had; the live analysis may keep its own.
    await until('the end of the processes', () => computeProcesses().length <= 1 || undefined);
    assert.equal(window.activeTextEditor?.document.uri.path.endsWith('report.precision'), true);
  });

  test('a new plan for a model opens, without errors', async () => {
    const model = workspaceUri('fresh.onnx');
    copyFileSync(workspaceUri(sampleModel()).fsPath, model.fsPath);
    const outcome = await run('newPlan', model);
    assert.equal(outcome.status, 'done', outcome.message);
    const document = window.activeTextEditor?.document;
    assert.ok(document);
    assert.ok(document.uri.path.endsWith('/fresh.precision'));
    assert.equal(document.languageId, 'onnx-precision');
    assert.deepEqual(await errorsNow(document), []);
  });

  test('what was killed in the middle says so, and the next request works', async () => {
    const text = `${header(60)}tolerance "ld_3d" relative_l2 <= 1\ndefault: fp16\n`;
    const plan = await openPlan('killed.precision', text);
    const outcome = run('verify', plan.uri);
    // The command's process, and with it that of the live analysis, which the command made stand still.
    await until('a compute process', () => computeProcesses()[0]);
    let ended = false;
    void outcome.then(() => (ended = true));
    await until('the end of the command', () => {
      for (const one of computeProcesses()) crash(one);
      return ended || undefined;
    });
    assert.match((await outcome).code ?? '', /^runtime-/);
    assert.equal((await run('verify', plan.uri)).status, 'done');
  });

  test('inference runs on the Node that the user names', async () => {
    const settings = workspace.getConfiguration('onnxPrecision');
    const plan = await openPlan('node.precision', `${header(2)}default: fp16\n`);
    await settings.update('computeNode', '/no/such/node', ConfigurationTarget.Workspace);
    try {
      const outcome = await until('a refusal', async () => {
        const found = await whileRestarting(() => run('verify', plan.uri));
        return found?.status === 'refused' ? found : undefined;
      });
      assert.match(outcome.code ?? '', /^runtime-/);
    } finally {
      await settings.update('computeNode', undefined, ConfigurationTarget.Workspace);
    }
    await until('a verdict', async () => {
      const found = await whileRestarting(() => run('verify', plan.uri));
      return found?.status === 'done' ? found : undefined;
    });
  });

  test('write nothing where the plan has errors', async () => {
    const plan = await openPlan('faulty.precision', `${header()}layer "gone": fp16\n`);
    const output = workspaceUri('faulty.onnx');
    const outcome = await run('convert', plan.uri, output.fsPath);
    assert.equal(outcome.code, 'plan-has-errors');
    assert.match(outcome.message, /gone/);
    assert.equal(existsSync(output.fsPath), false);
  });
});

/** The answer, unless the server that was asked is just being replaced by another. */
async function whileRestarting<T>(ask: () => Thenable<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch {
    return undefined;
  }
}
