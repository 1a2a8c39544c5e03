/**
 * The partitions that are read at present, and what tells the application of their coming and going. Rebalances are told inside of a read,
 * where no record is being worked on; what is given up is committed before, when commits are automatic.
 */
import type { TopicPartition } from "../types.ts";
import { AssignedPartition } from "./assigned_partition.ts";
import type { PartitionsByTopic } from "./assignors/types.ts";
import type { GroupAction } from "./group_session.ts";
import { keyOf, listOf } from "./partitions.ts";
import type { ConsumerSettings } from "./settings.ts";

type Told = GroupAction & { readonly do: "prepare" | "adopt" | "fail" };

export interface AssignmentContext {
  readonly settings: Pick<ConsumerSettings, "onAssigned" | "onRevoked" | "onLost">;
  /** What is done with these is to be committed while that is still possible. Never throws. */
  commitBefore(partitions: readonly AssignedPartition[]): Promise<void>;
}

export class Assignment {
  readonly #context: AssignmentContext;
  readonly #partitions = new Map<string, AssignedPartition>();

  constructor(context: AssignmentContext) {
    this.#context = context;
  }

  get partitions(): ReadonlyMap<string, AssignedPartition> {
    return this.#partitions;
  }

  get(partition: TopicPartition): AssignedPartition | undefined {
    return this.#partitions.get(keyOf(partition));
  }

  /** Takes partitions in; those that are there already stay as they are. */
  add(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const key = keyOf(partition);
      if (!this.#partitions.has(key)) this.#partitions.set(key, new AssignedPartition(partition));
    }
  }

  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const key = keyOf(partition);
      // Nothing of it is handed out any more, and what is on its way to it is passed over.
      this.#partitions.get(key)?.seek("committed");
      this.#partitions.delete(key);
    }
  }

  /** Does what a step of the rebalance asks for. What the application's callbacks throw comes out at the end, when all is done. */
  async carryOut(action: Told): Promise<void> {
    const failures: unknown[] = [];
    if (action.do !== "adopt") await this.lose(this.#here(action.lost), failures);
    if (action.do !== "fail") await this.revoke(this.#here(action.revoked), failures);
    if (action.do === "adopt") {
      const added = listOf(action.added);
      this.add(added);
      await this.#tell(this.#context.settings.onAssigned, added, failures);
    }
    if (failures.length > 0) throw failures[0];
  }

  async revoke(partitions: readonly AssignedPartition[], failures: unknown[]): Promise<void> {
    if (partitions.length === 0) return;
    await this.#context.commitBefore(partitions);
    await this.#tell(this.#context.settings.onRevoked, namesOf(partitions), failures);
    this.remove(partitions);
  }

  async lose(partitions: readonly AssignedPartition[], failures: unknown[]): Promise<void> {
    if (partitions.length === 0) return;
    this.remove(partitions);
    await this.#tell(this.#context.settings.onLost, namesOf(partitions), failures);
  }

  async #tell(
    callback: ((partitions: readonly TopicPartition[]) => void | Promise<void>) | undefined,
    partitions: readonly TopicPartition[],
    failures: unknown[],
  ): Promise<void> {
    try {
      await callback?.(partitions);
    } catch (error) {
      failures.push(error);
    }
  }

  /** Of these the ones that the application has not been told to give up before. */
  #here(partitions: PartitionsByTopic): readonly AssignedPartition[] {
    return listOf(partitions).flatMap((partition) => this.get(partition) ?? []);
  }
}

const namesOf = (partitions: readonly AssignedPartition[]): readonly TopicPartition[] =>
  partitions.map(({ topic, partition }) => ({ topic, partition }));
