/**
 * The check for promises of the consensus core itself. It must not be caught to go on: the driver stops the node.
 * A word room imports no hands, hence its own class with the name that `io/errors.ts` uses.
 */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

/** @throws {InvariantBroken} unless `condition` holds; `why` says why it must. */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) broken(why);
}

/** For a sentence that names values, where every step asks: `invariant` would have it put together each time. @throws {InvariantBroken} always. */
export function broken(why: string): never {
  throw new InvariantBroken(`Invariant broken: ${why}`);
}
