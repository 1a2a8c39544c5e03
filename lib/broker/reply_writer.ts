/**
 * The only way for replies to a connection's socket: in the order of the requests, whatever the order in which their handlers
 * finish (HAZARDS N7). Small chunks of one turn leave in one write; large ones are written as they are. Encodes nothing.
 */
import type { Lease, Socket } from "../io/mod.ts";

/** Chunks up to this size are copied together into one write. */
const JOINED_CHUNK_BYTES_MAX = 16 * 1024;
/** Size of the buffer for that, shared by all connections. */
export const SCRATCH_BYTES = 64 * 1024;

/** Bytes of replies that no socket has taken yet, over all connections. */
export interface UnsentTotal {
  bytes: number;
}

/** The place of one reply in the order. Answer it once, or skip it. */
export interface ReplySlot {
  /** The chunks stay untouched, and the leases held, until the bytes have left or the connection is gone. */
  answer(chunks: readonly Uint8Array[], leases: readonly Lease[]): void;
  /** There is no reply (acks=0). */
  skip(): void;
}

export class ReplyWriter {
  readonly #socket: Socket;
  readonly #scratch: Uint8Array;
  readonly #onProgress: () => void;
  readonly #total: UnsentTotal;
  /** Slots in the order of their requests: a list from the oldest, which has not been answered, to the newest. */
  #first: Slot | null = null;
  #last: Slot | null = null;
  #open = 0;
  /** Chunks whose turn has come, from `#head` on; `#sent` bytes of the first have left. */
  #chunks: Uint8Array[] = [];
  /** By chunk: what to release when it has left. */
  #leases: (readonly Lease[] | null)[] = [];
  #head = 0;
  #sent = 0;
  #unsentBytes = 0;
  /** The socket took less than it was given: `onDrain` comes. */
  #blocked = false;
  #flushPlanned = false;
  #corked = false;
  #closed = false;
  /** Bytes that the socket took so far. */
  sentBytes = 0;

  /**
   * @param total of all connections.
   * @param onProgress told when fewer requests are unanswered or fewer bytes unsent than before.
   */
  constructor(socket: Socket, scratch: Uint8Array, total: UnsentTotal, onProgress: () => void) {
    this.#socket = socket;
    this.#total = total;
    this.#scratch = scratch;
    this.#onProgress = onProgress;
  }

  /** Requests without an answer. */
  get unanswered(): number {
    return this.#open;
  }

  /** Bytes of replies whose turn has come and that the socket has not taken. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Takes the next place in the order. */
  open(): ReplySlot {
    const slot = new Slot(this);
    if (this.#last === null) this.#first = slot;
    else this.#last.next = slot;
    this.#last = slot;
    this.#open++;
    return slot;
  }

  /** Holds writes back until `uncork`, so that the replies of one turn leave together. */
  cork(): void {
    this.#corked = true;
  }

  uncork(): void {
    this.#corked = false;
    this.#flush();
  }

  /** The socket takes bytes again. */
  onDrain(): void {
    this.#blocked = false;
    this.#flush();
  }

  /** Nothing more will leave: everything held for it is let go, now and when late answers come. */
  close(): void {
    this.#closed = true;
    for (let i = this.#head; i < this.#chunks.length; i++) releaseAll(this.#leases[i]!);
    this.#chunks = [];
    this.#leases = [];
    this.#head = 0;
    this.#count(-this.#unsentBytes);
    for (let slot = this.#first; slot !== null; slot = slot.next) {
      releaseAll(slot.leases);
      slot.leases = null;
    }
    this.#first = this.#last = null;
  }

  /** @internal */
  settled(slot: Slot): void {
    this.#open--;
    if (this.#closed) {
      releaseAll(slot.leases);
      return;
    }
    if (slot === this.#first) this.#takeTurns();
    if (!this.#corked) this.#planFlush();
    this.#onProgress();
  }

  /** Moves the replies whose turn has come to the chunks. */
  #takeTurns(): void {
    let slot = this.#first;
    for (; slot !== null && slot.isSettled; slot = slot.next) {
      for (const chunk of slot.chunks) {
        this.#chunks.push(chunk);
        this.#leases.push(null);
        this.#count(chunk.length);
      }
      if (slot.chunks.length > 0) this.#leases[this.#leases.length - 1] = slot.leases;
      else releaseAll(slot.leases);
    }
    this.#first = slot;
    if (slot === null) this.#last = null;
  }

  /** At the end of this turn's continuations: replies that become ready together leave together. */
  #planFlush(): void {
    if (this.#flushPlanned || this.#blocked) return;
    this.#flushPlanned = true;
    Promise.resolve().then(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#blocked || this.#closed || this.#head === this.#chunks.length) return;
    while (this.#head < this.#chunks.length) {
      const bytes = this.#nextWrite();
      const taken = this.#socket.write(bytes);
      if (taken < 0) break; // Closed: `close` follows.
      this.#advance(taken);
      if (taken < bytes.length) {
        this.#blocked = true;
        break;
      }
    }
    this.#compact();
    this.#onProgress();
  }

  /** The first chunk as it is, or as many small ones as the scratch buffer holds. */
  #nextWrite(): Uint8Array {
    const chunks = this.#chunks;
    const first = this.#sent === 0 ? chunks[this.#head]! : chunks[this.#head]!.subarray(this.#sent);
    const second = chunks[this.#head + 1];
    if (second === undefined || first.length > JOINED_CHUNK_BYTES_MAX || second.length > JOINED_CHUNK_BYTES_MAX) return first;
    this.#scratch.set(first);
    let filled = first.length;
    for (let i = this.#head + 1; i < chunks.length; i++) {
      const chunk = chunks[i]!;
      if (chunk.length > JOINED_CHUNK_BYTES_MAX || filled + chunk.length > this.#scratch.length) break;
      this.#scratch.set(chunk, filled);
      filled += chunk.length;
    }
    return this.#scratch.subarray(0, filled);
  }

  #advance(taken: number): void {
    this.#count(-taken);
    this.sentBytes += taken;
    this.#sent += taken;
    while (this.#head < this.#chunks.length && this.#sent >= this.#chunks[this.#head]!.length) {
      this.#sent -= this.#chunks[this.#head]!.length;
      releaseAll(this.#leases[this.#head]!);
      this.#head++;
    }
  }

  #count(bytes: number): void {
    this.#unsentBytes += bytes;
    this.#total.bytes += bytes;
  }

  #compact(): void {
    if (this.#head === this.#chunks.length) {
      this.#chunks.length = this.#leases.length = this.#head = 0;
    } else if (this.#head > 256) {
      this.#chunks.splice(0, this.#head);
      this.#leases.splice(0, this.#head);
      this.#head = 0;
    }
  }
}

class Slot implements ReplySlot {
  next: Slot | null = null;
  chunks: readonly Uint8Array[] = [];
  leases: readonly Lease[] | null = null;
  isSettled = false;
  readonly #writer: ReplyWriter;

  constructor(writer: ReplyWriter) {
    this.#writer = writer;
  }

  answer(chunks: readonly Uint8Array[], leases: readonly Lease[]): void {
    this.chunks = chunks;
    this.leases = leases.length === 0 ? null : leases;
    this.isSettled = true;
    this.#writer.settled(this);
  }

  skip(): void {
    this.isSettled = true;
    this.#writer.settled(this);
  }
}

function releaseAll(leases: readonly Lease[] | null): void {
  if (leases !== null) { for (const lease of leases) lease.release(); }
}
