/** What a seed decides for this tier: first which classes of faults there are, then their rates, then the product's sizes and times. */
import type { Fault, Plan } from "../plan.ts";
import { Draws } from "../random.ts";

const HORIZON_MS = 20_000;
/** Five voters cost twice what three do, and find less for it; some things take five. */
const FIVE_VOTERS_SHARE = 0.35;
const ROLLING_SHARE = 0.3;
const LEADER_CUTS_SHARE = 0.2;
/** One seed in so many lets a single node flap and asks the others not to care. */
const FLAP_SHARE = 0.05;

export function planRaft(seed: number): Plan {
  const draws = new Draws(seed, "plan");
  const nodes = draws.chance(FIVE_VOTERS_SHARE) ? 5 : 3;
  return draws.chance(FLAP_SHARE) ? flapping(draws, seed, nodes) : anything(draws, seed, nodes);
}

function anything(draws: Draws, seed: number, nodes: number): Plan {
  const knobs: Record<string, number> = { ...times(draws), ...sizes(draws) };
  if (draws.chance(0.6)) knobs["loss"] = round(draws.skewed(0.002, 0.3));
  if (draws.chance(0.4)) knobs["duplicates"] = round(draws.skewed(0.01, 0.3));
  if (draws.chance(0.5)) knobs["reorder"] = 1;
  if (draws.chance(0.3)) Object.assign(knobs, { stray: round(draws.skewed(0.002, 0.1)), strayMs: Math.ceil(draws.skewed(50, 4_000)) });
  if (draws.chance(0.3)) knobs["writeTail"] = round(draws.skewed(0.002, 0.1));
  const faults: Fault[] = [];
  const node = (): number => 1 + draws.below(nodes);
  const forMs = (high: number): number => Math.ceil(draws.skewed(5, high));
  const often = (share: number, gap: readonly [number, number], add: (at: number) => void): void => {
    if (!draws.chance(share)) return;
    const gapMs = draws.skewed(...gap);
    for (let at = draws.float() * 2 * gapMs; at < HORIZON_MS; at += draws.float() * 2 * gapMs) add(Math.ceil(at));
  };
  often(0.4, [300, 8_000], (at) => faults.push({ kind: "kill", at, node: node(), forMs: forMs(4_000) }));
  often(0.5, [300, 8_000], (at) => faults.push({ kind: "powerLoss", at, node: node(), forMs: forMs(4_000) }));
  often(0.15, [2_000, 10_000], (at) => {
    for (let id = 1; id <= nodes; id++) faults.push({ kind: "powerLoss", at: at + draws.below(30), node: id, forMs: forMs(1_000) });
  });
  often(0.4, [300, 6_000], (at) => faults.push({ kind: "pause", at, node: node(), forMs: forMs(5_000) }));
  often(0.4, [300, 5_000], (at) => faults.push({ kind: "cut", at, from: `node${node()}`, to: `node${node()}`, forMs: forMs(5_000) }));
  often(0.4, [500, 8_000], (at) => faults.push(...apart(node(), node(), at, forMs(8_000))));
  const stalls = draws.chance(0.4);
  often(0.4, [1_000, 8_000], (at) => {
    const lasts = forMs(6_000);
    faults.push(...partition(draws, nodes, at, lasts));
    // Logs part, and what is to be cut off was never written.
    if (stalls) faults.push({ kind: "syncStalls", at, node: node(), forMs: lasts + forMs(2_000) });
  });
  often(0.3, [500, 8_000], (at) => faults.push({ kind: "syncStalls", at, node: node(), forMs: forMs(15_000) }));
  often(0.2, [1_000, 8_000], (at) => faults.push({ kind: draws.chance(0.5) ? "syncFails" : "writeFails", at, node: node() }));
  often(0.1, [1_000, 8_000], (at) => faults.push({ kind: "diskFull", at, node: node(), forMs: forMs(3_000) }));
  often(0.2, [1_000, 8_000], (at) => faults.push({ kind: "diskSlow", at, node: node(), forMs: forMs(5_000), factor: 20 }));
  often(0.4, [500, 8_000], (at) => faults.push({ kind: "drift", at, node: node(), forMs: forMs(20_000), rate: draws.between(0.99, 1.01) }));
  if (draws.chance(ROLLING_SHARE)) faults.push(...rolling(draws, nodes, knobs["electionMaxMs"]!));
  faults.push(...leaderCuts(new Draws(seed, "plan/leaderCuts"), knobs["electionMinMs"]!));
  return plan(draws, seed, nodes, knobs, faults);
}

/** Each leader is cut off as soon as it has sent a little. */
function leaderCuts(draws: Draws, electionMinMs: number): Fault[] {
  if (!draws.chance(LEADER_CUTS_SHARE)) return [];
  const faults: Fault[] = [];
  const messagesMax = draws.pick([3, 6, 12, 24]);
  for (let at = draws.float() * 2 * electionMinMs; at < HORIZON_MS; at += electionMinMs) {
    const forMs = Math.ceil(draws.skewed(2 * electionMinMs, 10 * electionMinMs));
    faults.push({ kind: "leaderCut", at: Math.ceil(at), messages: draws.below(messagesMax), forMs });
  }
  return faults;
}

/**
 * A minority is alone, then at once another one: who led and was left behind meets those who went on, while their leader is gone. So logs part by what only
 * one of them has, and the wrong one can win.
 */
function rolling(draws: Draws, nodes: number, electionMaxMs: number): Fault[] {
  const faults: Fault[] = [];
  const lastsMs = draws.skewed(electionMaxMs, 4 * electionMaxMs);
  const all = Array.from({ length: nodes }, (_, at) => at + 1);
  for (let at = draws.float() * lastsMs; at < HORIZON_MS; at += lastsMs) {
    const left = [...all];
    const alone = Array.from({ length: (nodes - 1) / 2 }, () => left.splice(draws.below(left.length), 1)[0]!);
    for (const one of alone) for (const other of left) faults.push(...apart(one, other, Math.ceil(at), Math.ceil(lastsMs)));
  }
  return faults;
}

/** Only one node is cut off, again and again and in any direction, and dies: the others keep their leader and their term. */
function flapping(draws: Draws, seed: number, nodes: number): Plan {
  const flap = 1 + draws.below(nodes);
  const faults: Fault[] = [];
  const gapMs = draws.skewed(100, 3_000);
  for (let at = 2_000; at < HORIZON_MS; at += Math.ceil(draws.float() * 2 * gapMs)) {
    const forMs = Math.ceil(draws.skewed(5, 4_000));
    const roll = draws.below(5);
    if (roll === 0) faults.push({ kind: draws.chance(0.5) ? "kill" : "powerLoss", at, node: flap, forMs });
    else if (roll === 1) faults.push({ kind: "pause", at, node: flap, forMs });
    else {for (let other = 1; other <= nodes; other++) {
        if (other === flap || draws.chance(0.3)) continue;
        if (roll !== 2) faults.push({ kind: "cut", at, from: `node${flap}`, to: `node${other}`, forMs });
        if (roll !== 3) faults.push({ kind: "cut", at, from: `node${other}`, to: `node${flap}`, forMs });
      }}
  }
  return plan(draws, seed, nodes, { ...sizes(draws), flap }, faults);
}

function plan(draws: Draws, seed: number, nodes: number, knobs: Plan["knobs"], faults: readonly Fault[]): Plan {
  const gapMs = Math.ceil(draws.skewed(100, 600));
  // In bursts: then messages carry several entries, and logs part by more than one.
  const burst = draws.chance(0.5) ? 1 : 2 + draws.below(5);
  const workload = { kind: "propose", clients: 1, operations: 200, knobs: { gapMs: gapMs * (1 + burst) / 2, burst } };
  return { tier: "raft", seed, horizonMs: HORIZON_MS, nodes, knobs, workloads: [workload], faults };
}

/** As shipped, which costs a third, or all in proportion shorter, which packs more elections into a run. */
function times(draws: Draws): Record<string, number> {
  const pace = draws.pick([1, 1, 0.5, 0.3, 0.2]);
  const delayMs = draws.chance(0.3) ? 1 : round(draws.skewed(0.2, 30));
  const writeMs = draws.chance(0.3) ? 1 : round(draws.skewed(0.2, 40));
  const persistMs = draws.chance(0.5) ? 10_000 : Math.ceil(draws.skewed(500, 10_000));
  const leaseMs = 700 * pace;
  // A lease must survive two lost heartbeats; fewer of them cost less.
  const heartbeatMs = Math.floor(leaseMs / draws.pick([3.2, 3.2, 4, 7]));
  const raft = { heartbeatMs, leaseMs, voteRefusalMs: 800 * pace, electionMinMs: 800 * pace, electionMaxMs: 1_600 * pace };
  return { delayMs, writeMs, persistMs, ...raft };
}

function sizes(draws: Draws): Record<string, number> {
  const knobs: Record<string, number> = {};
  if (draws.chance(0.5)) knobs["appendEntriesMax"] = draws.chance(0.5) ? 1 : 2 + draws.below(8);
  if (draws.chance(0.5)) knobs["inflightMax"] = 1 + draws.below(4);
  if (draws.chance(0.3)) Object.assign(knobs, { appendBytesMax: 1 + draws.below(200), padding: draws.below(60) });
  if (draws.chance(0.6)) knobs["snapshotEntries"] = Math.ceil(draws.skewed(1, 40));
  return knobs;
}

function apart(one: number, other: number, at: number, forMs: number): Fault[] {
  if (one === other) return [];
  return [[one, other], [other, one]].map(([from, to]) => ({ kind: "cut", at, from: `node${from}`, to: `node${to}`, forMs }));
}

function partition(draws: Draws, nodes: number, at: number, forMs: number): Fault[] {
  const sides = Array.from({ length: nodes }, () => draws.below(2));
  const faults: Fault[] = [];
  for (let from = 1; from <= nodes; from++) {
    for (let to = 1; to <= nodes; to++) {
      if (sides[from - 1] !== sides[to - 1]) faults.push({ kind: "cut", at, from: `node${from}`, to: `node${to}`, forMs });
    }
  }
  return faults;
}

const round = (value: number): number => Number(value.toPrecision(3));
