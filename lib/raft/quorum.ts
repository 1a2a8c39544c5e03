/** What a majority agrees on. Pure arithmetic over one value per voter. */

/** Smallest number of voters that is a majority; 1 for an empty set, so that nothing is ever decided by nobody. */
export const majority = (voterCount: number): number => Math.floor(voterCount / 2) + 1;

/** The largest value that at least a majority has reached: match indexes, or times of contact. */
export function reachedByMajority(values: readonly number[]): number {
  if (values.length === 0) return -Infinity;
  if (values.length === 1) return values[0]!;
  return [...values].sort((a, b) => b - a)[majority(values.length) - 1]!;
}
