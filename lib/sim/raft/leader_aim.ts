/**
 * Cuts leaders off some messages after they were elected. What a leader has appended is then on few disks, or only on its own, and the next one
 * goes on without it: the moments in which it matters what counts as committed (thesis, figure 3.7).
 */
import type { NodeId } from "../../protocol/mod.ts";
import type { Message } from "../../raft/mod.ts";

export interface Isolation {
  isolate(node: NodeId, forMs: number): void;
  rejoin(node: NodeId): void;
}

interface Shot {
  readonly messages: number;
  readonly forMs: number;
}

export class LeaderAim {
  readonly #links: Isolation;
  /** Of the newest leader that has sent something. */
  #term = 0;
  #next: Shot | null = null;
  #aimed: Shot & { readonly leader: NodeId; left: number } | null = null;
  #isolated: NodeId | null = null;

  constructor(links: Isolation) {
    this.#links = links;
  }

  /** Instead of what was asked for before and met nobody. */
  atNext(shot: Shot): void {
    this.#next = shot;
  }

  /** Before the message leaves: the one that is too many does not. */
  sends({ kind, from, term }: Message): void {
    if (kind !== "append" && kind !== "snapshot" || term < this.#term) return;
    if (term > this.#term) {
      this.#term = term;
      this.#aimed = this.#next && { ...this.#next, leader: from, left: this.#next.messages };
      this.#next = null;
    }
    if (this.#aimed === null || this.#aimed.left-- > 0) return;
    if (this.#isolated !== null) this.#links.rejoin(this.#isolated);
    this.#links.isolate(this.#isolated = this.#aimed.leader, this.#aimed.forMs);
    this.#aimed = null;
  }
}
