/** For tests: what a call of the runtime fails with. */
import { expect } from 'vitest';
import { RuntimeFailure, type RuntimeFailureKind } from '../types.js';

/** Expects that a call fails, in this way and with such a message. */
export async function checkFails(
  call: Promise<unknown>,
  kind: RuntimeFailureKind,
  message = /./,
): Promise<void> {
  const failure: unknown = await call.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(RuntimeFailure);
  if (!(failure instanceof RuntimeFailure)) return;
  expect(`${failure.kind}: ${failure.message}`).toMatch(new RegExp(`^${kind}: `));
  expect(failure.message).toMatch(message);
}
