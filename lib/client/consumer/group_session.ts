/**
 * Membership in a classic group as a pure machine: it says what is to be done next and is told what came of it. No I/O, no clock: pauses,
 * heartbeats and the calls themselves are the driver's (`group_member.ts`).
 *
 * What the application has to be told (`prepare`, `adopt`) is done inside of a read, when it works on no record; everything else goes on by
 * itself. Source: Kafka's consumer group protocol, KIP-394 (member id first), KIP-345 (static members), KIP-429 (cooperative), KIP-814.
 */
import type { KafkaErrorName } from "../../protocol/mod.ts";
import type { AssignorMember, Claims, GroupAssignment, PartitionsByTopic } from "./assignors/types.ts";
import { keyOf, listOf, without } from "./partitions.ts";

export type GroupAction =
  /** Nothing until something happens. */
  | { readonly do: "rest" }
  /** In a read: tell the application what it gives up, then `prepared`. */
  | { readonly do: "prepare"; readonly revoked: PartitionsByTopic; readonly lost: PartitionsByTopic }
  /** JoinGroup, then `joined`. */
  | {
    readonly do: "join";
    readonly topics: readonly string[];
    readonly owned: PartitionsByTopic;
    readonly previous: Claims;
    readonly reason: string;
  }
  /** As the leader: work the assignment out, then `assigned`. */
  | { readonly do: "assign"; readonly protocol: string; readonly members: readonly AssignorMember[] }
  /** SyncGroup, then `synced`. Null: not the leader, or nothing to change. */
  | { readonly do: "sync"; readonly assignment: GroupAssignment | null }
  /** In a read: tell the application what it loses and gains, then `adopted`. */
  | { readonly do: "adopt"; readonly revoked: PartitionsByTopic; readonly added: PartitionsByTopic }
  /** In a read: the application is told what it lost, then the error; `start` begins anew. */
  | { readonly do: "fail"; readonly error: KafkaErrorName; readonly lost: PartitionsByTopic };

export interface Joined {
  readonly generation: number;
  readonly memberId: string;
  readonly protocol: string;
  readonly isLeader: boolean;
  readonly skipAssignment: boolean;
  /** Empty but for the leader. */
  readonly members: readonly AssignorMember[];
}

type Phase = "out" | "prepare" | "join" | "assign" | "sync" | "adopt" | "stable" | "failed";

const NOTHING: PartitionsByTopic = new Map();
/** So many heartbeats of a leader are time enough for who gave partitions up to begin the round in which others get them. */
const PATIENT_HEARTBEATS = 3;

export class GroupSession {
  readonly #cooperative: boolean;
  #phase: Phase = "out";
  #topics: readonly string[] = [];
  /** Counts up with every change: an answer to what was asked before it is of the past. */
  #turn = 0;
  #memberId = "";
  #generation = -1;
  #joined: Joined | null = null;
  #assignment: GroupAssignment | null = null;
  /** What the application holds. */
  #held: PartitionsByTopic = NOTHING;
  #isLost = false;
  /** What the last assignment that we took was: sticky assignors ask for it even after it was given up. */
  #previous: Claims = { owned: NOTHING, generation: -1 };
  #target: PartitionsByTopic = NOTHING;
  #reason = "";
  /** The generation in which partitions were given up for others, who get them in a later one; -1: nobody waits for any. */
  #owedIn = -1;
  /** As the leader: heartbeats left until it begins the round that others owe; 0: none is owed. */
  #patience = 0;
  /** Something changed during a round: another one follows. */
  #again: string | null = null;
  #error: KafkaErrorName = "NONE";

  /** @param cooperative members keep what they hold while they rejoin. */
  constructor(cooperative: boolean) {
    this.#cooperative = cooperative;
  }

  get turn(): number {
    return this.#turn;
  }
  get memberId(): string {
    return this.#memberId;
  }
  /** -1 while there is none. */
  get generation(): number {
    return this.#generation;
  }
  get held(): PartitionsByTopic {
    return this.#held;
  }
  get isLeader(): boolean {
    return this.#joined?.isLeader ?? false;
  }
  get protocol(): string | null {
    return this.#joined?.protocol ?? null;
  }
  /** The coordinator counts on hearing from us. While a join is under way it knows that we are there. */
  get needsHeartbeat(): boolean {
    return this.#generation >= 0 && (this.#phase === "stable" || this.#phase === "adopt" || this.#phase === "prepare");
  }
  /** A round is under way that needs nothing of the application. */
  get isRejoining(): boolean {
    return this.#phase === "join" || this.#phase === "assign" || this.#phase === "sync";
  }
  /** Something is to be done inside of a read. */
  get needsRead(): boolean {
    return this.#phase === "prepare" || this.#phase === "adopt" || this.#phase === "failed";
  }

  next(): GroupAction {
    switch (this.#phase) {
      case "out":
      case "stable":
        return { do: "rest" };
      case "prepare":
        return { do: "prepare", revoked: this.#isLost ? NOTHING : this.#givenUpToJoin(), lost: this.#isLost ? this.#held : NOTHING };
      case "join":
        return { do: "join", topics: this.#topics, owned: this.#held, previous: this.#previous, reason: this.#reason };
      case "assign":
        return { do: "assign", protocol: this.#joined!.protocol, members: this.#joined!.members };
      case "sync":
        return { do: "sync", assignment: this.#assignment };
      case "adopt":
        return { do: "adopt", revoked: without(this.#held, this.#target), added: without(this.#target, this.#held) };
      case "failed":
        return { do: "fail", error: this.#error, lost: this.#held };
    }
  }

  /** Enters the group for `topics`, or, as a member, begins another round with them, if they are others. */
  start(topics: readonly string[], reason: string): void {
    const isMember = this.#phase !== "out" && this.#phase !== "failed";
    if (isMember && topics.length === this.#topics.length && topics.every((topic) => this.#topics.includes(topic))) return;
    this.#topics = topics;
    if (!isMember) return this.#begin("prepare", reason);
    this.rejoin(reason);
  }

  /** The coordinator asks for it, or the topics of the group changed. */
  rejoin(reason: string): void {
    if (this.#phase === "stable") this.#begin("prepare", reason);
    else if (this.#phase !== "out" && this.#phase !== "failed") this.#again = reason;
  }

  /** The application has heard of `prepare`. */
  prepared(turn: number): void {
    if (turn !== this.#turn || this.#phase !== "prepare") return;
    this.#held = this.#isLost ? NOTHING : without(this.#held, this.#givenUpToJoin());
    this.#isLost = false;
    this.#again = null;
    this.#to("join");
  }

  /** @param joined the id alone matters with MEMBER_ID_REQUIRED; null for other errors. */
  joined(turn: number, error: KafkaErrorName, joined: Joined | null): void {
    if (turn !== this.#turn || this.#phase !== "join") return;
    if (error === "NONE" && joined !== null) {
      this.#joined = joined;
      this.#memberId = joined.memberId;
      this.#generation = joined.generation;
      this.#assignment = null;
      // A static leader that came back does not know what it withheld as it was, and from whom: those may have come back as well, and not know either.
      this.#patience = this.#cooperative && joined.isLeader && joined.skipAssignment ? PATIENT_HEARTBEATS : 0;
      return this.#to(joined.isLeader && !joined.skipAssignment ? "assign" : "sync");
    }
    if (error === "MEMBER_ID_REQUIRED" && joined !== null) {
      this.#memberId = joined.memberId;
      return this.#to("join");
    }
    if (error === "UNKNOWN_MEMBER_ID" || error === "ILLEGAL_GENERATION") return this.#lose(error);
    if (error !== "REBALANCE_IN_PROGRESS" && !isPassing(error)) this.#fail(error);
  }

  assigned(turn: number, assignment: GroupAssignment): void {
    if (turn !== this.#turn || this.#phase !== "assign") return;
    this.#assignment = assignment;
    this.#patience = this.#cooperative && withholds(this.#joined!.members, assignment) ? PATIENT_HEARTBEATS : 0;
    this.#to("sync");
  }

  synced(turn: number, error: KafkaErrorName, assignment: PartitionsByTopic): void {
    if (turn !== this.#turn || this.#phase !== "sync") return;
    if (error === "NONE") {
      this.#target = assignment;
      return this.#to("adopt");
    }
    if (error === "UNKNOWN_MEMBER_ID" || error === "ILLEGAL_GENERATION") return this.#lose(error);
    if (error !== "REBALANCE_IN_PROGRESS" && !isPassing(error)) return this.#fail(error);
    // The round is over without us: the next one begins with a join, as the same member.
    this.#reason = `sync failed: ${error}`;
    this.#to("join");
  }

  /** The application has heard of `adopt`. */
  adopted(turn: number): void {
    if (turn !== this.#turn || this.#phase !== "adopt") return;
    const gaveUp = without(this.#held, this.#target).size > 0;
    this.#held = this.#target;
    this.#previous = { owned: this.#target, generation: this.#generation };
    // A static member that was lost meanwhile comes back into the same generation, without a round: nobody else would begin the one it owes (KIP-345).
    const owes = gaveUp || this.#owedIn === this.#generation;
    this.#owedIn = gaveUp ? this.#generation : -1;
    this.#to("stable");
    // What we gave up can be given to others now (KIP-429).
    if (owes) this.rejoin("gave up partitions");
    else if (this.#again !== null) this.rejoin(this.#again);
  }

  /**
   * Of a heartbeat or a commit that was sent as `memberId` in `generation`. During a round the coordinator may be in the next generation while its
   * answer to our join is still on the way: whether we are in that one is said by the answer itself.
   */
  heard(error: KafkaErrorName, memberId: string, generation: number): void {
    if (memberId !== this.#memberId || generation !== this.#generation) return;
    if (error === "NONE") this.#waitForOthers();
    else if (error === "REBALANCE_IN_PROGRESS" && !this.isRejoining) this.rejoin("the group rebalances");
    else if (error === "UNKNOWN_MEMBER_ID" || error === "ILLEGAL_GENERATION") {
      if (!this.isRejoining) this.#lose(error);
    } else if (error === "FENCED_INSTANCE_ID" || error === "GROUP_AUTHORIZATION_FAILED") this.#fail(error);
  }

  /**
   * The round in which withheld partitions are given away is begun by who gave them up (KIP-429). A static member that is started again before it
   * could comes back into the same generation, without a round and without knowing (KIP-345): they would be nobody's for ever.
   */
  #waitForOthers(): void {
    if (this.#patience === 0 || this.#phase !== "stable" || --this.#patience > 0) return;
    this.rejoin("partitions were given up, and nobody began the round that gives them to others");
  }

  /** Steps out because the application does not read; the next read is told what it lost and joins again. */
  giveUp(reason: string): void {
    if (this.#phase === "out" || this.#phase === "failed") return;
    this.#forgetMember();
    this.#isLost = this.#held.size > 0;
    this.#begin("prepare", reason);
  }

  /** Out for good, until `start`. What was held is the caller's to revoke. */
  leave(): void {
    this.#forgetMember();
    this.#held = NOTHING;
    this.#isLost = false;
    this.#to("out");
  }

  /** The group has no place for it: what the application holds is no longer its own. */
  #lose(error: KafkaErrorName): void {
    if (this.#phase === "out" || this.#phase === "failed") return;
    const memberId = error === "ILLEGAL_GENERATION" ? this.#memberId : "";
    this.#forgetMember();
    this.#memberId = memberId;
    this.#isLost = this.#held.size > 0;
    this.#begin("prepare", `membership ended: ${error}`);
  }

  #fail(error: KafkaErrorName): void {
    this.#forgetMember();
    this.#error = error;
    this.#to("failed");
  }

  #forgetMember(): void {
    this.#memberId = "";
    this.#generation = -1;
    this.#joined = null;
    this.#again = null;
  }

  /** A member that need not tell its application anything does not wait for a read: the whole group would wait with it. */
  #begin(phase: "prepare", reason: string): void {
    if (this.#phase === "failed") this.#held = NOTHING;
    this.#reason = reason;
    const silent = this.#memberId !== "" && !this.#isLost && this.#givenUpToJoin().size === 0;
    if (silent) this.#again = null;
    this.#to(silent ? "join" : phase);
  }

  /** Eager: everything. Cooperative: what is no longer asked for, so that the leader need not withhold it from others. */
  #givenUpToJoin(): PartitionsByTopic {
    if (!this.#cooperative) return this.#held;
    return new Map([...this.#held].filter(([topic]) => !this.#topics.includes(topic)));
  }

  #to(phase: Phase): void {
    this.#phase = phase;
    this.#turn++;
  }
}

/** Whether partitions that somebody has are given to nobody, so that they can be given up first. */
function withholds(members: readonly AssignorMember[], assignment: GroupAssignment): boolean {
  const wanted = new Set(members.flatMap(({ subscription }) => subscription.topics));
  const given = new Set([...assignment.values()].flatMap((topics) => listOf(topics).map(keyOf)));
  return members.some(({ subscription: { owned } }) =>
    listOf(owned).some((partition) => wanted.has(partition.topic) && !given.has(keyOf(partition)))
  );
}

/** The same request may succeed later, perhaps at another coordinator. */
export function isPassing(error: KafkaErrorName): boolean {
  return error === "NOT_COORDINATOR" || error === "COORDINATOR_NOT_AVAILABLE" || error === "COORDINATOR_LOAD_IN_PROGRESS" ||
    error === "NETWORK_EXCEPTION" || error === "REQUEST_TIMED_OUT";
}
