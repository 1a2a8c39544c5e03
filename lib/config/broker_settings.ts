/**
 * Settings of a node, by chapter. Names of Apache Kafka where it has one for the same thing, ours (`own`) where it has none; where a default
 * or a meaning differs from Kafka's, `kafka` says how.
 */
import { double, durationMs, flag, int, limit, list, long, positive, short, text, type Values } from "./declare.ts";
import { LONG_MAX, type Setting } from "./setting.ts";

const HOUR = 3_600_000;
const live = { live: true };
const own = { own: true } as const;
const bounded = (kafka: string) => ({ kafka: `there is no limit by default: ${kafka}` });

const whoAndWhere = [
  int("node.id", 1, "Number of this node in its cluster", {
    min: 0,
    flag: "node-id",
    aliases: ["broker.id"],
    kafka: "has no default and must be given",
  }),
  text(
    "cluster.id",
    "",
    "Id of the cluster: a new data directory gets it, or a random one when it is empty; a data directory of another cluster is refused",
    {
      ...own,
      flag: "cluster-id",
      form: {
        matches: /^(?!A{21}[A-P])(?:[A-Za-z0-9_\-+/]{22}(?:==)?)?$/,
        accepted: "a UUID as 22 letters of URL-safe base64, such as kafka-storage random-uuid prints, or nothing",
      },
    },
  ),
  text("broker.rack", "", "Where this node stands, told to clients that read from the nearest replica"),
  text("log.dirs", "./data", "The data directory; exactly one", {
    flag: "data",
    form: { accepted: "the path of one directory" },
    aliases: ["log.dir"],
    kafka: "takes several directories and spreads partitions over them; the default of log.dir is /tmp/kafka-logs",
  }),
  list(
    "listeners",
    ["PLAINTEXT://127.0.0.1:9092"],
    "Addresses that Kafka clients connect to, as NAME://host:port; no host means all interfaces, port 0 takes a free port",
    {
      flag: "listen",
      form: { accepted: "a list of NAME://host:port or host:port, separated by commas, with IPv6 in brackets" },
      kafka: "listens on all interfaces by default: PLAINTEXT://:9092",
    },
  ),
  list(
    "advertised.listeners",
    [],
    "Addresses that clients are told, as NAME://host:port by listener name; where a listener has none, what it is bound to",
    {
      flag: "advertise",
      form: { accepted: "a list of NAME://host:port, separated by commas, with IPv6 in brackets; no wildcard, no port 0" },
    },
  ),
  text(
    "advertised.host.name",
    "",
    "Host that clients are told for listeners on all interfaces that advertised.listeners does not name, with the listener's own port",
    { ...own, flag: "advertise-host", form: { accepted: "a host name or an address, no wildcard" } },
  ),
  list(
    "listener.security.protocol.map",
    [],
    "Security protocol by listener name, as NAME:PLAINTEXT; a name that is a protocol needs no entry, other names are PLAINTEXT without one",
    {
      form: { accepted: "a list of NAME:PLAINTEXT, separated by commas; other protocols only for names that do not listen" },
      kafka: "has entries for the four protocols by default, and refuses other names that have none",
    },
  ),
  text("admin.listener", "127.0.0.1:9644", 'Address of the HTTP admin API; "none" turns it off', {
    ...own,
    flag: "admin",
    form: { accepted: 'host:port, with IPv6 in brackets, or "none"' },
  }),
  durationMs("shutdown.delay.ms", 0, "How long a node that was told to stop serves on while /readyz already says 503, for load balancers", {
    max: 600_000,
    ...own,
  }),
  text("logging.level", "info", "Least severe lines of the log that are written; an embedded broker leaves the log to its program", {
    ...live,
    ...own,
    oneOf: ["debug", "info", "warn", "error"],
    flag: "log-level",
  }),
  text("logging.format", "auto", 'Form of log lines; "auto" is text on a terminal and json elsewhere', {
    ...own,
    oneOf: ["auto", "text", "json"],
    flag: "log-format",
  }),
] as const;

const metrics = [
  int("metrics.topics.max", 1_000, "Topics that have metrics of their own; 0 is none", { min: 0, max: 100_000, ...live, ...own }),
  int("metrics.group.lag.max", 1_000, "Rows of group and topic for which the lag is told in the metrics; 0 is none", {
    min: 0,
    max: 100_000,
    ...live,
    ...own,
  }),
] as const;

const topics = [
  positive("num.partitions", 1, "Partitions of a topic that does not say", live),
  int("default.replication.factor", 1, "Replicas of a topic that does not say", { min: 1, max: 32_767, ...live }),
  flag("auto.create.topics.enable", true, "Whether a topic that a client asks for is made"),
  flag("delete.topic.enable", true, "Whether topics can be deleted"),
  positive("min.insync.replicas", 1, "Replicas that must have a batch before acks=all is answered", live),
  positive("max.partitions.per.topic", 10_000, "Most partitions of one topic", { ...live, ...own }),
  positive("max.partitions", 100_000, "Most partitions of the cluster", { ...live, ...own }),
] as const;

/** Defaults of the topic settings. */
const logs = [
  list("log.cleanup.policy", ["delete"], "Default of cleanup.policy", { oneOf: ["compact", "delete"], ...live }),
  text("compression.type", "producer", "Default of compression.type", {
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    ...live,
  }),
  durationMs("log.cleaner.delete.retention.ms", 24 * HOUR, "Default of delete.retention.ms", live),
  durationMs("log.segment.delete.delay.ms", 60_000, "Default of file.delete.delay.ms", live),
  int("log.index.interval.bytes", 4096, "Default of index.interval.bytes", { min: 0, ...live }),
  durationMs("log.cleaner.max.compaction.lag.ms", LONG_MAX, "Default of max.compaction.lag.ms", { min: 1, ...live }),
  int("message.max.bytes", 1_048_588, "Default of max.message.bytes", { min: 0, ...live }),
  durationMs("log.message.timestamp.after.max.ms", HOUR, "Default of message.timestamp.after.max.ms", live),
  durationMs("log.message.timestamp.before.max.ms", LONG_MAX, "Default of message.timestamp.before.max.ms", live),
  text("log.message.timestamp.type", "CreateTime", "Default of message.timestamp.type", {
    oneOf: ["CreateTime", "LogAppendTime"],
    ...live,
  }),
  double("log.cleaner.min.cleanable.ratio", 0.5, "Default of min.cleanable.dirty.ratio", { min: 0, max: 1, ...live }),
  durationMs("log.cleaner.min.compaction.lag.ms", 0, "Default of min.compaction.lag.ms", live),
  limit("log.retention.bytes", -1, "Default of retention.bytes", live),
  limit("log.retention.ms", 7 * 24 * HOUR, "Default of retention.ms", live),
  int("log.retention.minutes", 7 * 24 * 60, "Default of retention.ms in minutes, where log.retention.ms is not set", { min: -1 }),
  int("log.retention.hours", 7 * 24, "Default of retention.ms in hours, where neither of the finer ones is set", { min: -1 }),
  int("log.segment.bytes", 1_073_741_824, "Default of segment.bytes", { min: 1_048_576, ...live }),
  durationMs("log.roll.ms", 7 * 24 * HOUR, "Default of segment.ms", { min: 1, ...live }),
  positive("log.roll.hours", 7 * 24, "Default of segment.ms in hours, where log.roll.ms is not set"),
  durationMs("log.retention.check.interval.ms", 300_000, "Time between two looks for segments to delete", { min: 1 }),
  long("log.cleaner.dedupe.buffer.size", 33_554_432, "Most memory for the keys of one compaction", {
    min: 1_048_576,
    kafka: "takes 128 MiB by default, for all cleaner threads",
  }),
  limit(
    "log.min.free.bytes",
    -1,
    "Free disk space below which producers are refused until there is more; -1 is 1 GiB, or 5 % of a disk smaller than 20 GiB",
    own,
  ),
] as const;

const writeAheadLog = [
  positive("wal.round.bytes.max", 8 << 20, "Most bytes that one write and sync of the write-ahead log carries", own),
  positive("wal.queue.bytes.max", 32 << 20, "Most bytes that wait for the write-ahead log; producers are refused above it", own),
  int("wal.file.bytes", 64 << 20, "Size of a file of the write-ahead log; files are written over again", { min: 1 << 20, ...own }),
  durationMs("wal.sync.stall.ms", 1_000, "A sync that runs this long makes the node unhealthy", { min: 1, ...own }),
  durationMs("wal.sync.exit.ms", 10_000, "A sync that runs this long ends the node", { min: 1, ...own }),
] as const;

const memory = [
  long("memory.soft.limit.bytes", 160 << 20, "Resident memory from which garbage is collected early; 0 leaves it to the runtime", {
    min: 0,
    ...own,
  }),
] as const;

const connections = [
  positive("socket.request.max.bytes", 104_857_600, "Largest request"),
  limit("queued.max.request.bytes", 24 << 20, "Bytes of requests in work above which connections are not read; -1 is the default", {
    kafka: "has no limit by default, and -1 means none",
  }),
  positive("connection.output.bytes.max", 8 << 20, "Bytes of replies that one connection may have waiting before its requests wait", own),
  positive("connection.requests.max", 100, "Requests of one connection in work before it is not read", own),
  positive("max.connections", 10_000, "Most connections", bounded("2147483647")),
  positive("max.connections.per.ip", 1_000, "Most connections from one address", bounded("2147483647")),
  positive("max.connection.creation.rate", 500, "Most new connections a second", bounded("2147483647")),
  durationMs("connections.max.idle.ms", 600_000, "A connection that is silent for this long is closed", { min: 1 }),
  positive("request.timeout.ms", 30_000, "Time for a request that names none"),
  int("fetch.max.bytes", 57_671_680, "Most bytes of one fetch reply", { min: 1024 }),
  positive("max.incremental.fetch.session.cache.slots", 1_000, "Fetch sessions that are kept"),
] as const;

const groups = [
  positive("offsets.topic.num.partitions", 50, "Partitions of __consumer_offsets when it is made"),
  short("offsets.topic.replication.factor", 1, "Replicas of __consumer_offsets", {
    min: 1,
    kafka: "asks for 3 by default; one node has 1",
  }),
  int("offsets.topic.segment.bytes", 104_857_600, "Segment size of __consumer_offsets", { min: 1_048_576 }),
  positive("offsets.retention.minutes", 10_080, "How long the offsets of an empty group are kept"),
  durationMs("offsets.retention.check.interval.ms", 600_000, "Time between two looks for offsets to forget", { min: 1 }),
  int("offset.metadata.max.bytes", 4096, "Longest text that a commit may carry", { min: 0 }),
  int("group.min.session.timeout.ms", 6_000, "Shortest session timeout that a member may ask for", { min: 0 }),
  int("group.max.session.timeout.ms", 1_800_000, "Longest session timeout that a member may ask for", { min: 0 }),
  int("group.initial.rebalance.delay.ms", 0, "How long a new group waits for more members", {
    min: 0,
    kafka: "waits 3000 by default, which every test and every restart pays",
  }),
  positive("group.max.size", 10_000, "Most members of one group", bounded("2147483647")),
] as const;

const producers = [
  positive("producer.id.expiration.ms", 86_400_000, "How long the sequence of a silent idempotent producer is remembered"),
  positive(
    "producers.per.partition.max",
    10_000,
    "Producers remembered by a partition; the longest silent is forgotten first",
    own,
  ),
  positive("transaction.max.timeout.ms", 900_000, "Longest transaction timeout that a producer may ask for"),
] as const;

export const brokerSettings = [
  ...whoAndWhere,
  ...metrics,
  ...topics,
  ...logs,
  ...writeAheadLog,
  ...memory,
  ...connections,
  ...groups,
  ...producers,
] as const;

/** The same, as chapters of the reference page. */
export const brokerChapters: readonly { readonly title: string; readonly settings: readonly Setting[] }[] = [
  { title: "Who and where", settings: whoAndWhere },
  { title: "Metrics", settings: metrics },
  { title: "Topics", settings: topics },
  { title: "Logs: defaults of the topic settings", settings: logs },
  { title: "Write-ahead log", settings: writeAheadLog },
  { title: "Memory", settings: memory },
  { title: "Connections and requests", settings: connections },
  { title: "Groups", settings: groups },
  { title: "Producers", settings: producers },
];

export type BrokerValues = Values<typeof brokerSettings>;
export type BrokerSettingName = (typeof brokerSettings)[number]["name"];
