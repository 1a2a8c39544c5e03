/**
 * What the seed turns besides faults: settings by their Kafka names, sizes that no setting offers (`storage.…`, `log.segmentBytes`, `limits.…`),
 * how the network and the disk are when they are well (`net.…`, `disk.…`), how far off the clients' clocks are (`clients.…`), and how many losses of power and
 * kills wait for their moment (`faults.aimed`). A knob is a
 * name and a number, so that plans can be kept and shrunk.
 */
import { loadSettings } from "../../config/mod.ts";
import type { NodeTuning } from "../../node.ts";
import type { NetworkOptions } from "../net/options.ts";
import type { Plan } from "../plan.ts";
import type { Draws } from "../random.ts";

type Knobs = Plan["knobs"];

const KIB = 1024;
const MIB = 1024 * KIB;

/** Each: how it is drawn. Drawn or not is drawn as well: whatever is not turned is as the product has it. */
const CHOICES: Readonly<Record<string, (draws: Draws) => number>> = {
  "wal.round.bytes.max": (draws) => whole(draws.skewed(1, 64 * KIB)),
  "wal.queue.bytes.max": (draws) => whole(draws.skewed(2 * KIB, MIB)),
  "wal.sync.stall.ms": (draws) => whole(draws.skewed(20, 400)),
  "wal.sync.exit.ms": (draws) => whole(draws.skewed(500, 10_000)),
  "log.index.interval.bytes": (draws) => draws.pick([0, 100, 1000, 16 * KIB]),
  "num.partitions": (draws) => 1 + draws.below(4),
  "offsets.topic.num.partitions": (draws) => 1 + draws.below(5),
  "queued.max.request.bytes": (draws) => whole(draws.skewed(KIB, 256 * KIB)),
  "connection.output.bytes.max": (draws) => whole(draws.skewed(KIB, 256 * KIB)),
  "connection.requests.max": (draws) => 1 + draws.below(5),
  "max.connections": (draws) => 40 + draws.below(60),
  "max.connection.creation.rate": (draws) => 3 + draws.below(50),
  "connections.max.idle.ms": (draws) => whole(draws.skewed(300, 30_000)),
  "request.timeout.ms": (draws) => whole(draws.skewed(500, 30_000)),
  "fetch.max.bytes": (draws) => whole(draws.skewed(KIB, 64 * KIB)),
  "max.incremental.fetch.session.cache.slots": (draws) => 1 + draws.below(4),
  "group.initial.rebalance.delay.ms": (draws) => whole(draws.skewed(1, 3_000)),
  "group.min.session.timeout.ms": (draws) => draws.below(6_000),
  "offsets.retention.check.interval.ms": (draws) => whole(draws.skewed(100, 10_000)),
  // More than there are producers in a run: of one that was forgotten, a repeat is taken for something new.
  "producers.per.partition.max": (draws) => 64 + draws.below(64),
  "log.retention.check.interval.ms": (draws) => whole(draws.skewed(100, 10_000)),
  "storage.walFileBytes": (draws) => whole(draws.skewed(8 * KIB, MIB)),
  "storage.walSparesMax": (draws) => draws.below(3),
  "storage.durableWriteBytesMax": (draws) => draws.pick([0, 100, KIB, 16 * KIB]),
  "storage.copyBytesMax": (draws) => draws.pick([0, 100, KIB]),
  "storage.tailBytesMax": (draws) => whole(draws.skewed(1, 64 * KIB)),
  "storage.tailHeldBytesMax": (draws) => whole(draws.skewed(1, 64 * KIB)),
  "storage.checkpointWalBytes": (draws) => whole(draws.skewed(KIB, 256 * KIB)),
  "storage.checkpointMs": (draws) => whole(draws.skewed(20, 10_000)),
  "storage.openFilesMax": (draws) => 2 + draws.below(20),
  "storage.indexCacheBytes": (draws) => draws.pick([0, 100, KIB, 64 * KIB]),
  "log.segmentBytes": (draws) => whole(draws.skewed(200, 32 * KIB)),
  "limits.headerMs": (draws) => whole(draws.skewed(500, 5_000)),
  "limits.drainMs": (draws) => whole(draws.skewed(500, 30_000)),
  "limits.unsentBytesTotal": (draws) => whole(draws.skewed(KIB, MIB)),
  "net.delayMsMax": (draws) => draws.skewed(0.1, 100),
  "net.jitter": (draws) => draws.skewed(0.1, 10),
  "net.lossShare": (draws) => draws.skewed(0.001, 0.1),
  "net.bytesPerMs": (draws) => draws.skewed(500, 100_000),
  "net.windowBytesMin": (draws) => whole(draws.skewed(64, 4 * KIB)),
  "net.windowBytesMax": (draws) => whole(draws.skewed(4 * KIB, MIB)),
  "net.shortWriteShare": (draws) => draws.float() ** 2,
  "net.cutShare": (draws) => draws.float() ** 2,
  "clients.clockRate": (draws) => draws.between(1, 1.3),
  "clients.clockOffMs": (draws) => whole(draws.skewed(1, 3_000_000)),
  "disk.syncMsUsual": (draws) => draws.skewed(0.05, 20),
  "disk.syncMsRare": (draws) => draws.skewed(20, 300),
};

/** Such that a broker with few records in few topics is quick to start, and its files small. */
const ALWAYS: Knobs = {
  "offsets.topic.num.partitions": 2,
  "storage.walFileBytes": 256 * KIB,
  "log.min.free.bytes": 64 * KIB,
};

/** Of the runs: whose time is over first, the client's or the broker's, should not be sure. */
const CLOCK_CHANCE = 0.4;
/** Of the runs, for some or all of their losses of power and kills. */
const AIMED_CHANCE = 0.7;

export function drawKnobs(draws: Draws): Knobs {
  const knobs: Record<string, number> = { ...ALWAYS };
  const share = draws.pick([0, 0.1, 0.3, 0.6]);
  for (const [name, draw] of Object.entries(CHOICES)) {
    const value = draw(draws);
    if (draws.chance(share)) knobs[name] = value;
  }
  const clockRate = draws.between(1, 1.3);
  if (draws.chance(CLOCK_CHANCE)) knobs["clients.clockRate"] ??= clockRate;
  if (draws.chance(AIMED_CHANCE)) knobs["faults.aimed"] = draws.pick([0.5, 1]);
  return related(knobs);
}

/** Connections that clients may want in the time after which idle ones are closed. */
const CONNECTIONS_WANTED = 30;

/** What settings must be to each other, for a node to start and for all clients to get a word in. */
function related(knobs: Record<string, number>): Knobs {
  const exitMs = knobs["wal.sync.exit.ms"];
  if (exitMs !== undefined) knobs["wal.sync.stall.ms"] = Math.min(knobs["wal.sync.stall.ms"] ?? 1_000, exitMs);
  const perSecond = knobs["max.connection.creation.rate"];
  const idleMs = knobs["connections.max.idle.ms"];
  if (perSecond !== undefined && idleMs !== undefined) {
    knobs["max.connection.creation.rate"] = Math.max(perSecond, Math.ceil(CONNECTIONS_WANTED * 1_000 / idleMs));
  }
  const requestBytes = knobs["queued.max.request.bytes"];
  const tailBytes = knobs["storage.tailHeldBytesMax"];
  // As the node itself keeps them to each other.
  if (requestBytes !== undefined && tailBytes !== undefined) {
    knobs["storage.tailHeldBytesMax"] = Math.min(tailBytes, Math.floor(requestBytes / 6));
  }
  const windowMax = knobs["net.windowBytesMax"];
  if (windowMax !== undefined) knobs["net.windowBytesMin"] = Math.min(knobs["net.windowBytesMin"] ?? 4 * KIB, windowMax);
  const syncRare = knobs["disk.syncMsRare"];
  if (syncRare !== undefined) knobs["disk.syncMsUsual"] = Math.min(knobs["disk.syncMsUsual"] ?? 0.2, syncRare);
  return knobs;
}

/** What a node is given, checked as the executable checks it, for `new NodeSettings()`. @throws {RangeError} for a plan that no node could start with. */
export function settingsOf(knobs: Knobs, listener: string, adminListener: string): ReadonlyMap<string, string> {
  const flags = new Map([["listeners", `PLAINTEXT://${listener}`], ["admin.listener", adminListener], ["log.dirs", "data"], [
    "memory.soft.limit.bytes",
    "0",
  ]]);
  for (const [name, value] of Object.entries(knobs)) if (groupOf(name) === null) flags.set(name, String(value));
  const { given, errors } = loadSettings({ flags });
  if (errors.length > 0) throw new RangeError(errors.join("; "));
  return given;
}

export function tuningOf(knobs: Knobs): NodeTuning {
  return { storage: group(knobs, "storage"), log: group(knobs, "log"), limits: group(knobs, "limits") };
}

export const networkOptionsOf = (knobs: Knobs): Partial<NetworkOptions> => group(knobs, "net");

export function diskOptionsOf(knobs: Knobs): { readonly syncMs: readonly [usual: number, rare: number] } {
  const { syncMsUsual = 0.2, syncMsRare = 8 } = group(knobs, "disk");
  return { syncMs: [Math.min(syncMsUsual, syncMsRare), syncMsRare] };
}

export const aimedShareOf = (knobs: Knobs): number => knobs["faults.aimed"] ?? 0;

/** `log.segmentBytes` is a size of ours, `log.retention.check.interval.ms` a setting. */
function groupOf(name: string): string | null {
  return /^(storage|log|limits|net|disk|clients|faults)\.[a-zA-Z]+$/.exec(name)?.[1] ?? null;
}

function group(knobs: Knobs, wanted: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, value] of Object.entries(knobs)) if (groupOf(name) === wanted) found[name.slice(wanted.length + 1)] = value;
  return found;
}

const whole = (value: number): number => Math.max(1, Math.floor(value));
