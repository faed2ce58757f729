/**
 * What the lists of automatic mixed precision make of the layers of a model. A layer on the allow list is low, one on the deny
 * list is not, and one that infers is low if it reads something low and nothing that is kept: as PyTorch computes in the
 * widest type that it reads, and as TensorFlow's pass spreads its deny list over what follows. What only moves values hands on
 * what it reads; constants take any side. Knows the graph; no format and no text.
 */
import { DataType, type Model } from '../../onnx/index.js';
import { ampEntry } from './amp.js';
import { areFloats, elementTypeOf } from '../model/model-facts.js';
import { nodeRoles } from '../model/roles.js';
import {
  idIn,
  modelScopes,
  scopeEndedBy,
  type ModelScopes,
  type ScopedNode,
  type Tie,
} from '../model/scopes.js';
import type { Layer, NodeInput } from '../types.js';

export interface AmpChoice {
  readonly isLow: boolean;
  readonly reason: string;
}

/** Where values come from: a layer that is low, something that is kept, or constants alone. */
type Origin = 'low' | 'kept' | 'constant';

const KEPT: AmpChoice = { isLow: false, reason: 'reads what stays in FP32' };
const FOLLOWS: AmpChoice = { isLow: true, reason: 'reads what is in low precision' };
const IMPOSSIBLE: AmpChoice = { isLow: false, reason: 'cannot run in the low format, or is to be kept' };
const DECIDED: AmpChoice = { isLow: true, reason: 'is to be in low precision' };

/** Whether the lists are asked about a layer, or it is decided already: it is pinned, or cannot run in the low format. */
export type AmpStanding = 'open' | 'low' | 'kept';

/** The choice for each of `layers`. */
export function ampLayers(
  model: Model,
  layers: readonly Layer[],
  standing: (layer: Layer) => AmpStanding,
): ReadonlyMap<Layer, AmpChoice> {
  const scopes = modelScopes(model);
  const roles = nodeRoles(model);
  const layerOf = new Map(layers.map((layer) => [layer.nodeIndex, layer]));
  const origins = new Origins(scopes);
  const choices = new Map<Layer, AmpChoice>();
  for (const at of scopes.order) {
    const scoped = scopes.nodes[at];
    if (scoped === undefined) continue;
    const layer = layerOf.get(at);
    switch (roles[at]) {
      case 'layer': {
        const choice =
          layer === undefined ? IMPOSSIBLE : choiceOf(layer, standing(layer), origins.read(scoped));
        if (layer !== undefined) choices.set(layer, choice);
        origins.write(scoped, choice.isLow ? 'low' : 'kept');
        break;
      }
      case 'movement':
        origins.write(scoped, origins.read(scoped));
        break;
      case 'container':
        // What leaves it is known by its ties.
        break;
      default:
        origins.write(scoped, 'constant');
    }
  }
  // Nodes on or behind a cycle cannot run at all.
  for (const layer of layers) if (!choices.has(layer)) choices.set(layer, IMPOSSIBLE);
  return choices;
}

function choiceOf({ node: { domain, opType } }: Layer, standing: AmpStanding, read: Origin): AmpChoice {
  if (standing === 'kept') return IMPOSSIBLE;
  if (standing === 'low') return DECIDED;
  const { list, reason } = ampEntry(domain, opType);
  switch (list) {
    case 'allow':
      return { isLow: true, reason };
    case 'deny':
      return { isLow: false, reason };
    case 'infer':
    case 'clear':
      return read === 'low' ? FOLLOWS : KEPT;
  }
}

/** Where the values of each tensor come from, as far as the walk has got. */
class Origins {
  private readonly known = new Map<string, Origin>();
  private readonly ties = new Map<string, Tie>();

  constructor(private readonly scopes: ModelScopes) {
    for (const tie of scopes.ties) for (const id of tie.written) this.ties.set(id, tie);
    for (const scope of scopes.scopes) {
      for (const name of scope.index.initializers.keys()) this.known.set(idIn(scope, name), 'constant');
    }
  }

  write({ outputs }: ScopedNode, origin: Origin): void {
    for (const output of outputs) this.known.set(output, origin);
  }

  /** Of all that a node reads as floating-point numbers. */
  read({ inputs }: ScopedNode): Origin {
    const floats = inputs.filter((id) => areFloats(this.scopes.tensors.get(id)?.type));
    return joined(floats.map((id) => this.of(id)));
  }

  private of(id: string): Origin {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const tie = this.ties.get(id);
    // An input of the model.
    if (tie === undefined) {
      const type = elementTypeOf(this.scopes.tensors.get(id)?.type);
      return type === DataType.FLOAT16 || type === DataType.BFLOAT16 ? 'low' : 'kept';
    }
    // What a loop carries back is not known when it is first read: it takes the type of what it starts from.
    const sources = tie.read.map((input) => this.known.get(this.idOf(input)) ?? 'constant');
    return joined(sources);
  }

  private idOf({ node, input }: NodeInput): string {
    const scoped = this.scopes.nodes[node];
    if (scoped !== undefined) return scoped.inputs[input] ?? '';
    return scopeEndedBy(this.scopes, node)?.outputs[input] ?? '';
  }
}

function joined(origins: readonly Origin[]): Origin {
  if (origins.includes('kept')) return 'kept';
  return origins.includes('low') ? 'low' : 'constant';
}
