/** What a profile says, whoever wrote it. Types only. */

export interface ProfileTensor {
  /** As ONNX Runtime names element types: `float`, `float16`. */
  readonly type: string;
  readonly dims: readonly number[];
}

/** One executed kernel of a profile. Times in milliseconds. */
export interface ProfiledKernel {
  readonly name: string;
  /** The operator; empty where the profile does not tell. */
  readonly opType: string;
  /** As ONNX Runtime names it; empty where the profile does not tell. */
  readonly provider: string;
  readonly milliseconds: number;
  /** The milliseconds are those it took to hand work to a device, which says little of how long the device took. */
  readonly isHandedOver?: true;
  /** The run that it is of, from 0; left out where the profile does not tell. */
  readonly run?: number;
  readonly inputShapes: readonly ProfileTensor[];
  readonly outputShapes: readonly ProfileTensor[];
}

/** A profile of one or more runs of a model. */
export interface Profile {
  readonly kind: 'onnxruntime' | 'tensorrt';
  /** In the order in which they ran: of all runs, or of one where `runs` is empty. */
  readonly kernels: readonly ProfiledKernel[];
  /** Milliseconds of each whole run, as far as the file has them. */
  readonly runs: readonly number[];
}

/** Why a file is no profile, and what to do about it: a sentence or two. */
export interface ProfileProblem {
  readonly problem: string;
}
