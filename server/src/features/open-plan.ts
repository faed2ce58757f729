/**
 * An open plan as every feature sees it: parsed once and bound once for each version of its text, however many requests
 * ask. Knows no feature.
 */
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { parse, parseSteps, type SyntaxTree } from '../language/index.js';
import type { Model, Steps } from '../onnx/index.js';
import {
  bindPlan,
  bindPlanSteps,
  type FoundTarget,
  type PlanFiles,
  type PlanTarget,
  type TracedPlan,
  type UnboundPlan,
} from '../plan/index.js';
import { resolveBeside } from './beside.js';
import { pathOfUri } from './document-path.js';
import type { WorkspaceFiles } from './workspace-files.js';

export interface OpenPlan {
  readonly document: TextDocument;
  readonly files: WorkspaceFiles;
  /** Undefined for a document that is no file on disk: it has no folder that a model could lie in. */
  readonly path: string | undefined;
  readonly tree: SyntaxTree;
  /** Undefined where there is no path. Binding a long plan takes tens of milliseconds: `model` does without. */
  readonly bound: TracedPlan | UnboundPlan | undefined;
  /** `bound`, where it has its model. */
  readonly plan: TracedPlan | undefined;
  /** The model that the plan names, if it opens. */
  readonly model: Model | undefined;
}

/** What is known of the documents that are open, as long as their texts and the files they name stay the same. */
export class OpenPlans {
  private readonly readings = new WeakMap<TextDocument, Reading>();

  constructor(private readonly files: WorkspaceFiles) {}

  /** The plan in the version that its document has now; what is not at hand is found when it is asked for. */
  open(document: TextDocument): OpenPlan {
    return this.reading(document);
  }

  /** How to parse the plan a little at a time; undefined where it is parsed. */
  parsingSteps(document: TextDocument): Steps<void> | undefined {
    return this.reading(document).parsingSteps();
  }

  /** The model of the plan, if it is still to be learnt, and how. */
  modelToLearn(document: TextDocument): { readonly path: string; readonly steps: Steps<void> } | undefined {
    const path = this.reading(document).modelPath;
    const steps = path === undefined ? undefined : this.files.modelSteps(path);
    return path === undefined || steps === undefined ? undefined : { path, steps };
  }

  /** How to bind the plan a little at a time; undefined where it is bound. */
  bindingSteps(document: TextDocument): Steps<void> | undefined {
    return this.reading(document).bindingSteps();
  }

  private reading(document: TextDocument): Reading {
    let reading = this.readings.get(document);
    if (reading?.version !== document.version) {
      reading = new Reading(document, this.files);
      this.readings.set(document, reading);
    }
    reading.checkFiles();
    return reading;
  }
}

/** One version of one document. */
class Reading implements OpenPlan {
  readonly version: number;
  readonly path: string | undefined;
  private parsed: SyntaxTree | undefined;
  private binding: { readonly result: TracedPlan | UnboundPlan; readonly read: ReadFiles } | undefined;

  constructor(
    readonly document: TextDocument,
    readonly files: WorkspaceFiles,
  ) {
    this.version = document.version;
    this.path = pathOfUri(document.uri);
  }

  get tree(): SyntaxTree {
    this.parsed ??= parse(this.document.getText());
    return this.parsed;
  }

  parsingSteps(): Steps<void> | undefined {
    return this.parsed === undefined ? this.parse(this.document.getText()) : undefined;
  }

  private *parse(text: string): Steps<void> {
    const tree = yield* parseSteps(text);
    // Someone who could not wait may have parsed it meanwhile, and holds on to that one.
    this.parsed ??= tree;
  }

  get bound(): TracedPlan | UnboundPlan | undefined {
    const { path } = this;
    if (path === undefined) return undefined;
    if (this.binding === undefined) {
      const read = new ReadFiles(this.files);
      this.binding = { result: bindPlan({ path, tree: this.tree, files: read.files }), read };
    }
    return this.binding.result;
  }

  bindingSteps(): Steps<void> | undefined {
    const { path } = this;
    return path === undefined || this.binding !== undefined ? undefined : this.bind(path);
  }

  private *bind(path: string): Steps<void> {
    const read = new ReadFiles(this.files);
    const result = yield* bindPlanSteps({ path, tree: this.tree, files: read.files });
    // Someone who could not wait may have bound it meanwhile, and holds on to that one.
    this.binding ??= { result, read };
  }

  get plan(): TracedPlan | undefined {
    const bound = this.bound;
    return bound?.model === undefined ? undefined : bound;
  }

  get model(): Model | undefined {
    if (this.binding !== undefined) return this.binding.result.model;
    const { modelPath } = this;
    if (modelPath === undefined) return undefined;
    const opened = this.files.openModel(modelPath);
    return 'model' in opened ? opened.model : undefined;
  }

  /** Where the model lies that the plan names. */
  get modelPath(): string | undefined {
    for (const statement of this.tree.statements) {
      if (statement.kind !== 'model' || statement.path === undefined) continue;
      return resolveBeside(this.path, statement.path.value);
    }
    return undefined;
  }

  /** Forgets the binding if a file that it was made from is another one now. */
  checkFiles(): void {
    if (this.binding?.read.isUnchanged() === false) this.binding = undefined;
  }
}

type OpenedModel = ReturnType<PlanFiles['openModel']>;

/** Files, and what was read of them. */
class ReadFiles {
  readonly files: PlanFiles;
  private readonly texts = new Map<string, string | undefined>();
  private readonly models = new Map<string, OpenedModel>();
  private readonly targets = new Map<PlanTarget, FoundTarget | undefined>();

  constructor(private readonly source: WorkspaceFiles) {
    this.files = {
      ...source,
      findTarget: (target) => {
        const found = source.findTarget(target);
        this.targets.set(target, found);
        return found;
      },
      readText: (path) => {
        const text = source.readText(path);
        this.texts.set(path, text);
        return text;
      },
      openModel: (path) => {
        const opened = source.openModel(path);
        this.models.set(path, opened);
        return opened;
      },
    };
  }

  isUnchanged(): boolean {
    for (const [path, text] of this.texts) if (this.source.readText(path) !== text) return false;
    for (const [path, opened] of this.models) if (this.source.openModel(path) !== opened) return false;
    for (const [target, found] of this.targets) if (this.source.findTarget(target) !== found) return false;
    return true;
  }
}
