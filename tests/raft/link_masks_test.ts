/** All 64 ways in which the six one-way links of three nodes can be up or down (HAZARDS R2). */
import { expect, test } from "bun:test";
import { Cluster } from "./cluster.ts";

const links = ["1>2", "2>1", "1>3", "3>1", "2>3", "3>2"];

interface Outcome {
  readonly committed: boolean;
  readonly terms: number;
  readonly changes: number;
}

/** A healthy cluster led by node 1 loses the links that `mask` leaves out, for ten seconds. */
function play(mask: number): Outcome {
  let leaders = 0;
  let clock = 1;
  const cluster = new Cluster({
    size: 3,
    random: (id) => (id * 0.31 + clock++ * 0.17) % 1,
    inspect: (_, __, ready) => void (leaders += ready.role?.role === "leader" ? 1 : 0),
  });
  const up = (from: number, to: number): boolean => (mask & (1 << links.indexOf(`${from}>${to}`))) !== 0;
  const run = (ms: number, reachable: (from: number, to: number) => boolean): void => {
    for (const end = cluster.now + ms; cluster.now < end;) {
      cluster.elapse(10);
      for (const node of cluster.nodes) while (node.writes.length > 0) cluster.persist(node);
      for (const { from, to } of [...cluster.wire]) {
        if (reachable(from, to)) cluster.deliver(0);
        else cluster.drop(0);
      }
    }
  };
  run(2_000, () => true);
  const before = Math.max(...cluster.nodes.map((node) => node.raft.term));
  const leadersBefore = leaders;
  run(9_000, up);
  for (const node of cluster.nodes) if (node.raft.role === "leader") cluster.propose(node, `from ${node.id}`);
  run(1_000, up);
  const applied = cluster.nodes.some((node) => node.applied.some((entry) => entry.text.startsWith("from")));
  return {
    committed: applied,
    terms: Math.max(...cluster.nodes.map((node) => node.raft.term)) - before,
    changes: leaders - leadersBefore,
  };
}

/** Two nodes that hear each other can elect one of them. */
const connected = (mask: number): boolean => [0, 2, 4].some((pair) => (mask & (3 << pair)) === (3 << pair));

test("raft makes progress under every link mask that connects a majority both ways, and never without one that could acknowledge", () => {
  for (let mask = 0; mask < 64; mask++) {
    const { committed } = play(mask);
    if (connected(mask)) expect({ mask, committed }).toEqual({ mask, committed: true });
    else expect({ mask, committed }).toEqual({ mask, committed: false });
  }
});

test("raft keeps its term nearly still under every link mask: two elections settle who can lead, and nobody inflates it after that", () => {
  for (let mask = 0; mask < 64; mask++) {
    const { terms, changes } = play(mask);
    expect({ mask, calm: terms <= 2 && changes <= 2 }).toEqual({ mask, calm: true });
  }
});
