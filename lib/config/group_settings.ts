/**
 * Settings of groups and of client metrics: the names, types and defaults of Apache Kafka 4.3.1, so that its tools find what they know.
 * Kafka reads none of them for classic groups, whose members bring their own timeouts, and those are the groups that are served; so each
 * takes its default only (docs/decisions/13_groups_and_features.md). Source: KIP-848, KIP-932, KIP-1071, KIP-714.
 */
import { flag, int, list, text } from "./declare.ts";
import type { Synonym } from "./setting.ts";

/** Settings that only their default fits, and the broker settings behind them. */
const inertFor = (reason: string) => (...names: readonly string[]) => ({
  inert: reason,
  synonyms: names.map((name): Synonym => ({ name, multiplier: 1 })),
});
const consumer = inertFor("groups are classic, their members say their own timeouts (no KIP-848)");
const share = inertFor("share groups are not served");
const streams = inertFor("streams groups are not served");
const telemetry = { inert: "clients are not asked for their metrics" };

export const groupSettings = [
  int(
    "consumer.assignment.interval.ms",
    1_000,
    "Time between two assignments of a consumer group",
    consumer("group.consumer.assignment.interval.ms"),
  ),
  int(
    "consumer.heartbeat.interval.ms",
    5_000,
    "Heartbeat interval of a consumer group's members",
    consumer("group.consumer.heartbeat.interval.ms"),
  ),
  int(
    "consumer.session.timeout.ms",
    45_000,
    "Silence after which a consumer group's member is gone",
    consumer("group.consumer.session.timeout.ms"),
  ),
  int("share.assignment.interval.ms", 1_000, "Time between two assignments of a share group", share("group.share.assignment.interval.ms")),
  text("share.auto.offset.reset", "latest", "Where a share group begins", share()),
  int("share.delivery.count.limit", 5, "How often a record is offered to a share group", share("group.share.delivery.count.limit")),
  int("share.heartbeat.interval.ms", 5_000, "Heartbeat interval of a share group's members", share("group.share.heartbeat.interval.ms")),
  text("share.isolation.level", "read_uncommitted", "Whether a share group waits for transactions", share()),
  int(
    "share.partition.max.record.locks",
    2_000,
    "Records of a partition that a share group may hold",
    share("group.share.partition.max.record.locks"),
  ),
  int("share.record.lock.duration.ms", 30_000, "How long a share group may hold a record", share("group.share.record.lock.duration.ms")),
  flag("share.renew.acknowledge.enable", true, "Whether a share group may hold a record for longer", share()),
  int("share.session.timeout.ms", 45_000, "Silence after which a share group's member is gone", share("group.share.session.timeout.ms")),
  int(
    "streams.assignment.interval.ms",
    1_000,
    "Time between two assignments of a streams group",
    streams("group.streams.assignment.interval.ms"),
  ),
  int(
    "streams.heartbeat.interval.ms",
    5_000,
    "Heartbeat interval of a streams group's members",
    streams("group.streams.heartbeat.interval.ms"),
  ),
  int(
    "streams.initial.rebalance.delay.ms",
    3_000,
    "How long a new streams group waits for members",
    streams("group.streams.initial.rebalance.delay.ms"),
  ),
  int("streams.num.standby.replicas", 0, "Standby replicas of each task", streams("group.streams.num.standby.replicas")),
  int(
    "streams.session.timeout.ms",
    45_000,
    "Silence after which a streams group's member is gone",
    streams("group.streams.session.timeout.ms"),
  ),
] as const;

export const clientMetricsSettings = [
  int("interval.ms", 300_000, "Time between two reports of a client", telemetry),
  list("match", [], "Which clients report", telemetry),
  list("metrics", [], "Names, or their beginnings, of what is reported", telemetry),
] as const;
