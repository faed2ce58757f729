/**
 * What an exchange with another tool is: a plan's decisions as that tool writes them, and back. What one side cannot say is a
 * loss, and every loss is said. Knows no tool.
 */
import type { FormatName } from '../formats/index.js';
import type { Model } from '../onnx/index.js';
import type { TracedPlan } from '../plan/index.js';

/** Something that the other side cannot say, or says otherwise. */
export interface Loss {
  readonly code: string;
  /** A whole sentence. */
  readonly message: string;
  /** The layers that it is about, as plans write their names; empty where it is about none in particular. */
  readonly layers: readonly string[];
}

export interface Exported {
  /** What the other tool reads, with a line break at its end. */
  readonly text: string;
  readonly losses: readonly Loss[];
}

/** What is decided for a layer; options that are left out are not said. */
export interface ImportedDecision {
  readonly format: FormatName | 'original';
  readonly pinned?: boolean;
  readonly overflow?: 'error' | 'saturate' | 'inf';
  readonly reason?: string;
}

export interface Imported {
  /** By `Layer.name`. A layer that is not in it keeps what the plan says. */
  readonly decisions: ReadonlyMap<string, ImportedDecision>;
  readonly losses: readonly Loss[];
}

/** Why a file says nothing that can be understood: a whole sentence, with a way out. */
export interface ImportProblem {
  readonly problem: string;
}

export interface ExchangeKind {
  /** As it is written behind `--to` and `--from`. */
  readonly name: string;
  /** What it is, in a few words. */
  readonly summary: string;
  /** Undefined for what is written in another way; then `instead` says how. */
  readonly exported?: (plan: TracedPlan) => Exported;
  readonly instead?: string;
  readonly imported:
    | { readonly from: 'text'; readonly read: (plan: TracedPlan, text: string) => Imported | ImportProblem }
    | { readonly from: 'model'; readonly read: (plan: TracedPlan, model: Model) => Imported | ImportProblem };
}
