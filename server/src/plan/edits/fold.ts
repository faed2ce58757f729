/**
 * The fewest statements that decide layers in given formats: one default, `op` where an operator's layers agree, and
 * `layer` for the exceptions. Chooses; writes no text.
 */
import type { FormatName } from '../../formats/index.js';

export type DecidedFormat = FormatName | 'original';

/** A format as a statement gives it, with its options behind it: `int8 { quantize: mse }`. */
export type DecidedText = string;

/** What a new statement has to bring about for a layer, and what stands already. */
export interface LayerToDecide {
  readonly format: DecidedText;
  /** The operator type as plans write it. */
  readonly operator: string;
  /** What decides the layer under the new statements; undefined where only the default does. */
  readonly below: DecidedText | undefined;
  /** What decides the layer above `op` statements, whatever these say. */
  readonly above: DecidedText | undefined;
  /** Only a statement for this layer alone will do: nothing else may decide it. */
  readonly alone: boolean;
}

export interface Fold {
  /** `original` needs no statement. */
  readonly defaultFormat: DecidedText;
  readonly operators: readonly { readonly operator: string; readonly format: DecidedText }[];
  /** Indexes of layers that need a statement of their own. */
  readonly exceptions: readonly number[];
}

/** With options of their own thousands of layers can all be decided differently: what only few of them share is no default. */
const MOST_DEFAULTS = 16;

/**
 * Chooses the default with the fewest statements in all, of equal ones the format of most layers.
 *
 * @param given the default that must stay as it is; undefined where it may be chosen.
 * @param byOperator whether `op` statements may be used.
 */
export function foldLayers(
  layers: readonly LayerToDecide[],
  given: DecidedText | undefined,
  byOperator: boolean,
): Fold {
  const counts = new Map<DecidedText, number>();
  for (const { format } of layers) {
    counts.set(format, (counts.get(format) ?? 0) + 1);
  }
  const byCount = [...counts].sort((a, b) => b[1] - a[1]).map(([format]) => format);
  const common = byCount.slice(0, MOST_DEFAULTS);
  const candidates = given === undefined ? new Set<DecidedText>([...common, 'original']) : [given];
  let best: Fold | undefined;
  for (const candidate of candidates) {
    const fold = foldUnder(layers, candidate, byOperator);
    if (!best || costOf(fold) < costOf(best)) {
      best = fold;
    }
  }
  return best ?? { defaultFormat: 'original', operators: [], exceptions: [] };
}

function costOf({ defaultFormat, operators, exceptions }: Fold): number {
  return (defaultFormat === 'original' ? 0 : 1) + operators.length + exceptions.length;
}

function foldUnder(layers: readonly LayerToDecide[], defaultFormat: DecidedText, byOperator: boolean): Fold {
  const chosen = byOperator ? chooseOperators(layers, defaultFormat) : new Map<string, DecidedText>();
  const exceptions = layers.flatMap((layer, index) => {
    const decided = layer.above ?? chosen.get(layer.operator) ?? layer.below ?? defaultFormat;
    return layer.alone || decided !== layer.format ? [index] : [];
  });
  return {
    defaultFormat,
    operators: [...chosen].map(([operator, format]) => ({ operator, format })),
    exceptions,
  };
}

/** An operator gets a statement where that saves more statements for its layers than it costs. */
function chooseOperators(
  layers: readonly LayerToDecide[],
  defaultFormat: DecidedText,
): ReadonlyMap<string, DecidedText> {
  const groups = new Map<string, LayerToDecide[]>();
  for (const layer of layers) {
    const group = groups.get(layer.operator) ?? [];
    group.push(layer);
    groups.set(layer.operator, group);
  }
  const chosen = new Map<string, DecidedText>();
  for (const [operator, group] of groups) {
    const open = group.filter((layer) => layer.above === undefined);
    const countWrong = (formatOf: (layer: LayerToDecide) => DecidedText): number =>
      open.filter((layer) => layer.alone || formatOf(layer) !== layer.format).length;
    let least = countWrong((layer) => layer.below ?? defaultFormat);
    // Options belong to single layers, or to all: what a statement says with words of its own stays when a plan is folded again.
    const plain = open.map((layer) => layer.format).filter((format) => !format.includes(' '));
    for (const format of new Set(plain)) {
      const cost = 1 + countWrong(() => format);
      if (cost < least) {
        least = cost;
        chosen.set(operator, format);
      }
    }
  }
  return chosen;
}
