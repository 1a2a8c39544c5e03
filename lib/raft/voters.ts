/**
 * Who votes: the latest membership entry in the log decides as soon as it is appended (thesis 4.1), or the snapshot, or what
 * the node was started with. It must not decide whether a change may be made; `raft.ts` does.
 */
import { type NodeId, nodeId } from "../protocol/mod.ts";
import { invariant } from "./invariant.ts";
import type { Entry, SnapshotMeta } from "./types.ts";

const FORMAT = 1;

export class Voters {
  /** Ascending by index; the first is the base and never removed. */
  #history: { readonly index: number; readonly voters: readonly NodeId[] }[];

  constructor(initial: readonly NodeId[], snapshot: SnapshotMeta | null, entries: readonly Entry[]) {
    this.#history = [{ index: snapshot?.index ?? 0, voters: sorted(snapshot?.voters ?? initial) }];
    this.append(entries);
  }

  get current(): readonly NodeId[] {
    return this.#history[this.#history.length - 1]!.voters;
  }
  /** Index of the entry that made `current`. */
  get changedAt(): number {
    return this.#history[this.#history.length - 1]!.index;
  }

  includes(id: NodeId): boolean {
    for (const voter of this.current) if (voter === id) return true;
    return false;
  }
  except(id: NodeId): readonly NodeId[] {
    return this.current.filter((voter) => voter !== id);
  }
  at(index: number): readonly NodeId[] {
    return this.#history.findLast((change) => change.index <= index)?.voters ?? this.#history[0]!.voters;
  }
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === "membership" && entry.index > this.changedAt) {
        this.#history.push({ index: entry.index, voters: decodeVoters(entry.data) });
      }
    }
  }
  truncateFrom(index: number): void {
    while (this.#history.length > 1 && this.changedAt >= index) this.#history.pop();
  }
  compact(index: number): void {
    const base = { index, voters: this.at(index) };
    this.#history = [base, ...this.#history.filter((change) => change.index > index)];
  }
  reset(meta: SnapshotMeta): void {
    this.#history = [{ index: meta.index, voters: sorted(meta.voters) }];
  }
}

const sorted = (voters: readonly NodeId[]): readonly NodeId[] => [...new Set(voters)].sort((a, b) => a - b);

/** True when the sets differ by exactly one server, the only change that needs no joint consensus. */
export function differsByOne(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  const added = b.filter((id) => !a.includes(id)).length;
  const removed = a.filter((id) => !b.includes(id)).length;
  return added + removed === 1;
}

/** Version byte, then an int32 per voter. */
export function encodeVoters(voters: readonly NodeId[]): Uint8Array {
  const bytes = new Uint8Array(1 + voters.length * 4);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  sorted(voters).forEach((id, at) => view.setInt32(1 + at * 4, id));
  return bytes;
}

export function decodeVoters(bytes: Uint8Array): readonly NodeId[] {
  invariant(bytes[0] === FORMAT, `membership entry has format ${bytes[0]}, known is ${FORMAT}: a newer version wrote it`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: (bytes.length - 1) >> 2 }, (_, at) => nodeId(view.getInt32(1 + at * 4)));
}
