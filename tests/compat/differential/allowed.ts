/** Where Barnabas answers otherwise than Apache Kafka 4.3.1, and why. */
import type { Difference } from "./compare.ts";

export interface Allowed {
  /** Of the field, as `compare` names it. */
  readonly where: RegExp;
  readonly reason: string;
  readonly kafka?: RegExp;
  readonly barnabas?: RegExp;
}

const TOLD = "we say why, in a text where Kafka says nothing or leaves it empty";
const NOT_SERVED = "not served: transactions, ACLs, KIP-848, share groups, groups' and client metrics' settings";
const SETTINGS = "docs/decisions/07_settings.md: settings without effect keep their default, some defaults differ, all synonyms are told";

export const ALLOWED: readonly Allowed[] = [
  { where: /errorMessage$/, reason: TOLD },
  { where: /min\.insync\.replicas configSource$/, reason: "Kafka's eligible.leader.replicas.version=1 sets it for the cluster" },
  { where: /replication\.throttled\.replicas=/, reason: SETTINGS },
  {
    where: /^Metadata .*: to create topics/,
    reason: "a topic that is created by asking is there at once; Kafka has it for the next request",
  },
  { where: /^Metadata v1[23]: null name and zero id/, reason: "Kafka fails inside (UNKNOWN_SERVER_ERROR)" },
  { where: /^DeleteTopics .*twice by name and id/, reason: "the row that was refused names the topic as the request did" },
  {
    where: /^DescribeTopicPartitions .*(bad name topics|unknown topics)/,
    reason: "Kafka fails inside for bad names; operations of no topic are none",
  },
  { where: /^DescribeCluster .*endpointType$/, reason: "we repeat the type that was asked for" },
  { where: /^DescribeQuorum /, reason: "epochs, offsets and listeners are the node's own; a refusal has no leader" },
  { where: /^ApiVersions /, reason: NOT_SERVED },
  { where: /^DescribeConfigs .*type (16|32), /, reason: NOT_SERVED },
  { where: /^DescribeConfigs .*(synonyms|node\.id|log\.retention\.ms|num\.partitions|min\.insync\.replicas)/, reason: SETTINGS },
  { where: /^IncrementalAlterConfigs .*operation 9/, reason: "Kafka fails inside" },
  { where: /^IncrementalAlterConfigs .*read only/, reason: "INVALID_CONFIG, as for every other setting that cannot be changed" },
  { where: /^ListConfigResources .*types (4,)?8/, reason: "there are no loggers to set" },
  {
    where: /^Produce .*(empty records|two batches|magic|half a batch|twelve bytes).*logStartOffset$/,
    reason: "Kafka finds these before it looks at the log, and tells no start",
  },
  { where: /^Produce .*compression 7/, reason: "docs/decisions/03_batch_checks.md: Kafka fails inside" },
  { where: /^Produce .*transactional batch/, reason: "docs/decisions/04_transactions_refused.md" },
  { where: /^Produce .*old epoch: epoch -1/, reason: "a batch with an id and without an epoch is malformed" },
  { where: /^Produce .*repeated.*logAppendTimeMs/, reason: "the first append's time is that of the topic's timestamp type" },
  { where: /^FindCoordinator .*(transaction|share)/, reason: `${NOT_SERVED}; docs/decisions/04_transactions_refused.md` },
  { where: /^Fetch .*abortedTransactions$/, kafka: /^\[\]$/, barnabas: /^null$/, reason: "none, told either way" },
  { where: /^Fetch .*maximum for two batches.* records$/, reason: "we end at a whole batch, Kafka in the middle of one" },
  { where: /^Fetch .*the same partition twice/, reason: "Kafka without topic ids keeps the last of them, we answer both" },
  { where: /^Fetch .*isolation level 9/, reason: "Kafka fails inside; what is not read_committed is read_uncommitted" },
  { where: /^Fetch .*as a follower.* nodeEndpoints/, reason: "we name the leader to a follower that is none" },
  { where: /^Fetch v1[36-8]: out of range/, reason: "we gather the partitions of a topic in one row, Kafka begins another" },
  { where: /^ListOffsets .*isolation level 9/, reason: "Kafka fails inside; what is not read_committed is read_uncommitted" },
  { where: /^ListOffsets .*twice in one/, reason: "we answer each of the two rows, Kafka one" },
  { where: /^ListOffsets .*-3 after all/, reason: "Kafka names a record that was deleted" },
  { where: /^DeleteGroups .*what nobody joined/, reason: "a first join that is told its member id leaves no group behind" },
  { where: /^DescribeProducers .*no\/slash/, reason: "a bad name is unknown" },
];

export function reasonFor(difference: Difference): Allowed | undefined {
  return ALLOWED.find(({ where, kafka, barnabas }) =>
    where.test(difference.where) && (kafka?.test(difference.kafka) ?? true) && (barnabas?.test(difference.barnabas) ?? true)
  );
}
