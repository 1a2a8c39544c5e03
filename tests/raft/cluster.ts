/**
 * Consensus cores with a wire and disks that a test moves by hand: nothing is delivered, written or timed unless it is asked for.
 * Stands in for the driver: executes a `Ready` top to bottom, one write after the other.
 */
import { type NodeId, nodeId } from "../../lib/protocol/mod.ts";
import type { Raft as RaftClass, RaftOptions } from "../../lib/raft/mod.ts";
import { defaultRaftSettings, Raft, type RaftSettings } from "../../lib/raft/mod.ts";
import type { Entry, HardState, Input, Message, Ready, SnapshotMeta } from "../../lib/raft/types.ts";

export interface Disk {
  hardState: HardState | null;
  entries: Entry[];
  snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null;
}

export interface Node {
  readonly id: NodeId;
  raft: RaftClass;
  readonly disk: Disk;
  /** Readies that ask for a write or hold messages back, in order. */
  writes: Ready[];
  /** What was applied since the start: index, term and data, and the snapshot it began with. */
  applied: { readonly index: number; readonly term: number; readonly text: string }[];
  wakeAt: number | null;
  up: boolean;
}

export interface ClusterOptions {
  readonly size: number;
  readonly settings?: Partial<RaftSettings>;
  /** Uniform in [0, 1) for elections of a node. */
  readonly random: (id: NodeId) => number;
  /** Tells what happened, in order. */
  readonly trace?: (line: string) => void;
  /** Looked at after every step. */
  readonly inspect?: (cluster: Cluster, node: Node, ready: Ready) => void;
  /** Another build of the core, for planted bugs. */
  readonly build?: (options: RaftOptions) => RaftClass;
}

export class Cluster {
  now = 0;
  readonly nodes: readonly Node[];
  /** Sent and not yet delivered, in the order sent. */
  wire: Message[] = [];
  readonly #options: ClusterOptions;
  readonly #trace: (line: string) => void;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#trace = options.trace ?? (() => {});
    const ids = Array.from({ length: options.size }, (_, at) => nodeId(at + 1));
    this.nodes = ids.map((id) => {
      const disk: Disk = { hardState: null, entries: [], snapshot: null };
      return { id, disk, raft: this.#build(id, disk), writes: [], applied: [], wakeAt: 0, up: true };
    });
    for (const node of this.nodes) this.step(node, { kind: "tick", now: this.now });
  }

  node(id: number): Node {
    return this.nodes[id - 1]!;
  }
  get leader(): Node | null {
    const leaders = this.nodes.filter((node) => node.up && node.raft.role === "leader");
    return leaders.sort((a, b) => b.raft.term - a.raft.term)[0] ?? null;
  }

  step(node: Node, input: Input): void {
    if (!node.up) return;
    const ready = node.raft.step(input);
    for (const message of ready.send) this.#send(message);
    if (ready.persist.mark !== null || ready.sendOncePersisted.length > 0) node.writes.push(ready);
    if (ready.role !== null) {
      this.#trace(`${node.id} is ${ready.role.role} in term ${ready.role.term}, leader ${ready.role.leader ?? "none"}`);
    }
    for (const entry of ready.apply) {
      node.applied.push({ index: entry.index, term: entry.term, text: textOf(entry) });
      this.#trace(`${node.id} applies ${show(entry)}`);
    }
    node.wakeAt = ready.wakeAt;
    this.#options.inspect?.(this, node, ready);
  }

  /** Time passes; whoever is due ticks, in the order of ids. */
  elapse(ms: number): void {
    this.now += ms;
    for (const node of this.nodes) {
      if (node.up && node.wakeAt !== null && node.wakeAt <= this.now) this.step(node, { kind: "tick", now: this.now });
    }
  }

  /** Completes the oldest write of the node: disk, held messages, mark. */
  persist(node: Node): void {
    const ready = node.writes.shift();
    if (ready === undefined || !node.up) return;
    write(node.disk, ready, Infinity);
    if (ready.persist.mark !== null) this.#trace(`${node.id} wrote ${showWrite(ready)}`);
    if (ready.snapshot !== null) {
      const { meta, data } = ready.snapshot;
      node.applied = JSON.parse(new TextDecoder().decode(data)) as Node["applied"];
      this.#trace(`${node.id} installs snapshot ${meta.index}@${meta.term}`);
    }
    for (const message of ready.sendOncePersisted) if (message.term >= node.raft.term) this.#send(message);
    if (ready.persist.mark !== null) this.step(node, { kind: "persisted", ...ready.persist.mark, now: this.now });
  }

  /** Takes the message at `at` off the wire and hands it over; `copy` leaves it there for a second time. */
  deliver(at: number, copy = false): void {
    const message = this.wire[at]!;
    if (!copy) this.wire.splice(at, 1);
    const node = this.node(message.to);
    if (!node.up) return;
    this.#trace(`${message.from}>${message.to} ${showMessage(message)}`);
    this.step(node, { kind: "message", message, now: this.now });
  }

  drop(at: number): void {
    this.wire.splice(at, 1);
  }

  propose(node: Node, text: string): void {
    this.step(node, { kind: "propose", data: [new TextEncoder().encode(text)], now: this.now });
  }

  compact(node: Node): void {
    const last = node.applied.at(-1);
    const meta = last === undefined ? null : node.raft.snapshotMeta(last.index);
    if (meta === null || meta.index <= (node.disk.snapshot?.meta.index ?? 0)) return;
    const data = new TextEncoder().encode(JSON.stringify(node.applied));
    saveSnapshot(node.disk, meta, data);
    this.#trace(`${node.id} compacts to ${meta.index}@${meta.term}`);
    this.step(node, { kind: "compacted", meta, data, now: this.now });
  }

  /** Power off: what was not written is lost; of the write under way only the first `torn` parts arrive. */
  crash(node: Node, torn = 0): void {
    const first = node.writes[0];
    if (first !== undefined && torn > 0) write(node.disk, first, torn);
    node.writes = [];
    node.up = false;
    this.#trace(`${node.id} crashes`);
  }

  restart(node: Node): void {
    node.up = true;
    node.applied = node.disk.snapshot === null ? [] : JSON.parse(new TextDecoder().decode(node.disk.snapshot.data)) as Node["applied"];
    node.raft = this.#build(node.id, node.disk);
    this.#trace(`${node.id} starts`);
    this.step(node, { kind: "tick", now: this.now });
  }

  #build(id: NodeId, disk: Disk): RaftClass {
    const options: RaftOptions = {
      id,
      voters: Array.from({ length: this.#options.size }, (_, at) => nodeId(at + 1)),
      recovered: { hardState: disk.hardState, entries: [...disk.entries], snapshot: disk.snapshot },
      settings: { ...defaultRaftSettings, ...this.#options.settings },
      random: () => this.#options.random(id),
    };
    return this.#options.build?.(options) ?? new Raft(options);
  }

  #send(message: Message): void {
    this.wire.push(message);
  }
}

/** @param parts how many of snapshot, hard state and entries arrive; Infinity: all. */
function write(disk: Disk, ready: Ready, parts: number): void {
  let left = parts;
  if (ready.snapshot !== null && left-- > 0) saveSnapshot(disk, ready.snapshot.meta, ready.snapshot.data, true);
  if (ready.persist.hardState !== null && left-- > 0) disk.hardState = ready.persist.hardState;
  for (const entry of ready.persist.entries) {
    if (left-- <= 0) return;
    while (disk.entries.length > 0 && disk.entries.at(-1)!.index >= entry.index) disk.entries.pop();
    disk.entries.push(entry);
  }
}

function saveSnapshot(disk: Disk, meta: SnapshotMeta, data: Uint8Array, replaces = false): void {
  disk.snapshot = { meta, data };
  // What follows an installed snapshot is of the old log unless it agrees at the snapshot's end.
  const agrees = disk.entries.some((entry) => entry.index === meta.index && entry.term === meta.term);
  disk.entries = replaces && !agrees ? [] : disk.entries.filter((entry) => entry.index > meta.index);
}

const textOf = (entry: Entry): string => entry.kind === "command" ? new TextDecoder().decode(entry.data) : entry.kind;
const show = (entry: Entry): string => `${entry.index}@${entry.term} ${textOf(entry)}`;

function showWrite({ persist: { hardState, entries }, snapshot }: Ready): string {
  const parts = [
    ...snapshot === null ? [] : [`snapshot ${snapshot.meta.index}@${snapshot.meta.term}`],
    ...hardState === null ? [] : [`term ${hardState.term} vote ${hardState.votedFor ?? "none"} commit ${hardState.commit}`],
    ...entries.map(show),
  ];
  return parts.join(", ");
}

function showMessage(message: Message): string {
  const term = `${message.kind} term ${message.term}`;
  switch (message.kind) {
    case "preVote":
    case "vote":
      return `${term} last ${message.lastIndex}@${message.lastTerm}`;
    case "preVoteReply":
    case "voteReply":
      return `${term} ${message.granted ? "granted" : "refused"}`;
    case "append":
      return `${term} after ${message.prevIndex}@${message.prevTerm} commit ${message.commit} [${message.entries.map(show).join(", ")}]`;
    case "appendReply":
      return message.success
        ? `${term} has ${message.index}`
        : `${term} refuses ${message.prevIndex}, agrees at most at ${message.index}@${message.hintTerm}`;
    case "snapshot":
      return `${term} ${message.meta.index}@${message.meta.term}`;
  }
}
