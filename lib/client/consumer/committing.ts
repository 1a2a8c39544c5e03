/**
 * What of the reading is committed, and when: on demand, every so often, and before partitions are given up. Only what counts as done: handed
 * out, and followed by another read. Talks to no broker itself.
 */
import type { Deadline, Io, Timer } from "../../io/mod.ts";
import { logOf } from "../../telemetry/mod.ts";
import { KafkaError } from "../errors.ts";
import type { KafkaErrorName } from "../../protocol/mod.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import type { Assignment } from "./assignment.ts";
import type { GroupMember } from "./group_member.ts";
import type { Committer, OffsetCommits, OffsetRow } from "./offset_commits.ts";
import type { ConsumerSettings } from "./settings.ts";

export interface CommittingContext {
  readonly io: Io;
  readonly settings: ConsumerSettings;
  readonly commits: OffsetCommits | null;
  assignment(): Assignment;
  /** Null while it reads without being a member. */
  member(): GroupMember | null;
}

export class Committing {
  readonly #context: CommittingContext;
  readonly #log = logOf("client");
  #timer: Timer | null = null;
  #isUnderWay = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: CommittingContext) {
    this.#context = context;
  }

  /** @throws {KafkaError} without a group. */
  get commits(): OffsetCommits {
    if (this.#context.commits !== null) return this.#context.commits;
    throw new KafkaError("INVALID_GROUP_ID", `Cannot commit, or read what is committed: that needs a "groupId"`);
  }

  /** Everything that is done, also what the coordinator has already: committed offsets expire. @throws {KafkaError} */
  async all(deadline: Deadline): Promise<void> {
    await this.send(this.#done(this.#context.assignment().partitions.values(), true), deadline);
  }

  /**
   * One after the other: a commit that has to be repeated must not come behind a later one.
   * @throws {KafkaError} also `REBALANCE_IN_PROGRESS` when a partition went to another member before the coordinator had it.
   */
  async send(rows: readonly OffsetRow[], deadline: Deadline, isAutomatic = false): Promise<void> {
    const { commits } = this;
    const before = this.#last;
    const sent = before.then(() => this.#send(commits, rows, deadline, isAutomatic));
    this.#last = Promise.allSettled([sent]);
    await sent;
  }

  async #send(commits: OffsetCommits, rows: readonly OffsetRow[], deadline: Deadline, isAutomatic: boolean): Promise<void> {
    const assignment = this.#context.assignment();
    const member = this.#context.member();
    const owned = rows.map((row) => assignment.get(row));
    let generation: number | null = null;
    const committer = (): Committer => {
      if (member === null) return { memberId: "", generation: -1, groupInstanceId: null };
      const as = member.committer;
      generation ??= as.generation;
      // In a later generation the coordinator would take the offset of a partition that is somebody else's by now.
      const gone = as.generation === generation ? undefined : rows.find((row, i) => !owned[i] || assignment.get(row) !== owned[i]);
      if (gone === undefined) return as;
      throw new KafkaError(
        "REBALANCE_IN_PROGRESS",
        `Cannot commit "${gone.topic}-${gone.partition}": it went to another member before the coordinator had the offset`,
      );
    };
    const refused = (error: KafkaErrorName, as: Committer): boolean | null => {
      // A topic that was deleted must not hold up the rebalance that takes it away.
      if (isAutomatic && error === "UNKNOWN_TOPIC_OR_PARTITION") return false;
      return member?.commitRefused(error, as) ?? null;
    };
    await commits.commit(rows, committer, refused, deadline);
    rows.forEach((row, i) => {
      const assigned = owned[i];
      if (assigned !== undefined) assigned.committedOffset = row.offset;
    });
  }

  /** When commits are automatic: of partitions that are about to be given up. Never throws. */
  async before(partitions: Iterable<AssignedPartition>): Promise<void> {
    const { autoCommitIntervalMs, client, maxPollIntervalMs } = this.#context.settings;
    if (autoCommitIntervalMs === null) return;
    await this.#try(this.#done(partitions, false), Math.min(client.requestTimeoutMs, maxPollIntervalMs / 2));
  }

  /** When commits are automatic: every so often from now on. */
  start(): void {
    const { autoCommitIntervalMs, client } = this.#context.settings;
    if (autoCommitIntervalMs === null || this.#timer !== null) return;
    this.#timer = this.#context.io.timers.after(autoCommitIntervalMs, () => {
      this.#timer = null;
      this.start();
      const rows = this.#done(this.#context.assignment().partitions.values(), false);
      if (this.#isUnderWay || rows.length === 0) return;
      this.#isUnderWay = true;
      void this.#try(rows, client.requestTimeoutMs).finally(() => this.#isUnderWay = false);
    }, false);
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #done(partitions: Iterable<AssignedPartition>, withOld: boolean): readonly OffsetRow[] {
    return [...partitions].flatMap(({ topic, partition, committable, committableEpoch, committedOffset }) => {
      if (committable === null || (!withOld && committable === committedOffset)) return [];
      return [{ topic, partition, offset: committable, ...(committableEpoch >= 0 && { leaderEpoch: committableEpoch }) }];
    });
  }

  async #try(rows: readonly OffsetRow[], budgetMs: number): Promise<void> {
    try {
      await this.send(rows, this.#context.io.deadlines.in("commit offsets", budgetMs), true);
    } catch (error) {
      this.#log("warn", "Cannot commit offsets: what was read since the last commit will be read again", {
        ...{ group: this.#context.settings.groupId, cause: String(error) },
      });
    }
  }
}
