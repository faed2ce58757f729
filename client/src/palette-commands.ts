/**
 * The commands of the palette and the menus: each finds out what it is about, asks for a file where one is needed, and has
 * the server do it. What is given as an argument is not asked for, so that tasks, keybindings and tests can run it.
 */
import {
  commands,
  type Disposable,
  type QuickPickItem,
  type TextDocument,
  Uri,
  window,
  workspace,
} from 'vscode';
import { readOutcome } from './outcome.js';
import { activePlan } from './plans-in-view.js';

/** A file as menus and other people's code give it. */
type FileArgument = Uri | string | undefined;

/** @param register as `commands.registerCommand`, so that whoever runs the commands sees their errors */
export function registerPaletteCommands(
  register: (name: string, run: (...args: never[]) => Promise<unknown>) => Disposable,
): Disposable[] {
  const onPlan = (name: string): Disposable =>
    register(`onnxPrecision.${name}`, (plan: FileArgument) => runOnPlan(name, plan));
  return [
    ...['analyze', 'tune', 'verify'].map(onPlan),
    register('onnxPrecision.benchmark', benchmark),
    register('onnxPrecision.convert', convert),
    register('onnxPrecision.tuneSession', tuneSession),
    register('onnxPrecision.newPlan', newPlan),
  ];
}

async function runOnPlan(name: string, argument: FileArgument, ...more: unknown[]): Promise<unknown> {
  const plan = await planOf(argument);
  if (plan === undefined) return undefined;
  return commands.executeCommand(`onnxPrecision.server.${name}`, plan.uri.toString(), ...more);
}

/** @param options `{ runs }`: how often each model is timed */
async function benchmark(argument: FileArgument, options: unknown): Promise<unknown> {
  const plan = await planOf(argument);
  if (plan === undefined) return undefined;
  const given =
    typeof options === 'object' && options !== null && 'runs' in options ? options.runs : undefined;
  const runs = given ?? (await askRuns());
  return runs === undefined ? undefined : runOnPlan('benchmark', plan.uri, { runs });
}

/** Undefined where the box was closed. */
async function askRuns(): Promise<number | undefined> {
  const text = await window.showInputBox({
    title: 'Benchmark',
    prompt: 'Timed runs of each model: FP32, the plan, all in FP16, in turns',
    value: '50',
    validateInput: (value) =>
      /^[1-9]\d{0,3}$/u.test(value.trim()) ? undefined : 'A whole number from 1 to 9999',
  });
  return text === undefined ? undefined : Number(text);
}

/** @param output where the model goes; whoever names it agrees that no other file is written over */
async function convert(argument: FileArgument, output: unknown): Promise<unknown> {
  const plan = await planOf(argument);
  if (plan === undefined) return undefined;
  // Menus give things of their own as a second argument.
  if (isFile(output)) return runOnPlan('convert', plan.uri, uriOf(output).fsPath);
  const name = plan.uri.path.replace(/\.precision$/iu, '');
  const chosen = await window.showSaveDialog({
    title: 'Write the mixed-precision model to',
    defaultUri: plan.uri.with({ path: `${name}_mixed.onnx` }),
    filters: { 'ONNX models': ['onnx'] },
  });
  if (chosen === undefined) return undefined;
  // The dialog has asked already whether a file that is there may be replaced.
  return runOnPlan('convert', plan.uri, chosen.fsPath, { overwrite: true });
}

/** @param model that the plan was converted to */
async function tuneSession(argument: FileArgument, model: unknown): Promise<unknown> {
  const plan = await planOf(argument);
  if (plan === undefined) return undefined;
  if (isFile(model)) return runOnPlan('tuneSession', plan.uri, uriOf(model).fsPath);
  const picked = await window.showOpenDialog({
    title: 'The converted model to find the fastest session for',
    defaultUri: Uri.joinPath(plan.uri, '..'),
    filters: { 'ONNX models': ['onnx'] },
  });
  const [chosen] = picked ?? [];
  return chosen === undefined ? undefined : runOnPlan('tuneSession', plan.uri, chosen.fsPath);
}

/** Writes a plan beside a model and shows it. */
async function newPlan(argument: FileArgument, options: unknown): Promise<unknown> {
  const model = argument === undefined ? await chooseModel() : uriOf(argument);
  if (model === undefined) return undefined;
  const name = 'onnxPrecision.server.newPlan';
  const answer: unknown = await commands.executeCommand(name, model.toString(), options);
  const written = readOutcome(answer)?.written;
  if (written !== undefined) await window.showTextDocument(Uri.parse(written));
  return answer;
}

/** The plan that a command is about, open so that the server knows it. */
async function planOf(argument: FileArgument): Promise<TextDocument | undefined> {
  if (argument !== undefined) return workspace.openTextDocument(uriOf(argument));
  const plan = activePlan();
  if (plan === undefined) void window.showWarningMessage('ONNX Precision: open a plan first.');
  return plan;
}

const MOST_MODELS = 200;

async function chooseModel(): Promise<Uri | undefined> {
  const models = await workspace.findFiles('**/*.onnx', '**/node_modules/**', MOST_MODELS);
  const browse: QuickPickItem = { label: 'Browse…' };
  const items = models
    .map((uri) => ({ label: workspace.asRelativePath(uri), uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  if (items.length > 0) {
    const placeHolder = 'The model that the plan is for';
    const chosen = await window.showQuickPick<QuickPickItem & { uri?: Uri }>([...items, browse], {
      placeHolder,
    });
    if (chosen !== browse) return chosen?.uri;
  }
  const picked = await window.showOpenDialog({
    title: 'Choose the model that the plan is for',
    filters: { 'ONNX models': ['onnx'] },
  });
  return picked?.[0];
}

/** A URI, or a path, or a URI that is written out. */
function uriOf(argument: Uri | string): Uri {
  if (argument instanceof Uri) return argument;
  return /^[a-z][a-z0-9+.-]+:/iu.test(argument) ? Uri.parse(argument) : Uri.file(argument);
}

function isFile(argument: unknown): argument is Uri | string {
  return argument instanceof Uri || typeof argument === 'string';
}
