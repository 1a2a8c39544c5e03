/** What goes out together in one write and one sync: entries, batches, and whoever is to be told. Writes nothing itself. */
import { EntryBuffer, headersCrcOf, type LogIdBytes } from "./entry.ts";
import { FRAME_HEADER_BYTES, sealFrame, type WalPosition } from "./frame.ts";

/** A log with batches in a round. Told once per round, in the order of the first append. */
export interface Participant {
  readonly walId: LogIdBytes;
  /** The round that this log's latest append is in, and its place there; kept for `Round` alone. */
  round: Round | null;
  roundSlot: number;
  /** Everything below `end` is durable. */
  committed(end: number): void;
  /** What was in the round is unknown. */
  failed(error: Error): void;
}

export class Round {
  readonly #entries: EntryBuffer;
  readonly #participants: Participant[] = [];
  /** Log end after this round, by participant. */
  readonly #ends: number[] = [];
  readonly #callbacks: ((error: Error | null) => void)[] = [];
  readonly #chunks: Uint8Array[] = [];
  /** The chunk that is still growing, as a range of its buffer: copies of small batches lie one after the other. */
  #runBuffer: ArrayBufferLike | null = null;
  #runStart = 0;
  #runEnd = 0;
  #batchesBytes = 0;

  /** @param entries empty; a round that is over gives its buffer back through `entries`. */
  constructor(entries: EntryBuffer = new EntryBuffer(FRAME_HEADER_BYTES)) {
    this.#entries = entries;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }
  /** Somebody waits for an entry of it who may stand in the way of everybody else: it goes out whatever is full. */
  get isAwaited(): boolean {
    return this.#callbacks.length > 0;
  }
  get batchesBytes(): number {
    return this.#batchesBytes;
  }
  get entriesBytes(): number {
    return this.#entries.length;
  }

  /** For entries that belong to no log. */
  get entries(): EntryBuffer {
    return this.#entries;
  }

  /** `bytes` stay unchanged until the round is over. */
  append(log: Participant, baseOffset: number, end: number, bytes: Uint8Array): void {
    this.#entries.append(log.walId, baseOffset, bytes.length, headersCrcOf(bytes));
    const { buffer, byteOffset } = bytes;
    if (buffer === this.#runBuffer && byteOffset === this.#runEnd) this.#runEnd += bytes.length;
    else {
      this.#endRun();
      this.#runBuffer = buffer;
      this.#runStart = byteOffset;
      this.#runEnd = byteOffset + bytes.length;
    }
    this.#batchesBytes += bytes.length;
    if (log.round === this) this.#ends[log.roundSlot] = end;
    else {
      log.round = this;
      log.roundSlot = this.#participants.length;
      this.#participants.push(log);
      this.#ends.push(end);
    }
  }

  whenDone(callback: (error: Error | null) => void): void {
    this.#callbacks.push(callback);
  }

  /** Takes over everything of `other`, a round without batches. */
  absorb(other: Round): void {
    this.#entries.copy(other.#entries.bytes.subarray(FRAME_HEADER_BYTES));
    for (const callback of other.#callbacks) this.#callbacks.push(callback);
  }

  /** The frame as chunks to write one after the other, and its checksum. */
  seal(at: WalPosition, nodeId: number): { readonly chunks: readonly Uint8Array[]; readonly byteLength: number; readonly crc: number } {
    this.#endRun();
    const head = this.#entries.bytes;
    const crc = sealFrame(head, at, this.#batchesBytes, nodeId);
    return { chunks: [head, ...this.#chunks], byteLength: head.length + this.#batchesBytes, crc };
  }

  committed(): void {
    for (let i = 0; i < this.#participants.length; i++) {
      const log = this.#participants[i]!;
      if (log.round === this) log.round = null;
      log.committed(this.#ends[i]!);
    }
    for (const callback of this.#callbacks) callback(null);
  }

  failed(error: Error): void {
    for (const log of this.#participants) log.failed(error);
    for (const callback of this.#callbacks) callback(error);
  }

  #endRun(): void {
    if (this.#runBuffer === null) return;
    this.#chunks.push(new Uint8Array(this.#runBuffer, this.#runStart, this.#runEnd - this.#runStart));
    this.#runBuffer = null;
  }
}
