/** What settings must be to each other, once each of them is fine by itself. Looks at values only, opens nothing. */
import { formatAddress, parseAddress, parseListeners } from "./listeners.ts";
import type { BrokerSettings } from "./node_settings.ts";

/** Why a node with these settings cannot start; every reason. */
export function settingProblems(settings: BrokerSettings): readonly string[] {
  const problems: string[] = [];
  const planned = parseListeners(settings);
  if (!planned.ok) problems.push(...planned.problems);
  problems.push(...adminProblems(settings));
  if (settings.logDirs === "") problems.push(`Invalid value "" for "log.dirs": accepted is the path of a directory`);
  if (settings.logDirs.includes(",")) {
    problems.push(
      `Cannot use "log.dirs=${settings.logDirs}": all data is in one directory here, name one (RAID or LVM makes one volume of several disks)`,
    );
  }
  const ordered = (low: [string, number], high: [string, number]) => {
    if (low[1] > high[1]) problems.push(`Cannot use "${low[0]}=${low[1]}": it is above "${high[0]}=${high[1]}"`);
  };
  ordered(["group.min.session.timeout.ms", settings.groupMinSessionTimeoutMs], [
    "group.max.session.timeout.ms",
    settings.groupMaxSessionTimeoutMs,
  ]);
  ordered(["wal.sync.stall.ms", settings.walSyncStallMs], ["wal.sync.exit.ms", settings.walSyncExitMs]);
  return problems;
}

function adminProblems({ adminListener, listeners }: BrokerSettings): readonly string[] {
  if (adminListener === "none") return [];
  const parsed = parseAddress(adminListener);
  if (!parsed.ok || adminListener.includes("://")) {
    return [`Invalid value "${adminListener}" for "admin.listener": accepted is host:port, with IPv6 in brackets, or none`];
  }
  const { host, port } = parsed.value;
  const taken = listeners.some((text) => {
    const other = parseAddress(text);
    return other.ok && port !== 0 && other.value.port === port && other.value.host === host;
  });
  return taken ? [`Cannot use "admin.listener=${formatAddress(host, port)}": a Kafka listener has this address`] : [];
}

/** What one node cannot give, although it may be asked for. */
export function settingWarnings(settings: BrokerSettings): readonly string[] {
  const warnings: string[] = [];
  const one = (name: string, value: number, what: string) => {
    if (value > 1) warnings.push(`"${name}" is ${value} and there is one node: ${what}, set it to 1`);
  };
  one("default.replication.factor", settings.defaultReplicationFactor, "topics that do not say how many replicas they have cannot be made");
  one("offsets.topic.replication.factor", settings.offsetsTopicReplicationFactor, "no group can commit");
  one("min.insync.replicas", settings.minInsyncReplicas, "nobody can produce with acks=all");
  return warnings;
}
