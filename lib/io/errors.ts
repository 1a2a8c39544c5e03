/**
 * What can go wrong at the seam. An I/O call ends in one of three ways: it resolves (done), it rejects with `IoFailed`
 * (known not to have happened, or known to have failed), or it rejects with `DeadlineExceeded` (the outcome is unknown).
 * Nothing here knows Kafka's error codes; `broker/error_mapping.ts` translates.
 */

/** The operation ended with an error that the machine reported. The outcome is known: it failed. */
export class IoFailed extends Error {
  override readonly name = "IoFailed";
  /** @param code the errno name where there is one (`ENOSPC`, `EIO`, `ECONNREFUSED`, …). */
  constructor(readonly op: string, readonly target: string, readonly code: string, options?: { cause?: unknown }) {
    super(`Cannot ${op} "${target}": ${code}`, options);
  }
}

/** The deadline passed first. The outcome is unknown: the operation may have happened, or may still happen. */
export class DeadlineExceeded extends Error {
  override readonly name = "DeadlineExceeded";
  constructor(readonly op: string, readonly target: string, readonly budgetMs: number) {
    super(`Deadline passed for ${op} "${target}": outcome unknown after ${Math.round(budgetMs)} ms`);
  }
}

/** A queue, pool or quota is at its stated maximum. Nothing was done; trying again later may succeed. */
export class Overloaded extends Error {
  override readonly name = "Overloaded";
  constructor(readonly what: string, readonly limit: number) {
    super(`Cannot accept more: "${what}" is at its limit of ${limit}`);
  }
}

/** The thing asked was closed or is stopping. Nothing was done. */
export class Closed extends Error {
  override readonly name = "Closed";
  constructor(readonly what: string) {
    super(`Cannot use "${what}": it is closed`);
  }
}

/** A broken promise of our own code. Never caught to go on; it stops the node. */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

/** @throws {InvariantBroken} unless `condition` holds; `why` says why it must. */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new InvariantBroken(`Invariant broken: ${why}`);
}
