/**
 * One partition that is being read: where reading stands, what is buffered, what may be committed. Holds state and its rules; asks nobody.
 *
 * Three offsets, in order: `committable` (handed out, and read on after it), `position` (the next to hand out), `fetchOffset` (the next to
 * fetch: behind everything buffered).
 */
import type { Uuid } from "../../protocol/mod.ts";
import type { Position, TopicPartition } from "../types.ts";
import type { FetchedBatches, OpenedBatch } from "./fetched_batches.ts";
import { keyOf } from "./partitions.ts";

/** Who leads it, as the last metadata had it. */
export interface Route {
  /** -1: nobody at the moment. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly topicId: Uuid;
}

export class AssignedPartition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** How the position is to be found; null once it is known. */
  sought: "committed" | Position | null = "committed";
  /** Counts up with every seek: what was looked up or taken before it is of the past. */
  run = 0;
  isPaused = false;
  route: Route | null = null;
  /** Another replica that the leader sends us to (KIP-392), until a time on the monotonic clock. */
  replica: { readonly node: number; readonly until: number } | null = null;
  /** Leader epoch under which the position was last found to be on the log (KIP-320). */
  checkedEpoch = -1;
  /** No request for it before this, on the monotonic clock: the last one failed. */
  notBefore = 0;
  highWatermark: number | null = null;
  lastStableOffset: number | null = null;
  #position: number | null = null;
  /** Leader epoch of the record before the position; -1: not known. */
  #epoch = -1;
  /** Handed out, and followed by another read; null: nothing is known yet. */
  committable: number | null = null;
  committableEpoch = -1;
  /** What the coordinator has, as far as we know. */
  committedOffset: number | null = null;
  /** The batch from which records are handed out at present. */
  opened: OpenedBatch | null = null;
  /** How many of it have been. */
  openedIndex = 0;
  readonly #chunks: FetchedBatches[] = [];
  #bufferedBytes = 0;

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
    this.key = keyOf(this);
  }

  get position(): number | null {
    return this.sought === null ? this.#position : null;
  }
  get epoch(): number {
    return this.#epoch;
  }
  get fetchOffset(): number | null {
    return this.#chunks.at(-1)?.nextOffset ?? this.opened?.nextOffset ?? this.position;
  }
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }
  get hasBuffered(): boolean {
    return this.#chunks.length > 0;
  }
  get needsCheck(): boolean {
    return this.sought === null && this.#epoch >= 0 && this.route !== null && this.route.leaderEpoch > this.checkedEpoch;
  }

  /** Reading begins at a place that is known. */
  moveTo(offset: number, leaderEpoch: number): void {
    this.run++;
    this.sought = null;
    this.#position = offset;
    this.#epoch = leaderEpoch;
    this.committable = offset;
    this.committableEpoch = leaderEpoch;
    // The leader of a later epoch may have another log than the one that the position is from.
    this.checkedEpoch = -1;
    this.discard();
  }

  /** Reading begins at a place that has yet to be found. */
  seek(sought: "committed" | Position): void {
    this.run++;
    this.sought = sought;
    this.#position = null;
    this.#epoch = -1;
    this.committable = null;
    this.discard();
  }

  /** Handed out up to `position`. */
  advance(position: number, leaderEpoch: number): void {
    this.#position = position;
    this.#epoch = leaderEpoch;
  }

  /** What was handed out was followed by another read, or by a commit: it counts as done. */
  settle(): void {
    this.committable = this.#position;
    this.committableEpoch = this.#epoch;
  }

  push(batches: FetchedBatches): void {
    this.#chunks.push(batches);
    this.#bufferedBytes += batches.bytesLeft;
  }

  /** Nothing stands between it and its records being handed out. */
  get isReady(): boolean {
    return !this.isPaused && (this.opened !== null || this.#chunks.length > 0);
  }

  get first(): FetchedBatches | undefined {
    return this.#chunks[0];
  }

  /** A batch of `first` was taken. */
  took(bytes: number): void {
    this.#bufferedBytes -= bytes;
    if (this.#chunks[0]?.isEmpty) this.#chunks.shift();
  }

  /** Lets go of what is buffered; it will be fetched again. */
  discard(): void {
    this.#bufferedBytes = 0;
    this.#chunks.length = 0;
    this.opened = null;
  }
}
