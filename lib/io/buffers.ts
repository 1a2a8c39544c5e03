/**
 * Byte buffers with owners. A frame's bytes live in a pooled slab; whoever needs them past the current call retains the
 * lease and releases it once. Bounds and buffer ownership decide the speed of the broker.
 */
import { invariant } from "./errors.ts";

/** A counted claim on pooled bytes. Views into them are valid until the last release. */
export interface Lease {
  retain(): void;
  /** The last release returns the slab to its pool. @throws {InvariantBroken} when released more often than retained. */
  release(): void;
}

/** A lease on bytes that nobody pools: for tests and for batches built by the broker itself. */
export const unpooled: Lease = { retain() {}, release() {} };

/** Pieces of at most this size share a slab. Larger ones have a buffer of their own, of the next power of two. */
export const SLAB_BYTES = 1024 * 1024;
/** The first slab of a pool; each one after it is twice as large. A pool that little is asked of stays small. */
const FIRST_SLAB_BYTES = 16 * 1024;

export interface BufferPoolStats {
  /** Bytes of buffers that are leased, in part or whole. */
  readonly usedBytes: number;
  /** Bytes of buffers kept for the next lease. */
  readonly idleBytes: number;
  readonly leases: number;
}

/** A piece of a pooled buffer with the claim on it, held once by whoever asked for it. */
export interface Piece extends Lease {
  readonly bytes: Uint8Array;
  /** Is told the length once, after the last release. */
  whenFreed(told: (length: number) => void): void;
}

/**
 * Reuses buffers, because memory touched for the first time costs more than the broker's whole work on it. Keeps at most `idleBytesMax`
 * for reuse; what comes back beyond that is left to the garbage collector. Does not limit what is leased: that is `ByteBudget`'s task.
 */
export class BufferPool {
  readonly #idleBytesMax: number;
  /** Free buffers by their size, a power of two; the size that was not asked for longest comes first. */
  readonly #idle = new Map<number, Uint8Array[]>();
  #idleBytes = 0;
  #usedBytes = 0;
  #leases = 0;
  /** The slab that small pieces are cut from; its `claims` include one of the pool's own. */
  #current: Slab | null = null;
  /** Of the next slab. */
  #slabBytes = FIRST_SLAB_BYTES;

  constructor({ idleBytesMax }: { readonly idleBytesMax: number }) {
    this.#idleBytesMax = idleBytesMax;
  }

  /** A piece of exactly `length` bytes with arbitrary content. Release it once. */
  take(length: number): Piece {
    this.#leases++;
    if (length > SLAB_BYTES) return new LeasedPiece(this, this.#newSlab(2 ** Math.ceil(Math.log2(length))), 0, length);
    let slab = this.#current;
    if (slab !== null && slab.claims === 1) slab.cut = 0; // Nobody but the pool holds it: start over.
    if (slab === null || slab.bytes.length - slab.cut < length) {
      const old = slab;
      while (this.#slabBytes < length) this.#slabBytes *= 2;
      slab = this.#current = this.#newSlab(this.#slabBytes);
      this.#slabBytes = Math.min(SLAB_BYTES, 2 * this.#slabBytes);
      slab.claims++;
      if (old !== null) this.unclaim(old);
    }
    const piece = new LeasedPiece(this, slab, slab.cut, length);
    slab.cut += length;
    return piece;
  }

  get stats(): BufferPoolStats {
    return { usedBytes: this.#usedBytes, idleBytes: this.#idleBytes, leases: this.#leases };
  }

  /** @internal */
  released(slab: Slab): void {
    this.#leases--;
    this.unclaim(slab);
  }

  /** @internal */
  unclaim(slab: Slab): void {
    if (--slab.claims > 0) return;
    const { bytes } = slab;
    this.#usedBytes -= bytes.length;
    if (!this.#makeRoom(bytes.length)) return;
    this.#idleBytes += bytes.length;
    const sameSize = this.#idle.get(bytes.length);
    if (sameSize === undefined) this.#idle.set(bytes.length, [bytes]);
    else sameSize.push(bytes);
  }

  /** Buffers of sizes that nobody asks for any more make room for the size that is in use: the load has changed. */
  #makeRoom(length: number): boolean {
    for (const [size, buffers] of this.#idle) {
      while (this.#idleBytes + length > this.#idleBytesMax && size !== length && buffers.pop() !== undefined) this.#idleBytes -= size;
    }
    return this.#idleBytes + length <= this.#idleBytesMax;
  }

  #newSlab(size: number): Slab {
    const sameSize = this.#idle.get(size) ?? [];
    this.#idle.delete(size);
    this.#idle.set(size, sameSize);
    const idle = sameSize.pop();
    if (idle !== undefined) this.#idleBytes -= size;
    this.#usedBytes += size;
    return { bytes: idle ?? new Uint8Array(size), cut: 0, claims: 0 };
  }
}

interface Slab {
  readonly bytes: Uint8Array;
  /** Bytes cut off for pieces so far. */
  cut: number;
  /** Pieces alive, plus one while the pool cuts from it. At 0 it goes back. */
  claims: number;
}

class LeasedPiece implements Piece {
  readonly bytes: Uint8Array;
  readonly #pool: BufferPool;
  readonly #slab: Slab;
  #onFreed: ((length: number) => void) | null = null;
  #count = 1;

  constructor(pool: BufferPool, slab: Slab, from: number, length: number) {
    slab.claims++;
    this.#pool = pool;
    this.#slab = slab;
    this.bytes = slab.bytes.subarray(from, from + length);
  }

  whenFreed(told: (length: number) => void): void {
    this.#onFreed = told;
  }

  retain(): void {
    invariant(this.#count > 0, "a lease is retained only while it is held");
    this.#count++;
  }

  release(): void {
    invariant(this.#count > 0, "a lease is released as often as it was taken and retained");
    if (--this.#count > 0) return;
    this.#pool.released(this.#slab);
    this.#onFreed?.(this.bytes.length);
  }
}
