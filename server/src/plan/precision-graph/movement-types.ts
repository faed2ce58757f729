/**
 * "Movement follows": a type for every movement between ends whose types are given, so that the fewest casts are
 * needed and no value is rounded on its way between two ends that both hold it unrounded. Ties follow the
 * producer. Knows tensors and types only: no node, no operator, no decision.
 */
import { DataType } from '../../onnx/index.js';
import { fewestCasts, type CastProblem, type End, type SharedCast } from './fewest-casts.js';
import { holdsAllOf } from '../model/format-types.js';

/** A type that is given, or the place of a movement in their list. */
export type TypedEnd = End<DataType>;

/** A tensor with what is known of its ends. Labels are element types, variables are places in the list of movements. */
export interface TypedTensor {
  /** In the model. */
  readonly originalType: DataType;
  /** Undefined for a constant, which is stored once in each type that it is read in and never cast. */
  readonly writer: TypedEnd | undefined;
  /** How many graphs and functions it is inside of: a cast further out is run less often, or shared by all calls. */
  readonly depth: number;
  /** Types that the values of a constant need; empty where every type holds them. */
  readonly constantTypes: readonly DataType[];
  readonly readers: readonly TypedEnd[];
  /** Readers that take any type and cast by themselves, so that no cast is needed before them. */
  readonly castingReaders: readonly TypedEnd[];
}

export interface FreeMovement {
  /** In the model. */
  readonly originalType: DataType;
  /** Types that values need which the node makes by itself, such as a Cast from integers. */
  readonly ownTypes: readonly DataType[];
  readonly isAllowed: (type: DataType) => boolean;
}

/** The types that come together at a movement: written by sources before it, read by sinks behind it. */
interface Surroundings {
  readonly sources: readonly ReadonlySet<DataType>[];
  readonly sinks: readonly ReadonlySet<DataType>[];
}

/**
 * The type of each movement. A movement that no changed type touches, not even over other movements, keeps the
 * model's type.
 *
 */
export function movementTypes(
  movements: readonly FreeMovement[],
  tensors: readonly TypedTensor[],
): readonly DataType[] {
  const types = movements.map((movement) => movement.originalType);
  const surroundings = findSurroundings(movements, tensors);
  for (const component of touchedComponents(movements.length, tensors)) {
    const problem = castProblem(component, movements, surroundings);
    fewestCasts(problem).forEach((type, place) => {
      const movement = component.movements[place];
      if (movement !== undefined) types[movement] = type;
    });
  }
  return types;
}

function findSurroundings(movements: readonly FreeMovement[], tensors: readonly TypedTensor[]): Surroundings {
  const sources = movements.map(({ ownTypes }) => new Set(ownTypes));
  const sinks = movements.map(() => new Set<DataType>());
  const at = (sets: readonly Set<DataType>[], end: TypedEnd): Iterable<DataType> =>
    'label' in end ? [end.label] : (sets[end.variable] ?? []);
  // Mostly one round does, in the order of the tensors; what a loop carries goes round.
  for (let grows = true; grows;) {
    grows = false;
    for (const { writer, constantTypes, readers, castingReaders } of tensors) {
      const written = writer === undefined ? constantTypes : [...at(sources, writer)];
      for (const reader of [...readers, ...castingReaders]) grows = meet(sources, reader, written) || grows;
    }
  }
  const reversed = [...tensors].reverse();
  for (let grows = true; grows;) {
    grows = false;
    for (const { writer, readers, castingReaders } of reversed) {
      if (writer === undefined || 'label' in writer) continue;
      for (const reader of [...readers, ...castingReaders]) {
        grows = meet(sinks, writer, [...at(sinks, reader)]) || grows;
      }
    }
  }
  return { sources, sinks };
}

/** Adds types to the set of a movement; whether there was one among them that it had not. */
function meet(sets: readonly Set<DataType>[], at: TypedEnd, types: readonly DataType[]): boolean {
  const set = 'variable' in at ? sets[at.variable] : undefined;
  if (set === undefined) return false;
  const before = set.size;
  for (const type of types) set.add(type);
  return set.size > before;
}

/** Movements that depend on each other's types, in their order, and the tensors between and around them. */
interface Component {
  readonly movements: number[];
  readonly tensors: TypedTensor[];
}

function touchedComponents(count: number, tensors: readonly TypedTensor[]): readonly Component[] {
  const parents = Array.from({ length: count }, (_, movement) => movement);
  const find = (movement: number): number => {
    let root = movement;
    while ((parents[root] ?? root) !== root) root = parents[root] ?? root;
    for (let at = movement; at !== root;) {
      const next = parents[at] ?? root;
      parents[at] = root;
      at = next;
    }
    return root;
  };
  const ends = ({ writer, readers, castingReaders }: TypedTensor): readonly TypedEnd[] =>
    writer === undefined ? [] : [writer, ...readers, ...castingReaders];
  const firstMovement = (tensor: TypedTensor): number | undefined => {
    const end = ends(tensor).find((candidate) => 'variable' in candidate);
    return end !== undefined && 'variable' in end ? end.variable : undefined;
  };
  for (const tensor of tensors) {
    const first = firstMovement(tensor);
    for (const end of ends(tensor)) {
      if (first !== undefined && 'variable' in end) parents[find(end.variable)] = find(first);
    }
  }
  const components = new Map<number, Component>();
  const touched = new Set<number>();
  const componentOf = (movement: number): Component => {
    const root = find(movement);
    const component = components.get(root) ?? { movements: [], tensors: [] };
    components.set(root, component);
    return component;
  };
  for (let movement = 0; movement < count; movement++) componentOf(movement).movements.push(movement);
  for (const tensor of tensors) {
    const first = firstMovement(tensor);
    if (first === undefined) continue;
    componentOf(first).tensors.push(tensor);
    const { writer, readers, originalType } = tensor;
    const given = writer === undefined ? readers : [writer, ...readers];
    if (given.some((end) => 'label' in end && end.label !== originalType)) touched.add(find(first));
  }
  return [...components].filter(([root]) => touched.has(root)).map(([, component]) => component);
}

/**
 * The component as a problem of labels: fewest casts first; among as many, casts as far out as can be, and then the types
 * of the producers.
 */
function castProblem(
  component: Component,
  movements: readonly FreeMovement[],
  { sources, sinks }: Surroundings,
): CastProblem<DataType> {
  const places = new Map(component.movements.map((movement, place) => [movement, place]));
  const local = (end: TypedEnd): TypedEnd =>
    'label' in end ? end : { variable: places.get(end.variable) ?? -1 };
  const followed = component.movements.map((): TypedEnd[] => []);
  const casts: SharedCast<DataType>[] = [];
  const labels = new Set<DataType>();
  for (const { writer, readers, castingReaders, depth } of component.tensors) {
    if (writer === undefined) continue;
    const from = local(writer);
    casts.push({ writer: from, readers: readers.map(local), weight: 2 * depth });
    for (const reader of [...readers, ...castingReaders].map(local)) {
      if ('variable' in reader) followed[reader.variable]?.push(from);
    }
    for (const end of [writer, ...readers]) if ('label' in end) labels.add(end.label);
  }
  for (const movement of component.movements) labels.add(movements[movement]?.originalType ?? DataType.FLOAT);
  // Neither of the 16-bit types holds the other: what goes from one to the other may have to stay wider.
  if (labels.has(DataType.FLOAT16) && labels.has(DataType.BFLOAT16)) labels.add(DataType.FLOAT);

  const starts: DataType[] = [];
  const allowed = component.movements.map((number, place) => {
    const movement = movements[number];
    const original = movement?.originalType ?? DataType.FLOAT;
    const producers = followed[place] ?? [];
    if (producers.length === 0) producers.push({ label: original });
    followed[place] = producers;
    const possible = [...labels]
      .sort((a, b) => a - b)
      .filter(
        (type) =>
          keepsValues(type, sources[number], sinks[number]) &&
          (type === original || movement?.isAllowed(type) === true),
      );
    if (possible.length === 0) possible.push(original);
    const producer = producers[0] ?? { label: original };
    const wanted = 'label' in producer ? producer.label : starts[producer.variable];
    const start = possible.find((type) => type === wanted) ?? possible.find((type) => type === original);
    const first = start ?? possible[0] ?? original;
    starts[place] = first;
    return [first, ...possible.filter((type) => type !== first)];
  });

  const preferences: SharedCast<DataType>[] = followed.flatMap((producers, variable) =>
    producers.map((writer) => ({ writer, readers: [{ variable }], weight: 1 })),
  );
  // One cast more costs more than all the rest together.
  const most = casts.reduce((sum, cast) => sum + cast.weight, preferences.length + 1);
  const weighed = casts.map((cast) => ({ ...cast, weight: cast.weight + most }));
  return { allowed, tensors: [...weighed, ...preferences] };
}

/** Whether a stop in `type` changes nothing between any of the sources and any of the sinks. */
function keepsValues(
  type: DataType,
  sources: ReadonlySet<DataType> | undefined,
  sinks: ReadonlySet<DataType> | undefined,
): boolean {
  for (const source of sources ?? []) {
    if (holdsAllOf(type, source)) continue;
    for (const sink of sinks ?? []) if (!holdsAllOf(type, sink)) return false;
  }
  return true;
}
