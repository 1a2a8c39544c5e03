/**
 * What a broker holds, by its own accounts and by the machine's: while it serves nothing beyond what was allowed, when its clients are gone nothing
 * for them, and after a stop in order nothing at all. That no account falls below zero is an invariant of the product, which ends the run as well.
 */
import type { NodeSettings } from "../../config/mod.ts";
import type { NodeTuning, RunningNode } from "../../node.ts";
import { kafkaLimits, storageSettings } from "../../node_settings.ts";
import { Violation } from "../world.ts";

const HALF_ARRIVED = "bytes of half-arrived requests";
/** A batch may be larger than any queue, when it comes alone. */
const BATCH_BYTES_MAX = 1024 * 1024;
/** Of fetched bytes: the budget with its reserve, and a first batch for each of the clients. */
const FETCHED_BYTES_MAX = 128 * 1024 * 1024;

/** The most that each account may hold with these settings. */
export class Books {
  readonly #most: Readonly<Record<string, number>>;

  constructor(config: NodeSettings, tuning: NodeTuning) {
    const limits = { ...kafkaLimits(config.values), ...tuning.limits };
    const storage = { ...storageSettings(config.values, false), ...tuning.storage };
    const queued = Math.max(BATCH_BYTES_MAX, storage.queueBytesMax + storage.queueBytesReserved);
    this.#most = {
      "connections": limits.connectionsMax,
      "unanswered requests": limits.connectionsMax * limits.requestsInFlightMax,
      "request bytes": Math.max(limits.inFlightBytesHard, limits.inFlightBytesSoft),
      "fetched bytes": FETCHED_BYTES_MAX,
      "bytes in the commit queue": queued,
      "queued and unwritten bytes": storage.tailBytesLimit + Math.max(queued, storage.roundBytesMax),
    };
  }

  /** @throws {Violation} */
  check(node: RunningNode): void {
    const accounts = accountsOf(node);
    for (const [what, most] of Object.entries(this.#most)) {
      const amount = accounts[what]!;
      if (!(amount >= 0 && amount <= most)) throw new Violation(`The node has ${amount} ${what}, allowed are 0 to ${most}`);
    }
    if (accounts["connections"] === 0 && accounts[HALF_ARRIVED] !== 0) {
      throw new Violation(`The node has ${accounts[HALF_ARRIVED]} ${HALF_ARRIVED} without any connection`);
    }
  }
}

/** What is held for clients; empty once they are all gone and everything was given back. */
export function heldForClients(node: RunningNode): readonly string[] {
  const accounts = accountsOf(node);
  return FOR_CLIENTS.filter((what) => accounts[what] !== 0).map((what) => `${accounts[what]} ${what}`);
}

/** After a stop in order: whatever it has not given back. */
export function heldForNobody(node: RunningNode, openPaths: readonly string[]): readonly string[] {
  const accounts = accountsOf(node);
  // What is durable and not in its segment yet may stay in the WAL.
  const names = Object.keys(accounts).filter((what) => what !== "queued and unwritten bytes" && accounts[what] !== 0);
  return [...names.map((what) => `${accounts[what]} ${what}`), ...openPaths.map((path) => `${path} open`)];
}

const FOR_CLIENTS = [
  "connections",
  HALF_ARRIVED,
  "unanswered requests",
  "parked fetches",
  "fetches that wait for memory",
  "unsent bytes",
  "fetched bytes",
];

function accountsOf({ traffic, services: { fetchBudget, fetchParks, storage } }: RunningNode): Readonly<Record<string, number>> {
  const { queuedBytes, unwrittenBytes } = storage.stats;
  return {
    "connections": traffic.connections,
    "unanswered requests": traffic.requestsInFlight,
    "request bytes": traffic.budget.heldBytes + traffic.budget.partialBytes,
    [HALF_ARRIVED]: traffic.budget.partialBytes,
    "leased request buffers": traffic.buffers.leases,
    "parked fetches": fetchParks.size,
    "fetches that wait for memory": fetchBudget.waiting,
    "fetched bytes": fetchBudget.usedBytes,
    "unsent bytes": traffic.unsentBytes,
    "bytes in the commit queue": queuedBytes,
    "queued and unwritten bytes": queuedBytes + unwrittenBytes,
  };
}
