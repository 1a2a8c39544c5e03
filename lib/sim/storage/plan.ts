/** What a seed decides for this tier: which classes of faults there are, how many of each and when, every setting of storage, and the work. */
import type { Fault, Plan, WorkloadPlan } from "../plan.ts";
import { Draws } from "../random.ts";

const HORIZON_MS = 20_000;
const NODE = 1;
const KIB = 1024, MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

export function planOf(seed: number): Plan {
  return {
    tier: "storage",
    seed,
    horizonMs: HORIZON_MS,
    nodes: 1,
    knobs: knobsOf(new Draws(seed, "plan/knobs")),
    workloads: workloadsOf(new Draws(seed, "plan/workloads")),
    faults: faultsOf(new Draws(seed, "plan/faults")),
  };
}

function knobsOf(draws: Draws): Record<string, number> {
  const tailBytesMax = draws.pick([1, KIB, 8 * KIB, MIB, MIB]);
  return {
    walFileBytes: draws.pick([8 * KIB, 16 * KIB, 64 * KIB, 256 * KIB]),
    walPreallocate: draws.chance(0.7) ? 1 : 0,
    walSparesMax: draws.pick([0, 1, 2, 4]),
    roundBytesMax: draws.pick([1, 600, 4 * KIB, 64 * KIB]),
    queueBytesMax: draws.pick([1, 2 * KIB, 16 * KIB, 256 * KIB]),
    queueBytesReserved: draws.pick([1, KIB, 16 * KIB]),
    durableWriteBytesMax: draws.pick([0, 400, 2 * KIB, MIB]),
    syncStalledMs: draws.pick([60, 250, 1000]),
    syncFatalMs: draws.pick([500, 2_000, 10_000]),
    copyBytesMax: draws.pick([0, 200, KIB, 64 * KIB]),
    tailBytesMax,
    tailHeldBytesMax: draws.pick([1, KIB, 16 * KIB]),
    tailBytesLimit: tailBytesMax * draws.pick([1, 2, 8]),
    checkpointWalBytes: draws.pick([4 * KIB, 32 * KIB, MIB, MIB]),
    checkpointMs: draws.pick([50, 500, 2_000, 5_000, 60_000]),
    openFilesMax: draws.pick([1, 3, 100, 100, 100, 100]),
    indexCacheBytes: draws.pick([0, 200, MIB]),
    idleBufferBytes: draws.pick([0, 20 * MIB]),
    producersPerLogMax: draws.chance(0.1) ? 1 : 10_000,
    producerIdExpirationMs: draws.chance(0.1) ? 2_000 : DAY_MS,
    retentionCheckMs: draws.pick([0, 1_000, 3_000]),
    compactionBufferBytes: draws.pick([200, 4 * KIB, MIB]),
    decompressedBytesMax: MIB,
    restartMs: Math.round(draws.skewed(10, 1_000)),
    appendMs: draws.pick([200, 2_000, 15_000]),
    aimed: draws.pick([0, 1, 1]),
  };
}

function workloadsOf(draws: Draws): WorkloadPlan[] {
  const plans: WorkloadPlan[] = [];
  const pace = draws.skewed(300, 2_000);
  const kinds = ["plain", "plain", "retained", "compacted", "followed"];
  const topics = draws.pick([1, 1, 2, 3]);
  for (let at = 0; at < topics; at++) plans.push(topicOf(draws, draws.pick(kinds), pace * topics));
  if (draws.chance(0.6)) {
    plans.push({
      kind: "raft",
      clients: 1,
      operations: 10_000,
      knobs: {
        thinkMs: Math.round(draws.skewed(500, 4_000)),
        snapshotChance: draws.pick([0, 0.05, 0.3]),
        dataBytes: draws.pick([1, 100, 3_000]),
      },
    });
  }
  for (const [kind, share, low, high] of CHORES) {
    if (draws.chance(share)) plans.push({ kind, clients: 1, operations: 10_000, knobs: { thinkMs: Math.round(draws.skewed(low, high)) } });
  }
  return plans;
}

const CHORES = [["restart", 0.25, 2_000, 8_000], ["checkpoint", 0.3, 500, 5_000], ["maintain", 0.5, 500, 5_000]] as const;

function topicOf(draws: Draws, kind: string, thinkMs: number): WorkloadPlan {
  const clients = 1 + draws.below(4);
  const knobs: Record<string, number> = {
    partitions: 1 + draws.below(3),
    readers: draws.below(2),
    thinkMs: Math.round(thinkMs * clients),
    readThinkMs: Math.round(draws.skewed(300, 3_000)),
    recordBytes: draws.pick([10, 100, 400, 1_000]),
    batchRecords: draws.pick([1, 3, 10]),
    inFlight: draws.pick([1, 2, 3, 5, 5]),
    idempotent: draws.chance(0.7) ? 1 : 0,
    acksOne: draws.chance(0.3) ? 1 : 0,
    lostReplies: draws.pick([0, 0.02, 0.2]),
    segmentBytes: draws.pick([300, 4 * KIB, 16 * KIB, MIB]),
    segmentMs: draws.pick([500, 5_000, 1e12]),
    indexIntervalBytes: draws.pick([1, 100, 4 * KIB]),
    fileDeleteDelayMs: draws.pick([0, 100, 60_000]),
  };
  if (kind === "followed") Object.assign(knobs, { followed: 1, idempotent: 0, cutChance: draws.pick([0.01, 0.05, 0.2]) });
  if (kind === "retained") {
    if (draws.chance(0.6)) knobs["retentionBytes"] = draws.pick([1, KIB, 16 * KIB]);
    else knobs["retentionMs"] = draws.pick([100, 2_000, 10_000]);
  }
  if (kind === "compacted") {
    Object.assign(knobs, {
      compacted: 1,
      keys: draws.pick([1, 5, 50]),
      minCleanableDirtyRatio: draws.pick([0, 0.5]),
      minCompactionLagMs: draws.pick([0, 1_000]),
      deleteRetentionMs: draws.pick([0, 1_000, DAY_MS]),
      // Without the policy for it nothing comes of limits of size and age.
      retentionBytes: draws.pick([-1, 1, KIB]),
      retentionMs: draws.pick([-1, 100]),
    });
  } else if (draws.chance(0.3)) knobs["deleteRecordsMs"] = Math.round(draws.skewed(200, 5_000));
  if (draws.chance(0.15)) knobs["recreateMs"] = Math.round(draws.skewed(500, 8_000));
  return { kind: "topic", clients, operations: 10_000, knobs };
}

// ── faults ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

type FaultMaker = (draws: Draws, at: number) => Fault;

const FAULTS: readonly (readonly [share: number, most: number, make: FaultMaker])[] = [
  [0.4, 5, (draws, at) => ({ kind: "kill", node: NODE, at, forMs: downMs(draws) })],
  [0.6, 5, (draws, at) => ({ kind: "powerLoss", node: NODE, at, forMs: downMs(draws) })],
  [0.15, 4, (draws, at) => ({ kind: "pause", node: NODE, at, forMs: draws.skewed(10, 4_000) })],
  [
    0.15,
    4,
    (draws, at) => ({ kind: "wallJump", node: NODE, at, deltaMs: Math.round((draws.float() - 0.5) * draws.pick([5e3, 1e6, 1e9])) }),
  ],
  [0.1, 2, (draws, at) => ({ kind: "drift", node: NODE, at, forMs: draws.skewed(100, 5_000), rate: draws.pick([0.9, 0.99, 1.01, 1.2]) })],
  [0.25, 3, (_, at) => ({ kind: "syncFails", node: NODE, at })],
  [0.2, 3, (draws, at) => ({ kind: "syncStalls", node: NODE, at, forMs: draws.skewed(20, 12_000) })],
  [0.08, 2, (draws, at) => ({ kind: "syncLies", node: NODE, at, forMs: draws.skewed(10, 5_000) })],
  [0.2, 3, (draws, at) => ({ kind: "diskSlow", node: NODE, at, forMs: draws.skewed(100, 5_000), factor: draws.skewed(2, 200) })],
  [0.25, 3, (draws, at) => ({ kind: "diskFull", node: NODE, at, forMs: draws.skewed(50, 6_000) })],
  [0.15, 2, (_, at) => ({ kind: "writeFails", node: NODE, at })],
  [0.12, 2, (_, at) => ({ kind: "readFails", node: NODE, at })],
];

/** A second one follows so soon that it may find the start of the next process under way. */
const DURING_START_CHANCE = 0.35;

function faultsOf(draws: Draws): Fault[] {
  const faults: Fault[] = [];
  for (const [share, most, make] of FAULTS) {
    if (!draws.chance(share)) continue;
    for (let left = 1 + draws.below(most); left > 0; left--) {
      const fault = make(draws, Math.round(draws.between(10, HORIZON_MS - 500)));
      faults.push(fault);
      if ((fault.kind !== "kill" && fault.kind !== "powerLoss") || !draws.chance(DURING_START_CHANCE)) continue;
      const kind = draws.chance(0.7) ? "powerLoss" : fault.kind;
      faults.push({ kind, node: NODE, at: fault.at + fault.forMs + draws.skewed(0.1, 80), forMs: downMs(draws) });
    }
  }
  return faults.sort((a, b) => a.at - b.at);
}

const downMs = (draws: Draws): number => Math.round(draws.skewed(1, 800));
