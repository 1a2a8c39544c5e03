/**
 * Every metric that a node serves: name, labels, unit, meaning, what to alert on. `docs/metrics.md` is made from it, scrapes can hold nothing
 * else. A name or a label that was here once keeps its meaning; what goes is said in the release. Measures nothing.
 */

export type MetricType = "counter" | "gauge" | "histogram";

export interface Metric<Label extends string = string> {
  readonly name: string;
  readonly type: MetricType;
  readonly labels: readonly Label[];
  /** What one unit of the value is. */
  readonly unit: string;
  readonly help: string;
  /** When to wake somebody, in words or as an expression. */
  readonly alert?: string;
}

const declare = (type: MetricType, prefix = "barnabas_") =>
<const Label extends string = never>(
  name: string,
  unit: string,
  help: string,
  labels: readonly Label[] = [],
  alert?: string,
): Metric<Label> => ({ name: `${prefix}${name}`, type, unit, help, labels, ...(alert === undefined ? {} : { alert }) });

const counter = declare("counter");
const gauge = declare("gauge");
const histogram = declare("histogram");

export const METRICS = {
  // ── the node ──
  buildInfo: gauge("build_info", "1", "What runs here, in its labels", ["version", "runtime"]),
  ready: gauge("ready", "0 or 1", "Whether clients can be served now, as /readyz says", [], "`barnabas_ready == 0` for 1 minute"),
  unready: gauge(
    "unready",
    "0 or 1",
    "Each reason that /readyz can give, and whether it stands in the way: starting, draining, storage_stalled, storage_full, storage_failed, no_metadata_leader",
    ["reason"],
    '`barnabas_unready{reason="storage_full"} == 1`: producers are refused until there is space',
  ),

  // ── connections ──
  connections: gauge("connections", "connections", "Open Kafka connections", ["listener"]),
  connectionsAccepted: counter("connections_accepted_total", "connections", "Kafka connections accepted", ["listener"]),
  connectionsRefused: counter(
    "connections_refused_total",
    "connections",
    "Kafka connections closed at once because a limit was reached",
    [],
    "`rate(barnabas_connections_refused_total[5m]) > 0`: `max.connections`, `max.connections.per.ip` or `max.connection.creation.rate`",
  ),
  receivedBytes: counter("network_received_bytes_total", "bytes", "Bytes that came in from Kafka clients", ["listener"]),
  sentBytes: counter("network_sent_bytes_total", "bytes", "Bytes that Kafka clients took", ["listener"]),
  peerEvents: counter(
    "peer_events_total",
    "events",
    "Peers that misbehaved or were refused, by sort",
    ["event"],
    '`increase(barnabas_peer_events_total{event="internalError"}[10m]) > 0`: a bug, the log has its stack',
  ),

  // ── requests ──
  requests: counter("requests_total", "requests", "Kafka requests of versions that are served", ["api", "version"]),
  requestSeconds: histogram(
    "request_seconds",
    "seconds",
    "From a request's last byte to its encoded reply. A fetch waits for data and a join for other members, as long as their clients ask for",
    ["api"],
    '`histogram_quantile(0.99, sum by (le) (rate(barnabas_request_seconds_bucket{api="Produce"}[5m]))) > 0.5`',
  ),
  requestErrors: counter(
    "request_errors_total",
    "errors",
    "Errors told to clients, by Kafka's name: a reply about ten partitions may tell ten. Many are the normal run of things (NOT_COORDINATOR, REBALANCE_IN_PROGRESS)",
    ["api", "error"],
    '`rate(barnabas_request_errors_total{error=~"KAFKA_STORAGE_ERROR|UNKNOWN_SERVER_ERROR|NOT_ENOUGH_REPLICAS"}[5m]) > 0`',
  ),
  requestFailures: counter(
    "request_failures_total",
    "requests",
    "Kafka requests answered with an error because their handler failed or was late",
    ["api"],
    "`rate(barnabas_request_failures_total[5m]) > 0`",
  ),
  requestsInFlight: gauge(
    "requests_in_flight",
    "requests",
    "Kafka requests without an answer yet, parked fetches and waiting group members included",
  ),

  // ── queues and memory ──
  fetchesParked: gauge("fetches_parked", "requests", "Fetches that wait for records"),
  fetchesWaiting: gauge(
    "fetches_waiting_for_memory",
    "requests",
    "Fetches that wait until replies of others have left",
    [],
    "above 0 for 1 minute: clients that read slowly hold the memory",
  ),
  fetchSessions: gauge("fetch_sessions", "sessions", "Fetch sessions that are kept"),
  memory: gauge(
    "memory_bytes",
    "bytes",
    "The memory account: requests (in work and arriving), request_buffers_idle (kept for the next), fetch_replies (read and not sent), wal_queue (waiting for a commit), unwritten (durable and not yet in their segment), index_cache, heap (JavaScript objects)",
    ["part"],
  ),
  readPauses: counter(
    "read_pauses_total",
    "pauses",
    "Connections that were not read for a while because requests held `queued.max.request.bytes`",
  ),
  requestMemoryRefusals: counter(
    "request_memory_refusals_total",
    "requests",
    "Requests whose connection was closed because there was no memory for them",
    [],
    "`increase(barnabas_request_memory_refusals_total[10m]) > 0`",
  ),

  // ── metadata ──
  topics: gauge("topics", "topics", "Topics in the metadata, internal ones included"),
  partitions: gauge("partitions", "partitions", "Partitions in the metadata", [], "above 80 % of `max.partitions`"),
  partitionsOffline: gauge(
    "partitions_offline",
    "partitions",
    "Partitions of this node whose log is refused (corrupt or missing files) while others serve",
    [],
    "`barnabas_partitions_offline > 0`",
  ),
  partitionsLeaderless: gauge(
    "partitions_leaderless",
    "partitions",
    "Partitions in the metadata that have no leader",
    [],
    "`barnabas_partitions_leaderless > 0` for 1 minute",
  ),
  metadataIndex: gauge("metadata_index", "entries", "Raft index of the last applied entry"),
  raftTerm: gauge("raft_term", "terms", "Raft term", [], "`changes(barnabas_raft_term[10m]) > 3`: elections again and again"),
  raftLeader: gauge("raft_leader", "0 or 1", "Whether this node leads the metadata"),
  raftSnapshotFailed: gauge(
    "raft_snapshot_failed",
    "0 or 1",
    "Whether the last snapshot of the metadata could not be stored: nothing is lost, but the log of Raft grows",
    [],
    "`barnabas_raft_snapshot_failed > 0` for 1 hour",
  ),

  // ── storage ──
  storageState: gauge(
    "storage_state",
    "0 or 1",
    "Which state storage is in: ok, stalled, full, failed",
    ["state"],
    '`barnabas_storage_state{state="ok"} == 0` for 10 seconds',
  ),
  walCommitSeconds: histogram(
    "wal_commit_seconds",
    "seconds",
    "Time of one commit round of the write-ahead log: its write and its sync; everything that waited is acknowledged by it",
    [],
    "`histogram_quantile(0.99, rate(barnabas_wal_commit_seconds_bucket[5m])) > 0.1`: the disk is slow",
  ),
  walWrittenBytes: counter("wal_written_bytes_total", "bytes", "Bytes written to the write-ahead log"),
  walSyncRunning: gauge(
    "wal_sync_running_seconds",
    "seconds",
    "How long the outstanding commit round has been running; 0 when none is",
    [],
    "`barnabas_wal_sync_running_seconds > 1`: the disk does not answer; the node ends at `wal.sync.exit.ms`",
  ),
  walQueueLimit: gauge(
    "wal_queue_limit_bytes",
    "bytes",
    '`wal.queue.bytes.max`: producers are refused when `barnabas_memory_bytes{part="wal_queue"}` reaches it',
  ),
  openFiles: gauge("open_log_files", "files", "Files of partitions that are open"),
  diskFree: gauge(
    "disk_free_bytes",
    "bytes",
    "Free space on the disk of the data directory",
    [],
    "`barnabas_disk_free_bytes / barnabas_disk_size_bytes < 0.15`",
  ),
  diskSize: gauge("disk_size_bytes", "bytes", "Size of the disk of the data directory"),
  logsSize: gauge("logs_size_bytes", "bytes", "Size of all logs of this node"),

  // ── topics: at most `metrics.topics.max` of them ──
  topicSize: gauge("topic_size_bytes", "bytes", "Size of a topic's logs on this node", ["topic"]),
  topicRecords: counter("topic_records_total", "records", "Readable records ever appended to a topic: the sum of its high watermarks", [
    "topic",
  ]),
  topicBytes: counter("topic_appended_bytes_total", "bytes", "Bytes of batches that became readable since the node started", ["topic"]),

  // ── groups ──
  groups: gauge("groups", "groups", "Consumer groups by state: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead", ["state"]),
  groupShards: gauge(
    "group_shards",
    "partitions",
    "Partitions of __consumer_offsets led here: loading or active",
    ["state"],
    '`barnabas_group_shards{state="loading"} > 0` for 5 minutes',
  ),
  groupRequestsWaiting: gauge(
    "group_requests_waiting",
    "requests",
    "Requests to groups without an answer yet: joins that wait for others, commits on their way",
  ),
  groupRebalances: counter(
    "group_rebalances_total",
    "rebalances",
    "Ends of rebalances",
    [],
    "`rate(barnabas_group_rebalances_total[10m]) > 0.1`: members come and go",
  ),
  groupLag: gauge(
    "group_lag_records",
    "records",
    "Records of a topic that a group has not committed, over all its partitions; at most `metrics.group.lag.max` rows",
    ["group", "topic"],
    "`barnabas_group_lag_records > N and deriv(barnabas_group_lag_records[10m]) > 0`: it falls behind",
  ),
  rowsOmitted: gauge(
    "metrics_rows_omitted",
    "rows",
    "Rows that were left out because there were more than the settings allow: topic or group_lag",
    ["family"],
  ),

  // ── deadlines ──
  deadlineExceeded: counter(
    "deadline_exceeded_total",
    "operations",
    "Operations whose deadline passed, by operation",
    ["op"],
    '`increase(barnabas_deadline_exceeded_total{op=~"wal.*"}[10m]) > 0`',
  ),
  deadlineUsed: histogram("deadline_used_share", "share of 1", "Share of their time budget that operations used; more than 1 means late", [
    "op",
  ]),

  // ── the process, under the names that all exporters use ──
  processCpu: declare("counter", "")("process_cpu_seconds_total", "seconds", "CPU time of the process, user and system"),
  processResident: declare("gauge", "")(
    "process_resident_memory_bytes",
    "bytes",
    "Resident memory of the process",
    [],
    "above what its container may have, less 20 %",
  ),
  processOpenFds: declare("gauge", "")(
    "process_open_fds",
    "descriptors",
    "Open file descriptors",
    [],
    "`process_open_fds / process_max_fds > 0.8`",
  ),
  processMaxFds: declare("gauge", "")("process_max_fds", "descriptors", "Most file descriptors that the process may open"),
  processStart: declare("gauge", "")(
    "process_start_time_seconds",
    "seconds since 1970",
    "When the process started",
    [],
    "`changes(process_start_time_seconds[30m]) > 2`: it starts again and again",
  ),
} as const;
