/** A cluster that answers what a test wants: logs in memory behind two nodes, and any reply in the place of the usual one. */
import { KafkaError } from "../../../lib/client/errors.ts";
import { clientSettings } from "../../../lib/client/options.ts";
import { retry } from "../../../lib/client/retry.ts";
import type { CallOptions, Cluster, ClusterNode, TopicView } from "../../../lib/client/types.ts";
import {
  type Api,
  baseOffsetOf,
  decode,
  type Draft,
  encode,
  type Fetch,
  type FetchRequest,
  lastOffsetOf,
  type ListOffsets,
  Reader,
  Writer,
  ZERO_UUID,
} from "../../../lib/protocol/mod.ts";
import { io } from "../setup.ts";

export interface FakePartition {
  leader: number;
  leaderEpoch: number;
  /** Whole batches with their base offsets. */
  batches: Uint8Array[];
}

type FetchReply = Draft<typeof Fetch.response>;
export type FetchRow = FetchReply["responses"][number]["partitions"][number];
/** Undefined: the usual answer. */
type Script = (draft: never, node: number) => unknown;

export class FakeCluster implements Cluster {
  readonly options = clientSettings({ bootstrapServers: "fake:1", retryBackoffMs: 2, retryBackoffMaxMs: 10, requestTimeoutMs: 2_000 });
  readonly partitions: FakePartition[];
  /** By name of the API. */
  readonly on: Record<string, Script> = {};
  /** In the place of one partition's row of a fetch. */
  onRow: (row: FetchRow, node: number) => FetchRow | undefined = () => undefined;
  readonly calls: { readonly api: string; readonly node: number; readonly draft: unknown }[] = [];
  readonly forgotten: string[] = [];
  topicsAsked = 0;
  #parked = Promise.withResolvers<void>();

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => ({ leader: 1, leaderEpoch: 5, batches: [] }));
  }

  /** Whoever waits for records looks again. */
  wake(): void {
    this.#parked.resolve();
    this.#parked = Promise.withResolvers();
  }

  asked<T>(api: string): { readonly node: number; readonly draft: T }[] {
    return this.calls.filter((call) => call.api === api).map(({ node, draft }) => ({ node, draft: draft as T }));
  }

  async call<Out, Read>(
    target: number | "any" | "controller",
    api: Api<unknown, never, Out, Read>,
    draft: Out,
    { maxVersion = Infinity }: CallOptions,
  ): Promise<Read> {
    const node = typeof target === "number" ? target : 1;
    this.calls.push({ api: api.name, node, draft });
    await Promise.resolve();
    const reply = await this.on[api.name]?.(draft as never, node) ?? await this.#usual(api.name, draft, node);
    // As it would come over the wire: with every field there.
    const version = Math.min(api.maxVersion, maxVersion);
    const writer = new Writer();
    encode(api.response, version, reply as never, writer);
    return decode(api.response, version, new Reader(writer.finishJoined()));
  }

  async #usual(name: string, draft: unknown, node: number): Promise<unknown> {
    if (name === "Fetch") return await this.#fetch(draft as FetchRequest, node);
    if (name === "ListOffsets") return this.#listOffsets(draft as Draft<typeof ListOffsets.request>);
    throw new KafkaError("UNSUPPORTED_VERSION", `Cannot answer ${name}: the test has no reply for it`);
  }

  tell(): Promise<void> {
    return Promise.resolve();
  }
  versionOf(): Promise<number> {
    // Before topic ids: rows go by name.
    return Promise.resolve(12);
  }
  nodes(): Promise<readonly ClusterNode[]> {
    return Promise.resolve([1, 2].map((id) => ({ id, host: "fake", port: id, rack: null })));
  }
  clusterId(): Promise<string> {
    return Promise.resolve("fake");
  }
  topics(names: readonly string[]): Promise<ReadonlyMap<string, TopicView | KafkaError>> {
    this.topicsAsked++;
    const view: TopicView = {
      name: "t",
      topicId: ZERO_UUID,
      isInternal: false,
      partitions: this.partitions.map(({ leader, leaderEpoch }, partition) => ({
        partition,
        leader,
        leaderEpoch,
        replicas: [1, 2],
        isr: [1, 2],
      })),
    };
    return Promise.resolve(
      new Map(names.map((name) => [name, name === "t" ? view : new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `Cannot find "${name}"`)])),
    );
  }
  allTopics(): Promise<readonly TopicView[]> {
    return this.topics(["t"]).then((found) => [...found.values()] as TopicView[]);
  }
  forgetTopic(name: string): void {
    this.forgotten.push(name);
  }
  forgetNodes(): void {}
  hintLeader(_topic: string, partition: number, leader: number, leaderEpoch: number): void {
    Object.assign(this.partitions[partition]!, { leader, leaderEpoch });
  }
  coordinator(): Promise<number> {
    return Promise.resolve(1);
  }
  readonly coordinatorsForgotten: string[] = [];
  forgetCoordinator(_type: string, key: string): void {
    this.coordinatorsForgotten.push(key);
  }
  retry<T>(deadline: Parameters<Cluster["retry"]>[0], attempt: () => Promise<T>): Promise<T> {
    const pause = (ms: number) => new Promise<void>((resolve) => void io.timers.after(ms, resolve));
    return retry({ mono: () => io.clock.mono(), random: () => 0.5, pause }, this.options, deadline, attempt);
  }
  close(): Promise<void> {
    this.wake();
    return Promise.resolve();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** As a broker without sessions: waits for a while when there is nothing for anybody. */
  async #fetch(draft: FetchRequest, node: number): Promise<FetchReply> {
    for (let hasWaited = false;; hasWaited = true) {
      const rows = draft.topics.flatMap(({ partitions }) => partitions).map((asked) => this.#row(asked, node));
      const isWorth = rows.some(({ errorCode, preferredReadReplica = -1, records }) =>
        errorCode !== 0 || preferredReadReplica >= 0 || (records as Uint8Array).length > 0
      );
      if (isWorth || hasWaited) return { errorCode: 0, responses: [{ topic: "t", topicId: ZERO_UUID, partitions: rows }] };
      const waited = new Promise<void>((resolve) => void io.timers.after(draft.maxWaitMs, resolve));
      await Promise.race([this.#parked.promise, waited]);
    }
  }

  #row({ partition, fetchOffset }: FetchRequest["topics"][number]["partitions"][number], node: number): FetchRow {
    const { batches } = this.partitions[partition]!;
    const records = Buffer.concat(batches.filter((batch) => lastOffsetOf(batch) >= fetchOffset));
    const end = batches.length === 0 ? 0 : lastOffsetOf(batches.at(-1)!) + 1;
    const row: FetchRow = {
      ...{ partitionIndex: partition, errorCode: 0, highWatermark: end, lastStableOffset: end, abortedTransactions: [], records },
    };
    return this.onRow(row, node) ?? row;
  }

  #listOffsets(draft: Draft<typeof ListOffsets.request>): Draft<typeof ListOffsets.response> {
    return {
      topics: draft.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const { batches } = this.partitions[partitionIndex]!;
          const [first, last] = [batches[0], batches.at(-1)];
          const offset = first === undefined || last === undefined ? 0 : timestamp === -2 ? baseOffsetOf(first) : lastOffsetOf(last) + 1;
          return { partitionIndex, errorCode: 0, offset, leaderEpoch: 5 };
        }),
      })),
    };
  }
}
