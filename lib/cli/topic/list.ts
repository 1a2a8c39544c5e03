/** `barnabas topic list`. */
import type { TopicView } from "../../client/mod.ts";
import { command } from "../declare.ts";

export const list = command({
  name: "list",
  summary: "list topics",
  connects: true,
  json: "an array of name, topicId, isInternal, partitions, replicationFactor, underReplicated, offline",
  flags: { "internal": { type: "boolean", help: "with Kafka's own topics, like __consumer_offsets" } },
  arguments: { pattern: { label: "PATTERN", help: 'only names like this; "*" stands for anything', optional: true, completes: "topic" } },
  examples: [
    { command: "barnabas topic list", does: "all topics of the broker on this machine" },
    { command: "barnabas topic list 'orders-*' --json", does: "some of them, for a program" },
  ],
  async run({ clients, out }, { flags, args }) {
    const admin = await clients.admin();
    const fits = matcher(args.pattern ?? "*");
    const topics = (await admin.listTopics({ internal: flags.internal })).filter(({ name }) => fits(name))
      .toSorted((a, b) => a.name < b.name ? -1 : 1).map(summaryOf);
    await out.result(topics, () =>
      out.table(
        [{ title: "TOPIC" }, { title: "PARTITIONS", align: "right" }, { title: "REPLICAS", align: "right" }, { title: "TROUBLE" }],
        topics.map(({ name, partitions, replicationFactor, underReplicated, offline }) => [
          name,
          partitions,
          replicationFactor,
          [...(offline > 0 ? [`${offline} offline`] : []), ...(underReplicated > 0 ? [`${underReplicated} under-replicated`] : [])].join(
            ", ",
          ),
        ]),
      ));
  },
});

/** What a list says of a topic. */
export function summaryOf({ name, topicId, isInternal, partitions }: TopicView) {
  return {
    name,
    topicId,
    isInternal,
    partitions: partitions.length,
    replicationFactor: Math.max(0, ...partitions.map(({ replicas }) => replicas.length)),
    underReplicated: partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length,
    offline: partitions.filter(({ leader }) => leader < 0).length,
  };
}

/** Names like `pattern`, in which only the star means something. */
export function matcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[^\w-]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join("[^]*")}$`);
  return (name) => expression.test(name);
}
