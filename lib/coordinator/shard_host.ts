/**
 * Runs one shard of the group coordinator over its `__consumer_offsets` partition: reads the log into the machine, appends what the
 * machine decides, waits until that is acknowledged, steps on. Decides nothing about groups. Many appends are on their way at once and
 * share storage's group commit; what they mean is applied in log order (laws 2 and 3).
 */
import { type Deadline, type Io, unpooled, type Waker } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { Partition } from "../replication/types.ts";
import { type Command, type Effects, type GroupRecord, GroupsMachine, type Now } from "../state/groups/mod.ts";
import { coordinatorError } from "./errors.ts";
import { encodeAppend } from "./log_format.ts";
import { loadGroups } from "./loader.ts";
import { Tickets } from "./tickets.ts";
import type { CoordinatorSettings, RebalancedGroup } from "./types.ts";

/** After this the acknowledgement is asked for again: its outcome must be known before the next one counts. */
const ACKNOWLEDGE_BUDGET_MS = 30_000;
const FATAL_EXIT_CODE = 70;

interface InFlight {
  readonly token: number;
  /** Null: refused by the log, known at once. */
  readonly lastOffset: number | null;
  readonly error: KafkaErrorName | null;
  /** Groups whose rebalance ends with this append. */
  readonly rebalanced: readonly RebalancedGroup[];
}

const NONE: readonly RebalancedGroup[] = [];

export type ShardState = "loading" | "active" | "closed";

export class ShardHost {
  readonly partition: Partition;
  readonly #io: Io;
  readonly #settings: CoordinatorSettings;
  readonly #machine: GroupsMachine;
  readonly #tickets: Tickets;
  readonly #watching: { cancel(): void };
  /** Appended, not applied; in log order. Bounded by storage, which refuses appends when its commit queue is full. */
  readonly #inFlight: InFlight[] = [];
  /** Commands that change the state from outside, from before the log was read. */
  readonly #postponed: Command[] = [];
  /** Each looks whether what it waits for is applied, and then is forgotten. */
  #drained: (() => boolean)[] = [];
  #isWaiting = false;
  #state: ShardState = "loading";
  #waker: Waker | null = null;
  #wakeAt = Infinity;
  readonly #onRebalanced: (group: RebalancedGroup) => void;

  /** @param onRebalanced told once the end of a rebalance is durable; it must not step the machine. */
  constructor(io: Io, partition: Partition, settings: CoordinatorSettings, onRebalanced: (group: RebalancedGroup) => void) {
    this.partition = partition;
    this.#io = io;
    this.#settings = settings;
    this.#onRebalanced = onRebalanced;
    this.#machine = new GroupsMachine(settings);
    this.#tickets = new Tickets(io.deadlines);
    this.#watching = partition.subscribe(() => {
      if (!partition.isLeader) this.close();
    });
  }

  get state(): ShardState {
    return this.#state;
  }

  /** Reads only: everything that changes goes through `ask` and `tell`. */
  get groups(): Pick<GroupsMachine, "list" | "describe" | "committed" | "allCommitted" | "groupCount"> {
    return this.#machine;
  }

  get waitingCount(): number {
    return this.#tickets.size;
  }

  /** Ready at once when there is nothing to read. */
  loadIfEmpty(): boolean {
    if (this.partition.logEndOffset > this.partition.logStartOffset) return false;
    this.#loaded();
    return true;
  }

  /** Reads the log; until then everybody is told COORDINATOR_LOAD_IN_PROGRESS. Rejects when the log cannot be read. */
  async load(): Promise<void> {
    const isWhole = await loadGroups(this.#io, this.partition, this.#settings.offsetsLoadBufferBytes, this.#machine);
    if (isWhole) this.#loaded();
    else this.close();
  }

  #loaded(): void {
    if (this.#state !== "loading") return;
    this.#state = "active";
    this.#perform(this.#machine.loaded(this.#now()));
    for (const command of this.#postponed.splice(0)) this.tell(command);
  }

  /** @param late what is told when `deadline` passes first. */
  ask<Reply>(
    command: (ticket: number) => Command,
    refuse: (error: KafkaErrorName) => Reply,
    late: KafkaErrorName,
    deadline: Deadline,
  ): Promise<Reply> {
    if (this.#state === "loading") return Promise.resolve(refuse("COORDINATOR_LOAD_IN_PROGRESS"));
    if (this.#state === "closed") return Promise.resolve(refuse("NOT_COORDINATOR"));
    return this.#tickets.open(deadline, refuse, late, (ticket) => this.#perform(this.#machine.step(command(ticket), this.#now())));
  }

  /** A command that nobody waits for. While the log is being read it waits its turn. */
  tell(command: Command): void {
    if (this.#state === "active") this.#perform(this.#machine.step(command, this.#now()));
    else if (this.#state === "loading") this.#postponed.push(command);
  }

  /** Resolves when everything that was appended before is applied, or the shard is closed. */
  drained(): Promise<void> {
    if (this.#inFlight.length === 0 || this.#state === "closed") return Promise.resolve();
    const last = this.#inFlight.at(-1)!.token;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained.push(() => {
      if (this.#state !== "closed" && (this.#inFlight[0]?.token ?? Infinity) <= last) return false;
      resolve();
      return true;
    });
    return promise;
  }

  /** Leadership is gone or the node stops: whoever waits is sent to look for the coordinator. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#watching.cancel();
    this.#waker?.cancel();
    this.#inFlight.length = 0;
    this.#postponed.length = 0;
    this.#tickets.refuseAll("NOT_COORDINATOR");
    this.#wakeDrained();
  }

  #now(): Now {
    return { mono: this.#io.clock.mono(), wall: this.#io.clock.wall() };
  }

  #perform(effects: Effects): void {
    if (effects.append !== null) this.#append(effects.append);
    for (const { ticket, reply } of effects.replies) this.#tickets.answer(ticket, reply);
    this.#arm(effects.wakeAt);
  }

  #append({ token, records }: NonNullable<Effects["append"]>): void {
    let lastOffset = -1;
    const rebalanced = rebalancedBy(records);
    for (const batch of encodeAppend(records, this.#io.clock.wall())) {
      const result = this.partition.append(batch, unpooled, { internal: true });
      if (result.ok) {
        lastOffset = result.lastOffset;
      } else if (lastOffset === -1) {
        this.#inFlight.push({ token, lastOffset: null, error: coordinatorError(result.error), rebalanced: NONE });
        return this.#drainSoon();
      } else {
        // A part of it is in the log: only the log can say what holds, so the shard is read again.
        return this.close();
      }
    }
    this.#inFlight.push({ token, lastOffset, error: null, rebalanced });
    this.#drainSoon();
  }

  /** One acknowledgement is waited for at a time, that of the oldest append: the others mostly came with it. */
  #drainSoon(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#drain().catch((error) => this.#io.fatal(FATAL_EXIT_CODE, `Cannot go on with group shard ${this.partition.partition}: ${error}`));
  }

  async #drain(): Promise<void> {
    while (this.#inFlight.length > 0) await this.#settleOldest();
    this.#isWaiting = false;
  }

  async #settleOldest(): Promise<void> {
    const { token, lastOffset, error, rebalanced } = this.#inFlight[0]!;
    if (lastOffset !== null && this.partition.highWatermark <= lastOffset) {
      const deadline = this.#io.deadlines.in("groups.append", ACKNOWLEDGE_BUDGET_MS);
      const { promise, resolve } = Promise.withResolvers<KafkaErrorName | null>();
      this.partition.whenAcknowledged(lastOffset, -1, deadline, { acknowledged: (_, error) => resolve(error) }, 0);
      const outcome = await promise;
      // Unknown is not failed: nothing later may count before this one is known.
      if (outcome === "REQUEST_TIMED_OUT") return this.#io.mark("coordinator.append.slow");
      // The log is lost to us, and with it what became of the append.
      if (outcome !== null) return this.close();
    } else {
      // Never inside the step that appended.
      await null;
    }
    if (this.#state === "closed") return;
    this.#inFlight.shift();
    this.#perform(this.#machine.appended(token, error, this.#now()));
    this.#wakeDrained();
    for (const group of rebalanced) this.#onRebalanced(group);
  }

  #wakeDrained(): void {
    this.#drained = this.#drained.filter((isDone) => !isDone());
  }

  /** Sessions mostly move to later: the waker then fires early, finds nothing due and is set again. */
  #arm(wakeAt: number | null): void {
    if (wakeAt === null || wakeAt >= this.#wakeAt || this.#state === "closed") return;
    this.#waker?.cancel();
    this.#wakeAt = wakeAt;
    const tick = () => {
      this.#waker = null;
      this.#wakeAt = Infinity;
      if (this.#state === "active") this.#perform(this.#machine.tick(this.#now()));
    };
    if (wakeAt > this.#io.clock.mono()) {
      this.#waker = this.#io.deadlines.wake({ op: "groups.timer", at: wakeAt }, tick);
    } else {
      // Due now: in the next turn of the loop, so that members who join in this one are in.
      this.#waker = null;
      this.#io.timers.soon(tick);
    }
  }
}

/** A group is written when its rebalance ends, when it became empty, and when a static member came back; one of generation 0 is only just made. */
function rebalancedBy(records: readonly GroupRecord[]): readonly RebalancedGroup[] {
  let found = NONE;
  for (const record of records) {
    if (record.kind !== "group" || record.value === null || record.value.generation === 0) continue;
    const { groupId, value: { generation, protocolType, protocolName, members } } = record;
    found = [...found, { groupId, generation, protocolType, protocolName, members: members.map(({ memberId }) => memberId) }];
  }
  return found;
}
