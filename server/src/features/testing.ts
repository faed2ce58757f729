/**
 * Plans for this room's tests: fixtures with a cursor `$0`, beside the sample's real model or a generated one. Used by
 * tests only.
 */
import { resolve } from 'node:path';
import { MarkupContent, type Position, type TextEdit } from 'vscode-languageserver';
import { expect } from 'vitest';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  bufferSource,
  DataType,
  encodeBytes,
  encodeFresh,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Model,
  openModel,
  readModel,
} from '../onnx/index.js';
import {
  type LayerRangeNumbers,
  type LayerSensitivity,
  NOTHING_KNOWN,
  type PlanNumbers,
  type PlanVerdict,
  type TensorRange,
} from '../analysis/index.js';
import type { ClientAbilities } from './capabilities.js';
import { pathOfUri, uriOfPath } from './document-path.js';
import { hoverOf } from './hover.js';
import { type OpenPlan, OpenPlans } from './open-plan.js';
import { workspaceFiles, type WorkspaceFiles } from './workspace-files.js';

export const folder = resolve('samples/pose');

/** The lines of a plan for the sample's model that nothing is to be said about. */
export const header = 'model "pose_landmark_lite.onnx"\ninput "input_1" = uniform(0, 1)\n';

/** An editor that can do everything, as VS Code. */
export const everything: ClientAbilities = {
  pullsDiagnostics: true,
  refreshesDiagnostics: true,
  showsRelatedPlaces: true,
  refreshes: { codeLens: true, inlayHints: true },
  watchesFiles: true,
  takesSnippets: true,
  showsMarkdown: true,
  takesLocationLinks: true,
  showsSymbolTree: true,
  resolvesEdits: true,
  mostFoldingRanges: undefined,
  showsListings: true,
  hasCommands: true,
};

/** An editor that can do no more than the protocol's first version. */
export const nothing: ClientAbilities = {
  pullsDiagnostics: false,
  refreshesDiagnostics: false,
  showsRelatedPlaces: false,
  refreshes: { codeLens: false, inlayHints: false },
  watchesFiles: false,
  takesSnippets: false,
  showsMarkdown: false,
  takesLocationLinks: false,
  showsSymbolTree: false,
  resolvesEdits: false,
  mostFoldingRanges: undefined,
  showsListings: false,
  hasCommands: false,
};

export interface Workspace {
  /** The first file of the fixture. */
  readonly open: OpenPlan;
  readonly files: WorkspaceFiles;
  /** Where `$0` stands in the first file; its start if it stands nowhere. */
  readonly cursor: Position;
  /** The text of a file of the fixture. */
  readonly text: (name: string) => string;
}

/** What an analysis that has come to an end knows, where nothing else is said. */
export function measured(known: Partial<PlanNumbers>): PlanNumbers {
  return { ...NOTHING_KNOWN, ...known };
}

/** The tolerances of a plan, measured as so much more than any of them allows. */
export function exceeded({ plan }: OpenPlan, measured: number): PlanVerdict {
  const verdicts = (plan?.tolerances ?? []).map((tolerance) => ({
    tolerance,
    measured,
    figures: [],
    holds: false,
    noise: 1e-6,
    verdict: 'exceeded' as const,
  }));
  return { verdicts, outputs: [], samples: 3 };
}

/** The range of a layer in FP16 whose tensors are these; what is left out of one is nothing. */
export function ranged(...tensors: readonly Partial<TensorRange>[]): LayerRangeNumbers {
  const nothing: TensorRange = {
    tensor: 't',
    kind: 'output',
    elements: 100,
    maxAbs: 0,
    sample: 0,
    index: 7,
    squares: 0,
    histogram: { zeros: 0, negative: 0, nonFinite: 0, bounds: [], counts: [] },
    nonZero: 100,
    overflow: 0,
    underflow: 0,
    becomesZero: 0,
    nonFinite: 0,
    scale: 1,
  };
  const all = tensors.map((one) => ({ ...nothing, ...one }));
  const [own, reads] = [
    all.filter(({ kind }) => kind !== 'input'),
    all.filter(({ kind }) => kind === 'input'),
  ];
  return {
    tensors: own,
    ...(reads.length === 0 ? {} : { reads }),
    maxAbs: Math.max(0, ...own.map(({ maxAbs }) => maxAbs)),
    overflow: own.reduce((sum, { overflow }) => sum + overflow, 0),
    underflow: Math.max(0, ...own.map(({ underflow, nonZero }) => underflow / nonZero)),
    inside: undefined,
    terms: undefined,
    cancellation: undefined,
  };
}

/** Errors of layers, most sensitive first: local ones, or measured ones with the share of a tolerance. */
export function sensitivities(
  errors: readonly { readonly name: string; readonly value: number; readonly share?: number }[],
): ReadonlyMap<string, LayerSensitivity> {
  return new Map(
    errors.map(({ name, value, share }, index) => [
      name,
      {
        value,
        low: value / 2,
        high: value * 2,
        method: share === undefined ? ('local' as const) : ('measured' as const),
        rank: index + 1,
        share,
      },
    ]),
  );
}

/** Numbers of a plan most of whose low layers are in FP16, with one layer in FP8 and one in INT8. */
export function inThreeFormats(): PlanNumbers {
  const ranges = new Map([['add/add', ranged({ overflow: 3 })]]);
  return measured({
    format: 'fp16',
    sensitivity: sensitivities([
      { name: 'conv2d/Conv', value: 1e-3, share: 0.124 },
      { name: 'add/add', value: 1e-5, share: 1e-3 },
    ]),
    others: new Map([
      [
        'fp8_e4m3',
        { sensitivity: sensitivities([{ name: 'conv2d/Conv', value: 8e-3, share: 0.9 }]), ranges: new Map() },
      ],
      ['int8', { sensitivity: sensitivities([{ name: 'add/add', value: 4e-2 }]), ranges }],
    ]),
  });
}

let sample: ReturnType<typeof openModel> | undefined;

/**
 * A fixture in which `//- NAME` starts a file beside the sample's model; one without such a line is a single plan. All
 * other files are those on disk.
 *
 * @param model in place of every model that is named
 */
export function openWorkspace(fixture: string, model?: Model): Workspace {
  const parts = fixture.startsWith('//- ')
    ? fixture.split(/^\/\/- /mu).slice(1)
    : [`plan.precision\n${fixture}`];
  let cursorOffset = 0;
  const documents = parts.map((part, index) => {
    const end = part.indexOf('\n');
    const marked = part.slice(end + 1);
    if (index === 0) cursorOffset = Math.max(0, marked.indexOf('$0'));
    const uri = uriOfPath(resolve(folder, part.slice(0, end)));
    return TextDocument.create(uri, 'onnx-precision', 1, marked.replace('$0', ''));
  });
  const [plan] = documents;
  if (plan === undefined) throw new Error('the fixture has no file');
  sample ??= openModel(resolve(folder, 'pose_landmark_lite.onnx'));
  const opened = model === undefined ? sample : { model };
  const files: WorkspaceFiles = {
    ...workspaceFiles(() => documents),
    openModel: () => opened,
    modelSteps: () => undefined,
  };
  return {
    open: new OpenPlans(files).open(plan),
    files,
    cursor: plan.positionAt(cursorOffset),
    text: (name) => documents.find(({ uri }) => pathOfUri(uri) === resolve(folder, name))?.getText() ?? '',
  };
}

/** The text after edits of the protocol. */
export function edited(document: TextDocument, edits: readonly TextEdit[]): string {
  return TextDocument.applyEdits(document, [...edits]);
}

/** The name of a layer of `longModel`. */
export function longName(layer: number): string {
  return `/encoder/block.${Math.floor(layer / 20)}/layer.${layer % 20}/Op:${layer}`;
}

/** A chain of so many layers with the names that exporters write, and of inputs with an open dimension. */
export function longModel(layers: number): Model {
  const operators = ['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Softmax'];
  const type = makeTensorType(DataType.FLOAT, ['batch', 64, undefined]);
  const nodes = Array.from({ length: layers }, (_, layer) =>
    makeNode({
      opType: operators[layer % operators.length] ?? 'Relu',
      name: longName(layer),
      inputs: [layer === 0 ? 'x' : `t${layer - 1}`],
      outputs: [`t${layer}`],
    }),
  );
  const graph = makeGraph({
    name: 'chain',
    nodes,
    inputs: [makeValueInfo('x', type)],
    outputs: [makeValueInfo(`t${layers - 1}`, type)],
  });
  const opsets = new Map([['', 17]]);
  const result = readModel(bufferSource(encodeBytes(encodeFresh({ irVersion: 8, opsets, graph }))));
  if ('problem' in result) throw new Error(result.problem.message);
  return result.model;
}

/** The hover at `$0`. */
export function hover(
  fixture: string,
  abilities: ClientAbilities = everything,
  model?: Model,
  numbersOf: (open: OpenPlan) => PlanNumbers = () => measured({}),
) {
  const { open, cursor } = openWorkspace(fixture, model);
  const found = hoverOf(open, cursor, abilities, numbersOf(open));
  const contents = found?.contents;
  return {
    text: MarkupContent.is(contents) ? contents.value : '',
    kind: MarkupContent.is(contents) ? contents.kind : undefined,
    on: found?.range === undefined ? '' : open.document.getText(found.range),
  };
}

/** The hover at `$0` stands on a text and has these pieces in this order. */
export function checkHover(fixture: string, on: string, ...pieces: readonly string[]): void {
  const found = hover(fixture);
  expect(found.on).toBe(on);
  checkPieces(found.text, pieces);
}

/** The hover at `$0` has these pieces in this order, once so much is known. */
export function checkNumbers(
  fixture: string,
  numbers: PlanNumbers | ((open: OpenPlan) => PlanNumbers),
  ...pieces: readonly string[]
): void {
  const numbersOf = typeof numbers === 'function' ? numbers : () => numbers;
  checkPieces(hover(fixture, everything, undefined, numbersOf).text, pieces);
}

function checkPieces(text: string, pieces: readonly string[]): void {
  let rest = text;
  for (const piece of pieces) {
    expect(rest).toContain(piece);
    rest = rest.slice(rest.indexOf(piece) + piece.length);
  }
}
