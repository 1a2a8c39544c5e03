/**
 * The accountant for bytes that came in and are not dealt with yet, over all connections (HAZARDS X2). Above the soft limit readers stop
 * and wait in line; above the hard limit nothing more is taken. Counts and decides; touches neither sockets nor buffers.
 *
 * Two sorts of bytes: *held* ones belong to whole frames, and come back by themselves when their requests are done; *partial* ones belong to
 * frames that are still arriving, and come back only if their peer goes on sending. So that the partial ones cannot block each other
 * for ever, the first in line may finish its frame as soon as the held ones are few, one reader at a time. And so that those who never finish
 * do not stop those who send whole frames, partial bytes only stop readers that have some, and never take more than their share of the limit.
 */
import { invariant } from "./errors.ts";

/** Of the hard limit: what frames that are not whole may take of it. */
const PARTIAL_SHARE_MAX = 0.5;

export interface ByteBudgetLimits {
  /** Above this readers are told to stop. */
  readonly softBytes: number;
  /** At or below this they go on. Less than `softBytes`, so that reading does not flap. */
  readonly resumeBytes: number;
  /** Never passed: `take` refuses. */
  readonly hardBytes: number;
}

/** Somebody who reads bytes in, and can stop. */
export interface ByteReader {
  /** There is room again: read on. Called once for each `waitForRoom`. */
  onRoom(): void;
}

export interface ByteBudgetStats {
  readonly heldBytes: number;
  readonly partialBytes: number;
  readonly waiting: number;
  /** Since the start: readers told to wait, and bytes refused at the hard limit. */
  readonly pauses: number;
  readonly refusals: number;
}

export class ByteBudget {
  readonly #limits: ByteBudgetLimits;
  /** ≥ 0, like `#partial`; their sum is at most `hardBytes`. */
  #held = 0;
  #partial = 0;
  #pauses = 0;
  #refusals = 0;
  /** In order of arrival. */
  readonly #line = new Set<ByteReader>();
  /** May finish its frame although there is no room. */
  #exempt: ByteReader | null = null;
  #waking = false;

  constructor(limits: ByteBudgetLimits) {
    invariant(limits.resumeBytes < limits.softBytes && limits.softBytes <= limits.hardBytes, "resume < soft ≤ hard");
    this.#limits = limits;
  }

  get stats(): ByteBudgetStats {
    return { heldBytes: this.#held, partialBytes: this.#partial, waiting: this.#line.size, pauses: this.#pauses, refusals: this.#refusals };
  }

  /**
   * Above the soft limit: whoever reads should stop and wait for room, except the one that was let through.
   * @param hasPartial whether the reader keeps bytes of a frame that is not whole.
   */
  shouldWait(reader: ByteReader, hasPartial: boolean): boolean {
    return (hasPartial ? this.#held + this.#partial : this.#held) > this.#limits.softBytes && reader !== this.#exempt;
  }

  /** Whether the reader is the one that may finish its frame although there is no room. */
  isLetThrough(reader: ByteReader): boolean {
    return reader === this.#exempt;
  }
  get hasLine(): boolean {
    return this.#line.size > 0;
  }

  /** Whether so much can be set aside for one frame at once, before its bytes are there, without bringing others to a stop. */
  hasRoomFor(bytes: number): boolean {
    return this.#held + this.#partial + bytes <= this.#limits.softBytes;
  }

  /**
   * Counts bytes of a frame that is arriving. False at the hard limit: nothing is counted then, the reader must give up its frame.
   * @param isWhole whether the frame is there with them.
   */
  take(bytes: number, isWhole = false): boolean {
    const { hardBytes } = this.#limits;
    if (this.#held + this.#partial + bytes > hardBytes || !isWhole && this.#partial + bytes > hardBytes * PARTIAL_SHARE_MAX) {
      this.#refusals++;
      return false;
    }
    this.#partial += bytes;
    return true;
  }

  /** The frame is whole: its bytes will be given back by `giveBack`. The reader's turn, if it had one, is over. */
  completed(bytes: number, reader: ByteReader): void {
    this.#partial -= bytes;
    this.#held += bytes;
    invariant(this.#partial >= 0, "only bytes that were taken are completed");
    if (reader === this.#exempt) this.#passTurn();
  }

  /** The frame will never be whole. */
  abandoned(bytes: number): void {
    this.#partial -= bytes;
    invariant(this.#partial >= 0, "only bytes that were taken are abandoned");
    this.#wake();
  }

  /** The last user of a whole frame is done. */
  giveBack(bytes: number): void {
    this.#held -= bytes;
    invariant(this.#held >= 0, "bytes are given back once");
    if (this.#line.size > 0) this.#wake();
  }

  /** Puts a reader that has stopped at the end of the line. */
  waitForRoom(reader: ByteReader): void {
    if (this.#line.has(reader)) return;
    this.#pauses++;
    this.#line.add(reader);
    this.#wake();
  }

  /** The reader is gone. */
  forget(reader: ByteReader): void {
    this.#line.delete(reader);
    if (reader === this.#exempt) this.#passTurn();
  }

  #passTurn(): void {
    this.#exempt = null;
    this.#wake();
  }

  #wake(): void {
    if (this.#waking) return; // A reader that goes on may come back here: the loop below sees to it.
    this.#waking = true;
    try {
      this.#letThrough();
    } finally {
      this.#waking = false;
    }
  }

  #letThrough(): void {
    while (this.#line.size > 0) {
      const isRoom = this.#held + this.#partial <= this.#limits.resumeBytes;
      if (!isRoom && (this.#exempt !== null || this.#held > this.#limits.resumeBytes)) return;
      const reader: ByteReader = this.#line.values().next().value!;
      this.#line.delete(reader);
      if (!isRoom) this.#exempt = reader;
      reader.onRoom();
    }
  }
}
