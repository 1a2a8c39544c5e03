/**
 * Random schedules over the cores from one seed: loss, duplication, reordering, partitions, crashes with torn writes, slow disks,
 * compaction. The checks look only at what is seen from outside: disks, applied entries, roles, leases.
 */
import type { NodeId } from "../../lib/protocol/mod.ts";
import type { Raft, RaftOptions } from "../../lib/raft/mod.ts";
import type { Ready } from "../../lib/raft/types.ts";
import { Cluster, type Node } from "./cluster.ts";

/** mulberry32: uniform in [0, 1), the same sequence for the same seed everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export class Violation extends Error {
  override readonly name = "Violation";
}

export interface SimulationOptions {
  readonly seed: number;
  readonly size: number;
  readonly virtualMs: number;
  readonly build?: (options: RaftOptions) => Raft;
}

export interface SimulationResult {
  readonly committed: number;
  readonly terms: number;
}

/** @throws {Violation} when a promise of consensus is broken, or nothing is committed once the faults have ended. */
export function simulate({ seed, size, virtualMs, build }: SimulationOptions): SimulationResult {
  const random = randomOf(seed);
  const chance = (share: number): boolean => random() < share;
  const below = (count: number): number => Math.floor(random() * count);
  const checks = new Checks(size);
  // Every size and rate is drawn from the seed: that is what finds the rare orders (HAZARDS, conclusion 6).
  const loss = random() * 0.3;
  const duplication = random() * 0.2;
  const crashes = random() * 0.03;
  const restarts = 0.02 + random() * 0.2;
  const slowDisk = 0.1 + random() * 0.9;
  const cuts = random() * 0.03;
  const compaction = chance(0.5) ? 0 : random() * 0.02;
  const proposals = 0.05 + random() * 0.5;
  // Times in proportion to those of the product: short ones pack more elections into a run.
  const pace = chance(0.3) ? 1 : 0.2;
  const appendEntriesMax = chance(0.5) ? 1 : 1 + below(8);
  const cluster = new Cluster({
    size,
    settings: {
      appendEntriesMax,
      inflightMax: 1 + below(4),
      heartbeatMs: 100 * pace,
      leaseMs: 700 * pace,
      voteRefusalMs: 800 * pace,
      electionMinMs: 800 * pace,
      electionMaxMs: 1_600 * pace,
    },
    random: () => random(),
    inspect: (at, node, ready) => checks.inspect(at, node, ready),
    ...build === undefined ? {} : { build },
  });
  const open = new Set<string>();
  const blocked = (from: NodeId, to: NodeId): boolean => open.has(`${from}>${to}`);
  let proposed = 0;

  const round = (faulty: boolean): void => {
    cluster.elapse(1 + below(20));
    for (let moves = below(size * 4); moves > 0 && cluster.wire.length > 0; moves--) {
      const at = chance(0.7) ? 0 : below(cluster.wire.length);
      const { from, to } = cluster.wire[at]!;
      if (blocked(from, to) || (faulty && chance(loss))) cluster.drop(at);
      else cluster.deliver(at, faulty && chance(duplication));
    }
    while (cluster.wire.length > 500) cluster.drop(0);
    for (const node of cluster.nodes) {
      if (node.up && node.writes.length > 0 && (!faulty || chance(slowDisk))) cluster.persist(node);
      if (node.up && node.raft.role === "leader" && chance(proposals)) cluster.propose(node, `v${++proposed}`);
      if (node.up && chance(compaction)) cluster.compact(node);
      if (!faulty) continue;
      if (node.up && chance(crashes)) cluster.crash(node, below(4));
      else if (!node.up && chance(restarts)) cluster.restart(node);
    }
    if (faulty && chance(cuts)) {
      open.clear();
      for (let links = below(size * size); links > 0; links--) open.add(`${1 + below(size)}>${1 + below(size)}`);
    }
  };

  while (cluster.now < virtualMs) round(true);
  open.clear();
  for (const node of cluster.nodes) if (!node.up) cluster.restart(node);
  const before = checks.committed;
  const limit = cluster.now + 10_000;
  while (checks.committed < before + 3 && cluster.now < limit) round(false);
  if (checks.committed < before + 3) throw new Violation(`Nothing is committed ${cluster.now - virtualMs} ms after the faults ended`);
  return { committed: checks.committed, terms: Math.max(...cluster.nodes.map((node) => node.raft.term)) };
}

/** Kept apart from the core: it knows only what leaves it. */
class Checks {
  readonly #leaders = new Map<number, NodeId>();
  /** By index: the one entry that anybody may ever apply there. */
  readonly #committed: { readonly term: number; readonly text: string }[] = [];
  /** By index and term: text and the term before, which must be the same in every log (log matching). */
  readonly #entries = new Map<string, string>();
  readonly #majority: number;

  constructor(size: number) {
    this.#majority = Math.floor(size / 2) + 1;
  }

  get committed(): number {
    return this.#committed.length;
  }

  inspect(cluster: Cluster, node: Node, ready: Ready): void {
    if (ready.role?.role === "leader") {
      const other = this.#leaders.get(ready.role.term);
      if (other !== undefined && other !== node.id) throw new Violation(`Term ${ready.role.term} has leaders ${other} and ${node.id}`);
      this.#leaders.set(ready.role.term, node.id);
    }
    for (const [at, entry] of ready.persist.entries.entries()) {
      if (at === 0) continue;
      const before = ready.persist.entries[at - 1]!;
      this.#matches(`${entry.index}@${entry.term}`, `${before.index}@${before.term} ${new TextDecoder().decode(entry.data)}`);
    }
    for (const entry of ready.apply) this.#applied(cluster, node, entry.index, entry.term, new TextDecoder().decode(entry.data));
    this.#leases(cluster);
  }

  #matches(key: string, what: string): void {
    const known = this.#entries.get(key);
    if (known !== undefined && known !== what) throw new Violation(`Entry ${key} is "${known}" and "${what}"`);
    this.#entries.set(key, what);
  }

  #applied(cluster: Cluster, node: Node, index: number, term: number, text: string): void {
    const known = this.#committed[index - 1];
    if (known === undefined) {
      if (index !== this.#committed.length + 1) {
        throw new Violation(`Node ${node.id} applies ${index} before ${this.#committed.length + 1}`);
      }
      this.#committed.push({ term, text });
    } else if (known.term !== term || known.text !== text) {
      throw new Violation(`Node ${node.id} applies ${index}@${term} "${text}", committed was ${index}@${known.term} "${known.text}"`);
    }
    // Acknowledged means on the disks of a majority, right now.
    const holders = cluster.nodes.filter(({ disk }) =>
      (disk.snapshot?.meta.index ?? 0) >= index || disk.entries.some((entry) => entry.index === index && entry.term === term)
    );
    if (holders.length < this.#majority) {
      throw new Violation(`Node ${node.id} applies ${index}@${term}, which ${holders.length} disk(s) hold`);
    }
  }

  /** All clocks are one here, so a lease must have ended before anybody else leads. */
  #leases(cluster: Cluster): void {
    const leading = cluster.nodes.filter((node) => node.up && node.raft.role === "leader");
    if (leading.length < 2) return;
    const newest = Math.max(...leading.map((node) => node.raft.term));
    const stale = leading.find((node) => node.raft.term < newest && node.raft.leaseUntil > cluster.now);
    if (stale !== undefined) {
      throw new Violation(`Node ${stale.id} holds a lease of term ${stale.raft.term} while term ${newest} has a leader`);
    }
  }
}
