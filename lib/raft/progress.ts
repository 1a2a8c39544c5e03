/**
 * What a leader knows about one follower's log, and what may be sent to it next (thesis 10.2.1). It must not send anything.
 * Sending follows progress only: a duplicated or late reply changes nothing and therefore triggers nothing (HAZARDS R4).
 */
import type { NodeId } from "./types.ts";

export class Progress {
  readonly id: NodeId;
  /** `probe`: agreement unknown, one message at a time. `replicate`: pipelined. `snapshot`: one was sent, waiting. */
  mode: "probe" | "replicate" | "snapshot" = "probe";
  /** The follower has everything up to here on its disk; 0 ≤ match < next. */
  match = 0;
  next: number;
  /** Largest echoed send time: the lease counts from it. -Infinity before the first reply. */
  ackedSentAt = -Infinity;
  /** Like `ackedSentAt`, with the election as first contact: a new leader gets time to be heard. */
  contactAt: number;
  /** When the follower last had everything that the leader had; for DescribeQuorum. */
  caughtUpAt = -Infinity;
  snapshotSentAt = -Infinity;
  /** The commit index that the follower can know from what was sent; a lost message is made up for by the next heartbeat. */
  toldCommit = 0;
  /** Last index of each append on the way, ascending; at most `inflightMax`. */
  #inflight: number[] = [];
  #probing = false;

  constructor(id: NodeId, next: number, now: number) {
    this.id = id;
    this.next = next;
    this.contactAt = now;
  }

  maySend(inflightMax: number): boolean {
    if (this.mode === "probe") return !this.#probing;
    return this.mode === "replicate" && this.#inflight.length < inflightMax;
  }

  sent(lastIndex: number, count: number): void {
    if (this.mode === "probe") this.#probing = true;
    else if (this.mode === "replicate" && count > 0) {
      this.next = lastIndex + 1;
      this.#inflight.push(lastIndex);
    }
  }

  snapshotSent(index: number, now: number): void {
    this.mode = "snapshot";
    this.next = index + 1;
    this.snapshotSentAt = now;
  }

  /** A heartbeat interval passed: a lost probe may be repeated. */
  heartbeat(): void {
    this.#probing = false;
  }

  contact(sentAt: number): void {
    this.ackedSentAt = Math.max(this.ackedSentAt, sentAt);
    this.contactAt = Math.max(this.contactAt, sentAt);
  }

  /** @returns whether the reply brought news. */
  succeeded(index: number): boolean {
    const news = index > this.match || this.mode !== "replicate";
    this.match = Math.max(this.match, index);
    if (this.mode === "snapshot" && index < this.next - 1) return false;
    if (this.mode !== "replicate") {
      this.mode = "replicate";
      this.#inflight = [];
      this.next = this.match + 1;
    }
    this.next = Math.max(this.next, this.match + 1);
    while (this.#inflight.length > 0 && this.#inflight[0]! <= this.match) this.#inflight.shift();
    return news;
  }

  /** @returns whether the refusal is of what was sent last; a late one changes nothing. */
  refused(prevIndex: number, agreeIndex: number): boolean {
    if (this.mode === "snapshot" || prevIndex <= this.match) return false;
    if (this.mode === "replicate") {
      this.mode = "probe";
      this.#inflight = [];
      this.next = this.match + 1;
    } else {
      if (prevIndex !== this.next - 1) return false;
      this.next = Math.max(this.match + 1, Math.min(prevIndex, agreeIndex + 1));
    }
    this.#probing = false;
    return true;
  }
}
