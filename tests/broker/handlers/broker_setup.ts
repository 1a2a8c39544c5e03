/** A broker's services over logs whose disk the test controls, and the context that a router would give a handler. */
import { FetchBudget } from "../../../lib/broker/fetch_budget.ts";
import { FetchParks } from "../../../lib/broker/fetch_park.ts";
import { FETCH_SESSION_LIMITS, FetchSessions } from "../../../lib/broker/fetch_session.ts";
import type { RequestContext } from "../../../lib/broker/handler.ts";
import type { Services } from "../../../lib/broker/services.ts";
import type { TopicConfig } from "../../../lib/config/mod.ts";
import { type Deadline, type Lease, unpooled } from "../../../lib/io/mod.ts";
import { producerId } from "../../../lib/protocol/mod.ts";
import { type Partition, ReplicaSet } from "../../../lib/replication/mod.ts";
import type { BrokerImage, TopicImage } from "../../../lib/state/metadata/image.ts";
import type { Storage } from "../../../lib/storage/types.ts";
import { ManualTime } from "../../replication/manual_time.ts";
import { type MemoryLog, MemoryStorage } from "../../replication/memory_log.ts";
import { metadataDelta, metadataImage } from "../../replication/metadata.ts";
import { NODE, SETTINGS, timeOnly } from "../../replication/partition_setup.ts";

export const BROKER: BrokerImage = {
  id: NODE,
  rack: null,
  endpoints: [{ listener: "PLAINTEXT", host: "broker.test", port: 9092, securityProtocol: "PLAINTEXT" }],
  brokerEpoch: 1,
  fenced: false,
};

export interface Setup {
  readonly topics: readonly TopicImage[];
  /** In the metadata, but not hosted here. */
  readonly elsewhere?: readonly TopicImage[];
  readonly settings?: (topic: TopicImage) => TopicConfig;
  readonly fetchMaxBytes?: number;
  readonly fetchBudgetBytes?: number;
}

export class TestBroker {
  readonly time = new ManualTime();
  readonly storage = new MemoryStorage();
  readonly replicaSet: ReplicaSet;
  readonly services: Services;
  /** Leases that replies wait on; `sent()` releases them. */
  readonly held: Lease[] = [];
  /** Who asked to be told when the client is gone. */
  readonly whenGone = new Set<() => void>();
  readonly hungUp: string[] = [];
  #nextProducerId = 1_000;

  constructor({ topics, elsewhere = [], settings = () => SETTINGS, fetchMaxBytes = 57_671_680, fetchBudgetBytes }: Setup) {
    const io = timeOnly(this.time);
    const image = metadataImage([...topics, ...elsewhere], [BROKER]);
    this.replicaSet = new ReplicaSet({
      io,
      nodeId: NODE,
      storage: this.storage as unknown as Storage,
      settingsOf: settings,
    });
    this.replicaSet.apply(metadataDelta({ topicsCreated: topics }), image);
    let seed = 1;
    const random = {
      float: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647,
      bytes: (length: number) => new Uint8Array(length),
    };
    this.services = {
      io,
      nodeId: NODE,
      settings: { fetchMaxBytes, transactionMaxTimeoutMs: 900_000 },
      controller: { image, nextProducerId: async () => producerId(this.#nextProducerId++) },
      partitions: this.replicaSet,
      storage: this.storage,
      fetchSessions: new FetchSessions(this.time, random, FETCH_SESSION_LIMITS),
      fetchBudget: new FetchBudget(this.time.deadlines, fetchBudgetBytes),
      fetchParks: new FetchParks(this.time.deadlines),
    } as unknown as Services;
  }

  context(apiVersion: number, more: Partial<RequestContext> = {}): RequestContext {
    const address = { host: "127.0.0.1", port: 1 };
    return {
      connection: {
        id: 1,
        listener: "PLAINTEXT",
        remote: address,
        local: address,
        principal: "User:ANONYMOUS",
        clientSoftwareName: "",
        clientSoftwareVersion: "",
        clientId: null,
      },
      clientId: "test",
      apiVersion,
      deadline: this.deadline(60_000),
      lease: unpooled,
      services: this.services,
      holdUntilSent: (lease) => this.held.push(lease),
      isGone: false,
      whenGone: (fire) => {
        this.whenGone.add(fire);
        return { cancel: () => void this.whenGone.delete(fire) };
      },
      hangUp: (why) => this.hungUp.push(why),
      ...more,
    };
  }

  deadline(ms: number): Deadline {
    return this.time.deadlines.in("test", ms);
  }

  log(topic: TopicImage, partition = 0): MemoryLog {
    return this.storage.log(topic.topicId, partition)!;
  }

  partition(topic: TopicImage, partition = 0): Partition {
    return this.replicaSet.byId(topic.topicId, partition)!;
  }

  /** The router's part once a reply's bytes have left. */
  sent(): void {
    for (const lease of this.held.splice(0)) lease.release();
  }
}

/** Lets everything that can run now run to its end, without moving time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}
