/**
 * A sum along an axis of tensors, added up one term after the other, each partial sum rounded to FP16, in one run, in chunks or
 * side by side: the bits of `formats/accumulation`. The graph computes in FP64, in which products of FP32 numbers are exact, in a Scan over the axis that is
 * summed. Knows operands; which operator they are of is for those to know who extend it.
 */
import type { Accumulation } from '../../formats/index.js';
import {
  DataType,
  makeAttribute,
  makeGraph,
  makeNode,
  makeTensorType,
  makeValueInfo,
  type Graph,
  type Node,
} from '../../onnx/index.js';
import { SumNodes, toType, type SumPlace } from './sum-nodes.js';

/** More lanes are added up in groups. */
const MOST_AT_ONCE = 32;
/** What a sum in chunks carries third. */
const PLACE_IN_CHUNK = 2;
/** The end of a slice of a shape that goes up to its last axis. */
const BEYOND_LAST_AXIS = 2 ** 31 - 1;

/** An operand of the sum: the tensor, the axis that is summed, and the axis that its slices are spread along. */
export interface Operand {
  readonly tensor: string;
  readonly axis: number;
  readonly spread: number | undefined;
  /** Of booleans: which slices of the other operand count. No product would do: an infinite value times 0 is not 0. */
  readonly isMask?: true;
}

/** Writes the nodes of sums; `to` is what their names begin with. */
export class SequentialSum extends SumNodes {
  constructor(
    private readonly accumulation: Accumulation,
    to: string,
    place: SumPlace,
  ) {
    super(to, place);
  }

  /**
   * The sum of the slices of one operand, or of the products of those of two or more, in FP64, of the shape that is given.
   * @param terms how many slices there are, where that is known
   */
  protected sumOf(
    operands: readonly Operand[],
    shape: string,
    { isFlat = false, terms }: { readonly isFlat?: boolean; readonly terms?: number | undefined } = {},
  ): string {
    const { accumulation } = this;
    const zeros = this.zeros(shape);
    const scanned = operands.map((operand) =>
      operand.isMask === true
        ? operand
        : { ...operand, tensor: this.add('Cast', [operand.tensor], [toType(DataType.DOUBLE)]) },
    );
    if (accumulation.kind === 'lanes') {
      // The runtime wants to know the rank of what is scanned, and does not know it of what is laid out in lanes.
      const sum = this.lanes(scanned, this.reshape(zeros, [-1]), lanesInUse(accumulation.count, terms));
      return isFlat ? sum : this.add('Reshape', [sum, shape]);
    }
    const [sum = '', total = ''] = this.scan(scanned, zeros, isFlat);
    return accumulation.kind === 'chunked' ? this.rounded(this.add('Add', [total, sum])) : sum;
  }

  /** One term after the other; what the last step leaves. */
  private scan(operands: readonly Operand[], zeros: string, isFlat: boolean): readonly string[] {
    const start = this.accumulation.kind === 'chunked' ? [zeros, zeros, this.int(0)] : [zeros];
    const names = start.map(() => this.name());
    this.addScan(start, operands, names, this.body(start.length, operands, isFlat));
    return names;
  }

  private addScan(
    start: readonly string[],
    operands: readonly Pick<Operand, 'tensor' | 'axis'>[],
    names: readonly string[],
    body: Graph,
  ): void {
    this.list.push(
      makeNode({
        opType: 'Scan',
        inputs: [...start, ...operands.map(({ tensor }) => tensor)],
        outputs: names,
        attributes: [
          makeAttribute('body', { kind: 'graph', value: body }),
          makeAttribute('num_scan_inputs', { kind: 'int', value: operands.length }),
          makeAttribute('scan_input_axes', { kind: 'ints', value: operands.map(({ axis }) => axis) }),
        ],
      }),
    );
  }

  /**
   * The sum of the sums of all lanes, one lane after the other, so that no more than one is carried from term to term. Many lanes are
   * added up in groups, those that leave the same remainder in one, which is what halving them does with the last of them: a row
   * for each group and each lane of one group is in memory at once, and not one for each lane of all.
   * Terms of 0 fill up the last of each lane, and change no sum.
   */
  private lanes(operands: readonly Operand[], zeros: string, count: number): string {
    const groups = groupsOf(count);
    const members = count / groups;
    const scanned = operands.map((operand) =>
      this.inLanes(operand, groups === 1 ? [count] : [members, groups]),
    );
    const sumOfLanes = (slices: readonly Operand[], many: number): string => {
      const rows = this.scanAll(slices, 1, 'lane', (own) => this.scan(own, zeros, true));
      return this.ofLanes(rows, many);
    };
    if (groups === 1) return sumOfLanes(scanned, count);
    const rows = this.scanAll(scanned, 2, 'lanes', (own) => [sumOfLanes(own, members)]);
    return this.ofLanes(rows, groups);
  }

  /** What is made of each slice along the axis that is `behind` places after the one that is summed, as rows. */
  private scanAll(
    operands: readonly Operand[],
    behind: number,
    name: string,
    write: (slices: readonly Operand[]) => readonly string[],
  ): string {
    const slices = operands.map(() => this.name());
    const outer = this.list;
    const nodes: Node[] = [];
    this.list = nodes;
    const results = write(operands.map((operand, at) => ({ ...operand, tensor: slices[at] ?? '' })));
    this.list = outer;
    const rows = this.name();
    // Counted from the end, the last of the new axes stands where the one that is summed stood.
    const scanned = operands.map(({ tensor, axis }) => ({ tensor, axis: axis < 0 ? axis : axis + behind }));
    this.addScan(
      [],
      scanned,
      [rows],
      makeGraph({
        name,
        nodes,
        inputs: slices.map((slice, at) => typed(slice, typeOf(operands[at]))),
        outputs: results.map((result) => typed(result, DataType.DOUBLE)),
      }),
    );
    return rows;
  }

  /**
   * An operand with axes of lanes after the one that is summed, the last of which changes from term to term first, and as many zeros at
   * its end as that takes: one step at least.
   */
  private inLanes(operand: Operand, axes: readonly number[]): Operand {
    const { tensor, axis, isMask } = operand;
    const count = axes.reduce((product, length) => product * length, 1);
    const one = (value: number) => this.store(DataType.INT64, [1], BigInt64Array.of(BigInt(value)));
    const shape = this.shapeOf(tensor);
    const length = this.add('Gather', [shape, one(axis)]);
    const lanes = one(count);
    const needed = this.add('Div', [this.add('Add', [length, one(count - 1)]), lanes]);
    const steps = this.add('Where', [this.add('Equal', [length, one(0)]), one(1), needed]);
    const missing = this.add('Sub', [this.add('Mul', [steps, lanes]), length]);
    const before = axis === 0 ? [] : [this.slice(shape, 0, axis)];
    const after = axis === -1 ? [] : [this.slice(shape, axis + 1, BEYOND_LAST_AXIS)];
    const filling = this.zeros(
      this.joined(...before, missing, ...after),
      isMask === true ? DataType.BOOL : DataType.DOUBLE,
    );
    const filled = this.add(
      'Concat',
      [tensor, filling],
      [makeAttribute('axis', { kind: 'int', value: axis })],
    );
    const apart = this.joined(...before, steps, ...axes.map(one), ...after);
    return { ...operand, tensor: this.add('Reshape', [filled, apart]) };
  }

  /** One step: the product of a slice of each operand, added to the sum and rounded. */
  private body(stateLength: number, operands: readonly Operand[], isFlat: boolean): Graph {
    const outer = this.list;
    const nodes: Node[] = [];
    this.list = nodes;
    const state = Array.from({ length: stateLength }, () => this.name());
    const slices = operands.map(() => this.name());
    const term = this.term(operands, slices, isFlat);
    const results = this.step(state, term);
    this.list = outer;
    const stateType = (at: number) => (at === PLACE_IN_CHUNK ? DataType.INT64 : DataType.DOUBLE);
    return makeGraph({
      name: 'partial_sum',
      nodes,
      inputs: [
        ...state.map((name, at) => typed(name, stateType(at))),
        ...slices.map((name, at) => typed(name, typeOf(operands[at]))),
      ],
      outputs: results.map((name, at) => typed(name, stateType(at))),
    });
  }

  private term(operands: readonly Operand[], slices: readonly string[], isFlat: boolean): string {
    let whole: string | undefined;
    for (const [at, operand] of operands.entries()) {
      const slice = this.spread(slices[at] ?? '', operand.spread);
      if (whole === undefined) whole = slice;
      else if (operand.isMask === true) whole = this.add('Where', [slice, whole, this.double(0)]);
      else whole = this.add('Mul', [whole, slice]);
    }
    return isFlat ? this.reshape(whole ?? '', [-1]) : (whole ?? '');
  }

  /** The state with one more term: a sum; of chunks also their total, and the place in the chunk. */
  private step(state: readonly string[], term: string): readonly string[] {
    const { accumulation } = this;
    const [sum = '', total = '', place = ''] = state;
    if (accumulation.kind !== 'chunked') return [this.rounded(this.add('Add', [sum, term]))];
    // Where a chunk begins, its predecessor's sum goes to the total first.
    const isBegin = this.add('Equal', [place, this.int(0)]);
    const soFar = this.rounded(this.add('Add', [total, sum]));
    const base = this.add('Where', [isBegin, this.double(0), sum]);
    return [
      this.rounded(this.add('Add', [base, term])),
      this.add('Where', [isBegin, soFar, total]),
      this.next(place, accumulation.length),
    ];
  }

  /** The number that follows, and 0 after the last. Mod is younger than the rest. */
  private next(place: string, count: number): string {
    const after = this.add('Add', [place, this.int(1)]);
    return this.add('Where', [this.add('Equal', [after, this.int(count)]), this.int(0), after]);
  }

  /** The sum of sums side by side: the second half to the first, until one is left. */
  private ofLanes(lanes: string, count: number): string {
    let left = lanes;
    for (let many = count; many > 1; many = Math.ceil(many / 2)) {
      const half = Math.ceil(many / 2);
      const pairs = Math.floor(many / 2);
      const sums = this.rounded(this.add('Add', [this.slice(left, 0, pairs), this.slice(left, half, many)]));
      left = pairs === half ? sums : this.joined(sums, this.slice(left, pairs, half));
    }
    return this.add('Gather', [left, this.int(0)]);
  }
}

/**
 * How many lanes of `count` have any of `terms` terms: halving the others adds nothing. The sum is the same to the last bit.
 */
function lanesInUse(count: number, terms: number | undefined): number {
  let many = count;
  while (terms !== undefined && many > 1 && Math.ceil(many / 2) >= terms) many = Math.ceil(many / 2);
  return many;
}

/** In how many groups lanes are added up: some square root of them, where they are many, and halving leaves no odd one. */
function groupsOf(count: number): number {
  const isPower = Number.isInteger(Math.log2(count));
  return isPower && count > MOST_AT_ONCE ? 2 ** Math.floor(Math.log2(count) / 2) : 1;
}

function typeOf(operand: Operand | undefined): DataType {
  return operand?.isMask === true ? DataType.BOOL : DataType.DOUBLE;
}

/** What a graph within the graph is given or gives, of any shape. */
function typed(name: string, type: DataType) {
  return makeValueInfo(name, makeTensorType(type, undefined));
}
