/** What a majority agrees on. Pure arithmetic over one value per voter. */

/** Smallest number of voters that is a majority; 1 for an empty set, so that nothing is ever decided by nobody. */
export const majority = (voterCount: number): number => Math.floor(voterCount / 2) + 1;

/** The largest value that at least a majority has reached: match indexes, or times of contact. */
export function reachedByMajority(values: readonly number[]): number {
  if (values.length <= 1) return values[0] ?? -Infinity;
  const needed = majority(values.length);
  // A handful of values, asked for in every step: comparing each with each is cheaper than sorting a copy.
  let largest = -Infinity;
  for (const value of values) {
    if (value <= largest) continue;
    let reached = 0;
    for (const other of values) if (other >= value) reached++;
    if (reached >= needed) largest = value;
  }
  return largest;
}
