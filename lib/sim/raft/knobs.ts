/** What a plan's knobs mean where Raft runs; what a plan leaves out is as shipped, on a quick disk and quiet links. */
import { defaultRaftDriverSettings, type RaftDriverSettings } from "../../controller/mod.ts";
import { defaultRaftSettings, type RaftSettings } from "../../raft/mod.ts";

const WORLD = {
  /** Mean time of a write to the store, and the share of writes that take twenty times as long. */
  writeMs: 1,
  writeTail: 0,
  /** Mean time of a message on its way, and the share of messages that stray for up to `strayMs`. */
  delayMs: 1,
  stray: 0,
  strayMs: 1_000,
  loss: 0,
  duplicates: 0,
  /** 1: messages of a link may overtake each other. */
  reorder: 0,
  /** Bytes of a proposal beyond its number. */
  padding: 0,
  /** The node to which alone anything happens (0: none): then the others keep their leader and their term. */
  flap: 0,
  /** 1: the metadata lies in the real storage on a simulated disk, instead of a modelled store. */
  realStore: 0,
};

export interface Knobs {
  readonly world: Readonly<typeof WORLD>;
  readonly raft: RaftSettings;
  readonly driver: RaftDriverSettings;
}

export function knobsOf(given: Readonly<Record<string, number>>): Knobs {
  const known = { ...WORLD, ...defaultRaftSettings, ...defaultRaftDriverSettings };
  const all = { ...known, ...given };
  return { world: all, raft: all, driver: all };
}
