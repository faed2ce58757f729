/**
 * Which nodes and tensors of a model the name of a kernel holds, in a profile of the model under its own names: runtimes put
 * something before or behind them (`conv1_token_4`, `conv1_output_nchwc`, `mul/GeluFusion/`). Knows names only.
 */
import type { Model } from '../../../onnx/index.js';
import type { LabelParts } from '../../../emulate/index.js';
import type { PartsOfName } from '../../latency/kernel-owners.js';

/** Names of kernels are a path at most; one that is longer holds data. */
const LONGEST = 2000;

/**
 * Gives the parts of a kernel's name. Of names that overlap the longest counts, and a name is whole: `conv1` is not in `conv12`. A
 * name that several nodes bear is that of none.
 */
export function namesInKernels({ graph }: Model): PartsOfName {
  const nodes = new Map<string, number | undefined>();
  for (const [at, { name }] of graph.nodes.entries()) {
    if (name !== '') nodes.set(name, nodes.has(name) ? undefined : at);
  }
  const tensors = new Set(graph.nodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  const known = new Map<string, LabelParts>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined) {
      found = partsOf(name.slice(0, LONGEST), nodes, tensors);
      known.set(name, found);
    }
    return found;
  };
}

function partsOf(
  kernel: string,
  nodes: ReadonlyMap<string, number | undefined>,
  tensors: ReadonlySet<string>,
): LabelParts {
  const found = { nodes: [] as number[], tensors: [] as string[] };
  const { starts, ends } = bordersOf(kernel);
  let from = 0;
  for (const start of starts) {
    if (start < from) continue;
    const end = ends.findLast((one) => {
      if (one <= start) return false;
      const name = kernel.slice(start, one);
      return nodes.has(name) || tensors.has(name);
    });
    if (end === undefined) continue;
    const name = kernel.slice(start, end);
    const node = nodes.get(name);
    // An exporter may name a node like what it writes: the node says more.
    if (node !== undefined) found.nodes.push(node);
    else if (tensors.has(name)) found.tensors.push(name);
    from = end;
  }
  return found;
}

/** Where a name may begin and end: at the ends, and where a letter or digit meets anything else. */
function bordersOf(text: string): { readonly starts: readonly number[]; readonly ends: readonly number[] } {
  const isPart = (at: number): boolean => /[\p{L}\p{N}]/u.test(text.charAt(at));
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = 0; at <= text.length; at++) {
    const [before, behind] = [at > 0 && isPart(at - 1), at < text.length && isPart(at)];
    if (before && behind) continue;
    if (at < text.length) starts.push(at);
    if (at > 0) ends.push(at);
  }
  return { starts, ends };
}
