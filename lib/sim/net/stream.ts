/**
 * One direction of a connection: bytes that were accepted from one end, on their way to the other, in order. They arrive as a prefix of what
 * was accepted, whatever happens; where the reader is gone they lead to a reset, as a kernel answers for a socket that it does not know.
 */
import type { Draws } from "../random.ts";
import { INSTANT_MS, type Owner, type ScheduledEvent, type World } from "../world.ts";
import type { Host } from "./host.ts";
import type { Link, Traveller } from "./link.ts";
import { CHUNK_BYTES_MAX, type NetworkOptions } from "./options.ts";

/** The end that sends. */
export interface Sender {
  readonly owner: Owner;
  /** There is room again, perhaps. */
  onRoom(): void;
  /** The other side knows nothing of this connection. */
  onReset(code: string): void;
}

/** The end that reads. */
export interface Receiver {
  readonly owner: Owner;
  /** @returns false: it does not read now, and calls `wake` when it does. */
  onArrival(bytes: Uint8Array): boolean;
  onFin(): boolean;
  onReset(code: string): void;
  /** Nobody tells it that the connection is gone: it finds out when nothing was said for long. */
  keepAlive(): void;
}

interface Packet {
  readonly bytes: Uint8Array;
  arrivesAt: number;
}

export class Stream implements Traveller {
  readonly link: Link;
  readonly #world: World;
  readonly #options: NetworkOptions;
  readonly #draws: Draws;
  readonly #back: Link;
  readonly #target: Host;
  readonly #windowBytes: number;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  #queue: Packet[] = [];
  /** Bytes of the queue. */
  #unread = 0;
  #lastArrival = 0;
  #hasFin = false;
  #event: ScheduledEvent | null = null;
  /** Set while the sender waits for room. */
  #isBlocked = false;
  /** The reader is no more: what arrives is answered with a reset. */
  #isDeaf = false;
  /** Nothing of it arrives any more, and nobody is told: something in between forgot it. */
  #isSwallowed = false;
  /** The rest of what was accepted got lost: nothing that is accepted now may arrive behind it. */
  #isTruncated = false;
  #isDone = false;

  constructor(world: World, link: Link, back: Link, target: Host, options: NetworkOptions, sender: Sender, receiver: Receiver) {
    this.#world = world;
    this.link = link;
    this.#back = back;
    this.#target = target;
    this.#options = options;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#draws = link.connectionDraws();
    this.#windowBytes = Math.floor(this.#draws.skewed(options.windowBytesMin, options.windowBytesMax));
    link.add(this);
  }

  /** Accepted and not yet read. */
  get unreadBytes(): number {
    return this.#unread;
  }

  /** Takes a prefix. Less than all: the sender is told when it may go on. */
  accept(bytes: Uint8Array): number {
    const room = Math.max(0, this.#windowBytes - this.#unread);
    let taken = Math.min(room, bytes.length);
    if (taken > 0 && this.#draws.chance(this.#options.shortWriteShare)) taken = 1 + this.#draws.below(taken);
    if (taken < bytes.length) this.#block(taken < room);
    if (this.#isTruncated) return taken;
    for (let at = 0; at < taken;) {
      const piece = bytes.slice(at, at + Math.min(taken - at, this.link.pieceBytesMax));
      at += piece.length;
      this.#lastArrival = Math.max(this.#lastArrival, this.link.arrivalAt(piece.length, this.#draws));
      this.#queue.push({ bytes: piece, arrivesAt: this.#lastArrival });
    }
    this.#unread += taken;
    this.#schedule();
    return taken;
  }

  /** After what was accepted comes nothing more. */
  finish(): void {
    if (this.#hasFin || this.#isDone || this.#isTruncated) return;
    this.#hasFin = true;
    this.#lastArrival = Math.max(this.#lastArrival, this.#world.now + this.link.delayMs(this.#draws));
    this.#schedule();
  }

  /** The reader is gone without having read everything; the bytes still travel, for nothing. */
  deafen(): void {
    if (this.#isDeaf) return;
    this.#isDeaf = true;
    this.#unschedule();
    this.#schedule();
  }

  /** The sender has dropped the connection: its system says so once, and not again where that gets lost. */
  abort(): void {
    this.truncate();
    this.swallow();
    this.#world.after(this.link.delayMs(this.#draws), "net.reset", this.#receiver.owner, () => {
      if (this.link.isCut) this.#receiver.keepAlive();
      else this.#receiver.onReset("ECONNRESET");
    });
  }

  /** What has not arrived yet gets lost, or a part of it: the sender has lost its power, or was reset. */
  truncate(): void {
    this.#isTruncated = true;
    const kept = this.#draws.below(this.#queue.length + 1);
    // Its end gets lost with it: what is left must not look like all there was.
    if (kept < this.#queue.length) this.#hasFin = false;
    for (const { bytes } of this.#queue.splice(kept)) this.#unread -= bytes.length;
  }

  swallow(): void {
    this.#isSwallowed = true;
    this.#unschedule();
    this.link.remove(this);
  }

  /** Nothing of it happens any more. */
  drop(): void {
    this.#isDone = true;
    this.#unschedule();
    this.#queue = [];
    this.link.remove(this);
  }

  /** The reader reads again. */
  wake(): void {
    this.#schedule();
  }

  /** Whether there is something that the reader has not been given although it is there. */
  get hasArrived(): boolean {
    const head = this.#queue[0];
    return head !== undefined && head.arrivesAt <= this.#world.now;
  }

  proceed(afterMs: number): void {
    this.#unschedule();
    this.#schedule(afterMs);
  }

  hurry(): void {
    for (const packet of this.#queue) packet.arrivesAt = Math.min(packet.arrivesAt, this.#world.now + this.link.delayMs(this.#draws));
    this.#lastArrival = this.#world.now;
    for (const packet of this.#queue) this.#lastArrival = packet.arrivesAt = Math.max(packet.arrivesAt, this.#lastArrival);
    if (this.#event === null) return;
    this.#unschedule();
    this.#schedule();
  }

  /** Tries again to get a word out of a machine that was down. */
  onPowerUp(): void {
    this.proceed(this.#draws.between(0, 1000));
  }

  #schedule(atLeastMs = 0): void {
    if (this.#event !== null || this.#isSwallowed || this.#isDone) return;
    const head = this.#queue[0];
    if (head === undefined && !this.#hasFin) return;
    const delay = Math.max(atLeastMs, (head?.arrivesAt ?? this.#lastArrival) - this.#world.now);
    if (this.#isDeaf) this.#event = this.#world.after(delay, "net.undeliverable", null, () => this.#bounce());
    else this.#event = this.#world.after(delay, "net.arrival", this.#receiver.owner, () => this.#arrive());
  }

  #unschedule(): void {
    if (this.#event !== null) this.#event.cancelled = true;
    this.#event = null;
  }

  #arrive(): void {
    this.#event = null;
    if (this.link.isCut) return this.link.stall(this);
    if (this.#queue.length === 0) {
      if (this.#hasFin && this.#receiver.onFin()) this.drop();
      return;
    }
    const chunk = this.#cut();
    // Before the reader, which may close, write or pause within.
    if (!this.#receiver.onArrival(chunk)) return;
    this.#world.trace.add("net.data", this.#world.now, this.#receiver.owner.id, checksum(chunk));
    this.#forget(chunk.length);
    // The system uses its buffer again: whoever kept a reference sees it.
    chunk.fill(0xdb);
    this.#schedule();
  }

  /** What the reader is given now: often what came in one packet, sometimes more of it, sometimes less. Stays in the queue. */
  #cut(): Uint8Array {
    const queue = this.#queue;
    const { now } = this.#world;
    let bytes = queue[0]!.bytes;
    while (queue.length > 1 && queue[1]!.arrivesAt <= now + INSTANT_MS && this.#draws.chance(this.#options.joinShare)) {
      const next = queue[1]!;
      if (bytes.length + next.bytes.length > CHUNK_BYTES_MAX) break;
      const joined = new Uint8Array(bytes.length + next.bytes.length);
      joined.set(bytes);
      joined.set(next.bytes, bytes.length);
      bytes = joined;
      queue.splice(0, 2, { bytes, arrivesAt: next.arrivesAt });
    }
    if (bytes.length > 1 && this.#draws.chance(this.#options.cutShare)) {
      const first = this.#draws.chance(0.5)
        ? 1 + this.#draws.below(Math.min(8, bytes.length - 1))
        : 1 + this.#draws.below(bytes.length - 1);
      queue.splice(0, 1, { bytes: bytes.slice(0, first), arrivesAt: now }, { bytes: bytes.slice(first), arrivesAt: now });
    }
    return queue[0]!.bytes;
  }

  #forget(length: number): void {
    if (this.#isDone) return;
    this.#queue.shift();
    this.#unread -= length;
    if (this.#isBlocked) this.#tellRoom(this.#back.delayMs(this.#draws));
  }

  #block(soon: boolean): void {
    if (this.#isBlocked) return;
    this.#isBlocked = true;
    if (soon) this.#tellRoom(this.#draws.between(0, 1));
  }

  #tellRoom(afterMs: number): void {
    this.#isBlocked = false;
    this.#world.after(afterMs, "net.drain", this.#sender.owner, () => {
      if (this.#back.isCut) {
        this.#back.stall({ proceed: (ms) => this.#tellRoom(ms), hurry() {} });
      } else this.#sender.onRoom();
    });
  }

  /** Bytes for nobody: a machine that runs says so, one that does not is silent until it runs again. */
  #bounce(): void {
    this.#event = null;
    if (this.link.isCut) return this.link.stall(this);
    if (!this.#target.hasPower) return this.#target.whenPowered(this);
    if (this.#queue.length === 0 || !this.#sender.owner.alive) return this.drop();
    this.#event = this.#world.after(this.#back.delayMs(this.#draws), "net.reset", this.#sender.owner, () => {
      this.#event = null;
      if (this.#back.isCut) return this.#back.stall(this);
      this.drop();
      this.#sender.onReset("ECONNRESET");
    });
  }
}

/** Enough to tell two runs apart. */
function checksum(bytes: Uint8Array): number {
  let sum = bytes.length;
  const step = bytes.length <= 1024 ? 1 : bytes.length >> 10;
  for (let at = 0; at < bytes.length; at += step) sum = Math.imul(sum, 31) + bytes[at]! | 0;
  return sum;
}
