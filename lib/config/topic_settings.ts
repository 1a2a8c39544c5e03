/**
 * Settings of a topic: the names, types and defaults of Apache Kafka 4.3.1, so that its tools find what they know. A synonym is the broker
 * setting that fills in when the topic has no value of its own.
 */
import { double, durationMs, flag, int, limit, list, long, positive, text, type Values } from "./declare.ts";
import { LONG_MAX, type Synonym } from "./setting.ts";

const broker = (...names: readonly string[]): readonly Synonym[] =>
  names.map((name) => ({ name, multiplier: name.endsWith(".hours") ? 3_600_000 : name.endsWith(".minutes") ? 60_000 : 1 }));

const NO_TIERS = "Barnabas has no remote storage";
const NO_THROTTLE = "replication is not throttled by replica";

export const topicSettings = [
  list(
    "cleanup.policy",
    ["delete"],
    "What happens to old segments: delete them by age and size, compact them to the last record of each key, or both",
    {
      oneOf: ["compact", "delete"],
      synonyms: broker("log.cleanup.policy"),
    },
  ),
  int("compression.gzip.level", -1, "Level of gzip when the broker compresses itself: -1 is the codec's own choice", {
    inert: "the broker compresses at the codec's own level",
    synonyms: broker("compression.gzip.level"),
  }),
  int("compression.lz4.level", 9, "Level of lz4 when the broker compresses itself", {
    inert: "the broker compresses at the codec's own level",
    synonyms: broker("compression.lz4.level"),
  }),
  text(
    "compression.type",
    "producer",
    'Codec in which batches are stored: "producer" keeps what came, "uncompressed" takes any codec off',
    {
      oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
      synonyms: broker("compression.type"),
    },
  ),
  int("compression.zstd.level", 3, "Level of zstd when the broker compresses itself", {
    inert: "the broker compresses at the codec's own level",
    synonyms: broker("compression.zstd.level"),
  }),
  durationMs("delete.retention.ms", 86_400_000, "How long a tombstone stays readable after compaction first met it", {
    synonyms: broker("log.cleaner.delete.retention.ms"),
  }),
  durationMs("file.delete.delay.ms", 60_000, "How long the files of a deleted segment stay on disk", {
    synonyms: broker("log.segment.delete.delay.ms"),
  }),
  long("flush.messages", LONG_MAX, "Records after which the log is synced. Kept as it is set: every acknowledged batch is synced before", {
    min: 1,
    max: LONG_MAX,
    synonyms: broker("log.flush.interval.messages"),
  }),
  durationMs("flush.ms", LONG_MAX, "Time after which the log is synced. Kept as it is set: every acknowledged batch is synced before"),
  list("follower.replication.throttled.replicas", [], "Replicas whose fetching Kafka would slow down", { inert: NO_THROTTLE }),
  int("index.interval.bytes", 4096, "Bytes of log between two entries of the offset index", {
    min: 0,
    synonyms: broker("log.index.interval.bytes"),
  }),
  list("leader.replication.throttled.replicas", [], "Replicas whose serving Kafka would slow down", { inert: NO_THROTTLE }),
  long("local.retention.bytes", -2, "Local part of a tiered log by size", {
    inert: NO_TIERS,
    synonyms: broker("log.local.retention.bytes"),
  }),
  long("local.retention.ms", -2, "Local part of a tiered log by time", { inert: NO_TIERS, synonyms: broker("log.local.retention.ms") }),
  durationMs("max.compaction.lag.ms", LONG_MAX, "Time after which a record must have become eligible for compaction", {
    min: 1,
    synonyms: broker("log.cleaner.max.compaction.lag.ms"),
  }),
  int("max.message.bytes", 1_048_588, "Largest batch that is accepted, compressed as it came", {
    min: 0,
    synonyms: broker("message.max.bytes"),
  }),
  durationMs("message.timestamp.after.max.ms", 3_600_000, "How far ahead of the broker's clock a record's time may be", {
    synonyms: broker("log.message.timestamp.after.max.ms"),
  }),
  durationMs("message.timestamp.before.max.ms", LONG_MAX, "How far behind the broker's clock a record's time may be", {
    synonyms: broker("log.message.timestamp.before.max.ms"),
  }),
  text("message.timestamp.type", "CreateTime", "Whether records keep their producer's time or get the broker's", {
    oneOf: ["CreateTime", "LogAppendTime"],
    synonyms: broker("log.message.timestamp.type"),
  }),
  double("min.cleanable.dirty.ratio", 0.5, "Share of a log that must be new before it is compacted", {
    min: 0,
    max: 1,
    synonyms: broker("log.cleaner.min.cleanable.ratio"),
  }),
  durationMs("min.compaction.lag.ms", 0, "Time that a record stays as it is before compaction may remove it", {
    synonyms: broker("log.cleaner.min.compaction.lag.ms"),
  }),
  positive("min.insync.replicas", 1, "Replicas that must have a batch before acks=all is answered", {
    synonyms: broker("min.insync.replicas"),
  }),
  flag("preallocate", false, "Whether Kafka would reserve the space of a new segment", {
    inert: "segments grow as they are written",
    synonyms: broker("log.preallocate"),
  }),
  flag("remote.log.copy.disable", false, "Whether a tiered topic stops copying", { inert: NO_TIERS }),
  flag("remote.log.delete.on.disable", false, "Whether the remote part goes when tiering is turned off", { inert: NO_TIERS }),
  flag("remote.storage.enable", false, "Whether segments are copied to remote storage", { inert: NO_TIERS }),
  limit("retention.bytes", -1, "Size of a partition above which its oldest segments go: -1 is no limit", {
    synonyms: broker("log.retention.bytes"),
  }),
  limit("retention.ms", 604_800_000, "Age at which segments go: -1 is never", {
    synonyms: broker("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
  }),
  int("segment.bytes", 1_073_741_824, "Size at which a new segment begins", { min: 1_048_576, synonyms: broker("log.segment.bytes") }),
  int("segment.index.bytes", 10_485_760, "Largest offset index of a segment in Kafka", {
    inert: "an index is as large as its segment needs",
    synonyms: broker("log.index.size.max.bytes"),
  }),
  durationMs("segment.jitter.ms", 0, "Random share taken off segment.ms", { inert: "segments roll exactly when they are due" }),
  durationMs("segment.ms", 604_800_000, "Age at which a new segment begins, full or not", {
    min: 1,
    synonyms: broker("log.roll.ms", "log.roll.hours"),
  }),
  flag("unclean.leader.election.enable", false, "Whether a replica that is not in sync may become leader and lose records", {
    inert: "it would lose acknowledged records",
    synonyms: broker("unclean.leader.election.enable"),
  }),
] as const;

export type TopicValues = Values<typeof topicSettings>;
