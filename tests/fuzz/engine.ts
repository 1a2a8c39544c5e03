/** Tries inputs of a target one after the other. Input `i` of a seed is a function of seed, target and `i` alone. */
import { Draws } from "../../lib/sim/random.ts";
import { failureOf, shrunk } from "./shrink.ts";
import type { Input, Target } from "./target.ts";

export interface FuzzFinding {
  readonly target: string;
  readonly seed: number;
  readonly index: number;
  readonly failure: Error;
  /** Already shrunk. */
  readonly input: Input;
}

export interface FuzzRun {
  readonly inputs: number;
  readonly finding: FuzzFinding | null;
}

export interface FuzzRange {
  readonly seed: number;
  /** First input, 0 if absent. */
  readonly from?: number;
  /** Inputs at most. */
  readonly count: number;
  /** Asked now and then; true ends the run. */
  isOver?(inputs: number): boolean;
  /** Before every input: for whoever must know which one hangs. */
  before?(index: number): void;
  /** Once, when something was found and is made smaller. */
  shrinks?(): void;
  /** Asked while it is: true keeps what there is. */
  shrunkEnough?(): boolean;
}

/** How often `isOver` is asked. */
const ASKED_EVERY = 16;

export const inputOf = (target: Target, seed: number, index: number): Input => target.generate(new Draws(seed, `${target.name}/${index}`));

/** The target is open. Ends with the first finding. */
export async function fuzz(target: Target, { seed, from = 0, count, isOver, before, shrinks, shrunkEnough }: FuzzRange): Promise<FuzzRun> {
  let inputs = 0;
  for (let index = from; index < from + count; index++) {
    if (inputs % ASKED_EVERY === 0 && isOver?.(inputs) === true) break;
    before?.(index);
    const input = inputOf(target, seed, index);
    inputs++;
    try {
      const pending = target.check(input);
      if (pending !== undefined) await pending;
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      shrinks?.();
      const small = await shrunk(target, input, failure, shrunkEnough);
      return { inputs, finding: { target: target.name, seed, index, failure: await failureOf(target, small) ?? failure, input: small } };
    }
  }
  return { inputs, finding: null };
}
