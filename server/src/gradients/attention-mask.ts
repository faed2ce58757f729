/**
 * Masks of attention operators as numbers that are added to the logits. Owns the forms that masks come in: lengths, flags for keys,
 * flags for pairs, and the causal one.
 */
import { range, type Emitter } from './emitter.js';
import type { HeadSizes } from './attention-heads.js';

/** Far below any logit, and finite: its difference from another masked logit is a number. */
export const MASKED = -1e30;

/**
 * The mask of com.microsoft operators: INT32 lengths [B], beginnings behind the ends [2B], flags of keys [B, T] or of pairs [B, S, T].
 * Undefined for another form.
 *
 * @param filter what is added where a flag is 0.
 */
export function keyMask(
  emit: Emitter,
  mask: string,
  shape: readonly number[],
  sizes: HeadSizes,
  filter: number,
): string | undefined {
  const { batch, queries, keys } = sizes;
  const whole = emit.mask(emit.greater(emit.cast(mask, emit.type), emit.scalar(0)));
  const added = (kept: string) => emit.scale(emit.sub(emit.scalar(1), kept), filter);
  if (shape.length === 2 && shape[0] === batch && shape[1] === keys) {
    return added(emit.reshape(whole, [batch, 1, 1, keys]));
  }
  if (shape.length === 3 && shape[0] === batch && shape[1] === queries && shape[2] === keys) {
    return added(emit.reshape(whole, [batch, 1, queries, keys]));
  }
  if (shape.length !== 1) return undefined;
  const bounds = emit.cast(mask, emit.type);
  const positions = emit.constant(range(keys), [1, keys]);
  const isBefore = (first: number) =>
    emit.mask(
      emit.less(positions, emit.reshape(emit.slice(bounds, [first], [first + batch], [0]), [batch, 1])),
    );
  if (shape[0] === batch) return added(emit.reshape(isBefore(0), [batch, 1, 1, keys]));
  if (shape[0] === 2 * batch) {
    return added(emit.reshape(emit.sub(isBefore(0), isBefore(batch)), [batch, 1, 1, keys]));
  }
  return undefined;
}

/** A query sees the keys that are not behind it: [S, T]. */
export function causalMask(emit: Emitter, { queries, keys }: HeadSizes): string {
  const rows = range(queries).flatMap((query) => range(keys).map((key) => (key <= query ? 0 : MASKED)));
  return emit.constant(rows, [queries, keys]);
}

/** Flags [.., S, T], true where a key is seen. */
export function flagMask(emit: Emitter, flags: string): string {
  return emit.scale(emit.sub(emit.scalar(1), emit.cast(flags, emit.type)), MASKED);
}
