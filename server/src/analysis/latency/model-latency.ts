/**
 * The kernels of one run, added up by the layers that they belong to. Knows one model (the original, or what it was
 * converted to) and its profile.
 */
import { isStep, type Model, type Steps } from '../../onnx/index.js';
import { modelFacts, type Layer, type ModelFacts } from '../../plan/index.js';
import type { ProfiledKernel } from '../../runtime/index.js';
import { correspondingNodes } from './corresponding-nodes.js';
import type { KernelOwner } from './kernel-owners.js';

export interface ProfiledModel {
  readonly model: Model;
  /** Of the original. */
  readonly layers: readonly Layer[];
  /** Of one run, in the order in which they ran. */
  readonly kernels: readonly ProfiledKernel[];
  /** Of each of them. */
  readonly owners: readonly KernelOwner[];
}

/** Milliseconds in one run; lists are beside the layers. */
export interface ModelLatency {
  readonly layers: readonly number[];
  readonly casts: readonly number[];
  /** Whether the layer has a kernel, or a share in one. */
  readonly hasKernel: readonly boolean[];
  /** Where a layer has no kernel: the nearest one that has, before it or else behind it. */
  readonly fusedInto: readonly (Layer | undefined)[];
  readonly others: number;
  readonly unmapped: number;
  readonly unmappedKernels: readonly string[];
  /** All of the kernels. */
  readonly total: number;
}

/** A few layers at a time. */
export function* modelLatency(original: Model, profiled: ProfiledModel): Steps<ModelLatency> {
  const latency = new LatencyOfLayers(original, profiled);
  yield;
  return yield* latency.result();
}

class LatencyOfLayers {
  private readonly facts: ModelFacts;
  /** By node index of the model: the place of its layer. */
  private readonly places = new Map<number, number>();
  private readonly nodeOfPlace: (number | undefined)[];
  private readonly times: number[];
  private readonly casts: number[];
  private readonly hasKernel: boolean[];
  /** Nodes of the model that the original has, too. */
  private readonly known: ReadonlyMap<number, number>;
  private others = 0;
  private unmapped = 0;
  private readonly unmappedTimes = new Map<string, number>();

  constructor(
    original: Model,
    private readonly profiled: ProfiledModel,
  ) {
    const { model, layers } = profiled;
    this.facts = modelFacts(model);
    this.times = layers.map(() => 0);
    this.casts = layers.map(() => 0);
    this.hasKernel = layers.map(() => false);
    this.nodeOfPlace = layers.map(() => undefined);
    this.known =
      model === original
        ? new Map(model.graph.nodes.map((_, at) => [at, at]))
        : correspondingNodes(original, model);
    const byNode = new Map(layers.map((layer, place) => [layer.nodeIndex, place]));
    for (const [at, before] of this.known) {
      const place = byNode.get(before);
      if (place === undefined) continue;
      this.places.set(at, place);
      this.nodeOfPlace[place] = at;
    }
  }

  *result(): Steps<ModelLatency> {
    const { kernels, layers, owners } = this.profiled;
    for (const [index, kernel] of kernels.entries()) {
      if (isStep(index)) yield;
      this.count(kernel, owners[index] ?? { kind: 'unknown' });
    }
    const fusedInto: (Layer | undefined)[] = [];
    for (const place of layers.keys()) {
      if (isStep(place)) yield;
      fusedInto.push(this.fusedInto(place));
    }
    return {
      layers: this.times,
      casts: this.casts,
      hasKernel: this.hasKernel,
      fusedInto,
      others: this.others,
      unmapped: this.unmapped,
      unmappedKernels: [...this.unmappedTimes].sort(([, a], [, b]) => b - a).map(([name]) => name),
      total: kernels.reduce((sum, kernel) => sum + kernel.milliseconds, 0),
    };
  }

  private count({ name, milliseconds }: ProfiledKernel, owner: KernelOwner): void {
    if (owner.kind === 'part') {
      this.share(owner.nodes, milliseconds);
      return;
    }
    if (owner.kind === 'cast' && !(owner.own !== undefined && this.known.has(owner.own))) {
      const places = this.layersAt(owner.nodes, owner.side);
      for (const place of places) this.casts[place] = (this.casts[place] ?? 0) + milliseconds / places.length;
      if (places.length > 0) return;
    } else if (owner.kind !== 'unknown') {
      const place = owner.kind === 'node' ? this.places.get(owner.node) : undefined;
      if (place === undefined) {
        this.others += milliseconds;
      } else {
        this.times[place] = (this.times[place] ?? 0) + milliseconds;
        this.hasKernel[place] = true;
      }
      return;
    }
    this.unmapped += milliseconds;
    this.unmappedTimes.set(name, (this.unmappedTimes.get(name) ?? 0) + milliseconds);
  }

  /** What many nodes take together, by their multiply-adds; evenly where they have none. */
  private share(nodes: readonly number[], milliseconds: number): void {
    const places = nodes.flatMap((node) => this.places.get(node) ?? []);
    const work = places.map((place) => this.profiled.layers[place]?.multiplyAdds ?? 0);
    const total = work.reduce((sum, one) => sum + one, 0);
    for (const [index, place] of places.entries()) {
      const part = total > 0 ? (work[index] ?? 0) / total : 1 / places.length;
      this.times[place] = (this.times[place] ?? 0) + milliseconds * part;
      this.hasKernel[place] = true;
    }
    if (places.length === 0) this.others += milliseconds;
  }

  /** The layers at one side of a border: the nodes themselves, or those behind the movement that stands there. */
  private layersAt(nodes: readonly number[], side: 'writer' | 'readers'): readonly number[] {
    const found = new Set<number>();
    this.walk(nodes, side, (at) => {
      const place = this.places.get(at);
      if (place !== undefined) found.add(place);
      return place !== undefined;
    });
    return [...found];
  }

  private fusedInto(place: number): Layer | undefined {
    const node = this.nodeOfPlace[place];
    if (this.hasKernel[place] === true || node === undefined) return undefined;
    for (const side of ['writer', 'readers'] as const) {
      let found: number | undefined;
      this.walk(this.neighbours(node, side), side, (at) => {
        const own = this.places.get(at);
        if (found === undefined && own !== undefined && this.hasKernel[own] === true) found = own;
        return found !== undefined;
      });
      if (found !== undefined) return this.profiled.layers[found];
    }
    return undefined;
  }

  /** Visits nodes in breadth, nearest first; `stops` says where not to go on. */
  private walk(nodes: readonly number[], side: 'writer' | 'readers', stops: (at: number) => boolean): void {
    const seen = new Set(nodes);
    const queue = [...nodes];
    for (const at of queue) {
      if (stops(at)) continue;
      for (const next of this.neighbours(at, side)) {
        if (seen.has(next)) continue;
        seen.add(next);
        queue.push(next);
      }
    }
  }

  private neighbours(at: number, side: 'writer' | 'readers'): readonly number[] {
    const node = this.profiled.model.graph.nodes[at];
    const { producers, consumers } = this.facts.index;
    if (side === 'writer') return (node?.inputs ?? []).flatMap((name) => producers.get(name) ?? []);
    return (node?.outputs ?? []).flatMap((name) => (consumers.get(name) ?? []).map((reader) => reader.node));
  }
}
