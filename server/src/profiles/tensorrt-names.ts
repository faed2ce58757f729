/**
 * The names of nodes in the name that TensorRT gives to a layer of an engine: fused layers go by all of their nodes, joined by ` + `
 * or `||`; `PWN(...)` holds point-wise ones, `{ForeignNode[FIRST...LAST]}` a whole part of the graph by its ends, and
 * `Reformatting CopyNode for Input Tensor 0 to LAYER` is what it takes to give a tensor another type or layout. Knows no model, so
 * what it gives are names that a model may or may not have.
 */

export type NamesInKernel =
  /** One layer made of these. */
  | { readonly kind: 'layer'; readonly names: readonly string[] }
  /** A change of type or layout of an input or output of the layer made of these. */
  | {
      readonly kind: 'reformat';
      readonly side: 'input' | 'output';
      readonly tensor: number;
      readonly names: readonly string[];
    }
  /** Everything between these two, as one layer. */
  | { readonly kind: 'part'; readonly first: string; readonly last: string };

const REFORMAT = /^Reformatting CopyNode for (Input|Output) Tensor (\d+) to (.*)$/s;
const FOREIGN = /\{ForeignNode\[(.*?)\.\.\.(.*)\]\}/s;
/** A tensor that is copied into its place of a concatenation goes by its own name. */
const COPY = / copy$/;

/** Gives a list of names, perhaps empty, for whatever the name is. */
export function namesIn(name: string): NamesInKernel {
  const reformat = REFORMAT.exec(name);
  if (reformat !== null) {
    const [, side, tensor, layer = ''] = reformat;
    return {
      kind: 'reformat',
      side: side === 'Input' ? 'input' : 'output',
      tensor: Number(tensor),
      names: joinedNames(layer),
    };
  }
  const foreign = FOREIGN.exec(name);
  if (foreign !== null) {
    const [, first = '', last = ''] = foreign;
    return { kind: 'part', first: first.trim(), last: last.trim() };
  }
  return { kind: 'layer', names: joinedNames(name) };
}

function joinedNames(name: string): readonly string[] {
  return (
    name
      // Record and unit separators stand between names in engines of TensorRT 8.5 and later.
      .split(/ \+ |\|\||, |[\u001e\u001f]/)
      .map((part) => bare(part.trim()))
      .filter((part) => part !== '')
  );
}

/** Without what TensorRT puts round a name: `PWN(PWN(a)`, `[ONNX Layer: a]`, `a copy`. */
function bare(part: string): string {
  let name = part.replace(COPY, '');
  const onnx = /^\[ONNX Layer: (.*)\]$/.exec(name);
  if (onnx !== null) name = onnx[1] ?? '';
  while (/^(PWN|fusedPointwiseNode)\(/.test(name)) name = name.slice(name.indexOf('(') + 1);
  // Brackets that were opened in another part of the name are closed in this one.
  while (name.endsWith(')') && closesMore(name)) name = name.slice(0, -1);
  return name.trim();
}

function closesMore(name: string): boolean {
  let open = 0;
  for (const character of name) {
    if (character === '(') open += 1;
    if (character === ')') open -= 1;
  }
  return open < 0;
}
