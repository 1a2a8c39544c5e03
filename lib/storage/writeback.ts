/**
 * Moves durable bytes from memory to their segments, in pieces that are worth a write. Bytes in other people's buffers go at once (those
 * buffers are few), copies wait until there are many: then the cost of a small batch in one of a thousand partitions is a share of
 * one write. Syncs nothing.
 */
import { Closed, type Io, IoFailed, type Timer } from "../io/mod.ts";
import type { StoredLog } from "./log/partition_log.ts";

export interface WritebackSettings {
  readonly tailBytesMax: number;
  readonly tailHeldBytesMax: number;
  readonly tailBytesLimit: number;
}

export interface WritebackHost {
  /** Room was made: rounds that had to wait may go. */
  drained(): void;
  /** A segment could not be written. ENOSPC is tried again; after anything else nothing more is written. Must not throw. */
  failed(error: unknown): void;
}

/** Writes that run at a time; each occupies a thread of the shared pool. */
const WRITES_MAX = 2;
const RETRY_MS = 1000;

export class Writeback {
  readonly #io: Io;
  readonly #settings: WritebackSettings;
  readonly #host: WritebackHost;
  /** Logs with bytes to write, in the order in which they got some. */
  readonly #logs = new Set<StoredLog>();
  /** Those of them that hold other people's buffers. */
  readonly #holding = new Set<StoredLog>();
  #bytes = 0;
  #heldBytes = 0;
  #running = 0;
  /** Writing until nothing is left, not only what is in other people's buffers. */
  #all = false;
  #retry: Timer | null = null;
  #broken: { readonly error: unknown } | null = null;
  #waiting: { readonly isOver: () => boolean; readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  #ended: (() => void) | null = null;

  constructor(io: Io, settings: WritebackSettings, host: WritebackHost) {
    this.#io = io;
    this.#settings = settings;
    this.#host = host;
  }

  get bytes(): number {
    return this.#bytes;
  }
  get isFull(): boolean {
    return this.#bytes >= this.#settings.tailBytesLimit;
  }

  get excessBytes(): number {
    return Math.max(0, this.#bytes - this.#settings.tailBytesLimit);
  }

  unwritten(log: StoredLog, byteLength: number, held: boolean): void {
    this.#bytes += byteLength;
    this.#logs.add(log);
    if (!held) return;
    this.#heldBytes += byteLength;
    this.#holding.add(log);
  }

  written(byteLength: number, held: boolean): void {
    const wasFull = this.isFull;
    this.#bytes -= byteLength;
    if (held) this.#heldBytes -= byteLength;
    if (wasFull && !this.isFull) this.#host.drained();
  }

  /** A log is gone. */
  forget(log: StoredLog): void {
    this.#drop(log);
    // Somebody may have waited for it alone.
    this.#tell();
  }

  /** Looks whether there is enough to write; called after every commit round. */
  look(): void {
    if (this.#retry !== null || this.#broken !== null) return;
    if (this.#bytes >= this.#settings.tailBytesMax) this.#all = true;
    while (this.#running < WRITES_MAX && (this.#all || this.#heldBytes >= this.#settings.tailHeldBytesMax)) {
      const log = this.#next();
      if (log === null) break;
      this.#running++;
      void this.#write(log);
    }
  }

  /** Writes everything that is durable now, or as much of it as there is space for. @throws what a write failed with, but for ENOSPC. */
  flush(): Promise<void> {
    this.#all = true;
    this.look();
    return this.#until(() => this.#running === 0 && (this.#logs.size === 0 || !this.#all || this.#retry !== null));
  }

  /** Writes if there is enough, and waits while memory is full but the disk is not. @throws as `flush`. */
  room(): Promise<void> {
    this.look();
    return this.#until(() => !this.isFull || this.#retry !== null);
  }

  /** Nothing is written any more; resolves when what is under way has ended. */
  async abandon(): Promise<void> {
    this.stop();
    this.#broken ??= { error: new Closed("storage") };
    if (this.#running > 0) await new Promise<void>((resolve) => this.#ended = resolve);
  }

  stop(): void {
    this.#retry?.cancel();
    this.#retry = null;
  }

  #next(): StoredLog | null {
    for (const log of this.#all ? this.#logs : this.#holding) {
      this.#drop(log);
      return log;
    }
    this.#all = false;
    return null;
  }

  async #write(log: StoredLog): Promise<void> {
    try {
      await log.flush();
    } catch (error) {
      this.#io.mark("storage.writeback.failed");
      if (log.hasUnwritten) {
        this.#logs.add(log);
        // Whether it holds other people's buffers was forgotten when it began.
        this.#holding.add(log);
      }
      if (error instanceof IoFailed && error.code === "ENOSPC") this.#retry ??= this.#io.timers.after(RETRY_MS, this.#again, false);
      else this.#broken ??= { error };
      this.#host.failed(error);
    }
    this.#running--;
    this.look();
    this.#tell();
    if (this.#running === 0) this.#ended?.();
  }

  #drop(log: StoredLog): void {
    this.#logs.delete(log);
    this.#holding.delete(log);
  }

  #until(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ isOver, resolve, reject });
      this.#tell();
    });
  }

  #tell(): void {
    for (const waiter of this.#waiting.splice(0)) {
      if (this.#broken !== null) waiter.reject(this.#broken.error);
      else if (waiter.isOver()) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  }

  readonly #again = (): void => {
    this.#retry = null;
    this.look();
  };
}
