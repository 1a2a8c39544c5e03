/**
 * Runs the consensus core: executes each `Ready` top to bottom, one write to the store at a time, while what comes meanwhile gathers for
 * the next one. It must not know what entries mean. HAZARDS R1-R6, W1: a write whose outcome is unknown ends the node.
 */
import { invariant } from "../io/mod.ts";
import type { Deadline } from "../io/deadline.ts";
import type { Io, Timer } from "../io/io.ts";
import type { Entry, HardState, Input, Message, Raft, Ready, SnapshotMeta } from "../raft/mod.ts";
import type { RaftStore } from "../storage/types.ts";
import { logOf } from "../telemetry/mod.ts";
import type { Peers } from "./peers.ts";

/** The host of the replicated state. */
export interface RaftHost {
  /** Committed and on this disk, in index order, each once. */
  apply(entries: readonly Entry[]): void;
  /** Another node's snapshot replaces the state. */
  install(meta: SnapshotMeta, data: Uint8Array): void;
  /** Role, term or leader changed. */
  roleChanged(): void;
  /** The state after the last applied entry. */
  takeSnapshot(): Uint8Array;
  /** Nothing will be committed here any more; what waits has an unknown outcome. */
  failed(error: Error): void;
}

export interface RaftDriverSettings {
  /** Budget of one write to the store; past it the outcome is unknown and the node ends. */
  readonly persistMs: number;
  /** A snapshot is taken after this many applied entries or this many bytes of them, whichever comes first. */
  readonly snapshotEntries: number;
  readonly snapshotBytes: number;
}

export const defaultRaftDriverSettings: RaftDriverSettings = {
  persistMs: 10_000,
  snapshotEntries: 10_000,
  snapshotBytes: 8 << 20,
};

/** What waits for the next write. There are two, in turns: one is being written while the other gathers. */
class Round {
  snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null = null;
  hardState: HardState | null = null;
  readonly entries: Entry[] = [];
  readonly marks: { readonly term: number; readonly index: number }[] = [];
  readonly messages: Message[] = [];

  clear(): void {
    this.snapshot = this.hardState = null;
    this.entries.length = this.marks.length = this.messages.length = 0;
  }
}
const EX_SOFTWARE = 70;

export class RaftDriver {
  readonly #io: Io;
  readonly #settings: RaftDriverSettings;
  readonly #raft: Raft;
  readonly #store: RaftStore;
  readonly #peers: Peers | null;
  readonly #host: RaftHost;

  #inputs: Input[] = [];
  #stepping = false;
  #round = new Round();
  #spare = new Round();
  #writing: Promise<void> | null = null;
  #timer: Timer | null = null;
  /** When it fires, while there is one. */
  #timerAt = 0;
  #closed = false;
  #appliedEntries = 0;
  #appliedBytes = 0;
  #appliedIndex: number;
  #snapshotFailure: string | null = null;
  readonly #log = logOf("controller");

  constructor(io: Io, settings: RaftDriverSettings, raft: Raft, store: RaftStore, peers: Peers | null, host: RaftHost) {
    this.#io = io;
    this.#settings = settings;
    this.#raft = raft;
    this.#store = store;
    this.#peers = peers;
    this.#host = host;
    this.#appliedIndex = store.recovered.snapshot?.meta.index ?? 0;
  }

  get raft(): Raft {
    return this.#raft;
  }
  /** Why the last snapshot could not be stored; null when it was, or when there was none yet. */
  get snapshotFailure(): string | null {
    return this.#snapshotFailure;
  }
  /** False once closed or failed: nothing is committed any more. */
  get running(): boolean {
    return !this.#closed;
  }

  start(): void {
    this.#peers?.onMessage((message) => this.submit({ kind: "message", message, now: this.#io.clock.mono() }));
    this.submit({ kind: "tick", now: this.#io.clock.mono() });
  }

  /** Only at the leader, and not from inside a host callback's step. @returns index of the entry. */
  propose(data: Uint8Array): number {
    invariant(!this.#stepping && this.#raft.role === "leader" && !this.#closed, "only a running leader proposes, between steps");
    const index = this.#raft.lastIndex + 1;
    this.submit({ kind: "propose", data: [data], now: this.#io.clock.mono() });
    return index;
  }
  /** True while a step is executed: whoever wants to propose then waits for its end. */
  get stepping(): boolean {
    return this.#stepping;
  }

  /** Steps at once, or after the step that is under way. */
  submit(input: Input): void {
    if (this.#closed) return;
    if (this.#stepping) return void this.#inputs.push(input);
    this.#stepping = true;
    try {
      this.#execute(this.#raft.step(input));
      while (this.#inputs.length > 0) this.#execute(this.#raft.step(this.#inputs.shift()!));
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#stepping = false;
    }
  }

  /** Waits for the write under way, starts no other. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing;
  }

  #execute(ready: Ready): void {
    for (const message of ready.send) this.#peers?.send(message);
    this.#gather(ready);
    if (ready.apply.length > 0) this.#apply(ready.apply);
    if (ready.role !== null) this.#host.roleChanged();
    this.#arm(ready.wakeAt);
  }

  #gather(ready: Ready): void {
    const round = this.#round;
    const { hardState, entries, mark } = ready.persist;
    if (ready.snapshot !== null) {
      round.snapshot = ready.snapshot;
      round.entries.length = 0;
    }
    if (hardState !== null) round.hardState = hardState;
    if (entries.length > 0) {
      // A newer leader's entries replace those that were never written.
      const first = entries[0]!.index;
      while (round.entries.length > 0 && round.entries.at(-1)!.index >= first) round.entries.pop();
      for (const entry of entries) round.entries.push(entry);
    }
    if (mark !== null) round.marks.push(mark);
    for (const message of ready.sendOncePersisted) round.messages.push(message);
    if (round.marks.length > 0 || round.messages.length > 0) this.#startWriting();
  }

  #startWriting(): void {
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    await null; // everything proposed in this turn joins the first round
    while (!this.#closed && (this.#round.marks.length > 0 || this.#round.messages.length > 0 || this.#snapshotDue())) {
      const round = this.#round;
      this.#round = this.#spare;
      try {
        if (round.snapshot !== null) await this.#install(round.snapshot);
        if (round.hardState !== null || round.entries.length > 0) {
          await this.#store.persist(round.hardState, round.entries, this.#deadlineOf("raft.persist"));
        }
      } catch (error) {
        this.#fail(error);
        break;
      }
      for (const message of round.messages) if (message.term >= this.#raft.term) this.#peers?.send(message);
      const now = this.#io.clock.mono();
      for (const { term, index } of round.marks) this.submit({ kind: "persisted", term, index, now });
      round.clear();
      this.#spare = round;
      if (this.#snapshotDue()) await this.#compact();
    }
    this.#writing = null; // in the same turn as the last look at the round, so that nothing is left lying in it
  }

  async #install({ meta, data }: NonNullable<Round["snapshot"]>): Promise<void> {
    await this.#store.saveSnapshot(meta, data, this.#deadlineOf("raft.snapshot"));
    this.#host.install(meta, data);
    this.#appliedIndex = meta.index;
  }

  #deadlineOf(op: string): Deadline {
    return this.#io.deadlines.in(op, this.#settings.persistMs);
  }

  #apply(entries: readonly Entry[]): void {
    this.#host.apply(entries);
    this.#appliedIndex = entries.at(-1)!.index;
    this.#appliedEntries += entries.length;
    for (const entry of entries) this.#appliedBytes += entry.data.length;
    if (this.#snapshotDue()) this.#startWriting();
  }

  #snapshotDue(): boolean {
    return this.#appliedEntries >= this.#settings.snapshotEntries || this.#appliedBytes >= this.#settings.snapshotBytes;
  }

  /** Between two writes. A failure is known to be harmless (the log is still whole) and is tried again after the next stretch. */
  async #compact(): Promise<void> {
    this.#appliedEntries = 0;
    this.#appliedBytes = 0;
    const meta = this.#raft.snapshotMeta(this.#appliedIndex);
    if (meta === null) return;
    const data = this.#host.takeSnapshot();
    try {
      await this.#store.saveSnapshot(meta, data, this.#deadlineOf("raft.snapshot"));
    } catch (error) {
      this.#snapshotFailure = error instanceof Error ? error.message : String(error);
      this.#log("warn", "Cannot store a snapshot of the metadata: its log grows, the next stretch of it tries again", {
        index: meta.index,
        bytes: data.length,
        budgetMs: this.#settings.persistMs,
        cause: this.#snapshotFailure,
      });
      return;
    }
    this.#snapshotFailure = null;
    this.submit({ kind: "compacted", meta, data, now: this.#io.clock.mono() });
  }

  /** One timer, left alone while it is early enough: the core ignores a tick that comes too soon. */
  #arm(wakeAt: number | null): void {
    if (wakeAt === null || (this.#timer !== null && this.#timerAt <= wakeAt)) return;
    this.#timer?.cancel();
    this.#timer = this.#io.timers.after(Math.max(0, wakeAt - this.#io.clock.mono()), this.#wake);
    this.#timerAt = wakeAt;
  }

  readonly #wake = (): void => {
    this.#timer = null;
    this.submit({ kind: "tick", now: this.#io.clock.mono() });
  };

  #fail(cause: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#host.failed(error);
    this.#io.fatal(EX_SOFTWARE, `Cannot go on with the metadata log: ${error.message}`);
  }
}
