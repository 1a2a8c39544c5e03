/** The admin client: what there is to see and to change in a cluster. Each call has one budget, `requestTimeoutMs`. Owns its pool. */
import type { Io } from "../../io/mod.ts";
import { openCluster } from "../pool.ts";
import type {
  AdminApi,
  ClientOptions,
  Cluster,
  ConfigChange,
  ConfigResource,
  NewTopic,
  OffsetAndMetadata,
  Position,
  TopicPartition,
} from "../types.ts";
import { alterConfigs, describeConfigs } from "./configs.ts";
import { AdminContext } from "./context.ts";
import { alterGroupOffsets, deleteGroupOffsets, listGroupOffsets } from "./group_offsets.ts";
import { deleteGroups, describeGroups, listGroups, removeGroupMembers } from "./groups.ts";
import { describeCluster, describeLogDirs, describeQuorum } from "./nodes.ts";
import { deleteRecords, describeProducers, listOffsets } from "./records.ts";
import { createPartitions, createTopics, deleteTopics, describeTopics, listTopics } from "./topics.ts";

/** Opens nothing yet: the first call dials. @param cluster is the admin's from now on. @throws {KafkaError} `INVALID_CONFIG` */
export function openAdmin(io: Io, options: ClientOptions, cluster: Cluster = openCluster(io, options)): AdminApi {
  return new Admin(new AdminContext(io, cluster));
}

class Admin implements AdminApi {
  readonly #context: AdminContext;

  constructor(context: AdminContext) {
    this.#context = context;
  }

  createTopics(topics: readonly NewTopic[], { validateOnly = false }: { readonly validateOnly?: boolean } = {}) {
    return createTopics(this.#context, topics, validateOnly);
  }
  deleteTopics(names: readonly string[]) {
    return deleteTopics(this.#context, names);
  }
  listTopics({ internal = false }: { readonly internal?: boolean } = {}) {
    return listTopics(this.#context, internal);
  }
  describeTopics(names: readonly string[]) {
    return describeTopics(this.#context, names);
  }
  createPartitions(totals: Readonly<Record<string, number>>, { validateOnly = false }: { readonly validateOnly?: boolean } = {}) {
    return createPartitions(this.#context, totals, validateOnly);
  }
  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]) {
    return deleteRecords(this.#context, before);
  }
  listOffsets(at: readonly (TopicPartition & { readonly position: Position })[]) {
    return listOffsets(this.#context, at);
  }
  describeConfigs(resources: readonly ConfigResource[]) {
    return describeConfigs(this.#context, resources);
  }
  alterConfigs(
    changes: readonly { readonly resource: ConfigResource; readonly changes: readonly ConfigChange[] }[],
    { validateOnly = false }: { readonly validateOnly?: boolean } = {},
  ) {
    return alterConfigs(this.#context, changes, validateOnly);
  }
  listGroups({ states = [], types = [] }: { readonly states?: readonly string[]; readonly types?: readonly string[] } = {}) {
    return listGroups(this.#context, states, types);
  }
  describeGroups(ids: readonly string[]) {
    return describeGroups(this.#context, ids);
  }
  deleteGroups(ids: readonly string[]) {
    return deleteGroups(this.#context, ids);
  }
  listGroupOffsets(group: string, partitions?: readonly TopicPartition[]) {
    return listGroupOffsets(this.#context, group, partitions ?? null);
  }
  alterGroupOffsets(group: string, offsets: readonly (TopicPartition & OffsetAndMetadata)[]) {
    return alterGroupOffsets(this.#context, group, offsets);
  }
  deleteGroupOffsets(group: string, partitions: readonly TopicPartition[]) {
    return deleteGroupOffsets(this.#context, group, partitions);
  }
  removeGroupMembers(group: string, members: readonly { readonly memberId?: string; readonly groupInstanceId?: string }[]) {
    return removeGroupMembers(this.#context, group, members);
  }
  describeCluster() {
    return describeCluster(this.#context);
  }
  describeLogDirs() {
    return describeLogDirs(this.#context);
  }
  describeProducers(partitions: readonly TopicPartition[]) {
    return describeProducers(this.#context, partitions);
  }
  describeQuorum() {
    return describeQuorum(this.#context);
  }
  close(): Promise<void> {
    return this.#context.cluster.close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
