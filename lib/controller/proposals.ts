/**
 * Proposals that wait: decided at once against the speculative state (everything proposed before them included), answered once their
 * records are committed and applied. It must not answer from the speculative state, nor write anything but through Raft (R6).
 */
import type { Deadline, Waker } from "../io/deadline.ts";
import { DeadlineExceeded, invariant, Overloaded } from "../io/mod.ts";
import type { Io } from "../io/io.ts";
import {
  decodeRecords,
  encodeRecords,
  type MetadataCommand,
  MetadataMachine,
  type MetadataRecord,
  type MetadataReplies,
  MetadataState,
} from "../state/mod.ts";
import { NotController } from "./errors.ts";
import type { RaftDriver } from "./raft_driver.ts";
import type { Entry } from "../raft/mod.ts";

interface Waiting {
  /** Answered when this entry is applied. */
  readonly index: number;
  /** Null for a proposal without an entry of its own, which only waits for those before it. */
  readonly term: number | null;
  readonly records: readonly MetadataRecord[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Proposals that wait at the same time; one more is refused as `Overloaded`. */
const WAITING_MAX = 10_000;

export class Proposals {
  readonly #io: Io;
  readonly #machine: MetadataMachine;
  readonly #driver: () => RaftDriver;
  /** Null unless leader; the committed state plus every entry that is not applied yet. */
  #speculative: MetadataState | null = null;
  /** In order of index. */
  #waiting: Waiting[] = [];

  constructor(io: Io, machine: MetadataMachine, driver: () => RaftDriver) {
    this.#io = io;
    this.#machine = machine;
    this.#driver = driver;
  }

  /** This node leads from now on: `unapplied` are the entries of its log after the committed state. */
  lead(committed: MetadataState, unapplied: readonly Entry[]): void {
    const speculative = committed.clone();
    for (const entry of unapplied) {
      if (entry.kind === "command") { for (const record of decodeRecords(entry.data)) speculative.replay(record); }
    }
    speculative.takeDelta();
    this.#speculative = speculative;
  }

  /** Rejects what waits: it may still be committed by another leader, so the outcome is unknown. */
  follow(error: Error): void {
    this.#speculative = null;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  get leading(): boolean {
    return this.#speculative !== null;
  }

  /**
   * @param dryRun decides and commits nothing (`validate_only`).
   * @throws {NotController} @throws {Overloaded} @throws {DeadlineExceeded} outcome unknown.
   */
  async propose<Kind extends MetadataCommand["kind"]>(
    command: Extract<MetadataCommand, { readonly kind: Kind }>,
    deadline: Deadline,
    dryRun = false,
  ): Promise<MetadataReplies[Kind]> {
    while (this.#driver().stepping) await null; // asked from inside a callback of a step: its end is a microtask away
    const speculative = this.#speculative;
    const driver = this.#driver();
    if (speculative === null || !driver.running) throw new NotController(driver.raft.leader, false);
    if (this.#waiting.length >= WAITING_MAX) throw new Overloaded("metadata proposals", WAITING_MAX);
    const decision = this.#machine.decide<Kind>(speculative, command);
    const records = dryRun ? [] : decision.records;
    if (records.length > 0) {
      const bytes = encodeRecords(records);
      for (const record of records) this.#machine.replay(speculative, record);
      speculative.takeDelta();
      const index = driver.propose(bytes);
      await this.#applied(index, driver.raft.term, records, deadline);
    } else if (this.#waiting.length > 0) {
      // What it saw may not be committed yet: the answer waits for that.
      await this.#applied(this.#waiting.at(-1)!.index, null, [], deadline);
    }
    return decision.reply;
  }

  /** The records of `entry` as they were proposed here; null when they must be decoded. */
  recordsOf(entry: Entry): readonly MetadataRecord[] | null {
    const waiting = this.#waiting.find((candidate) => candidate.index >= entry.index);
    return waiting?.index === entry.index && waiting.term === entry.term ? waiting.records : null;
  }

  /** Everything up to `index` is committed and in the image. */
  applied(index: number): void {
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.index <= index) count++;
    for (const { resolve } of this.#waiting.splice(0, count)) resolve();
  }

  #applied(index: number, term: number | null, records: readonly MetadataRecord[], deadline: Deadline): Promise<void> {
    const startedAt = this.#io.clock.mono();
    return new Promise((resolve, reject) => {
      let waker: Waker | null = null;
      const waiting: Waiting = {
        index,
        term,
        records,
        resolve: () => {
          waker?.cancel();
          resolve();
        },
        reject: (error) => {
          waker?.cancel();
          reject(error);
        },
      };
      invariant(index >= (this.#waiting.at(-1)?.index ?? 0), "proposals wait in the order of their entries");
      this.#waiting.push(waiting);
      // The row stays until its entry is applied, so that its records are at hand; only the caller stops waiting.
      waker = this.#io.deadlines.wake(
        deadline,
        () => reject(new DeadlineExceeded(deadline.op, "metadata", this.#io.clock.mono() - startedAt)),
      );
    });
  }
}
