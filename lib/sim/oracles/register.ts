/**
 * A value that clients set and ask for, as a register: every answer must be what somebody had set, and had not been overtaken by then. The
 * test is necessary for linearizability and cheap; it takes answers as proof too, so a value that was seen to be gone may not come back.
 */
import { isBefore } from "./facts.ts";

export interface Write<Value> {
  readonly value: Value;
  readonly askedAt: number;
  /** Infinity when nobody knows whether it was done: it may take effect at any later time. */
  readonly toldAt: number;
  readonly isCertain: boolean;
  /** Where later ones fence earlier ones out: it cannot take effect after a certain one with a higher number. */
  readonly fence?: number;
}

export interface Answer<Value> {
  readonly value: Value;
  readonly askedAt: number;
  readonly toldAt: number;
}

/** What the register held before anybody wrote. */
export const initially = <Value>(value: Value): Write<Value> => ({
  ...{ value, askedAt: -Infinity, toldAt: -Number.MAX_VALUE, isCertain: true },
});

/** @returns the answers that cannot be, with a reason each. */
export function impossibleAnswers<Value, Given extends Answer<Value>>(
  writes: readonly Write<Value>[],
  answers: readonly Given[],
): readonly { readonly answer: Given; readonly why: string }[] {
  const certain: readonly Answer<Value>[] = [...writes.filter(({ isCertain }) => isCertain), ...answers];
  return answers.flatMap((answer) => {
    const sources = writes.filter(({ value, askedAt }) => value === answer.value && askedAt < answer.toldAt);
    if (sources.length === 0) return [{ answer, why: "nobody had set it" }];
    let overtakenAt = -Infinity;
    for (const other of certain) {
      if (other.value !== answer.value && isBefore(other, answer)) overtakenAt = Math.max(overtakenAt, other.askedAt);
    }
    const fenced = Math.max(-1, ...writes.filter((write) => write.isCertain && isBefore(write, answer)).map(({ fence = -1 }) => fence));
    const isPossible = sources.some(({ toldAt, fence = -1 }) => toldAt > overtakenAt && (fence < 0 || fence >= fenced));
    return isPossible ? [] : [{ answer, why: "it had been overtaken" }];
  });
}
