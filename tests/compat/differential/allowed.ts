/** Where Barnabas answers otherwise than Apache Kafka 4.3.1, and why: each entry is a decision. */
import type { Difference } from "./compare.ts";

export interface Allowed {
  /** Of the field, as `compare` names it. */
  readonly where: RegExp;
  readonly reason: string;
  readonly kafka?: RegExp;
  readonly barnabas?: RegExp;
}

const NOTHING = /^(null|"")$/;
const ABSENT = /^absent$/;
const TEXT = /^"<text>"$/;
const TOLD = "docs/decisions/14_answers_unlike_kafkas.md: we say why where Kafka leaves the text empty";
const SETTINGS = "docs/decisions/07_settings.md";
const GROUPS = "docs/decisions/13_groups_and_features.md";
const UNLIKE = "docs/decisions/14_answers_unlike_kafkas.md";
const KAFKA_FAILS = "Kafka fails inside (UNKNOWN_SERVER_ERROR, or no answer)";
const ELR = "Kafka's eligible.leader.replicas.version=1 sets it for the cluster";

/** Keys that ApiVersions of Kafka lists and ours does not. */
const NOT_SERVED: readonly (readonly [keys: readonly number[], what: string])[] = [
  [[24, 25, 26, 27, 28, 65, 66], "transactions"],
  [[29, 30, 31], "ACLs"],
  [[34], "moving replicas between disks: a node has one data directory"],
  [[38, 39, 40, 41], "delegation tokens"],
  [[43, 45, 46], "elections and reassignments: partitions have one replica"],
  [[48, 49], "quotas"],
  [[50, 51], "SCRAM users"],
  [[57], "changing features"],
  [[64, 80, 81], "changing the cluster's members"],
  [[68, 69], "groups of KIP-848"],
  [[76, 77, 78, 79, 83, 84, 85, 86, 87, 90, 91, 92], "share groups"],
  [[88, 89], "streams groups"],
];

export const ALLOWED: readonly Allowed[] = [
  // ── what is served ──
  ...NOT_SERVED.map(([keys, what]): Allowed => ({
    where: new RegExp(`^ApiVersions .* apiKeys key (${keys.join("|")})$`),
    barnabas: ABSENT,
    reason: `not served: ${what}`,
  })),
  { where: /^ApiVersions .* (supported|finalized)Features \S+$/, barnabas: ABSENT, reason: GROUPS },
  {
    where: /^FindCoordinator .*: (transaction|share)/,
    reason: "docs/decisions/04_transactions_refused.md; share groups are not served either",
  },
  { where: /^Produce .*transactional batch responses/, reason: "docs/decisions/04_transactions_refused.md" },
  { where: /^ListConfigResources .*types (4,)?8/, reason: `${UNLIKE}: there are no loggers to set` },
  { where: /^DescribeConfigs .*type 8, loggers of this broker results 8:1 errorCode$/, reason: `${UNLIKE}: there are no loggers to set` },
  { where: /^DescribeQuorum .* nodes \[1\] listeners (CONTROLLER|PLAINTEXT)$/, reason: "the node has no listener for controllers alone" },

  {
    where: /^Unserved key 18 .* apiKeys /,
    kafka: ABSENT,
    reason: "docs/decisions/01_unsupported_versions.md: the whole list",
  },

  // ── why ──
  {
    where: /^(Produce|CreatePartitions|DescribeConfigs|FindCoordinator) .* errorMessage$/,
    kafka: NOTHING,
    barnabas: TEXT,
    reason: TOLD,
  },

  // ── settings ──
  { where: /^(CreateTopics|DescribeConfigs) .* min\.insync\.replicas/, reason: ELR },
  {
    where: /^DescribeConfigs .*: broker( with synonyms)? results 4:1 configs \S+$/,
    barnabas: ABSENT,
    reason: `${SETTINGS}: of what Barnabas does not have`,
  },
  {
    where: /^DescribeConfigs .*: broker( with synonyms)? results 4:1 configs \S+$/,
    kafka: ABSENT,
    reason: `${SETTINGS}: of what Kafka does not have`,
  },
  {
    where: /^DescribeConfigs .*: broker.* configs (log\.dirs|listeners|advertised\.listeners|listener\.security\.protocol\.map) /,
    reason: "each node's own directory and addresses, as they were given to it",
  },
  {
    where:
      /^DescribeConfigs .*: broker.* (group\.max\.size|max\.connections\S*|max\.connection\.creation\.rate|queued\.max\.request\.bytes|log\.cleaner\.dedupe\.buffer\.size) (value|synonyms)/,
    reason: `${SETTINGS}: every queue has a maximum`,
  },
  {
    where:
      /^DescribeConfigs .*: broker.* (offsets\.topic\.replication\.factor|group\.initial\.rebalance\.delay\.ms) synonyms \S+ again 1 value$/,
    reason: `${SETTINGS}: another default`,
  },
  {
    where: /^DescribeConfigs .*: broker.* (num\.partitions|default\.replication\.factor) readOnly$/,
    kafka: /^true$/,
    reason: `${SETTINGS}: can be changed on a running broker here`,
  },
  {
    where:
      /^DescribeConfigs .*: broker.* (producer\.id\.expiration\.ms|max\.connections\S*|max\.connection\.creation\.rate|log\.cleaner\.dedupe\.buffer\.size) readOnly$/,
    kafka: /^false$/,
    reason: `${SETTINGS}: cannot be changed on a running broker here`,
  },
  {
    where: /^DescribeConfigs .* (log\.retention\.(ms|minutes|hours)|retention\.ms|log\.roll\.ms|segment\.ms) (value|synonyms)/,
    reason: `${SETTINGS}: a time is told although only its coarser name has a default in Kafka`,
  },
  {
    where: /^DescribeConfigs .* (broker\.rack (value|synonyms broker\.rack)|node\.id synonyms node\.id again 1)$/,
    reason: `${SETTINGS}: it has a default here`,
  },
  {
    where: /^DescribeConfigs .*: one of an unknown type results .* errorCode$/,
    kafka: /^42$/,
    reason: `${UNLIKE}: the other rows are answered`,
  },
  { where: /^(Incremental)?AlterConfigs .*: broker, unknown responses/, kafka: /^0$/, barnabas: /^42$/, reason: GROUPS },
  { where: /^(Incremental)?AlterConfigs .*: group, another value responses/, kafka: /^0$/, barnabas: /^40$/, reason: GROUPS },
  {
    where: /^IncrementalAlterConfigs .*: client metrics, (another value|nonsense) responses/,
    kafka: /^4?0$/,
    barnabas: /^42$/,
    reason: GROUPS,
  },
  { where: /^CreateTopics .*replication\.throttled\.replicas=/, reason: `${SETTINGS}: nothing reads it, so it takes its default only` },

  // ── metadata ──
  {
    where: /^Metadata .*: to create topics \S+ errorCode$/,
    kafka: /^3$/,
    barnabas: /^0$/,
    reason: `${UNLIKE}: a topic that is created by asking is there at once; Kafka has it for the next request`,
  },
  { where: /^Metadata v1[23]: null name and zero id/, reason: KAFKA_FAILS },
  { where: /^DescribeTopicPartitions .*: bad name topics/, kafka: /^-1$|slash/, reason: KAFKA_FAILS },
  { where: /^IncrementalAlterConfigs .*operation 9/, kafka: /^-1$/, reason: KAFKA_FAILS },

  // ── records ──
  {
    where: /^Produce .*: (one partition twice|one topic in two rows) responses/,
    reason: `${UNLIKE}: everything that is acknowledged is written, in the rows of the request`,
  },
  { where: /^Produce .*: compression 7/, kafka: /^-1$/, reason: `docs/decisions/03_batch_checks.md; ${KAFKA_FAILS}` },
  {
    where: /^Produce .*old epoch: epoch -1.* errorCode$/,
    kafka: /^47$/,
    barnabas: /^87$/,
    reason: `${UNLIKE}: a batch with a producer id and without an epoch is malformed`,
  },
  {
    where: /^Produce .*repeated.* logAppendTimeMs$/,
    kafka: /<now>/,
    barnabas: /^-1$/,
    reason: `${UNLIKE}: a topic with producers' own times has no append time, the first time and again`,
  },
  { where: /^(Fetch|ListOffsets) .*: isolation level 9/, kafka: /^-1$/, reason: KAFKA_FAILS },
  { where: /^Fetch .*: maximum for two batches.* records$/, reason: `${UNLIKE}: a reply ends at a whole batch` },
  { where: /^Fetch .*: the same partition twice/, reason: `${UNLIKE}: every row that was asked for is answered` },
  { where: /^Fetch .*: as a follower nodeEndpoints/, reason: "we name the leader to a follower that is none" },
  { where: /^Fetch v1[368]: (out of range|an unknown topic).* responses/, reason: `${UNLIKE}: partitions of a topic share a row` },
  { where: /^ListOffsets .*: -3 after all/, reason: `${UNLIKE}: Kafka names a record that was deleted` },

  // ── groups ──
  {
    where: /^DeleteGroups .*what nobody joined/,
    reason: `${UNLIKE}: a first join that is told its member id leaves no group behind`,
  },
];

/** What cannot be answered well, or cannot be refused, by a broker without SASL: all other APIs are seen both ways, in every version. */
export const ONE_SIDED: readonly (readonly [where: RegExp, reason: string])[] = [
  [/^Sasl\S+ v\d+ answered well$/, "no listener has SASL"],
  [/^ApiVersions v[0-2] refused$/, "nothing in the request can be wrong"],
  [/^(ListGroups|DescribeCluster v0|ListConfigResources v0|FindCoordinator v0).* refused$/, "nothing in the request can be wrong"],
  [/^DescribeGroups v[0-5] refused$/, "an unknown group is told as dead, without an error"],
  [/^DescribeLogDirs v\d refused$/, "what is unknown is left out"],
  [/^OffsetFetch v[1-9] refused$/, "what is unknown has no offset; topic ids come with v10"],
];

export interface Orderless {
  /** Of the list, as `compare` names it, ` order` included. */
  readonly where: RegExp;
  readonly reason: string;
}

/** Lists whose order says nothing: Kafka's own changes from run to run or follows a hash map. Ours is that of the request, or of names. */
export const ORDERLESS: readonly Orderless[] = [
  { where: /^DeleteTopics .* responses order$/, reason: "Kafka shuffles them, to tell nothing about topics that one may not see" },
  { where: /^Describe(Configs|LogDirs) .* (configs|partitions) order$/, reason: "a hash map" },
  { where: /^Produce .* partitionResponses order$/, reason: "a hash map, then what was refused" },
  { where: /^ListOffsets .* topics order$/, reason: "a hash map" },
  { where: /^Metadata .* topics order$/, reason: "what exists, then what does not" },
  { where: /^CreatePartitions .* results order$/, reason: "what is refused at once, then the rest" },
  { where: /^(JoinGroup|DescribeGroups) .* members order$/, reason: "a hash map of random ids" },
  { where: /^(DescribeGroups|DeleteGroups|ListGroups) .* (groups|results) order$/, reason: "by coordinator, each a hash map" },
  { where: /^ApiVersions .*Features order$/, reason: "a hash map" },
];

export function reasonFor(difference: Difference): Allowed | undefined {
  return ALLOWED.find(({ where, kafka, barnabas }) =>
    where.test(difference.where) && (kafka?.test(difference.kafka) ?? true) && (barnabas?.test(difference.barnabas) ?? true)
  );
}

export const isOrderless = ({ where }: Difference): boolean => ORDERLESS.some((list) => list.where.test(where));
