/**
 * What a node has on disk for Raft, modelled at the level of `RaftStore`: one durable state and at most one write under way, which takes its
 * time, and of which a crash, an error or a passed deadline leaves a prefix. Much quicker than real files on a simulated disk.
 */
import { type Deadline, DeadlineExceeded, type Disk, IoFailed } from "../../io/mod.ts";
import type { Entry, HardState, SnapshotMeta } from "../../raft/mod.ts";
import type { RaftStore } from "../../storage/mod.ts";
import type { SimDisk } from "../disk/types.ts";
import type { EndKind, Incarnation, MachineClock } from "../machine.ts";
import type { DiskFault } from "../plan.ts";
import type { Draws } from "../random.ts";
import type { ScheduledEvent, World } from "../world.ts";
import { NO_FILES } from "./nothing.ts";

/** Told what becomes durable, while it does. */
export interface DiskWatch {
  /** @param before the term of the entry before. @param replaces what was durable at its index. */
  entryWritten(node: number, entry: Entry, before: number, replaces: Entry | null): void;
  snapshotWritten(node: number, meta: SnapshotMeta, data: Uint8Array, drops: readonly Entry[]): void;
}

type Snapshot = NonNullable<RaftStore["recovered"]["snapshot"]>;

/** What one call of the store asks for: entries and the hard state before them, or a snapshot. */
class Write {
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
  readonly snapshot: Snapshot | null;
  readonly owner: Incarnation;
  readonly told = Promise.withResolvers<void>();
  /** Virtual times: when the disk is done, and when whoever waits has waited long enough. */
  doneAt = 0;
  readonly budgetEndsAt: number;
  readonly budgetMs: number;
  event: ScheduledEvent | null = null;

  constructor(
    owner: Incarnation,
    budget: { readonly ms: number; readonly endsAt: number },
    hardState: HardState | null,
    entries: readonly Entry[],
    snapshot: Snapshot | null,
  ) {
    this.owner = owner;
    this.budgetMs = budget.ms;
    this.budgetEndsAt = budget.endsAt;
    this.hardState = hardState;
    this.entries = entries;
    this.snapshot = snapshot;
  }

  get kind(): "persist" | "snapshot" {
    return this.snapshot === null ? "persist" : "snapshot";
  }
  /** In how many pieces it becomes durable, one after the other. */
  get parts(): number {
    return this.snapshot !== null ? 1 : (this.hardState === null ? 0 : 1) + this.entries.length;
  }
}

export class ModelDisk implements SimDisk {
  readonly node: number;
  hardState: HardState | null = null;
  snapshot: Snapshot | null = null;
  /** Dense; the first one follows the snapshot. */
  entries: Entry[] = [];
  readonly #world: World;
  readonly #watch: DiskWatch;
  readonly #draws: Draws;
  #writeMs: number;
  #writeTail: number;
  #underWay: Write | null = null;
  #stalledUntil = 0;
  #fullUntil = 0;
  #slow = { factor: 1, until: 0 };
  #fails: DiskFault["kind"] | null = null;

  constructor(
    world: World,
    node: number,
    watch: DiskWatch,
    { writeMs, writeTail }: { readonly writeMs: number; readonly writeTail: number },
  ) {
    this.#world = world;
    this.node = node;
    this.#watch = watch;
    this.#draws = world.draws(`disk/${node}`);
    this.#writeMs = writeMs;
    this.#writeTail = writeTail;
  }

  get snapshotIndex(): number {
    return this.snapshot === null ? 0 : this.snapshot.meta.index;
  }
  get lastIndex(): number {
    return this.snapshotIndex + this.entries.length;
  }
  /** The term that a restart would go on with. */
  get term(): number {
    const { hardState, entries } = this;
    const ofLast = entries.length > 0 ? entries[entries.length - 1]!.term : this.#snapshotTerm;
    return hardState !== null && hardState.term > ofLast ? hardState.term : ofLast;
  }
  get isWriting(): boolean {
    return this.#underWay !== null;
  }

  /** Null when it is not there, or so far back that only the snapshot tells of it. */
  termAt(index: number): number | null {
    const at = index - this.snapshotIndex - 1;
    if (at === -1) return this.#snapshotTerm;
    return at >= 0 && at < this.entries.length ? this.entries[at]!.term : null;
  }
  get #snapshotTerm(): number {
    return this.snapshot === null ? 0 : this.snapshot.meta.term;
  }

  /** Whether a restart would know this committed entry. */
  holds(index: number, term: number): boolean {
    return index < this.snapshotIndex || this.termAt(index) === term;
  }

  /** The store of a process that starts now. */
  open(owner: Incarnation, clock: MachineClock): RaftStore {
    const budget = ({ at }: Deadline): { readonly ms: number; readonly endsAt: number } => {
      const ms = at - clock.mono();
      return { ms, endsAt: this.#world.now + clock.worldMs(ms) };
    };
    return {
      recovered: { hardState: this.hardState, entries: [...this.entries], snapshot: this.snapshot },
      persist: (hardState, entries, deadline) => this.#begin(new Write(owner, budget(deadline), hardState, entries, null)),
      saveSnapshot: (meta, data, deadline) => this.#begin(new Write(owner, budget(deadline), null, NO_ENTRIES, { meta, data })),
    };
  }

  // ── as a disk of a machine ──────────────────────────────────────────────────────────────────────────────────────────

  mount(): Disk {
    return NO_FILES;
  }

  /** The write under way is torn: by the loss of power, or because the process had not asked for all of it. */
  end(_kind: EndKind): void {
    const write = this.#underWay;
    if (write === null) return;
    write.event!.cancelled = true;
    this.#underWay = null;
    this.#happens(write, this.#torn(write));
  }

  apply(fault: DiskFault): void {
    const now = this.#world.now;
    if (fault.kind === "syncStalls") this.#stalledUntil = Math.max(this.#stalledUntil, now + fault.forMs);
    else if (fault.kind === "diskFull") this.#fullUntil = Math.max(this.#fullUntil, now + fault.forMs);
    else if (fault.kind === "diskSlow") this.#slow = { factor: fault.factor, until: now + fault.forMs };
    else if (fault.kind === "syncFails" || fault.kind === "writeFails") this.#fails = fault.kind;
    else throw new Error(`A modelled store knows no "${fault.kind}"`);
    const write = this.#underWay;
    if (write !== null && this.#stalledUntil > write.doneAt) this.#schedule(write, this.#stalledUntil);
  }

  heal(): void {
    this.#stalledUntil = this.#fullUntil = 0;
    this.#slow = { factor: 1, until: 0 };
    this.#fails = null;
    this.#writeTail = 0;
    this.#writeMs = Math.min(this.#writeMs, 5);
    const write = this.#underWay;
    if (write !== null) this.#schedule(write, Math.min(write.doneAt, this.#world.now + this.#takesMs()));
  }

  isDurable(): boolean {
    throw new Error("Marks are of real bytes; this disk is looked at entry by entry");
  }

  // ── writes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Never settles for a process that is gone. */
  #begin(write: Write): Promise<void> {
    if (write.owner.alive) this.#start(write);
    return write.told.promise;
  }

  #start(write: Write): void {
    if (this.#underWay !== null) {
      return this.#world.fail(`Node ${this.node} starts a ${write.kind} while a ${this.#underWay.kind} is under way`);
    }
    this.#underWay = write;
    // Without room a snapshot fails at once, the log waits for room.
    if (write.kind === "snapshot" && this.#fullUntil > this.#world.now) this.#fails ??= "diskFull";
    const fullUntil = write.kind === "persist" ? this.#fullUntil : 0;
    this.#schedule(write, Math.max(this.#world.now + this.#takesMs(), this.#stalledUntil, fullUntil));
  }

  #takesMs(): number {
    const { factor, until } = this.#slow;
    const slow = until > this.#world.now ? factor : 1;
    const mean = this.#writeTail > 0 && this.#draws.chance(this.#writeTail) ? 20 * this.#writeMs : this.#writeMs;
    return -Math.log(1 - this.#draws.float()) * mean * slow;
  }

  #schedule(write: Write, doneAt: number): void {
    if (write.event !== null) write.event.cancelled = true;
    write.doneAt = doneAt;
    const world = this.#world;
    const at = Math.min(doneAt, write.budgetEndsAt);
    // The disk goes on without its process, so the event is nobody's.
    write.event = world.afterWith(at - world.now, write.kind, null, this.#done, write);
  }

  readonly #done = (write: Write): void => {
    this.#underWay = null;
    const { owner } = write;
    const error = this.#errorOf(write);
    this.#happens(write, error === null ? write.parts : error instanceof IoFailed && write.snapshot !== null ? 0 : this.#torn(write));
    if (!owner.alive) return;
    if (owner.paused) this.#world.hold("disk", owner, () => this.#tell(write, error));
    else this.#tell(write, error);
  };

  #tell({ told }: Write, error: Error | null): void {
    if (error === null) told.resolve();
    else told.reject(error);
  }

  #errorOf(write: Write): Error | null {
    if (write.doneAt > write.budgetEndsAt) return new DeadlineExceeded(`raft.${write.kind}`, "store", write.budgetMs);
    if (this.#fails === null) return null;
    const code = this.#fails === "diskFull" ? "ENOSPC" : "EIO";
    this.#fails = null;
    return new IoFailed("write", "store", code);
  }

  #torn({ parts }: Write): number {
    return this.#draws.below(parts + 1);
  }

  /** So many parts of it become durable. */
  #happens({ hardState, entries, snapshot }: Write, parts: number): void {
    let left = parts;
    if (snapshot !== null) {
      if (left > 0) this.#saveSnapshot(snapshot);
      return;
    }
    if (hardState !== null && left-- > 0) this.hardState = hardState;
    for (const entry of entries) {
      if (left-- <= 0) return;
      this.#put(entry);
    }
  }

  #put(entry: Entry): void {
    const at = entry.index - this.snapshotIndex - 1;
    if (at < 0) return;
    if (at > this.entries.length) return this.#world.fail(`Node ${this.node} writes entry ${entry.index} after entry ${this.lastIndex}`);
    const replaces = this.entries[at] ?? null;
    this.#watch.entryWritten(this.node, entry, this.termAt(entry.index - 1)!, replaces);
    this.entries.length = at;
    this.entries.push(entry);
  }

  #saveSnapshot(snapshot: Snapshot): void {
    const { meta, data } = snapshot;
    const agrees = this.termAt(meta.index) === meta.term;
    const after = this.entries.slice(Math.max(0, meta.index - this.snapshotIndex));
    this.#watch.snapshotWritten(this.node, meta, data, agrees ? [] : after);
    this.entries = agrees ? after : [];
    this.snapshot = snapshot;
  }
}

const NO_ENTRIES: readonly Entry[] = [];
