/** What the engine knows of a target: how its inputs are made, and what must hold for every one of them. */
import type { Draws } from "../../lib/sim/random.ts";

/** One input. `about` says what the bytes are for: a message and its version, a codec, seeds of what is drawn while it runs. */
export interface Input {
  readonly about: Readonly<Record<string, string | number>>;
  readonly bytes: Uint8Array;
}

export interface Target {
  readonly name: string;
  /** How many of them `npm test` tries. */
  readonly inputsInTest: number;
  /** What one input may take, in one buffer and in all; absent: 64 MiB. Seen where a target has a process of its own. */
  readonly memoryBytesMax?: number;
  /** From the draws alone. */
  generate(draws: Draws): Input;
  /** @throws when a promise is broken: that is a finding. A promise only where it cannot be helped: it costs. */
  check(input: Input): void | Promise<void>;
  /** Ways to make an input smaller, the boldest first; absent: fewer and simpler bytes. */
  smaller?(input: Input): Iterable<Input>;
  /** Once, before the first check. */
  open?(): Promise<void>;
  /** Once, after the last check. @throws as `check`. */
  close?(): Promise<void>;
}

/** What must hold does not. */
export class Finding extends Error {
  override readonly name = "Finding";
}

/** @throws {Finding} */
export function must(holds: boolean, otherwise: string | (() => string)): asserts holds {
  if (!holds) throw new Finding(typeof otherwise === "string" ? otherwise : otherwise());
}
