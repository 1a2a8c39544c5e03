/**
 * One shard of the group coordinator as a step machine: commands and time in, records and answers out (law 2). It holds the groups of one
 * `__consumer_offsets` partition, reads no clock and does no I/O; its host appends, waits for durability and steps on.
 *
 * Differs from `Machine` in one way: who waits for a rebalance is not written down, so a live group is changed by the command, while
 * everything that must survive is a record. Offsets show only once durable; after a restart `replay` is the only way in.
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import { cleanUp, commit, deleteGroups, deleteOffsets, forgetOtherTopics, forgetTopics } from "./commits.ts";
import { ClassicGroup } from "./group.ts";
import { join } from "./join.ts";
import type { TopicOffsets } from "./offset_table.ts";
import { prepareRebalance } from "./rebalance.ts";
import { expired, heartbeat, leave, sync } from "./session.ts";
import { emptyState, type GroupsState, type Settled, Turn } from "./state.ts";
import type {
  Command,
  CommittedOffset,
  DescribedGroup,
  Effects,
  GroupRecord,
  GroupSettings,
  GroupStateName,
  ListedGroup,
  Now,
} from "./types.ts";

interface InFlight {
  readonly records: readonly GroupRecord[];
  readonly settled: readonly Settled[];
}

export class GroupsMachine {
  readonly #state: GroupsState;
  readonly #inFlight = new Map<number, InFlight>();
  #lastToken = 0;

  constructor(settings: GroupSettings) {
    this.#state = emptyState(settings);
  }

  /** Answers under the command's ticket, now or in a later step. */
  step(command: Command, now: Now): Effects {
    const turn = new Turn(this.#state, now);
    switch (command.kind) {
      case "join":
        join(turn, command);
        break;
      case "sync":
        sync(turn, command);
        break;
      case "heartbeat":
        heartbeat(turn, command);
        break;
      case "leave":
        leave(turn, command);
        break;
      case "commit":
        commit(turn, command);
        break;
      case "deleteGroups":
        deleteGroups(turn, command);
        break;
      case "deleteOffsets":
        deleteOffsets(turn, command);
        break;
      case "topicsDeleted":
        forgetTopics(turn, command.topics);
        break;
      case "topicsThere":
        forgetOtherTopics(turn, command.topics);
        break;
      case "cleanUp":
        cleanUp(turn);
        break;
    }
    return this.#effects(turn);
  }

  /**
   * The append of `token` is durable, or failed with `error`. An outcome that is not known yet must be waited for: failed means that
   * the records will never be in the log.
   */
  appended(token: number, error: KafkaErrorName | null, now: Now): Effects {
    const turn = new Turn(this.#state, now);
    const append = this.#inFlight.get(token);
    this.#inFlight.delete(token);
    for (const record of append?.records ?? []) {
      if (record.kind !== "offset") continue;
      if (error !== null) this.#state.offsets.failed(record);
      else this.#applyOffset(record, true, now.wall);
    }
    for (const settled of append?.settled ?? []) settled(turn, error);
    return this.#effects(turn);
  }

  /** Fires the timers that are due. */
  tick(now: Now): Effects {
    const turn = new Turn(this.#state, now);
    for (let timer = this.#state.timers.popDue(now.mono); timer !== null; timer = this.#state.timers.popDue(now.mono)) {
      expired(turn, timer.target);
    }
    return this.#effects(turn);
  }

  /** One record of the log, in its order, before the first step. Total: whatever the record says, it is taken. */
  replay(record: GroupRecord): void {
    if (record.kind === "offset") this.#applyOffset(record, false, record.value?.commitTimestampMs ?? -1);
    else if (record.value === null) this.#state.groups.delete(record.groupId);
    else this.#state.groups.set(record.groupId, ClassicGroup.restore(record.groupId, record.value));
  }

  /** After the last `replay`: the members' sessions start, since nobody knows when they were heard of last. */
  loaded(now: Now): Effects {
    const turn = new Turn(this.#state, now);
    for (const group of this.#state.groups.values()) {
      for (const member of group.members) turn.keepAlive(member);
      if (group.size > this.#state.settings.maxSize) prepareRebalance(turn, group);
    }
    return this.#effects(turn);
  }

  // ── reads: what is durable, as of now ───────────────────────────────────────────────────────────────────────────────

  get groupCount(): number {
    return this.#state.groups.size;
  }

  list(): ListedGroup[] {
    return [...this.#state.groups.values()].map((group) => {
      const { groupId, protocolType } = group;
      return { groupId, protocolType: protocolType ?? "", state: shownState(group), type: "classic" };
    });
  }

  /** Null when there is no such group. */
  describe(groupId: string): DescribedGroup | null {
    const group = this.#state.groups.get(groupId);
    if (group === undefined) return null;
    const isStable = group.state === "Stable";
    return {
      groupId,
      state: shownState(group),
      protocolType: group.protocolType ?? "",
      protocolName: isStable ? group.protocolName ?? "" : "",
      members: [...group.members].map((member) => ({
        memberId: member.memberId,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: isStable ? group.metadataOf(member) : new Uint8Array(0),
        assignment: member.assignment,
      })),
    };
  }

  committed(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#state.offsets.get(groupId, topic, partition);
  }

  allCommitted(groupId: string): readonly TopicOffsets[] {
    return this.#state.offsets.all(groupId);
  }

  #applyOffset(record: Extract<GroupRecord, { kind: "offset" }>, wasBegun: boolean, nowWallMs: number): void {
    this.#state.offsets.applied(record, wasBegun);
    // Offsets without a group make one that has no members and no protocol.
    if (record.value !== null && !this.#state.groups.has(record.groupId)) {
      this.#state.groups.set(record.groupId, new ClassicGroup(record.groupId, nowWallMs));
    }
  }

  #effects(turn: Turn): Effects {
    let append: Effects["append"] = null;
    if (turn.settled.length > 0) {
      const token = ++this.#lastToken;
      append = { token, records: turn.records };
      this.#inFlight.set(token, { records: turn.records, settled: turn.settled });
    }
    return { append, replies: turn.replies, wakeAt: this.#state.timers.nextAt };
  }
}

/** A group whose tombstone is on its way is what it was: a crash may bring it back. */
function shownState({ state }: ClassicGroup): GroupStateName {
  return state === "Dead" ? "Empty" : state;
}
