/** `barnabas cluster info` and `barnabas cluster brokers`. */
import { command } from "../declare.ts";

export const info = command({
  name: "info",
  summary: "show the cluster in a few lines",
  connects: true,
  json: "clusterId, controller, brokers, topics, partitions, offline, underReplicated",
  flags: {},
  arguments: {},
  examples: [{ command: "barnabas cluster info", does: "of the broker on this machine" }],
  async run({ clients, out }) {
    const admin = await clients.admin();
    const [cluster, topics] = await Promise.all([admin.describeCluster(), admin.listTopics({ internal: true })]);
    const partitions = topics.flatMap((topic) => topic.partitions);
    const value = {
      clusterId: cluster.clusterId,
      controller: cluster.controller,
      brokers: cluster.nodes.length,
      topics: topics.length,
      partitions: partitions.length,
      offline: partitions.filter(({ leader }) => leader < 0).length,
      underReplicated: partitions.filter(({ isr, replicas }) => isr.length < replicas.length).length,
    };
    await out.result(value, () =>
      out.fields([
        ["Cluster id", value.clusterId],
        ["Controller", value.controller],
        ["Brokers", value.brokers],
        ["Topics", value.topics],
        ["Partitions", value.partitions],
        ["Offline", value.offline],
        ["Under-replicated", value.underReplicated],
      ]));
  },
});

export const brokers = command({
  name: "brokers",
  summary: "list the brokers and their addresses",
  connects: true,
  json: "an array of id, host, port, rack, isController, leads, replicas",
  flags: {},
  arguments: {},
  examples: [{ command: "barnabas cluster brokers", does: "as clients are told to find them" }],
  async run({ clients, out }) {
    const admin = await clients.admin();
    const [cluster, topics] = await Promise.all([admin.describeCluster(), admin.listTopics({ internal: true })]);
    const partitions = topics.flatMap((topic) => topic.partitions);
    const rows = cluster.nodes.toSorted((a, b) => a.id - b.id).map(({ id, host, port, rack }) => ({
      id,
      host,
      port,
      rack,
      isController: id === cluster.controller,
      leads: partitions.filter(({ leader }) => leader === id).length,
      replicas: partitions.filter(({ replicas }) => replicas.includes(id)).length,
    }));
    await out.result(rows, () =>
      out.table(
        [
          { title: "ID", align: "right" },
          { title: "HOST" },
          { title: "PORT", align: "right" },
          { title: "RACK" },
          { title: "CONTROLLER" },
          { title: "LEADS", align: "right" },
          { title: "REPLICAS", align: "right" },
        ],
        rows.map(({ id, host, port, rack, isController, leads, replicas }) => [
          id,
          host,
          port,
          rack,
          isController ? "yes" : "no",
          leads,
          replicas,
        ]),
      ));
  },
});
