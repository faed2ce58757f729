/**
 * The shapes of the entries in the tables of `vocabulary.ts`: what there is to say of a name of the language, and what
 * an option takes. Knows no name itself.
 */
import type { Statement } from './tree.js';

/** A name and what it means, in one sentence. */
export interface Term {
  readonly name: string;
  readonly summary: string;
}

/** What `NAME(...)` takes: so many numbers, of a kind, within bounds (both included). */
export interface CallShape {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly whole: boolean;
  readonly least?: number;
  readonly most?: number;
}

/** What may stand after the colon of an option. */
export type ValueShape =
  | {
      /** One of some words; or one of some calls; or, where `number` is set, a number above 0. */
      readonly kind: 'choice';
      readonly words: readonly string[];
      readonly calls?: readonly CallShape[];
      readonly number?: boolean;
      /** The code of the diagnostic about any other value. */
      readonly code: 'option-unknown' | 'unknown-format';
    }
  | { readonly kind: 'format' }
  | { readonly kind: 'integer'; readonly least?: number; readonly most?: number }
  | { readonly kind: 'number' }
  | { readonly kind: 'power-of-two' }
  | { readonly kind: 'numbers' }
  | { readonly kind: 'strings' }
  | { readonly kind: 'range' }
  | { readonly kind: 'string' };

/** One of these words. */
export function words(...names: string[]): ValueShape {
  return { kind: 'choice', words: names, code: 'option-unknown' };
}

export interface OptionTerm extends Term {
  readonly value: ValueShape;
  /** Where it is documented, for options that are not the language's own. */
  readonly source?: string;
}

export interface FormatTerm extends Term {
  /** Run and exported; the others are emulated only, or exported as pairs of quantization operators. */
  readonly runs: boolean;
}

export interface MetricTerm extends Term {
  /** The operator of a tolerance: which way is better. */
  readonly operator: '<=' | '>=';
  /** How the figures of the samples become one where `over` does not say. */
  readonly over: 'worst' | 'mean' | 'pooled';
  /** Written `NAME(T)`. */
  readonly threshold: boolean;
  /** Needs `points`, `stride`, `dims` and `normalize`. */
  readonly landmarks: boolean;
  /** Options beside `over`. */
  readonly options: readonly OptionTerm[];
}

export interface GeneratorTerm extends Term {
  readonly parameters: readonly string[];
}

export interface StatementTerm {
  readonly kind: Exclude<Statement['kind'], 'unknown'>;
  readonly keyword: string;
  /** How it is written, for hovers and the reference. */
  readonly form: string;
  readonly summary: string;
  /** For `input` both the options of files and of generators; see `INPUT_FILE_OPTIONS`. */
  readonly options: readonly OptionTerm[];
}
