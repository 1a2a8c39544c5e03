/**
 * The way of requests into a socket, in order. What is given in one turn of the event loop leaves together, small chunks joined into one
 * write; large ones go as they are. Encodes nothing, and does not bound what it is given: its owner stops while it is backed up.
 */
import type { Socket } from "../io/mod.ts";

const JOINED_CHUNK_BYTES_MAX = 16 * 1024;
const SCRATCH_BYTES = 64 * 1024;
/** With more than this unsent no further request is taken. */
const UNSENT_BYTES_MAX = 1024 * 1024;

export class RequestWriter {
  readonly #socket: Socket;
  readonly #onDrained: () => void;
  #chunks: Uint8Array[] = [];
  #head = 0;
  /** Bytes of the first chunk that have left. */
  #sent = 0;
  #unsentBytes = 0;
  #scratch: Uint8Array | null = null;
  #isBlocked = false;
  #flushPlanned = false;

  /** @param onDrained told when a writer that was backed up no longer is. */
  constructor(socket: Socket, onDrained: () => void) {
    this.#socket = socket;
    this.#onDrained = onDrained;
  }

  get isBackedUp(): boolean {
    return this.#unsentBytes > UNSENT_BYTES_MAX;
  }

  /** The chunks stay unchanged until they have left or the connection is gone. */
  push(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#unsentBytes += chunk.length;
    }
    if (this.#isBlocked || this.#flushPlanned) return;
    this.#flushPlanned = true;
    Promise.resolve().then(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  onDrain(): void {
    const was = this.isBackedUp;
    this.#isBlocked = false;
    this.#flush();
    if (was && !this.isBackedUp) this.#onDrained();
  }

  #flush(): void {
    while (this.#head < this.#chunks.length && !this.#isBlocked) {
      const bytes = this.#nextWrite();
      const taken = this.#socket.write(bytes);
      if (taken < 0) return; // Closed: its handler is told.
      this.#advance(taken);
      this.#isBlocked = taken < bytes.length;
    }
    if (this.#head === this.#chunks.length) this.#chunks.length = this.#head = 0;
  }

  /** The first chunk as it is, or as many small ones as the scratch buffer holds. */
  #nextWrite(): Uint8Array {
    const chunks = this.#chunks;
    const first = this.#sent === 0 ? chunks[this.#head]! : chunks[this.#head]!.subarray(this.#sent);
    const second = chunks[this.#head + 1];
    if (second === undefined || first.length > JOINED_CHUNK_BYTES_MAX || second.length > JOINED_CHUNK_BYTES_MAX) return first;
    const scratch = this.#scratch ??= new Uint8Array(SCRATCH_BYTES);
    scratch.set(first);
    let filled = first.length;
    for (let i = this.#head + 1; i < chunks.length; i++) {
      const chunk = chunks[i]!;
      if (chunk.length > JOINED_CHUNK_BYTES_MAX || filled + chunk.length > scratch.length) break;
      scratch.set(chunk, filled);
      filled += chunk.length;
    }
    return scratch.subarray(0, filled);
  }

  #advance(taken: number): void {
    this.#unsentBytes -= taken;
    this.#sent += taken;
    while (this.#head < this.#chunks.length && this.#sent >= this.#chunks[this.#head]!.length) {
      this.#sent -= this.#chunks[this.#head]!.length;
      this.#head++;
    }
  }
}
