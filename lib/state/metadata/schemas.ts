/**
 * The bytes of metadata records: one declaration each with all its versions inside, in Kafka's flexible encoding, so that a field can be
 * added as a tag without a new version. It must not say what a record means. On disk for ever: ids are never given twice.
 */
import { array, bool, bytes, int16, int32, int64, int8, message, nullable, string, uuid } from "../../protocol/mod.ts";

const stored = { versions: [0, 0], flexible: 0 } as const;

const partition = {
  partition: int32,
  leader: int32,
  leaderEpoch: int32,
  partitionEpoch: int32,
  replicas: array(int32),
  isr: array(int32),
} as const;

/** What one Raft entry or one snapshot holds. A record that is not required may be skipped by a reader that does not know it. */
export const entrySchema = message({
  name: "MetadataEntry",
  ...stored,
  fields: { records: array({ type: int16, version: int16, required: bool, body: bytes }) },
});

export const clusterCreated = message({ name: "ClusterCreated", ...stored, fields: { clusterId: uuid } });

export const brokerRegistered = message({
  name: "BrokerRegistered",
  ...stored,
  fields: {
    id: int32,
    rack: nullable(string),
    brokerEpoch: int64,
    fenced: bool,
    endpoints: array({ listener: string, host: string, port: int32, securityProtocol: int8 }),
  },
});

export const topicCreated = message({
  name: "TopicCreated",
  ...stored,
  fields: {
    name: string,
    topicId: uuid,
    internal: bool,
    partitions: array(partition),
    configs: array({ key: string, value: string }),
  },
});

export const topicDeleted = message({ name: "TopicDeleted", ...stored, fields: { topicId: uuid } });

export const partitionsAdded = message({ name: "PartitionsAdded", ...stored, fields: { topicId: uuid, partitions: array(partition) } });

export const configsChanged = message({
  name: "ConfigsChanged",
  ...stored,
  fields: { resource: int8, name: string, changes: array({ key: string, value: nullable(string) }) },
});

export const producerIdsReserved = message({ name: "ProducerIdsReserved", ...stored, fields: { next: int64 } });

export const featureSet = message({ name: "FeatureSet", ...stored, fields: { feature: string, level: int16 } });
