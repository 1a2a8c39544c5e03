/**
 * Group commit: whatever waits goes out in one write and one sync; while that runs, the next round gathers. One round is outstanding,
 * there are no empty ones and no timers on the way. Raft's entries ride in the next round whatever waits before it, so that
 * data cannot starve consensus (law 8). A failed or hung sync fences the node: nothing is ever synced again (HAZARDS W1, W2).
 */
import { Closed, type Deadline, DeadlineExceeded, type Io, IoFailed, Overloaded, type Waker } from "../../io/mod.ts";
import { Histogram } from "../../telemetry/mod.ts";
import { StorageFenced } from "../errors.ts";
import type { StorageHealth } from "../types.ts";
import type { EntryBuffer } from "./entry.ts";
import { alignFrame, type WalPosition } from "./frame.ts";
import type { WalFile, WalFiles } from "./file.ts";
import { type Participant, Round } from "./round.ts";

export interface WalSettings {
  readonly nodeId: number;
  readonly walFileBytes: number;
  readonly roundBytesMax: number;
  readonly queueBytesMax: number;
  readonly queueBytesReserved: number;
  readonly durableWriteBytesMax: number;
  readonly syncStalledMs: number;
  readonly syncFatalMs: number;
}

export interface WalHost {
  /** May a round start now? `false` until `wal.wake()`: what was committed has not found its place yet. */
  mayCommit(): boolean;
  /** Committed bytes that are beyond the memory meant for them. They count as if they still waited, so that the sum has a bound. */
  excessBytes(): number;
  /** After every round, once everybody was told. */
  committed(bytes: number): void;
  /** The disk has no room for the round; it is tried again after `wal.wake()`. */
  outOfSpace(): void;
  healthChanged(): void;
}

/** The program `sysexits.h` calls EX_SOFTWARE: the supervisor is to start us again. */
const EXIT_FENCED = 70;
/** A file that grows is left for a preallocated one only when it is worth it: idle and short-lived nodes never fill 64 MiB with zeros. */
const PREPARE_FROM_BYTES = 1024 * 1024;

const IDLE_ENTRIES_MAX = 4;
const IDLE_ENTRIES_BYTES_MAX = 1024 * 1024;

export class Wal {
  readonly #io: Io;
  readonly #settings: WalSettings;
  readonly #files: WalFiles;
  readonly #host: WalHost;
  #file: WalFile;
  #at: WalPosition;
  /** Rounds of data that wait, oldest first; only the last one gathers. */
  readonly #queue: Round[] = [];
  /** Raft's entries: ride with the next round. */
  #urgent = new Round();
  /** Buffers of rounds that are over, for the next ones: a round of a thousand partitions grows to tens of KiB. */
  readonly #idleEntries: EntryBuffer[] = [];
  #queuedBytes = 0;
  #running = false;
  #scheduled = false;
  #roundStartedAt = 0;
  /** Seconds of each round: its write and its sync. */
  readonly commitSeconds = new Histogram();
  #writtenBytes = 0;
  #watch: Waker | null = null;
  #health: StorageHealth["state"] = "ok";
  #fenced: StorageFenced | null = null;
  #closing = false;
  #drained: (() => void) | null = null;
  #paused = false;
  readonly #pauseListeners: ((paused: boolean) => void)[] = [];
  readonly #start = () => {
    this.#scheduled = false;
    this.#pump();
  };

  constructor(io: Io, settings: WalSettings, files: WalFiles, file: WalFile, at: WalPosition, host: WalHost) {
    this.#io = io;
    this.#settings = settings;
    this.#files = files;
    this.#file = file;
    this.#at = at;
    this.#host = host;
  }

  /** Where the frame after the last durable one goes. */
  get position(): WalPosition {
    return this.#at;
  }
  get queuedBytes(): number {
    return this.#queuedBytes;
  }
  /** Since the start. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }
  get paused(): boolean {
    return this.#paused;
  }
  get fenced(): StorageFenced | null {
    return this.#fenced;
  }
  get state(): "ok" | "stalled" | "failed" {
    return this.#fenced !== null ? "failed" : this.#health === "stalled" ? "stalled" : "ok";
  }
  /** Milliseconds since the outstanding round began; 0 when none. */
  get runningMs(): number {
    return this.#running ? this.#io.clock.mono() - this.#roundStartedAt : 0;
  }

  onPause(listener: (paused: boolean) => void): void {
    this.#pauseListeners.push(listener);
  }

  /** @throws {Overloaded} @throws {Closed} @throws {StorageFenced} */
  admit(byteLength: number, internal: boolean): void {
    if (this.#fenced !== null) throw this.#fenced;
    if (this.#closing) throw new Closed("storage");
    const { queueBytesMax, queueBytesReserved } = this.#settings;
    const limit = internal ? queueBytesMax + queueBytesReserved : queueBytesMax;
    // A single append larger than the queue is let in when nothing waits: refusing it would be forever.
    const waiting = this.#waitingBytes;
    if (waiting > 0 && waiting + byteLength > limit) throw new Overloaded("commit queue bytes", limit);
  }

  /** Joins the next round after those that wait. `admit` has agreed. */
  append(log: Participant, baseOffset: number, end: number, bytes: Uint8Array): void {
    this.#gathering(bytes.length).append(log, baseOffset, end, bytes);
    this.#queuedBytes += bytes.length;
    this.#signal();
    this.#schedule();
  }

  /** An entry that keeps its place among the appends. Not bounded: such entries are small and their makers wait for them. */
  record(write: (round: Round) => void, done: (error: Error | null) => void): void {
    const refused = this.#refusal();
    if (refused !== null) return done(refused);
    const round = this.#gathering(0);
    write(round);
    round.whenDone(done);
    this.#schedule();
  }

  /** An entry that goes out first: Raft's, whose driver has one outstanding at a time. */
  recordUrgent(write: (round: Round) => void, done: (error: Error | null) => void): void {
    const refused = this.#refusal();
    if (refused !== null) return done(refused);
    write(this.#urgent);
    this.#urgent.whenDone(done);
    this.#schedule();
  }

  /** Something that `mayCommit` or the disk waited for has happened. */
  wake(): void {
    this.#signal();
    this.#schedule();
  }

  /** Stops everything: who waits does not know, and nobody new is let in. */
  fence(why: string): void {
    if (this.#fenced !== null) return;
    this.#io.mark("storage.wal.fenced");
    const error = this.#fenced = new StorageFenced(`Cannot commit: ${why}; the outcome of what was waiting is unknown`);
    this.#host.healthChanged();
    const rounds = [this.#urgent, ...this.#queue.splice(0)];
    this.#urgent = new Round();
    for (const round of rounds) round.failed(error);
    this.#drained?.();
    this.#io.fatal(EXIT_FENCED, `${error.message}. Start the node again: it copies what the log holds to a fresh file first`);
  }

  /** Lets in nothing new; resolves when everything that waited has been committed, or failed. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#fenced === null && (this.#running || this.#waiting())) await new Promise<void>((resolve) => this.#drained = resolve);
    this.#watch?.cancel();
    this.#watch = null;
    await this.#files.stop();
    if (this.#fenced === null) await this.#files.close(this.#file);
  }

  #refusal(): Error | null {
    return this.#fenced ?? (this.#closing ? new Closed("storage") : null);
  }

  #gathering(byteLength: number): Round {
    const last = this.#queue.at(-1);
    if (last !== undefined && (last.isEmpty || last.batchesBytes + byteLength <= this.#settings.roundBytesMax)) return last;
    const round = this.#newRound();
    this.#queue.push(round);
    return round;
  }

  /** Rounds that an awaited entry lets go although memory is full drain the queue: without their excess it would fill again and again. */
  get #waitingBytes(): number {
    return this.#queuedBytes + this.#host.excessBytes();
  }

  #waiting(): boolean {
    return !this.#urgent.isEmpty || this.#queue.length > 0;
  }

  /** Starts in a later turn of the loop, so that everything which arrived in this one goes out together. */
  #schedule(): void {
    if (this.#scheduled || this.#running) return;
    this.#scheduled = true;
    this.#io.timers.soon(this.#start);
  }

  #pump(): void {
    if (this.#running || this.#fenced !== null) return;
    if (!this.#waiting()) return this.#drained?.();
    // Raft goes on while partitions must wait for their segments. So does an entry that a log waits for with its files in hand, and what
    // was appended before it: those segments could not be written while it waits.
    const mayCommit = this.#host.mayCommit() || this.#queue.some(({ isAwaited }) => isAwaited);
    if (this.#urgent.isEmpty && !mayCommit) return;
    const round = mayCommit ? this.#queue.shift() ?? this.#newRound() : this.#newRound();
    if (!this.#urgent.isEmpty) {
      round.absorb(this.#urgent);
      this.#recycle(this.#urgent);
      this.#urgent = this.#newRound();
    }
    this.#running = true;
    this.#roundStartedAt = this.#io.clock.mono();
    this.#watch ??= this.#io.deadlines.wake({ op: "wal.stall", at: this.#roundStartedAt + this.#settings.syncStalledMs }, this.#looked);
    void this.#commit(round);
  }

  async #commit(round: Round): Promise<void> {
    let written: { readonly byteLength: number; readonly next: WalPosition };
    try {
      written = await this.#write(round);
    } catch (error) {
      this.#running = false;
      if (error instanceof IoFailed && error.code === "ENOSPC") return this.#retryLater(round);
      this.#queue.unshift(round);
      return this.fence(describe(error));
    }
    this.#running = false;
    this.commitSeconds.observe((this.#io.clock.mono() - this.#roundStartedAt) / 1000);
    const { byteLength, next } = written;
    this.#writtenBytes += byteLength;
    if (this.#fenced !== null) return;
    this.#queuedBytes -= round.batchesBytes;
    if (this.#health === "stalled") this.#setHealth("ok");
    // In one go with telling it: whoever asks for the position between the two would miss what the logs do not know yet.
    this.#at = next;
    try {
      // The next round's callers may already be appending while these are told: nobody waits for anybody here.
      round.committed();
      this.#host.committed(byteLength);
    } catch (error) {
      return this.fence(describe(error));
    }
    this.#recycle(round);
    this.#signal();
    this.#pump();
  }

  #newRound(): Round {
    return new Round(this.#idleEntries.pop());
  }

  /** The round is over and its bytes are written: nobody looks at its buffer any more. */
  #recycle({ entries }: Round): void {
    if (this.#idleEntries.length >= IDLE_ENTRIES_MAX || entries.capacity > IDLE_ENTRIES_BYTES_MAX) return;
    entries.clear();
    this.#idleEntries.push(entries);
  }

  /** @returns where the next one goes. @throws {IoFailed} @throws {DeadlineExceeded} */
  async #write(round: Round): Promise<{ readonly byteLength: number; readonly next: WalPosition }> {
    const estimate = round.entriesBytes + round.batchesBytes + 4096;
    const { file: { preallocatedBytes }, position } = { file: this.#file, position: this.#at.position };
    const full = position > 0 && position + estimate > Math.max(preallocatedBytes, this.#settings.walFileBytes);
    if (full || (preallocatedBytes === 0 && position >= PREPARE_FROM_BYTES && this.#files.hasSpare)) await this.#roll();
    if (this.#file.preallocatedBytes > 0 ? this.#at.position > 0 : this.#at.position >= PREPARE_FROM_BYTES) this.#files.prepare();
    const at = this.#at;
    const { chunks, byteLength, crc } = round.seal(at, this.#settings.nodeId);
    const { file, durable } = this.#file;
    if (durable !== null && byteLength <= this.#settings.durableWriteBytesMax) {
      await durable.write(chunks, at.position, this.#deadline("wal.write"));
    } else {
      await file.write(chunks, at.position, this.#deadline("wal.write"));
      await this.#sync();
    }
    return { byteLength, next: { ...at, position: alignFrame(at.position + byteLength), sequence: at.sequence + 1, previousCrc: crc } };
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.file.sync(this.#deadline("wal.sync"));
    } catch (error) {
      // Whatever a sync says when it fails, what it covered is unknown: not even ENOSPC is tried again.
      throw error instanceof DeadlineExceeded ? error : new StorageFenced(describe(error));
    }
  }

  async #roll(): Promise<void> {
    this.#io.mark("storage.wal.rolled");
    const next = await this.#files.take(this.#at.generation + 1).catch((error: unknown) => {
      // As for any sync: its ENOSPC is none that is waited out, and the file is there already when it is tried again.
      throw error instanceof IoFailed && error.op === "sync directory" ? new StorageFenced(error.message) : error;
    });
    const previous = this.#file;
    this.#file = next;
    this.#at = { ...this.#at, generation: next.generation, position: 0 };
    await this.#files.close(previous);
  }

  #retryLater(round: Round): void {
    this.#io.mark("storage.wal.no_space");
    this.#queue.unshift(round);
    this.#host.outOfSpace();
  }

  readonly #looked = (): void => {
    this.#watch = null;
    if (!this.#running) return;
    const stalledAt = this.#roundStartedAt + this.#settings.syncStalledMs;
    if (this.#io.clock.mono() >= stalledAt) return this.#setHealth("stalled");
    this.#watch = this.#io.deadlines.wake({ op: "wal.stall", at: stalledAt }, this.#looked);
  };

  #setHealth(state: "ok" | "stalled"): void {
    if (this.#health === state) return;
    this.#health = state;
    if (state === "stalled") this.#io.mark("storage.wal.stalled");
    this.#host.healthChanged();
  }

  #signal(): void {
    const { queueBytesMax } = this.#settings;
    const waiting = this.#waitingBytes;
    const paused = this.#paused ? waiting > queueBytesMax / 4 : waiting > queueBytesMax / 2;
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const listener of this.#pauseListeners) listener(paused);
  }

  #deadline(op: string): Deadline {
    return this.#io.deadlines.in(op, this.#settings.syncFatalMs);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
