/** What Raft's store was given and what it promised. Calls are made one after the other, so at most one of them is in doubt after a crash. */
import type { Entry, HardState, SnapshotMeta } from "../../raft/types.ts";
import type { RaftStore } from "../../storage/types.ts";
import { Violation } from "../world.ts";
import { areEqual } from "./partition_model.ts";

export interface RaftState {
  readonly hardState: HardState | null;
  /** Follow the snapshot. */
  readonly entries: readonly Entry[];
  readonly snapshot: SnapshotMeta | null;
}

const NOTHING: RaftState = { hardState: null, entries: [], snapshot: null };

export class RaftModel {
  /** Promised. */
  state: RaftState = NOTHING;
  /** What it will be once the call that is under way has happened; null when none is. */
  #next: RaftState | null = null;
  /** A snapshot whose call failed: it may be there. */
  #doubtful: SnapshotMeta | null = null;

  get lastIndex(): number {
    return this.state.entries.at(-1)?.index ?? this.state.snapshot?.index ?? 0;
  }

  persistAsked(hardState: HardState | null, entries: readonly Entry[]): void {
    const { state } = this;
    const first = entries[0]?.index ?? Infinity;
    this.#next = {
      ...state,
      hardState: hardState ?? state.hardState,
      entries: [...state.entries.filter(({ index }) => index < first), ...entries],
    };
  }

  snapshotAsked(snapshot: SnapshotMeta): void {
    this.#next = withSnapshot(this.state, snapshot);
  }

  /** The call for a snapshot was refused: nobody knows whether it came as far as its last step. */
  snapshotFailed(): void {
    this.#doubtful = this.#next!.snapshot;
    this.#next = null;
  }

  done(): void {
    if (this.#next !== null) this.state = this.#next;
    this.#next = null;
  }

  /** After a restart: as before the call in doubt, or as after it. */
  recovered({ hardState, entries, snapshot }: RaftStore["recovered"]): void {
    const found: RaftState = { hardState, entries, snapshot: snapshot?.meta ?? null };
    const possible = [this.state, ...this.#next === null ? [] : [this.#next]];
    if (this.#doubtful !== null) { for (const state of [...possible]) possible.push(withSnapshot(state, this.#doubtful)); }
    const is = possible.find((state) => isSame(found, state));
    if (is === undefined) {
      throw new Violation(
        `Raft has ${describe(found)} after a restart, promised was ${describe(this.state)}` +
          (this.#next === null ? "" : `, in doubt ${describe(this.#next)}`),
      );
    }
    this.state = is;
    this.#next = this.#doubtful = null;
  }

  /** The disk has lied. */
  recoveredFromLies({ hardState, entries, snapshot }: RaftStore["recovered"]): void {
    this.state = { hardState, entries, snapshot: snapshot?.meta ?? null };
    this.#next = this.#doubtful = null;
  }
}

function withSnapshot(state: RaftState, snapshot: SnapshotMeta): RaftState {
  if (snapshot.index <= (state.snapshot?.index ?? 0)) return state;
  return { ...state, snapshot, entries: state.entries.filter(({ index }) => index > snapshot.index) };
}

function isSame(one: RaftState, other: RaftState): boolean {
  const a = one.hardState, b = other.hardState;
  if ((a === null) !== (b === null) || a?.term !== b?.term || a?.votedFor !== b?.votedFor || a?.commit !== b?.commit) return false;
  if (one.snapshot?.index !== other.snapshot?.index || one.snapshot?.term !== other.snapshot?.term) return false;
  return one.entries.length === other.entries.length && one.entries.every((entry, at) => {
    const same = other.entries[at]!;
    return entry.index === same.index && entry.term === same.term && areEqual(entry.data, same.data, 0, same.data.length);
  });
}

function describe({ hardState, entries, snapshot }: RaftState): string {
  const range = entries.length === 0
    ? "no entries"
    : `entries ${entries[0]!.index} to ${entries.at(-1)!.index} (term ${entries.at(-1)!.term})`;
  return `term ${hardState?.term ?? 0}, commit ${hardState?.commit ?? 0}, snapshot ${snapshot?.index ?? 0}, ${range}`;
}
