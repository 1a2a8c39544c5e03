/** Which names a topic may have (Kafka's rule, HAZARDS S2). Names never become paths; this is not what keeps the disk safe. */

const LEGAL = /^[a-zA-Z0-9._-]+$/;
const LENGTH_MAX = 249;

/** Why `name` cannot be a topic, or null. */
export function topicNameProblem(name: string): string | null {
  if (name === "") return "Cannot use an empty topic name";
  if (name === "." || name === "..") return `Cannot use "${name}" as a topic name`;
  if (name.length > LENGTH_MAX) return `Cannot use a topic name of ${name.length} characters: at most ${LENGTH_MAX} are allowed`;
  if (!LEGAL.test(name)) return `Cannot use ${JSON.stringify(name)} as a topic name: only letters, digits, ".", "_" and "-" are allowed`;
  return null;
}

/** Kept by the brokers themselves; shown as internal and hidden from wildcard subscriptions. */
const internalTopics: ReadonlySet<string> = new Set(["__consumer_offsets", "__transaction_state", "__share_group_state"]);
export const isInternalTopic = (name: string): boolean => internalTopics.has(name);

/** Kafka keeps its own metadata under this name; it must not exist as a topic. */
export const RESERVED_TOPIC = "__cluster_metadata";
