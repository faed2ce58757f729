/** What a plan says once it is bound to its model: layers, decisions, samples, tolerances. Data only. */
import type { DecisionStatement, Diagnostic, IncludeStatement, TextRange } from '../language/index.js';
import type { DataType, Model, ModelProblem, Node, Shape, Tensor } from '../onnx/index.js';
import type { Accumulation, FormatName, Quantization, RangeChoice } from '../formats/index.js';
import type { Aggregation, MetricSpecification, OwnMetric } from '../metrics/index.js';
import type { Profile } from '../profiles/index.js';

/** A node with a floating-point output that computes. */
export interface Layer {
  /**
   * The name as plans write it: the node's name, or its first non-empty output, behind ` > ` and the names that lead to
   * a sub-graph or function.
   */
  readonly name: string;
  readonly node: Node;
  /**
   * The node's number: its index in the main graph, or a higher one for a node inside a sub-graph or a function
   * (`isInMainGraph` tells).
   */
  readonly nodeIndex: number;
  /** Initializers and Constant outputs that the node reads as weights (floating point, two elements or more). */
  readonly weights: readonly Tensor[];
  /** Multiply-adds of one inference; undefined where the shapes are not known. */
  readonly multiplyAdds: number | undefined;
}

/** What a node is. */
export type NodeRole = 'layer' | 'movement' | 'constant' | 'shape' | 'integer' | 'container';

/** Where a decision stands, for findings and flips. */
export interface DecisionSource {
  readonly path: string;
  readonly range: TextRange;
  /** Range of the format word, which a flip replaces. */
  readonly formatRange: TextRange;
  readonly kind: 'default' | 'layer' | 'layers' | 'layers matching' | 'op' | 'between';
  /** For a `layer` statement: how many layers it names. */
  readonly names: number;
}

/** How the range of an integer format is chosen. */
export type RangeWish = RangeChoice | { readonly name: 'output_mse' };

/** What the options of a decision say of arithmetic; what they do not say is undefined. */
export interface LayerNumerics {
  /** The format of the weights, where it is not the layer's. */
  readonly weights?: FormatName;
  /** Left out: what the plan says of all layers, FP32 otherwise. */
  readonly accumulate?: Accumulation;
  /** Either neighbour, as often as a number is near to it, instead of the nearest. */
  readonly stochastic?: true;
  /** `minmax` where it is left out. */
  readonly quantize?: RangeWish;
  /** A scale for each channel of the weights instead of one for the tensor. */
  readonly perChannel?: true;
  /** The power of two that inputs are multiplied by before they are rounded. */
  readonly scale?: number;
}

/** How the ranges of integer formats are chosen. */
export type IntegerRanges = Pick<LayerNumerics, 'quantize' | 'perChannel'>;

export interface LayerDecision {
  readonly layer: Layer;
  /** What the plan asks for; `original` where nothing decides. */
  readonly wanted: FormatName | 'original';
  /** What conversion, emulation and prediction use. */
  readonly format: FormatName | 'original';
  /** Undefined where nothing but the format is decided. */
  readonly numerics?: LayerNumerics | undefined;
  /** Why `format` is not what was wanted. */
  readonly clamped: string | undefined;
  readonly pinned: boolean;
  /** What to do when a weight is beyond the format's range. */
  readonly overflow: 'error' | 'saturate' | 'inf';
  readonly source: DecisionSource | undefined;
}

/** What a statement says about pictures; what it does not say is undefined. */
export interface PictureOptions {
  readonly layout: 'nchw' | 'nhwc' | undefined;
  /** What the 0 to 255 of a channel is multiplied by, first. */
  readonly scale: number | undefined;
  /** Then taken from each channel, or from all of them where it is one number. */
  readonly mean: readonly number[] | undefined;
  /** What the rest is divided by. */
  readonly std: readonly number[] | undefined;
}

export type SampleSource =
  | {
      readonly kind: 'files';
      readonly glob: string;
      readonly axis: number | undefined;
      /** Undefined where the statement says nothing about pictures. */
      readonly pictures?: PictureOptions | undefined;
    }
  | {
      readonly kind: 'generator';
      readonly name: 'zeros' | 'ones' | 'constant' | 'uniform' | 'normal' | 'integers';
      readonly parameters: readonly number[];
      readonly seed: number;
      readonly count: number | undefined;
    };

export interface InputBinding {
  readonly name: string;
  readonly elementType: DataType;
  /** With the plan's `dim`s put in. */
  readonly shape: Shape | undefined;
  readonly source: SampleSource;
  /** The output whose value in one sample is fed in the next, as `state` says; `source` then feeds the first sample. */
  readonly carriedFrom?: string;
  /** Undefined where no statement feeds the input and a default stands in. */
  readonly statement:
    { readonly path: string; readonly range: TextRange; readonly valueRange: TextRange } | undefined;
}

export interface Tolerance {
  readonly output: string;
  readonly metric: MetricSpecification;
  readonly operator: '<=' | '>=';
  readonly limit: number;
  readonly over: Aggregation;
  /** As written, for messages: `relative_l2 <= 1e-3`. */
  readonly text: string;
  readonly source: { readonly path: string; readonly range: TextRange };
}

/** A format in which layers ran where a profile was taken. */
export type LatencyFormat = 'fp32' | 'fp16' | 'bf16' | 'int8';

/** A profile that was taken elsewhere, from which latencies come instead of from this machine. */
export interface LatencySource {
  readonly path: string;
  /** The path as the plan has it. */
  readonly written: string;
  /** The same object while the file stays the same. */
  readonly profile: Profile;
  /** In which format its layers ran; undefined where the plan leaves that to the types in the profile. */
  readonly format: LatencyFormat | undefined;
  /** Nobody says in which format layers ran, and types do not tell either: what other profiles have of a layer counts first. */
  readonly isUntold?: true;
  readonly source: { readonly path: string; readonly range: TextRange };
}

export interface PlanTarget {
  readonly name: string;
  readonly threads: number | undefined;
  /** Of the provider, by ONNX Runtime's names for them; left out where there are none. */
  readonly options?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Left out: a statement names it. Otherwise it stands in where none does. */
  readonly isAssumed?: true;
}

/** What a target of this machine was found to be, by experiment. */
export interface FoundTarget {
  /** A model runs there. */
  readonly usable: boolean;
  /** One sentence: what it runs on, or what is missing. */
  readonly summary: string;
  /** How to get what is missing; undefined for a target that is usable. */
  readonly advice: string | undefined;
  /** In what it adds up in FP16, by kind of sum (`sumKind`) or operator of the ONNX domain; empty where that is not known. */
  readonly sums: ReadonlyMap<string, Accumulation>;
}

/** How the targets of a plan add up where the plan does not say it. */
export interface TargetSums {
  /** By kind of sum (`sumKind`) or operator of the ONNX domain, in FP16. */
  readonly byOperator: ReadonlyMap<string, Accumulation>;
  /** The targets that decided it. */
  readonly from: readonly string[];
  /** The targets of the plan of which it is not known. */
  readonly unknown: readonly string[];
}

/** A metric of the user's own. */
export interface OwnMetricStatement {
  readonly own: OwnMetric;
  /** Where its file is named. */
  readonly source: { readonly path: string; readonly range: TextRange };
}

/** Where the truth of each sample lies. */
export interface PlanLabels {
  /** Relative to the plan's folder. */
  readonly glob: string;
  readonly source: { readonly path: string; readonly range: TextRange };
}

/** A plan bound to its model. Statements with errors are left out; all the others count. */
export interface BoundPlan {
  readonly path: string;
  readonly model: Model;
  readonly layers: readonly Layer[];
  /** By number of the node: those of the main graph, then those inside of them. */
  readonly roles: readonly NodeRole[];
  /** In the order of `layers`. */
  readonly decisions: readonly LayerDecision[];
  readonly inputs: readonly InputBinding[];
  readonly dims: ReadonlyMap<string, number>;
  readonly labels?: PlanLabels | undefined;
  /** By name. */
  readonly ownMetrics?: ReadonlyMap<string, OwnMetricStatement>;
  readonly targets: readonly PlanTarget[];
  /** Where latencies come from; left out or empty for this machine. */
  readonly latencySources?: readonly LatencySource[];
  /** Files, as they are written, that latencies are to come from and that cannot be read. */
  readonly unreadLatencies?: readonly string[];
  readonly objective: string | undefined;
  /** In what the layers of a low format add up where they do not say so themselves; FP32 where it is left out. */
  readonly accumulate?: Accumulation | undefined;
  /** How its targets add up, where `accumulate` is left out and that was found. */
  readonly targetSums?: TargetSums;
  /** Positions of the layers of which a statement says how they add up. */
  readonly statedSums?: readonly number[];
  readonly tolerances: readonly Tolerance[];
  readonly diagnostics: readonly Diagnostic[];
}

/** An input of a node by its number; or an output of a sub-graph or function, which something around reads (`endOf`). */
export interface NodeInput {
  readonly node: number;
  readonly input: number;
}

/** A cast that the mixed model needs: one per tensor and type. It stands in the scope of the tensor. */
export interface TensorCast {
  /** Id of the tensor: its name in the main graph. */
  readonly tensor: string;
  readonly from: DataType;
  readonly to: DataType;
  /** Who reads the cast's result. */
  readonly readers: readonly NodeInput[];
  /** The cast makes a graph output (or a tensor that something unknown reads by name) keep its type and name. */
  readonly keepsName: boolean;
}

/** A constant that is stored in another type, for the readers named; the original stays if anyone else reads it. */
export interface ConstantCopy {
  /** Id of the tensor. */
  readonly tensor: string;
  /** The name of the tensor, for people. */
  readonly name: string;
  readonly value: Tensor;
  readonly to: DataType;
  readonly readers: readonly NodeInput[];
  /** No other reader is left, so the copy takes the place and the name of the original. */
  readonly replacesOriginal: boolean;
  readonly overflow: 'error' | 'saturate' | 'inf';
}

/**
 * A rounding that no element type stands for: the values go to numbers of the format, and are computed with in the type that
 * the tensor has.
 */
export interface TensorRounding {
  readonly format: Exclude<FormatName, 'fp32'>;
  readonly stochastic: boolean;
  readonly overflow: 'error' | 'saturate' | 'inf';
  /** Of integer formats: how their range is chosen. */
  readonly quantize: RangeWish;
  /** Of integer formats: the axis that has a scale for each index; left out, one for the tensor. */
  readonly axis?: number;
  /** A constant's values, which are known without a run. */
  readonly isWeight: boolean;
}

/** What a node rounds beside the types of its tensors, and how it adds up. */
export interface NodeRounding {
  /** By input; undefined where nothing is rounded, or only by its type. */
  readonly inputs: readonly (TensorRounding | undefined)[];
  /** By output. */
  readonly outputs: readonly (TensorRounding | undefined)[];
  /** Undefined for FP32, and for operators that add nothing up. */
  readonly accumulate?: Accumulation;
  /** Whether each partial sum goes to one of its two neighbours by chance, as often as it is near. */
  readonly drawsSums?: true;
  /** The power of two that inputs are multiplied by before they are rounded, and by what an output is divided after. */
  readonly scale?: number;
  /** Of a layer in a type of 16 bits: where what is beyond its range, infinities too, becomes its largest number. */
  readonly held?: HeldPlaces;
}

/** The ends of a node that are held in the range of its type. */
export interface HeldPlaces {
  readonly format: 'fp16' | 'bf16';
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/**
 * Which type each tensor has under a plan, in all scopes, and what must be cast. The one source of both the converted
 * and the emulated model. Nodes go by number, tensors by id: in the main graph their indexes and names.
 */
export interface PrecisionGraph {
  readonly model: Model;
  /** As they were given: what each layer is called, and what it does with weights beyond its range. */
  readonly decisions: readonly LayerDecision[];
  /** By node: the type that its main-type tensors take, or undefined for "as in the model". */
  readonly nodeTypes: readonly (DataType | undefined)[];
  /** By tensor: the type that its producer writes (only tensors whose type differs from the model's). */
  readonly writtenTypes: ReadonlyMap<string, DataType>;
  /** By node: for each input the type in which it is read, or undefined for "as in the model". */
  readonly readTypes: readonly (readonly (DataType | undefined)[])[];
  /** By place of a scope: the same for its outputs. Those of the main graph never change. */
  readonly outputTypes: readonly (readonly (DataType | undefined)[])[];
  readonly casts: readonly TensorCast[];
  readonly constants: readonly ConstantCopy[];
  /** By node, where something is rounded that types do not say. */
  readonly roundings: ReadonlyMap<number, NodeRounding>;
  /** Scales of integer formats by `quantizationKey`. None at first: samples and weights give them (`withQuantizations`). */
  readonly quantizations: ReadonlyMap<string, Quantization>;
}

/** What binding a plan asks of the world around it: open buffers, a disk, cached models, or a test's own files. */
export interface PlanFiles {
  /** The text of a file, or undefined where there is none. Paths are absolute. */
  readText(path: string): string | undefined;
  /** The same `Model` object for the same content: what is known of a model is kept with the object. */
  openModel(path: string): { readonly model: Model } | { readonly problem: ModelProblem };
  /** What a target of this machine was found to be; undefined while that is not known. The same object while nothing changes. */
  readonly findTarget?: (target: PlanTarget) => FoundTarget | undefined;
}

/** A decision statement with what it does. Indexes are into `layers`, in graph order. */
export interface BoundStatement {
  readonly statement: DecisionStatement;
  /** The file that the statement is in. */
  readonly path: string;
  /** The plan's own `include` through which the statement comes; undefined for one that is in the plan itself. */
  readonly include: IncludeStatement | undefined;
  readonly wanted: FormatName | 'original';
  /** What it asks for beside the format and changes what that does, by name, as it is written. */
  readonly options: Readonly<Record<string, string>>;
  /** The same, understood. */
  readonly numerics: LayerNumerics | undefined;
  readonly overflow: LayerDecision['overflow'];
  readonly pinned: boolean;
  /** The layers that it matches. */
  readonly matches: readonly number[];
  /** Of these, the layers that no later statement decides. */
  readonly decides: readonly number[];
}

/** A bound plan with its decision statements in the order in which they count, for lenses and edits. */
export interface TracedPlan extends BoundPlan {
  /** The absolute path of the model file. */
  readonly modelPath: string;
  readonly statements: readonly BoundStatement[];
}

/** A plan whose model is missing, unreadable or not named. What needs no model is reported all the same. */
export interface UnboundPlan {
  readonly path: string;
  readonly model: undefined;
  readonly modelPath: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}
