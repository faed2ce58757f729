/** What a calibration sample is: one tensor for every input of the model, and what can be wrong with one. Data only. */
import type { Severity } from '../../language/index.js';
import type { DataType } from '../../onnx/index.js';
import type { InputBinding } from '../../plan/index.js';
import type { TensorContent } from '../../runtime/index.js';

export interface SampleTensor {
  readonly dataType: DataType;
  readonly dims: readonly number[];
  /** Little-endian and in C order: a range of the sample's own file where that serves as it is, else bytes. */
  readonly content: TensorContent;
  /** Where it is from, for people: `inputs/a.npy`, `batch.npy[3]`, `normal(0, 1)`. */
  readonly origin: string;
  /** SHA-256 of the elements, in hexadecimal. */
  readonly sha256: string;
}

export interface Sample {
  /** Its place among the samples of the plan; samples with problems are left out, and the others keep their index. */
  readonly index: number;
  /** What to call it: the file that is its own, or its number. */
  readonly name: string;
  /** By input name; made for every input of the model that the plan binds. */
  readonly inputs: Readonly<Record<string, SampleTensor>>;
  /**
   * Inputs that take an output of the sample before instead, in a run of the whole sequence: input to output. None in the
   * first sample. What `inputs` has for them is for a run of this sample alone.
   */
  readonly carried?: Readonly<Record<string, string>>;
  /** The truth of it, where a metric of the plan is to be told: classes, or what an output should be, in C order. */
  readonly label?: readonly number[];
  /** SHA-256 of names, types, shapes and elements of all inputs, and of the label, in hexadecimal. */
  readonly key: string;
}

/** A diagnostic code of the plan language. */
export type SampleProblemCode =
  'input-missing' | 'input-shape' | 'samples-differ' | 'sample-nonfinite' | 'dim-unbound';

export interface SampleProblem {
  readonly code: SampleProblemCode;
  readonly severity: Severity;
  /** What is wrong, where, and a way out. */
  readonly message: string;
  readonly input: string;
  /** The statement that feeds the input; undefined where none does. */
  readonly statement: InputBinding['statement'];
}

export interface ResolvedSamples {
  /** The samples that can be used, in order. */
  readonly samples: readonly Sample[];
  readonly problems: readonly SampleProblem[];
}

/** What is wrong with one file or value, before it is known which statement it belongs to. */
export interface Fault {
  readonly code: SampleProblemCode;
  readonly message: string;
}

export type Outcome<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

export function success<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function failure<T>(code: SampleProblemCode, message: string): Outcome<T> {
  return { ok: false, fault: { code, message } };
}
