/**
 * Minimum s-t cuts of small directed networks, by Dinic's blocking flows. Deterministic: the same edges in the
 * same order give the same cut. Knows numbers only: no tensor, no type, no precision.
 *
 * Y. Dinitz, "Algorithm for solution of a problem of maximum flow in a network with power estimation", 1970.
 */

import { finish, isStep, type Steps } from '../../onnx/index.js';

/** Larger than any sum of finite capacities that is ever used, and still exact in a double. */
export const UNCUTTABLE = 2 ** 50;

export interface Cut {
  readonly cost: number;
  /** By vertex: whether it stays with the source. */
  readonly sourceSide: readonly boolean[];
}

/** A network that grows edge by edge. Vertices are numbered from 0. */
export class FlowNetwork {
  private readonly heads: number[] = [];
  private readonly residual: number[] = [];
  private readonly edgesOf: number[][] = [];

  /** The number of the vertex that this adds. */
  addVertex(): number {
    this.edgesOf.push([]);
    return this.edgesOf.length - 1;
  }

  /** An edge that costs `capacity` when `from` is on the source's side and `to` is not. */
  addEdge(from: number, to: number, capacity: number): void {
    if (from === to || capacity <= 0) return;
    this.outgoing(from).push(this.heads.length);
    this.heads.push(to);
    this.residual.push(capacity);
    this.outgoing(to).push(this.heads.length);
    this.heads.push(from);
    this.residual.push(0);
  }

  /**
   * Cuts source from sink at least cost. `sourceSide[v]` is true for the vertices that stay with the source; of
   * several minimum cuts it is the one with the fewest of these.
   */
  cut(source: number, sink: number): Cut {
    return finish(this.cutSteps(source, sink));
  }

  /** The same, a few edges at a time. */
  *cutSteps(source: number, sink: number): Steps<Cut> {
    let cost = 0;
    for (;;) {
      const levels = this.levelsFrom(source);
      if ((levels[sink] ?? -1) < 0) return { cost, sourceSide: levels.map((level) => level >= 0) };
      cost += yield* this.blockingFlow(source, sink, levels);
      yield;
    }
  }

  private outgoing(vertex: number): number[] {
    const edges = this.edgesOf[vertex];
    if (edges === undefined) throw new RangeError(`no vertex ${vertex}`);
    return edges;
  }

  /** Distance of every vertex from the source over edges that still carry something; -1 where none leads. */
  private levelsFrom(source: number): number[] {
    const levels = this.edgesOf.map(() => -1);
    levels[source] = 0;
    const queue = [source];
    for (let at = 0; at < queue.length; at++) {
      const vertex = queue[at] ?? source;
      for (const edge of this.outgoing(vertex)) {
        const head = this.heads[edge] ?? source;
        if ((this.residual[edge] ?? 0) > 0 && levels[head] === -1) {
          levels[head] = (levels[vertex] ?? 0) + 1;
          queue.push(head);
        }
      }
    }
    return levels;
  }

  /** Pushes along shortest paths until each is blocked. The path is kept by hand: long chains must not recurse. */
  private *blockingFlow(source: number, sink: number, levels: readonly number[]): Steps<number> {
    const next = this.edgesOf.map(() => 0);
    const path: number[] = [];
    let total = 0;
    let vertex = source;
    for (let tried = 0; ; tried++) {
      if (isStep(tried)) yield;
      if (vertex === sink) {
        const { pushed, blockedAt } = this.pushAlong(path);
        total += pushed;
        path.length = blockedAt;
        vertex = this.endOf(path, source);
        continue;
      }
      const edges = this.outgoing(vertex);
      const edge = edges[next[vertex] ?? 0];
      if (edge === undefined) {
        const back = path.pop();
        if (back === undefined) return total;
        vertex = this.endOf(path, source);
        next[vertex] = (next[vertex] ?? 0) + 1;
        continue;
      }
      const head = this.heads[edge] ?? source;
      if ((this.residual[edge] ?? 0) > 0 && levels[head] === (levels[vertex] ?? 0) + 1) {
        path.push(edge);
        vertex = head;
      } else {
        next[vertex] = (next[vertex] ?? 0) + 1;
      }
    }
  }

  private endOf(path: readonly number[], source: number): number {
    const last = path.at(-1);
    return last === undefined ? source : (this.heads[last] ?? source);
  }

  /** Sends what the narrowest edge of the path lets through; `blockedAt` is the place of the first such edge. */
  private pushAlong(path: readonly number[]): { readonly pushed: number; readonly blockedAt: number } {
    let pushed = Infinity;
    let blockedAt = 0;
    path.forEach((edge, at) => {
      const left = this.residual[edge] ?? 0;
      if (left < pushed) {
        pushed = left;
        blockedAt = at;
      }
    });
    for (const edge of path) {
      this.residual[edge] = (this.residual[edge] ?? 0) - pushed;
      this.residual[edge ^ 1] = (this.residual[edge ^ 1] ?? 0) + pushed;
    }
    return { pushed, blockedAt };
  }
}
