/**
 * How the longer pieces of a plan are written, with places to fill in, in the protocol's snippet syntax: `${1:what
 * stands there}`. Knows no document.
 */
import type { MetricTerm, StatementTerm } from '../language/index.js';

const STATEMENT_FORMS: Readonly<Record<StatementTerm['kind'], string>> = {
  model: 'model "$1"',
  include: 'include "$1"',
  input: 'input "$1" from "$2"',
  dim: 'dim ${1:name} = ${2:1}',
  target: 'target $1',
  objective: 'objective $1',
  tolerance: 'tolerance "$1" $2',
  accumulate: 'accumulate: ${1:fp32}',
  default: 'default: ${1:fp16}',
  layer: 'layer "$1": ${2:fp32}',
  layers: 'layers "$1": ${2:fp32}',
  'layers matching': 'layers matching "$1": ${2:fp32}',
  op: 'op $1: ${2:fp32}',
  between: 'between "$1" and "$2": ${3:fp32}',
  latency: 'latency from "$1"',
  metric: 'metric ${1:name} from "$2"',
  labels: 'labels "$1"',
  state: 'state "$1" from "$2"',
};

export function statementForm(kind: StatementTerm['kind']): string {
  return STATEMENT_FORMS[kind];
}

const GENERATOR_FORMS: Readonly<Record<string, string>> = {
  constant: 'constant(${1:0})',
  uniform: 'uniform(${1:0}, ${2:1})',
  normal: 'normal(${1:0}, ${2:1})',
  integers: 'integers(${1:0}, ${2:1})',
};

export function generatorForm(name: string): string {
  return GENERATOR_FORMS[name] ?? name;
}

/** Limits that a first try may hold; one that fits the task is the user's to say. */
const LIMITS: Readonly<Record<string, string>> = {
  cosine: '0.999',
  sqnr: '40',
  psnr: '40',
  ulp_fp16: '4',
  top1: '0.99',
  top5: '0.99',
  nme: '0.01',
  pck: '0.97',
  iou: '0.99',
};

const THRESHOLDS: Readonly<Record<string, string>> = { pck: '0.05', iou: '0.5' };

const LANDMARKS = ' { points: ${3:0..32}, stride: ${4:5}, dims: ${5:2}, normalize: ${6:bbox} }';

/** A metric with its comparison, the limit to fill in, and what says where landmarks are. */
export function metricForm({ name, operator, threshold, landmarks }: MetricTerm): string {
  const call = threshold ? `${name}(\${1:${THRESHOLDS[name] ?? '0.5'}})` : name;
  return `${call} ${operator} \${2:${LIMITS[name] ?? '1e-3'}}${landmarks ? LANDMARKS : ''}`;
}
