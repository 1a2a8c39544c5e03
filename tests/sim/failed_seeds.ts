/**
 * Every seed that ever failed, by tier: `npm test` runs them all. A seed means the same only for the version that it failed in, so the way of the fault
 * itself is kept by a script or a test; what these add is that plans which were hard once are drawn again.
 */
import type { TierName } from "../../lib/sim/mod.ts";

export const FAILED_SEEDS: Readonly<Record<TierName, readonly number[]>> = {
  raft: [122, 131, 317, 100894, 1795289553036],
  storage: [
    131,
    6000099,
    1795270632231,
    1795270632233,
    1795270632275,
    1795270632294,
    1795274251742,
    1795275281362,
    1795275281423,
    1795282605037,
    1795282605853,
    1795282606416,
    1795282607232,
    12000414,
    12000798,
    12003012,
    1795281081249,
    1795289237803,
    1795289243110,
    1795290049641,
    1795290050108,
    1795290050792,
    1795290050825,
    1795289238775,
    1795289242455,
    1795289247488,
  ],
  broker: [22, 5017, 32208, 1795268320641, 1795270632474, 1795275251728, 1795284752037, 1795305024418, 1795288450759, 1795288450838],
};
