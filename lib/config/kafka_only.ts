/**
 * Settings of Apache Kafka 4.3.1 that Barnabas does not have: for each, why it can be passed over, or why a node that was told so must not
 * start. What would change its meaning unnoticed (security, several directories, several nodes) is refused, never ignored.
 */
import { suggestion } from "./names.ts";

/** The settings that count in the end, by name; also those that are nobody's. */
export type Given = (name: string) => string | undefined;

export type Verdict =
  /** What it asks for is so anyway. */
  | { readonly kind: "met" }
  /** It has no effect here. */
  | { readonly kind: "ignored" }
  | { readonly kind: "refused"; readonly message: string };

export interface KafkaOnly {
  readonly names: RegExp;
  /** A word or two that such settings have in common. */
  readonly group: string;
  /** Why there is no such setting, or what does its work. */
  readonly why: string;
  /** Absent: it is ignored, whatever the value. */
  readonly judge?: (value: string, name: string, given: Given) => Verdict;
}

const met: Verdict = { kind: "met" };
const ignored: Verdict = { kind: "ignored" };
const refused = (name: string, value: string, why: string): Verdict => ({
  kind: "refused",
  message: `Cannot start with "${name}=${value}": ${why}`,
});
const always = (): Verdict => met;
const words = (value: string): readonly string[] => value.split(",").map((word) => word.trim()).filter((word) => word !== "");
const off = (value: string): boolean => /^\s*(?:false)?\s*$/i.test(value);

/** Nothing may be said for it: a class that decides, or a part that is not there. */
const refusedWhenSet = (why: string) => (value: string, name: string): Verdict => value.trim() === "" ? ignored : refused(name, value, why);
const refusedWhenTrue = (why: string) => (value: string, name: string): Verdict => off(value) ? ignored : refused(name, value, why);

const POLICY = "no Java class can be loaded, and without this one requests would pass that it forbids: leave it out if that is fine";

export const kafkaOnly: readonly KafkaOnly[] = [
  // ── one node that is broker and controller ──
  { names: /^process\.roles$/, group: "one node", why: "a node is always broker and controller", judge: roles },
  { names: /^controller\.quorum\.voters$/, group: "one node", why: "the node is the only voter of its cluster", judge: voters },
  {
    names: /^controller\.quorum\.bootstrap\.servers$/,
    group: "one node",
    why: "the node is its own controller",
    judge: (value, name) => words(value).length > 1 ? refused(name, value, SEVERAL_NODES) : met,
  },
  {
    names: /^(?:controller\.listener\.names|inter\.broker\.listener\.name|early\.start\.listeners)$/,
    group: "one node",
    why: "the node talks to no other, so its controller has no listener",
    judge: always,
  },
  { names: /^zookeeper\./, group: "one node", why: "there is no ZooKeeper: the node keeps its metadata itself" },
  {
    names:
      /^(?:replica\.|num\.replica\.|replication\.quota\.|alter\.log\.dirs\.|leader\.imbalance\.|auto\.leader\.rebalance\.|controlled\.shutdown\.)/,
    group: "one node",
    why: "there is no other node to replicate to or to move leaders to",
  },
  {
    names: /^(?:controller\.|broker\.(?:heartbeat|session|id\.generation)\.|initial\.broker\.|reserved\.broker\.)/,
    group: "one node",
    why: "timeouts and quotas between nodes mean nothing to one",
  },
  {
    names: /^unclean\.leader\.election\./,
    group: "one node",
    why: "a replica that is not in sync never becomes leader: it would lose acknowledged records",
  },

  // ── security ──
  { names: /^security\.inter\.broker\.protocol$/, group: "security", why: "nodes do not talk to each other", judge: protocol },
  {
    names: /^authorizer\.class\.name$/,
    group: "security",
    why: "there is no authorizer",
    judge: refusedWhenSet(
      "Barnabas has no authorizer, and without it everybody may do everything: leave it out, and listen only on networks that you trust",
    ),
  },
  { names: /^(?:super\.users|allow\.everyone\.if\.no\.acl\.found)$/, group: "security", why: "there is no authorizer that would read it" },
  {
    names:
      /^(?:ssl|sasl|delegation\.token|security|principal|connections\.max\.reauth|connection\.failed\.authentication|password\.encoder)\b/,
    group: "security",
    why: "it concerns SSL and SASL listeners, and those are refused by name",
  },

  // ── storage ──
  {
    names: /^log\.flush\./,
    group: "durability",
    why: "every acknowledged batch is on the disk before it is acknowledged",
    judge: always,
  },
  {
    names: /^remote\.|^rsm\.config\.|^rlmm\.config\.|^log\.local\.retention\.|^follower\.fetch\.last\.tiered/,
    group: "tiered storage",
    why: "there is no remote storage",
    judge: (value, name) =>
      name === "remote.log.storage.system.enable"
        ? refusedWhenTrue("there is no remote storage, everything stays in the data directory: leave it out")(value, name)
        : ignored,
  },
  {
    names: /^log\.cleaner\.enable$/,
    group: "compaction",
    why: "compaction is always there for the topics that ask for it",
    judge: (value, name) =>
      off(value) && value.trim() !== ""
        ? refused(name, value, "compaction cannot be turned off: set log.cleanup.policy, or cleanup.policy of a topic, instead")
        : met,
  },
  { names: /^log\.cleaner\./, group: "compaction", why: "one log at a time is compacted, with log.cleaner.dedupe.buffer.size of memory" },
  {
    names: /^(?:metadata\.|internal\.metadata\.)/,
    group: "metadata log",
    why: "metadata is in the write-ahead log of the data directory, with everything else",
  },
  {
    names:
      /^(?:log\.preallocate|log\.index\.size\.max\.bytes|log\.roll\.jitter\.(?:ms|hours)|log\.dir\.failure\.timeout\.ms|cordoned\.log\.dirs|num\.recovery\.threads\.per\.data\.dir)$/,
    group: "files",
    why: "files grow as they are written, segments roll when they are due, and there is one directory",
  },
  { names: /^compression\.(?:gzip|lz4|zstd)\.level$/, group: "compression", why: "the broker compresses at the codec's own level" },
  {
    names: /^log\.message\.format\.version$|^inter\.broker\.protocol\.version$/,
    group: "versions",
    why: "there is one format, the current one",
  },

  // ── work and memory ──
  {
    names: /^(?:num\.(?:network|io)\.threads|background\.threads|queued\.max\.requests)$|\.purgatory\./,
    group: "threads",
    why: "one event loop serves all; queued.max.request.bytes and connection.requests.max bound its work",
  },
  {
    names: /^socket\.(?:send|receive|listen|connection)\./,
    group: "sockets",
    why: "the system sizes buffers and backlog",
  },
  { names: /^max\.connections\.per\.ip\.overrides$/, group: "sockets", why: "max.connections.per.ip is the same for all addresses" },
  { names: /^listener\.name\./, group: "listeners", why: "settings are the same for all listeners" },
  { names: /^(?:quota\.|client\.quota\.)/, group: "quotas", why: "clients are not throttled by quota" },
  {
    names: /^(?:max\.request\.partition\.size\.limit|server\.max\.startup|unstable\.|config\.providers)/,
    group: "others",
    why: "there is nothing here that it could change",
  },
  {
    names: /^(?:metric\.reporters|metrics\.|kafka\.metrics\.|telemetry\.|auto\.include\.jmx|client\.metrics)/,
    group: "metrics",
    why: "metrics are for Prometheus, at /metrics of the admin listener",
  },

  // ── features ──
  {
    names: /^(?:create\.topic|alter\.config)\.policy\.class\.name$/,
    group: "policies",
    why: "there are no policies",
    judge: refusedWhenSet(POLICY),
  },
  {
    names: /^(?:transaction\.|transactional\.|add\.partitions\.to\.txn\.)/,
    group: "transactions",
    why: "transactions are not served; idempotent producers are",
  },
  {
    names: /^(?:group\.coordinator|offsets\.(?:commit|load|topic\.compression))\./,
    group: "groups",
    why: "the coordinator works in the same event loop and commits with everything else",
  },
  {
    names: /^(?:group\.(?:consumer|share|streams)|share)\./,
    group: "groups",
    why: "the classic protocol of groups is served, not those of KIP-848, KIP-932 and KIP-1071",
  },
  { names: /^(?:confluent\.|rest\.|schema\.registry\.)/, group: "other programs", why: "it belongs to programs that are not Apache Kafka" },
];

const SEVERAL_NODES = "it names several nodes, and Barnabas would be several clusters of one node: name this node only, or leave it out";

/** The rule for a setting that is not ours, or null: then nobody knows it. */
export function kafkaOnlyRule(name: string): KafkaOnly | null {
  return kafkaOnly.find((rule) => rule.names.test(name)) ?? null;
}

function roles(value: string, name: string): Verdict {
  const given = new Set(words(value));
  if (given.has("broker") && given.has("controller") && given.size === 2) return met;
  const unknown = [...given].find((word) => word !== "broker" && word !== "controller");
  if (unknown !== undefined) {
    return refused(name, value, `accepted are broker and controller${suggestion(unknown, ["broker", "controller"])}`);
  }
  return refused(name, value, "a node is broker and controller at once: write broker,controller, or leave it out");
}

function voters(value: string, name: string, given: Given): Verdict {
  const all = words(value);
  const wrong = all.find((voter) => !/^\d+@.+:\d+$/.test(voter));
  if (wrong !== undefined) return refused(name, value, `"${wrong}" is no voter: write ID@HOST:PORT`);
  if (all.length > 1) return refused(name, value, SEVERAL_NODES);
  const id = all[0]?.split("@")[0];
  const own = given("node.id") ?? "1";
  return id === undefined || Number(id) === Number(own)
    ? met
    : refused(name, value, `the voter is ${id}, and this node is ${own} by node.id`);
}

function protocol(value: string, name: string): Verdict {
  return value.trim().toUpperCase() === "PLAINTEXT" ? met : refused(name, value, "only PLAINTEXT is served: leave it out");
}
