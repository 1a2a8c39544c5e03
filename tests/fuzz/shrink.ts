/** Makes a finding small: tries smaller inputs as long as one of them fails in the same way. */
import type { Input, Target } from "./target.ts";
import { spliced } from "./mutate.ts";

/** Checks that a shrink may take. */
const CHECKS_MAX = 3_000;

/** What was thrown, or null. */
export async function failureOf(target: Target, input: Input): Promise<Error | null> {
  try {
    await target.check(input);
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The kind of a failure: its words without what differs from input to input. */
const kindOf = (error: Error): string => `${error.name}: ${error.message.replace(/\d+|"[^"]*"/g, "#").slice(0, 60)}`;

/** @param isEnough asked before each check; true ends it with what there is. */
export async function shrunk(target: Target, input: Input, failure: Error, isEnough: () => boolean = () => false): Promise<Input> {
  const kind = kindOf(failure);
  const smaller = target.smaller?.bind(target) ?? fewerBytes;
  let best = input;
  let checks = 0;
  for (let progress = true; progress;) {
    progress = false;
    for (const candidate of smaller(best)) {
      if (++checks > CHECKS_MAX || isEnough()) return best;
      const now = await failureOf(target, candidate);
      if (now === null || kindOf(now) !== kind) continue;
      best = candidate;
      progress = true;
      break;
    }
  }
  return best;
}

/** Without a half, a quarter, … a byte; then with zeros instead of bytes. */
export function* fewerBytes({ about, bytes }: Input): Iterable<Input> {
  for (let length = bytes.length; length >= 1; length = Math.floor(length / 2)) {
    for (let at = 0; at + length <= bytes.length; at += length) {
      yield { about, bytes: spliced(bytes, at, length, new Uint8Array(0)) };
    }
  }
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) yield { about, bytes: bytes.with(at, 0) };
}
