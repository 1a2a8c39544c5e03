/** What a majority agrees on. Pure arithmetic over one value per voter. */

/** Smallest number of voters that is a majority; 1 for an empty set, so that nothing is ever decided by nobody. */
export const majority = (voterCount: number): number => Math.floor(voterCount / 2) + 1;

/** The largest value that at least a majority has reached: match indexes, or times of contact. @param count only the first so many. */
export function reachedByMajority(values: readonly number[], count: number): number {
  if (count <= 1) return count === 0 ? -Infinity : values[0]!;
  const needed = majority(count);
  // A handful of values, asked for in every step: comparing each with each is cheaper than sorting a copy.
  let largest = -Infinity;
  for (let at = 0; at < count; at++) {
    const value = values[at]!;
    if (value <= largest) continue;
    let reached = 0;
    for (let other = 0; other < count; other++) if (values[other]! >= value) reached++;
    if (reached >= needed) largest = value;
  }
  return largest;
}
