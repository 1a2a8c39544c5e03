/**
 * The records that make up the metadata, and their bytes. A record says what is so from now on, never what was asked for, so that
 * replay needs no rules. It must not depend on settings or on time. What a newer version wrote and marked as required is
 * refused by name (HAZARDS U1).
 */
import {
  decode,
  DecodeError,
  type Draft,
  encode,
  type Infer,
  type Message,
  nodeId,
  type ProducerId,
  producerId,
  Reader,
  type Uuid,
  Writer,
} from "../../protocol/mod.ts";
import type { BrokerImage, ConfigResourceType, EndpointImage, PartitionImage, TopicImage } from "./image.ts";
import * as schema from "./schemas.ts";

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

/** The bytes are not what this version can read; the message says why. The node must not go on without them. */
export class UnreadableMetadata extends Error {
  override readonly name = "UnreadableMetadata";
}

interface Codec {
  /** On disk for ever: a number is never given twice. */
  readonly id: number;
  /** Newest version that this build reads, and the one it writes. */
  readonly version: number;
  write(record: MetadataRecord, out: Writer): void;
  read(input: Reader, version: number): MetadataRecord;
}

function codec<Type extends MetadataRecord["type"], Read, Written>(
  id: number,
  message: Message<Read, Written>,
  toWire: (record: Extract<MetadataRecord, { readonly type: Type }>) => Written,
  fromWire: (wire: Read) => Extract<MetadataRecord, { readonly type: Type }>,
): Codec {
  return {
    id,
    version: message.maxVersion,
    write: (record, out) => encode(message, message.maxVersion, toWire(record as Extract<MetadataRecord, { readonly type: Type }>), out),
    read: (input, version) => fromWire(decode(message, version, input)),
  };
}

/** Order is on disk: append only. */
const resources: readonly ConfigResourceType[] = ["topic", "broker", "group", "client-metrics"];
const protocols: readonly EndpointImage["securityProtocol"][] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

const codecs: Readonly<Record<MetadataRecord["type"], Codec>> = {
  clusterCreated: codec<"clusterCreated", Infer<typeof schema.clusterCreated>, Draft<typeof schema.clusterCreated>>(
    1,
    schema.clusterCreated,
    ({ clusterId }) => ({ clusterId }),
    ({ clusterId }) => ({ type: "clusterCreated", clusterId }),
  ),
  brokerRegistered: codec<"brokerRegistered", Infer<typeof schema.brokerRegistered>, Draft<typeof schema.brokerRegistered>>(
    2,
    schema.brokerRegistered,
    ({ broker }) => ({ ...broker, endpoints: broker.endpoints.map(endpointToWire) }),
    (wire) => ({
      type: "brokerRegistered",
      broker: { ...wire, id: nodeId(wire.id), endpoints: wire.endpoints.map(endpointFromWire) },
    }),
  ),
  topicCreated: codec<"topicCreated", Infer<typeof schema.topicCreated>, Draft<typeof schema.topicCreated>>(
    3,
    schema.topicCreated,
    ({ topic }) => ({ ...topic, configs: [...topic.configs].sort(byKey).map(([key, value]) => ({ key, value })) }),
    (wire) => ({
      type: "topicCreated",
      topic: {
        ...wire,
        partitions: wire.partitions.map(partitionFromWire),
        configs: new Map(wire.configs.map(({ key, value }) => [key, value])),
      },
    }),
  ),
  topicDeleted: codec<"topicDeleted", Infer<typeof schema.topicDeleted>, Draft<typeof schema.topicDeleted>>(
    4,
    schema.topicDeleted,
    ({ topicId }) => ({ topicId }),
    ({ topicId }) => ({ type: "topicDeleted", topicId }),
  ),
  partitionsAdded: codec<"partitionsAdded", Infer<typeof schema.partitionsAdded>, Draft<typeof schema.partitionsAdded>>(
    5,
    schema.partitionsAdded,
    ({ topicId, partitions }) => ({ topicId, partitions }),
    (wire) => ({ type: "partitionsAdded", topicId: wire.topicId, partitions: wire.partitions.map(partitionFromWire) }),
  ),
  configsChanged: codec<"configsChanged", Infer<typeof schema.configsChanged>, Draft<typeof schema.configsChanged>>(
    6,
    schema.configsChanged,
    ({ resource, name, changes }) => ({
      resource: resources.indexOf(resource),
      name,
      changes: changes.map(([key, value]) => ({ key, value })),
    }),
    (wire) => ({
      type: "configsChanged",
      resource: known(resources, wire.resource, "config resource"),
      name: wire.name,
      changes: wire.changes.map(({ key, value }) => [key, value] as const),
    }),
  ),
  producerIdsReserved: codec<"producerIdsReserved", Infer<typeof schema.producerIdsReserved>, Draft<typeof schema.producerIdsReserved>>(
    7,
    schema.producerIdsReserved,
    ({ next }) => ({ next }),
    ({ next }) => ({ type: "producerIdsReserved", next: producerId(next) }),
  ),
  featureSet: codec<"featureSet", Infer<typeof schema.featureSet>, Draft<typeof schema.featureSet>>(
    8,
    schema.featureSet,
    ({ feature, level }) => ({ feature, level }),
    ({ feature, level }) => ({ type: "featureSet", feature, level }),
  ),
};

const byId: ReadonlyMap<number, Codec> = new Map(Object.values(codecs).map((each) => [each.id, each]));

/** The bytes of one Raft entry: all records of a request. */
export function encodeRecords(records: readonly MetadataRecord[]): Uint8Array {
  const bodies = new Writer(BODY_BYTES);
  const rows = records.map((record) => {
    const { id, version, write } = codecs[record.type];
    write(record, bodies);
    return { type: id, version, required: true, body: bodies.finishJoined() };
  });
  const out = new Writer(BODY_BYTES);
  encode(schema.entrySchema, 0, { records: rows }, out);
  return out.finishJoined();
}

/** First slab of a writer; most records are far smaller. */
const BODY_BYTES = 512;

/** @throws {UnreadableMetadata} when a newer version wrote it, or the bytes are damaged. */
export function decodeRecords(bytes: Uint8Array): MetadataRecord[] {
  try {
    const records: MetadataRecord[] = [];
    for (const { type, version, required, body } of decode(schema.entrySchema, 0, new Reader(bytes)).records) {
      const reader = byId.get(type);
      if (version < 0) {
        throw new UnreadableMetadata(`Cannot read the metadata: a record of type ${type} says version ${version}, it is damaged`);
      }
      if (reader !== undefined && version <= reader.version) records.push(reader.read(new Reader(body), version));
      else if (required) throw newer(`record type ${type} version ${version}`);
    }
    return records;
  } catch (error) {
    if (error instanceof DecodeError) throw new UnreadableMetadata(`Cannot read the metadata: ${error.message}`, { cause: error });
    throw error;
  }
}

const newer = (what: string): UnreadableMetadata =>
  new UnreadableMetadata(`Cannot read the metadata: ${what} is unknown, a newer version wrote it; start that version or a newer one`);

function known<T>(table: readonly T[], at: number, what: string): T {
  const value = table[at];
  if (value === undefined) throw newer(`${what} ${at}`);
  return value;
}

const endpointToWire = (endpoint: EndpointImage) => ({ ...endpoint, securityProtocol: protocols.indexOf(endpoint.securityProtocol) });

const endpointFromWire = (wire: Infer<typeof schema.brokerRegistered>["endpoints"][number]): EndpointImage => ({
  ...wire,
  securityProtocol: known(protocols, wire.securityProtocol, "security protocol"),
});

const partitionFromWire = (wire: Infer<typeof schema.topicCreated>["partitions"][number]): PartitionImage => ({
  ...wire,
  replicas: wire.replicas.map(nodeId),
  isr: wire.isr.map(nodeId),
});

export const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]): number => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
