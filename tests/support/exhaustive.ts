/**
 * Which cases an exhaustive test looks at: a share of them in `npm test`; with `EXHAUSTIVE=1` all; with `EXHAUSTIVE=3/40` the third of forty
 * parts that together are all, as `npm run sim:night` asks for them one after the other.
 */

export interface Steps {
  /** Number of the first case. */
  readonly first: number;
  /** From one to the next. */
  readonly step: number;
  /** Nobody asked for all. */
  readonly isShare: boolean;
}

const PART = /^(\d+)\/(\d+)$/;

/**
 * @param among in `npm test` one of so many cases.
 * @param turn what comes after each other takes other cases, so that together they see more.
 */
export function steps(among: number, turn = 0): Steps {
  const asked = process.env["EXHAUSTIVE"];
  if (asked === undefined || asked === "") return { first: turn % among, step: among, isShare: true };
  if (asked === "1") return { first: 0, step: 1, isShare: false };
  const [, part, parts] = PART.exec(asked) ?? [];
  if (parts === undefined || !(Number(part) >= 1 && Number(part) <= Number(parts))) {
    throw new Error(`EXHAUSTIVE is "${asked}": write 1, or 3/40 for the third of forty parts`);
  }
  return { first: (Number(part) - 1 + turn) % Number(parts), step: Number(parts), isShare: false };
}
