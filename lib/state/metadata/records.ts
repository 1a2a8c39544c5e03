/**
 * The records that make up the metadata, and their bytes. A record says what is so from now on, never what was asked for, so that
 * replay needs no rules. It must not depend on settings or on time.
 */
import { type NodeId, nodeId, type ProducerId, producerId, type Uuid } from "../../protocol/ids.ts";
import { BodyReader, BodyWriter, decodeFrame, encodeFrame, type RawRecord } from "./encoding.ts";
import type { BrokerImage, ConfigResourceType, EndpointImage, PartitionImage, TopicImage } from "./image.ts";

export type MetadataRecord =
  | { readonly type: "clusterCreated"; readonly clusterId: Uuid }
  | { readonly type: "brokerRegistered"; readonly broker: BrokerImage }
  | { readonly type: "topicCreated"; readonly topic: TopicImage }
  | { readonly type: "topicDeleted"; readonly topicId: Uuid }
  | { readonly type: "partitionsAdded"; readonly topicId: Uuid; readonly partitions: readonly PartitionImage[] }
  /** null removes the override. */
  | {
    readonly type: "configsChanged";
    readonly resource: ConfigResourceType;
    readonly name: string;
    readonly changes: readonly (readonly [key: string, value: string | null])[];
  }
  /** Ids below `next` are never given again. */
  | { readonly type: "producerIdsReserved"; readonly next: ProducerId }
  /** Level 0 removes the feature. */
  | { readonly type: "featureSet"; readonly feature: string; readonly level: number };

type Of<Type extends MetadataRecord["type"]> = Extract<MetadataRecord, { readonly type: Type }>;

interface Codec<R> {
  /** On disk for ever: a number is never given twice. */
  readonly id: number;
  /** Newest version that this build reads, and the one it writes. */
  readonly version: number;
  write(record: R, out: BodyWriter): void;
  read(input: BodyReader, version: number): R;
}

const codecs: { readonly [Type in MetadataRecord["type"]]: Codec<Of<Type>> } = {
  clusterCreated: {
    id: 1,
    version: 0,
    write: ({ clusterId }, out) => out.uuid(clusterId),
    read: (input) => ({ type: "clusterCreated", clusterId: input.uuid() }),
  },
  brokerRegistered: { id: 2, version: 0, write: writeBroker, read: readBroker },
  topicCreated: { id: 3, version: 0, write: writeTopic, read: readTopic },
  topicDeleted: {
    id: 4,
    version: 0,
    write: ({ topicId }, out) => out.uuid(topicId),
    read: (input) => ({ type: "topicDeleted", topicId: input.uuid() }),
  },
  partitionsAdded: {
    id: 5,
    version: 0,
    write: ({ topicId, partitions }, out) => {
      out.uuid(topicId);
      out.list(partitions, (partition) => writePartition(partition, out));
    },
    read: (input) => ({ type: "partitionsAdded", topicId: input.uuid(), partitions: input.list(() => readPartition(input)) }),
  },
  configsChanged: {
    id: 6,
    version: 0,
    write: ({ resource, name, changes }, out) => {
      out.byte(resources.indexOf(resource));
      out.string(name);
      out.list(changes, ([key, value]) => {
        out.string(key);
        out.nullableString(value);
      });
    },
    read: (input) => ({
      type: "configsChanged",
      resource: resources[input.byte()]!,
      name: input.string(),
      changes: input.list(() => [input.string(), input.nullableString()] as const),
    }),
  },
  producerIdsReserved: {
    id: 7,
    version: 0,
    write: ({ next }, out) => out.int64(next),
    read: (input) => ({ type: "producerIdsReserved", next: producerId(input.int64()) }),
  },
  featureSet: {
    id: 8,
    version: 0,
    write: ({ feature, level }, out) => {
      out.string(feature);
      out.int32(level);
    },
    read: (input) => ({ type: "featureSet", feature: input.string(), level: input.int32() }),
  },
};

/** Order is on disk: append only. */
const resources: readonly ConfigResourceType[] = ["topic", "broker", "group", "client-metrics"];
const protocols: readonly EndpointImage["securityProtocol"][] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

const byId = new Map<number, Codec<MetadataRecord>>(Object.values(codecs).map((codec) => [codec.id, codec as Codec<MetadataRecord>]));

/** One Raft entry for all records of a request. */
export function encodeRecords(records: readonly MetadataRecord[]): Uint8Array {
  return encodeFrame(records.map((record): RawRecord => {
    const codec = codecs[record.type] as Codec<MetadataRecord>;
    const out = new BodyWriter();
    codec.write(record, out);
    return { type: codec.id, version: codec.version, body: out.take() };
  }));
}

/** @throws {UnreadableMetadata} when a newer version wrote it, or the bytes are damaged. */
export function decodeRecords(bytes: Uint8Array): MetadataRecord[] {
  const frame = decodeFrame(bytes, (type) => byId.get(type)?.version);
  return frame.map((raw) => byId.get(raw.type)!.read(new BodyReader(raw.body), raw.version));
}

function writeBroker({ broker }: Of<"brokerRegistered">, out: BodyWriter): void {
  out.int32(broker.id);
  out.nullableString(broker.rack);
  out.int64(broker.brokerEpoch);
  out.byte(broker.fenced ? 1 : 0);
  out.list(broker.endpoints, (endpoint) => {
    out.string(endpoint.listener);
    out.string(endpoint.host);
    out.int32(endpoint.port);
    out.byte(protocols.indexOf(endpoint.securityProtocol));
  });
}

function readBroker(input: BodyReader): Of<"brokerRegistered"> {
  return {
    type: "brokerRegistered",
    broker: {
      id: nodeId(input.int32()),
      rack: input.nullableString(),
      brokerEpoch: input.int64(),
      fenced: input.byte() === 1,
      endpoints: input.list(() => ({
        listener: input.string(),
        host: input.string(),
        port: input.int32(),
        securityProtocol: protocols[input.byte()]!,
      })),
    },
  };
}

function writeTopic({ topic }: Of<"topicCreated">, out: BodyWriter): void {
  out.string(topic.name);
  out.uuid(topic.topicId);
  out.byte(topic.internal ? 1 : 0);
  out.list(topic.partitions, (partition) => writePartition(partition, out));
  out.list([...topic.configs].sort(byKey), ([key, value]) => {
    out.string(key);
    out.string(value);
  });
}

function readTopic(input: BodyReader): Of<"topicCreated"> {
  return {
    type: "topicCreated",
    topic: {
      name: input.string(),
      topicId: input.uuid(),
      internal: input.byte() === 1,
      partitions: input.list(() => readPartition(input)),
      configs: new Map(input.list(() => [input.string(), input.string()] as const)),
    },
  };
}

function writePartition(partition: PartitionImage, out: BodyWriter): void {
  out.int32(partition.partition);
  out.int32(partition.leader);
  out.int32(partition.leaderEpoch);
  out.int32(partition.partitionEpoch);
  out.list(partition.replicas, (id: NodeId) => out.int32(id));
  out.list(partition.isr, (id: NodeId) => out.int32(id));
}

function readPartition(input: BodyReader): PartitionImage {
  return {
    partition: input.int32(),
    leader: input.int32(),
    leaderEpoch: input.int32(),
    partitionEpoch: input.int32(),
    replicas: input.list(() => nodeId(input.int32())),
    isr: input.list(() => nodeId(input.int32())),
  };
}

export const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
