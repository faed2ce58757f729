/** Why a conversion was refused, and what to know about one that was done. Data only. */
import type { Piece } from '../onnx/index.js';

export interface ConversionProblem {
  readonly code:
    /** A weight is beyond the range of the format, and the plan does not say what to do with it. */
    | 'weight-overflow'
    /** A tensor that has to be converted cannot be read. */
    | 'tensor-unreadable'
    /** A format, or a rounding, that ONNX does not have at the model's opset. */
    | 'not-exportable'
    /** The result would be no valid model: a fault of ours, found before anything was written. */
    | 'type-problem'
    /** Beyond the 2 GB that a single file can have. */
    | 'too-large';
  /** A sentence for people, with the way out. */
  readonly message: string;
  /** The layer that it is about, as plans name it. */
  readonly layer?: string;
  readonly tensor?: string;
  /** For `weight-overflow`: the first element beyond the range, how many there are, and its value. */
  readonly index?: number;
  readonly count?: number;
  readonly value?: number;
}

export interface ConversionWarning {
  readonly code:
    /** A constant that stands for infinity was stored as an infinity, or as the lowest number. */
    | 'infinity-constant'
    /** Values beyond the range were made infinite or the largest number, as the plan says. */
    | 'overflow-handled'
    /** More than one in a hundred non-zero values of a weight became zero. */
    | 'weight-underflow'
    /** Sums that the plan has in a narrower format are added up as the runtime does it. */
    | 'accumulation-not-expressed'
    /** ONNX Runtime does not load the written model, or not at every optimisation level. */
    | 'runtime-limited'
    /** Weights stay in files beside the original model, which the result needs. */
    | 'external-data-kept';
  readonly message: string;
  readonly tensor: string;
  readonly layer?: string;
}

export interface ConversionSummary {
  readonly casts: number;
  /** Layers by the format that they have in the result; `original` for those that nothing decides. */
  readonly layers: Readonly<Record<string, number>>;
  /** Of the model's file; external data of the result are not in it. */
  readonly bytes: number;
  readonly warnings: readonly ConversionWarning[];
}

export interface Conversion {
  /** The model's file. */
  readonly pieces: readonly Piece[];
  /** To be written beside the model's file. */
  readonly external?: ExternalFile;
  readonly summary: ConversionSummary;
}

/** A file of external data, with the name that the model refers to. */
export interface ExternalFile {
  readonly location: string;
  readonly pieces: readonly Piece[];
}

export interface ConvertOptions {
  /** The name of a file beside the converted model for weights of 1 KB and more; without it all are in the model. */
  readonly externalLocation?: string;
  /**
   * Which of them go there. `all`, if left out: the result does not depend on the external data of the original then.
   * `converted`: what keeps its type stays where it is, in the model or in the external data of the original.
   * `necessary`: none. In the last two cases a model beyond `largestFile` has all there that would be in its file.
   */
  readonly externalWeights?: 'all' | 'converted' | 'necessary';
  /** In bytes: the 2 GB that a file of this format can have, if left out. */
  readonly largestFile?: number;
}

export type ConversionResult = Conversion | { readonly problems: readonly ConversionProblem[] };
